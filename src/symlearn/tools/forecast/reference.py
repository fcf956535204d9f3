"""Makes the table of reference measurements from the benchmark files of runs on this machine.

Run by hand after a change of the algorithms, in a folder with finished runs: `symlearn reference
quick standard`. Kinds of jobs that these runs had none of keep the rows that they have.
"""

import argparse
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from pathlib import Path
from statistics import median

from symlearn import plan
from symlearn.config import Config
from symlearn.errors import ConfigError
from symlearn.pipeline.specs import write_changed
from symlearn.tools.commands import configfile_option, guarded, loaded
from symlearn.tools.forecast.forecast import collect
from symlearn.tools.forecast.measured import REFERENCE, Cost, Measurement, reference, undisturbed
from symlearn.tools.forecast.work import Work

_COLUMNS = ("kind", "amount", "values", "seconds", "memory", "disk")


def table(found: Iterable[Measurement], machine: str) -> str:
    """The measurements as text: one line for each kind and amount, the median of its jobs."""
    alike: dict[Work, list[Cost]] = {}
    for work, cost in found:
        alike.setdefault(work, []).append(cost)
    lines = [
        "# What jobs took; made by `symlearn reference`, by hand.",
        f"# {machine}. Seconds on a core of its own, memory in MiB, disk in KiB.",
        "\t".join(_COLUMNS),
    ]
    for work in sorted(alike, key=lambda work: (work.kind, work.amount, work.values)):
        costs = [median(column) for column in zip(*map(astuple, alike[work]), strict=True)]
        numbers = (f"{number:.5g}" for number in (work.amount, work.values, *costs))
        lines.append("\t".join((work.kind, *numbers)))
    return "\n".join(lines) + "\n"


def measured_in(config: Config, presets: Iterable[str]) -> list[Measurement]:
    """What was measured in the results of these presets; raises ConfigError for one without."""
    found = []
    for preset in presets:
        figures = plan.figures(config.choosing(preset)).values()
        here = collect(preset, plan.all_jobs(figures), undisturbed)
        if not here:
            raise ConfigError(
                f"results/{preset}: nothing was measured there; run it first, or leave it out"
            )
        found += here
    return found


def renewed(found: Sequence[Measurement]) -> list[Measurement]:
    """These measurements, and the shipped ones of all kinds that they have none of."""
    kinds = {work.kind for work, _ in found}
    return [*found, *(row for row in reference() if row[0].kind not in kinds)]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="symlearn reference", description=__doc__)
    parser.add_argument("presets", nargs="+", help="whose results to read")
    configfile_option(parser)
    parser.add_argument("--out", type=Path, default=REFERENCE, help="file to write")
    arguments = parser.parse_args(argv)
    machine = f"{platform.machine()}, {os.cpu_count()} cores"

    def run() -> None:
        found = measured_in(loaded(arguments), arguments.presets)
        write_changed(arguments.out, table(renewed(found), machine))

    return guarded("reference", run)
