"""Whether there is memory enough, asked before libraries that crash without it are loaded."""

import os

NOT_ENOUGH = (
    "There is not enough memory for this. Close other programs, or do less at once: smaller "
    "pictures, fewer threads, smaller batches."
)

# What NumPy, OpenCV and ONNX Runtime map into a process when they are loaded, and the stacks of
# the threads that they start for each core, which are no more than so many.
_LEAST_MIB = 1024
_MIB_A_CORE = 16
_MOST_CORES = 64

# What the errors of libraries contain when memory is short.
SIGNS = (
    "bad_alloc",
    "can't start new thread",
    "Insufficient memory",
    "Failed to allocate",
    "Cannot allocate memory",
)


def why_too_little() -> str:
    """Why this process may not have the memory that it needs; empty where it may."""
    try:
        import resource
    except ImportError:  # there is none on Windows, and no such limit
        return ""

    needed = _LEAST_MIB + _MIB_A_CORE * min(_cores(), _MOST_CORES)
    for option, kind in (("-v", resource.RLIMIT_AS), ("-d", resource.RLIMIT_DATA)):
        limit, _ = resource.getrlimit(kind)
        if limit != resource.RLIM_INFINITY and limit < needed << 20:
            return (
                f"Memory is short: this process may take {limit >> 20} MiB (ulimit {option}), and "
                f"NumPy, OpenCV and ONNX Runtime need {needed} on this machine. Raise the limit: "
                f"ulimit {option} unlimited."
            )
    return ""


def _cores() -> int:
    """The cores that this process may use: on a shared machine often a few of very many."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_shortage(error: BaseException) -> bool:
    """Whether an error, of Python or of a library, says that there is too little memory.

    >>> is_shortage(MemoryError()), is_shortage(RuntimeError("can't start new thread"))
    (True, True)
    >>> is_shortage(RuntimeError("a bug"))
    False
    """
    if isinstance(error, MemoryError):
        return True
    return any(sign in str(error) for sign in SIGNS)
