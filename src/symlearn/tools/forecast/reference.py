"""Makes the table of reference measurements from the benchmark files of runs on this machine.

Run by hand after a change of the algorithms, in a folder with finished runs: `symlearn reference
quick standard`. Kinds of jobs that these runs had none of keep the rows that they have. With
`--add` all rows stay, and the kinds that the table lacks come to them, as long as they would take
on the table's machine.
"""

import argparse
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from statistics import median

from symlearn import plan
from symlearn.config import Config
from symlearn.errors import ConfigError
from symlearn.pipeline.specs import write_changed
from symlearn.tools.commands import configfile_option, guarded, loaded
from symlearn.tools.forecast.forecast import collect
from symlearn.tools.forecast.measured import REFERENCE, Cost, Measurement, reference, undisturbed
from symlearn.tools.forecast.model import CostModel
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
    return [*found, *_lacking(found, reference())]


def added(found: Sequence[Measurement]) -> list[Measurement]:
    """The shipped measurements, and these of all kinds that they have none of.

    The kinds that both have tell how fast this machine is beside the table's.
    """
    shipped = reference()
    speed = CostModel(shipped, found).speed
    new = _lacking(shipped, found)
    return [*shipped, *((work, replace(cost, seconds=cost.seconds / speed)) for work, cost in new)]


def _lacking(rows: Sequence[Measurement], others: Sequence[Measurement]) -> list[Measurement]:
    """Those of `others` whose kinds `rows` have none of."""
    kinds = {work.kind for work, _ in rows}
    return [row for row in others if row[0].kind not in kinds]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="symlearn reference", description=__doc__)
    parser.add_argument("presets", nargs="+", help="whose results to read")
    parser.add_argument(
        "--add", action="store_true", help="keep all rows, and add the kinds that the table lacks"
    )
    configfile_option(parser)
    parser.add_argument("--out", type=Path, default=REFERENCE, help="file to write")
    arguments = parser.parse_args(argv)
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    rows = added if arguments.add else renewed

    def run() -> None:
        found = measured_in(loaded(arguments), arguments.presets)
        write_changed(arguments.out, table(rows(found), machine))

    return guarded("reference", run)
