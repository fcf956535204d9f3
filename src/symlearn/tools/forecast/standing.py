"""Which cells are made and which would run again, and the reasons, from sidecars and sources.

Snakemake decides by the same facts (files that are missing, inputs and sources with other
contents), so the two agree; here they are put into words. Sources are compared by what they do, so
that a comment changes nothing. Data are compared by the hashes in the sidecars, and read only where
a file is newer than its sidecar.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from symlearn import plan
from symlearn.pipeline.hashes import sha256
from symlearn.pipeline.manifests import code_of
from symlearn.pipeline.outputs import output_files
from symlearn.pipeline.provenance import read_record, sidecar
from symlearn.pipeline.specs import Cell, input_files, modules_of, weight_files

ReasonKind = Literal["missing", "spec", "source", "input"]


@dataclass(frozen=True)
class Reason:
    """Why a cell's result does not stand: what kind of thing changed, and which."""

    kind: ReasonKind
    subject: str


@dataclass(frozen=True)
class Standing:
    """Of all cells of some targets: the reasons of their own, and which would run."""

    cells: Mapping[str, Cell]
    reasons: Mapping[str, list[Reason]]
    runs: frozenset[str]

    @property
    def cached(self) -> int:
        """How many cells need not run."""
        return len(self.cells) - len(self.runs)

    @property
    def to_run(self) -> list[Cell]:
        """The cells that would run, inputs first."""
        return [cell for name, cell in self.cells.items() if name in self.runs]


def key(cell: Cell) -> str:
    """The stage and name of a cell."""
    return f"{cell.stage}/{cell.name}"


def standing(results: Path, targets: Iterable[Cell]) -> Standing:
    """What would run to make the targets, from the results of a preset as they lie there.

    A missing file that nothing needs is not made again; a changed one remakes all that follows.
    """
    targets = list(targets)
    cells = {key(cell): cell for cell in plan.all_jobs(targets)}
    wanted = {key(cell) for cell in targets}
    reasons = {name: own_reasons(results, cell) for name, cell in cells.items()}
    runs = {name for name in cells if _is_stale(reasons[name])}
    runs |= {name for name in wanted if reasons[name]}
    before = -1
    while len(runs) > before:
        before = len(runs)
        for name, cell in cells.items():  # inputs come first
            if any(key(read) in runs for read in cell.reads):
                runs.add(name)
        for name in reversed(cells):
            if name in runs:
                runs.update(key(cell) for cell in cells[name].reads if _missing(results, cell))
    return Standing(cells, reasons, frozenset(runs))


def _is_stale(reasons: list[Reason]) -> bool:
    return bool(reasons) and reasons[0].kind != "missing"


def own_reasons(results: Path, cell: Cell) -> list[Reason]:
    """Why the cell's own result does not stand; none if it does."""
    missing = _missing(results, cell)
    if missing:
        return [Reason("missing", str(path)) for path in missing]
    made = output_files(results, cell)[0]
    record = read_record(made)
    if record is None:
        return [Reason("missing", str(sidecar(made)))]
    spec = [Reason("spec", str(made))] if record["spec"] != cell.spec else []
    return [*spec, *_changed_sources(cell, record), *_changed_inputs(results, cell, record)]


def _missing(results: Path, cell: Cell) -> list[Path]:
    return [path for path in output_files(results, cell) if not path.is_file()]


def _changed_sources(cell: Cell, record: Mapping[str, Any]) -> list[Reason]:
    now, then = code_of(modules_of(cell.spec)), record["code"]
    names = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    return [Reason("source", name) for name in names]


def _changed_inputs(results: Path, cell: Cell, record: Mapping[str, Any]) -> list[Reason]:
    """Inputs that are there with other contents than those that were read."""
    found = []
    read = [*input_files(results, cell.spec), *weight_files(results, cell.spec)]
    for path in dict.fromkeys(read):
        then = record["inputs"].get(f"{path.parent.name}/{path.name}")
        if then is not None and path.is_file() and _digest(path) != then:
            found.append(Reason("input", str(path)))
    return found


def _digest(path: Path) -> str:
    """A file's SHA-256, from the sidecar of its result where that was written later."""
    made = path.with_suffix(".nc")
    record, beside = read_record(made), sidecar(made)
    written = (record or {}).get("sha256" if path == made else "weights")
    if written is not None and beside.stat().st_mtime >= path.stat().st_mtime:
        return str(written)
    return sha256(path)
