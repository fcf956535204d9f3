"""The names that Snakemake is asked for, as cells: figures, their files, results, `all`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symlearn import plan
from symlearn.errors import ConfigError
from symlearn.pipeline.outputs import benchmark_path, output_files
from symlearn.pipeline.specs import Cell
from symlearn.tools.forecast.jobs import closing_cell
from symlearn.tools.forecast.standing import Standing, key, standing


@dataclass(frozen=True)
class Targets:
    """What is asked for: cells, and jobs that come after all of them."""

    cells: list[Cell]
    closing: list[str]
    wanted: Mapping[str, Sequence[Path]]  # the files that are asked for, by the key of their job

    def standing(self, results: Path) -> Standing:
        """What would run to make them."""
        last = [cell for cell in self.cells if cell.stage == "figures"]
        ends = [closing_cell(name, last) for name in self.closing]
        return standing(results, self.cells, self.wanted, ends)


def resolve(figures: Mapping[str, Cell], results: Path, names: Sequence[str]) -> Targets:
    """The cells of targets; raises ConfigError for a name that is none."""
    cells: dict[str, Cell] = {}
    closing: list[str] = []
    wanted: dict[str, list[Path]] = {}

    for name in names or ["all"]:
        if name in plan.CLOSING:
            cells |= {key(cell): cell for cell in figures.values()}
            closing += [job for job in plan.CLOSING[name] if job not in closing]
            asked = _files_of(figures, results, name)
        else:
            cell = one(figures, results, name)
            cells[key(cell)] = cell
            asked = {key(cell): _products(results, cell) if name in figures else [Path(name)]}
        for job, files in asked.items():
            wanted.setdefault(job, []).extend(files)
    return Targets(list(cells.values()), closing, wanted)


def _files_of(figures: Mapping[str, Cell], results: Path, name: str) -> dict[str, list[Path]]:
    """The files that a target for all figures asks for: the PDFs, or what its own job makes."""
    pdfs = {key(cell): output_files(results, cell)[:1] for cell in figures.values()}
    match name:
        case "figures":
            return pdfs
        case "all":
            return {**pdfs, "claims": output_files(results, closing_cell("claims", ()))}
    *_, last = plan.CLOSING[name]
    return {last: _products(results, closing_cell(last, ()))}


def _products(results: Path, cell: Cell) -> list[Path]:
    """What Snakemake makes for a job that is asked for by name."""
    return [*output_files(results, cell), benchmark_path(results, cell)]


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
