"""A remedy for Snakemake's scheduler, which wakes more often with every job that ends.

Seen in 9.27: each pass of the scheduler starts a timer that causes another pass a second later, so
there are as many passes a second as jobs have ended; after some hundred they take a core for
themselves (`benchmarks/README.md`). One timer at a time is enough.
"""

import threading
from typing import Any

from snakemake.scheduling.job_scheduler import JobScheduler

_METHOD = "_schedule_reevalutation"  # spelt so


def wake_once() -> None:
    """From here on a scheduler has at most one timer, which does not keep the program alive."""
    if not hasattr(JobScheduler, _METHOD):  # another version, and perhaps mended there
        return
    waiting = threading.Lock()

    def schedule(self: Any, delay: float) -> None:
        if not waiting.acquire(blocking=False):
            return

        def wake() -> None:
            waiting.release()
            self._open_jobs.release()

        timer = threading.Timer(delay, wake)
        timer.daemon = True
        timer.start()

    setattr(JobScheduler, _METHOD, schedule)
