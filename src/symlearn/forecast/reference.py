"""Makes the table of reference measurements from the benchmark files of runs on this machine.

Run by hand after a change of the algorithms, in a folder with finished runs:
`python -m symlearn.forecast.reference quick standard`.
"""

import argparse
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from pathlib import Path
from statistics import median

from symlearn.config import load
from symlearn.forecast.commands import guarded
from symlearn.forecast.forecast import collect
from symlearn.forecast.measured import REFERENCE, Cost, Measurement, undisturbed
from symlearn.forecast.work import Work

_COLUMNS = ("kind", "amount", "values", "seconds", "memory", "disk")


def table(found: Iterable[Measurement], machine: str) -> str:
    """The measurements as text: one line for each kind and amount, the median of its jobs."""
    alike: dict[Work, list[Cost]] = {}
    for work, cost in found:
        alike.setdefault(work, []).append(cost)
    lines = [
        "# What jobs took; made by `python -m symlearn.forecast.reference`, by hand.",
        f"# {machine}. Seconds on a core of its own, memory in MiB, disk in KiB.",
        "\t".join(_COLUMNS),
    ]
    for work in sorted(alike, key=lambda work: (work.kind, work.amount, work.values)):
        costs = [median(column) for column in zip(*map(astuple, alike[work]), strict=True)]
        numbers = (f"{number:.5g}" for number in (work.amount, work.values, *costs))
        lines.append("\t".join((work.kind, *numbers)))
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m symlearn.forecast.reference")
    parser.add_argument("presets", nargs="+", help="whose results to read")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument("--out", type=Path, default=REFERENCE, help="file to write")
    arguments = parser.parse_args(argv)
    machine = f"{platform.machine()}, {os.cpu_count()} cores"

    def run() -> None:
        found = collect(load(arguments.config), arguments.presets, undisturbed)
        arguments.out.write_text(table(found, machine))

    return guarded("forecast.reference", run)


if __name__ == "__main__":
    sys.exit(main())
