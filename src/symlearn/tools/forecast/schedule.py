"""How long jobs take together: they are started as their inputs are made and cores are free."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Job:
    """A job by the names of what it waits for, and what it takes."""

    name: str
    after: tuple[str, ...]
    seconds: float
    threads: int = 1

    def with_seconds(self, seconds: float) -> "Job":
        """The same job with another length."""
        return replace(self, seconds=seconds)


def wall_time(jobs: Mapping[str, Job], cores: int) -> float:
    """Seconds until the last of `jobs` has ended on so many cores.

    Names in `after` that are no jobs count as made. Ready jobs start in the order of `jobs`, as
    far as cores are free; a job with more threads than cores runs on all of them.
    """
    waits = {name: {other for other in job.after if other in jobs} for name, job in jobs.items()}
    readers: dict[str, list[str]] = {name: [] for name in jobs}
    for name, others in waits.items():
        for other in others:
            readers[other].append(name)
    rank = {name: position for position, name in enumerate(jobs)}
    ready = [(rank[name], name) for name, others in waits.items() if not others]
    heapq.heapify(ready)
    running: list[tuple[float, int, str]] = []
    now, free = 0.0, cores
    while ready or running:
        held = []
        while ready and free:
            position, name = heapq.heappop(ready)
            threads = min(jobs[name].threads, cores)
            if threads > free:
                held.append((position, name))
                continue
            free -= threads
            heapq.heappush(running, (now + jobs[name].seconds, threads, name))
        for waiting in held:
            heapq.heappush(ready, waiting)
        now, threads, name = heapq.heappop(running)
        free += threads
        for reader in readers[name]:
            waits[reader].discard(name)
            if not waits[reader]:
                heapq.heappush(ready, (rank[reader], reader))
    return now
