"""How many threads there are to use: joblib tells its workers their share of the machine."""

import os
from contextlib import AbstractContextManager
from typing import Any


def asked_threads() -> int | None:
    """Read how many threads OMP_NUM_THREADS allows; of a list, one a level of nesting, the outermost.

    Returns
    -------
    int or None
        At least 1; None where nothing is asked for.
    """
    outermost = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(outermost) or None if outermost.isdigit() else None


def n_threads() -> int:
    """Count the cores that this process may use, or fewer where OMP_NUM_THREADS allows fewer.

    Returns
    -------
    int
        At least 1.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, asked_threads() or cores)


def one_blas_thread() -> AbstractContextManager[Any]:
    """Let matrix products run in one thread: where they are small, threads only wait for each other.

    Returns
    -------
    context manager
        The limit is in force inside it.
    """
    import scipy.linalg  # noqa: F401 - it brings a library of its own, which is to be found
    from threadpoolctl import ThreadpoolController

    # Made anew each time, in 5 ms: others may have been loaded since.
    return ThreadpoolController().limit(limits=1, user_api="blas")  # type: ignore[no-any-return]
