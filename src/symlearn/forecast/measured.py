"""What jobs took: Snakemake's benchmark files, and the table of them that is shipped."""

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from symlearn.forecast.work import Work, work_of
from symlearn.specs import Cell

REFERENCE = Path(__file__).with_name("reference.tsv")
# What comes after all figures, and what each of these jobs makes in the figures' folder.
CLOSING_JOBS: Mapping[str, tuple[str, ...]] = {
    "claims": ("claims.csv", "claims.md", "claims.html"),
    "gallery": ("gallery.html",),
    "bundle": ("bundle.zip",),
}
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


def benchmark_path(results: Path, cell: Cell) -> Path:
    """Where the benchmark of a cell lies below the results of a preset."""
    if cell.stage in CLOSING_JOBS:
        return results / "benchmarks" / f"{cell.stage}.tsv"
    name = cell.settings["figure"] if cell.stage == "figures" else cell.name
    return results / "benchmarks" / cell.stage / f"{name}.tsv"


def output_files(results: Path, cell: Cell) -> list[Path]:
    """The files that a cell makes, the one with a sidecar first."""
    folder = results.parents[1] / "figures" / results.name
    if cell.stage in CLOSING_JOBS:
        return [folder / name for name in CLOSING_JOBS[cell.stage]]
    if cell.stage == "figures":
        figure = folder / cell.settings["figure"]
        endings = (".pdf", ".pdf.json", ".png", ".nc", ".txt")
        return [figure.with_name(figure.name + ending) for ending in endings]
    made = results / cell.stage / f"{cell.name}.nc"
    return [made, made.with_name(made.name + ".json")]


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
        with path.open(newline="") as stream:
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
