"""The names that Snakemake is asked for, as cells: figures, their files, results, `all`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symlearn import plan
from symlearn.errors import ConfigError
from symlearn.pipeline.outputs import output_files
from symlearn.pipeline.specs import Cell


@dataclass(frozen=True)
class Targets:
    """What is asked for: cells, and jobs that come after all of them."""

    cells: list[Cell]
    closing: list[str]


def resolve(figures: Mapping[str, Cell], results: Path, names: Sequence[str]) -> Targets:
    """The cells of targets; raises ConfigError for a name that is none."""
    cells: list[Cell] = []
    closing: list[str] = []
    for name in names or ["all"]:
        if name in plan.CLOSING:
            cells += figures.values()
            closing += [job for job in plan.CLOSING[name] if job not in closing]
        else:
            cells.append(one(figures, results, name))
    return Targets(list({f"{cell.stage}/{cell.name}": cell for cell in cells}.values()), closing)


def one(figures: Mapping[str, Cell], results: Path, name: str) -> Cell:
    """The cell of a figure's name or of a file; raises ConfigError."""
    if name in figures:
        return figures[name]
    wanted = Path(name).resolve()
    for cell in plan.all_jobs(figures.values()):
        if any(path.resolve() == wanted for path in output_files(results, cell)):
            return cell
    raise ConfigError(
        f"{name}: is neither a figure, nor a file of the preset {results.name}, nor one of "
        f"{', '.join(plan.CLOSING)}; the figures are {', '.join(figures)}"
    )
