"""A progress bar where tqdm is installed; without it the work goes on silently."""


def progress(items, **options):
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return items
    return tqdm(items, **options)
