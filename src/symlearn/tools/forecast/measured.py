"""What jobs took: Snakemake's benchmark files, and the table of them that is shipped."""

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from symlearn.pipeline.outputs import benchmark_path, output_files
from symlearn.pipeline.specs import Cell
from symlearn.tools.forecast.work import Work, work_of

REFERENCE = Path(__file__).with_name("reference.tsv")
_KIB = 1024.0


@dataclass(frozen=True)
class Cost:
    """What a job takes: wall time, peak memory in MiB, size of its files in KiB."""

    seconds: float
    memory: float
    disk: float


class Benchmark(NamedTuple):
    """A benchmark file: wall time, peak memory in MiB, processor time; NaN for what is not known.

    Snakemake samples memory and processor time, which it misses in jobs of a fraction of a second.
    """

    seconds: float
    memory: float
    processor: float


Measurement = tuple[Work, Cost]


def measured(results: Path, cell: Cell) -> Cost | None:
    """What a cell took when it ran here last, or None."""
    read = read_benchmark(benchmark_path(results, cell))
    if read is None:
        return None
    sizes = [path.stat().st_size for path in output_files(results, cell) if path.is_file()]
    return Cost(read.seconds, read.memory, sum(sizes) / _KIB)


def undisturbed(results: Path, cell: Cell) -> Cost | None:
    """As `measured`, with the time that the job would have taken on cores of its own.

    That is the processor's, which other work on the machine does not lengthen; for a job on a GPU,
    which waits for it, it stays the wall time.
    """
    cost, work = measured(results, cell), work_of(cell)
    read = read_benchmark(benchmark_path(results, cell))
    if cost is None or read is None or work.gpus or math.isnan(read.processor):
        return cost
    return replace(cost, seconds=min(cost.seconds, read.processor / work.threads))


def measurements(
    results: Path, cells: Iterable[Cell], cost_of: Callable[[Path, Cell], Cost | None] = measured
) -> Iterator[Measurement]:
    """The cells that were measured here, with their work."""
    for cell in cells:
        cost = cost_of(results, cell)
        if cost is not None:
            yield work_of(cell), cost


def read_benchmark(path: Path) -> Benchmark | None:
    """What a benchmark file says, or None where it is missing or is no benchmark."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            row = next(csv.DictReader(stream, delimiter="\t"))
        numbers = (_number(row[column]) for column in ("s", "max_rss", "cpu_time"))
        return Benchmark(*numbers)
    except (OSError, StopIteration, KeyError, TypeError, ValueError):
        return None


def reference() -> list[Measurement]:
    """The measurements that are shipped with the package, for machines that have none."""
    with REFERENCE.open(newline="") as stream:
        lines = (line for line in stream if not line.startswith("#"))
        return [_measurement(row) for row in csv.DictReader(lines, delimiter="\t")]


def _measurement(row: dict[str, str]) -> Measurement:
    work = Work(row["kind"], float(row["amount"]), float(row["values"]))
    return work, Cost(float(row["seconds"]), _number(row["memory"]), float(row["disk"]))


def _number(text: str) -> float:
    return math.nan if text in ("NA", "-", "") else float(text)
