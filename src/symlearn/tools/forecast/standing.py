"""Which cells are made and which would run again, and the reasons: as Snakemake decides it.

A job runs where a file that is asked for is missing, where what it reads was written after what it
made and is not known to be the same, and where what it reads is made again. Snakemake knows what it
has recorded (`symlearn.tools.forecast.records`); the sidecars put the reasons into words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from symlearn import plan
from symlearn.pipeline.hashes import sha256
from symlearn.pipeline.manifests import code_of
from symlearn.pipeline.outputs import CLOSING_JOBS
from symlearn.pipeline.provenance import read_record
from symlearn.pipeline.specs import Cell, modules_of, spec_path
from symlearn.tools.forecast.jobs import Job, closing_job, job_of

ReasonKind = Literal["missing", "spec", "source", "input", "newer"]


@dataclass(frozen=True)
class Reason:
    """Why a cell's result does not stand: what kind of thing changed, and which."""

    kind: ReasonKind
    subject: str


@dataclass(frozen=True)
class Standing:
    """Of all cells of some targets: the reasons of their own, and which would run.

    `closing` are the jobs after all figures that would run.
    """

    cells: Mapping[str, Cell]
    reasons: Mapping[str, list[Reason]]
    runs: frozenset[str]
    closing: tuple[str, ...] = ()
    unrecorded: int = 0  # cells that are made, of which Snakemake has no record

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


def standing(
    results: Path,
    targets: Iterable[Cell],
    wanted: Mapping[str, Sequence[Path]] | None = None,
    closing: Sequence[Cell] = (),
) -> Standing:
    """What would run to make the targets, from the results of a preset as they lie there.

    A missing file that nothing needs is not made again; a changed one remakes all that follows.
    `wanted` are the files that are asked for of cells and closing jobs; without it, all files of
    the targets.
    """
    targets = list(targets)
    cells = {key(cell): cell for cell in plan.all_jobs(targets)}
    jobs = {name: job_of(results, cell) for name, cell in cells.items()}
    ends = {cell.stage: cell for cell in closing}
    jobs |= {name: closing_job(results, cell) for name, cell in ends.items()}
    maker = {path: name for name, job in jobs.items() for path in job.makes}
    if wanted is None:
        wanted = {key(cell): jobs[key(cell)].makes for cell in targets}
    made = _made(jobs, maker)
    reasons = {
        name: own_reasons(results, (cells | ends)[name], job, made[name])
        for name, job in jobs.items()
    }
    runs = {name for name in jobs if _is_stale(reasons[name])}
    for name, files in wanted.items():
        lacking = [Reason("missing", str(path)) for path in files if not path.is_file()]
        reasons[name] += [reason for reason in lacking if reason not in reasons[name]]
        runs |= {name} if lacking else set()
    _spread(runs, jobs, maker)
    return Standing(
        cells,
        {name: reasons[name] for name in cells},
        frozenset(runs & cells.keys()),
        tuple(name for name in ends if name in runs),
        sum(not jobs[name].missing and jobs[name].record is None for name in cells),
    )


def _made(jobs: dict[str, Job], maker: Mapping[Path, str]) -> dict[str, float | None]:
    """When each job's files were written; of one that has none, what was made from them."""
    after: dict[str, list[str]] = {name: [] for name in jobs}
    for name, job in jobs.items():
        for other in {maker[path] for path in job.reads if path in maker}:
            after[other].append(name)
    made: dict[str, float | None] = {}
    for name in reversed(list(jobs)):  # what reads a job's files comes after it
        later = [time for other in after[name] if (time := made[other]) is not None]
        own = jobs[name].made()
        made[name] = min(later, default=None) if own is None else own
    return made


def _spread(runs: set[str], jobs: dict[str, Job], maker: Mapping[Path, str]) -> None:
    """Add to what runs what follows from it, and what makes the files that it lacks."""
    before = -1
    while len(runs) > before:
        before = len(runs)
        for name, job in jobs.items():  # inputs come first
            if any(maker.get(path) in runs for path in job.reads):
                runs.add(name)
        for name in [name for name in reversed(list(jobs)) if name in runs]:
            lacking = (path for path in jobs[name].reads if not path.is_file())
            runs.update(maker[path] for path in lacking if path in maker)


def _is_stale(reasons: list[Reason]) -> bool:
    return any(reason.kind != "missing" for reason in reasons)


def own_reasons(results: Path, cell: Cell, job: Job, made: float | None) -> list[Reason]:
    """Why the cell's own result, made then, does not stand; none if it does."""
    missing = [Reason("missing", str(path)) for path in job.missing]
    if made is None:
        return missing
    changed = job.changed(made)
    if not changed and not job.reads_others:
        return missing
    found = list(_in_words(results, cell, job, changed))
    return [*dict.fromkeys(found), *missing]


def _in_words(results: Path, cell: Cell, job: Job, changed: list[Path]) -> Iterable[Reason]:
    """What the sidecar says of changes, and what is newer for all that it says."""
    first, record = job.makes[0], read_record(job.makes[0])
    if record is None or cell.stage in CLOSING_JOBS:
        yield from (Reason("newer", str(path)) for path in changed or job.sources)
        return
    if record["spec"] != cell.spec:
        yield Reason("spec", str(first))
    told = [spec_path(results, cell)] if record["spec"] != cell.spec else []
    sources = _changed_sources(cell, record)
    yield from sources
    manifest = list(job.sources)[-1]
    told += [manifest] if sources else []
    for path in changed:
        if path in job.reads and _other_than_then(path, record):
            yield Reason("input", str(path))
        elif path not in told:
            yield Reason("newer", str(path))
    if not changed and not told:  # other files were read, with the same contents
        yield Reason("newer", str(manifest))


def _changed_sources(cell: Cell, record: Mapping[str, Any]) -> list[Reason]:
    now, then = code_of(modules_of(cell.spec)), record["code"]
    names = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    return [Reason("source", name) for name in names]


def _other_than_then(path: Path, record: Mapping[str, Any]) -> bool:
    """Whether an input has other contents than when it was read."""
    then = record["inputs"].get(f"{path.parent.name}/{path.name}")
    return then is not None and path.is_file() and sha256(path) != then
