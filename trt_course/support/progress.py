"""A progress bar where tqdm is installed; without it the work goes on silently."""

from typing import Any, Iterable, TypeVar

Item = TypeVar("Item")


def progress(items: Iterable[Item], **options: Any) -> Iterable[Item]:
    """The same items, with a bar that shows how far it is; the options are tqdm's.

    >>> sum(progress([1, 2], disable=True))
    3
    """
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return items
    return tqdm(items, **options)
