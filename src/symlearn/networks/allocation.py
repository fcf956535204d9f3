"""The C library's memory for a training loop."""

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # GNU's numbers of these parameters


def keep_freed_memory() -> None:
    """Have freed memory kept for the next allocation, not handed back to the operating system.

    Each training step allocates its gradients anew; pages fresh from the system cost up to half
    of the step (`benchmarks/README.md`). Nothing happens where the C library is not GNU's.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, -1)
