"""Why a figure would be drawn again: the shortest chain from what changed to the figure."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from symlearn.config import Config
from symlearn.pipeline.closure import ROOT, closure, imports_of
from symlearn.pipeline.outputs import output_files
from symlearn.pipeline.provenance import read_record
from symlearn.pipeline.specs import Cell, modules_of
from symlearn.tools.forecast.differences import changes
from symlearn.tools.forecast.standing import Reason, Standing, key


@dataclass(frozen=True)
class Step:
    """One line of the chain: how it follows from the line before, and what it is."""

    how: str
    what: str


def why(config: Config, results: Path, stands: Standing, target: Cell) -> list[Step]:
    """The steps from what changed to the target; none where the target would not run."""
    if key(target) not in stands.runs:
        return []
    path = _nearest_cause(stands, target)
    cause = stands.reasons[key(path[0])]
    steps = list(_beginning(config, results, path, cause))
    follow = path[1:] if cause and cause[0].kind == "missing" else path
    return steps + [Step("remakes", str(output_files(results, cell)[0])) for cell in follow]


def _nearest_cause(stands: Standing, target: Cell) -> list[Cell]:
    """The cells from the nearest one with a reason of its own to the target.

    A change counts before a file that is missing: that may be missing because of the change.
    """
    for kinds in ({"spec", "source", "input"}, {"missing"}):
        waiting = deque([[target]])
        seen = {key(target)}
        while waiting:
            path = waiting.popleft()
            if any(reason.kind in kinds for reason in stands.reasons[key(path[0])]):
                return path
            for read in path[0].reads:
                if key(read) in stands.runs and key(read) not in seen:
                    seen.add(key(read))
                    waiting.append([read, *path])
    raise ValueError(f"{key(target)} would run for no reason")


def _beginning(
    config: Config, results: Path, path: list[Cell], reasons: list[Reason]
) -> Iterator[Step]:
    first = path[0]
    reason = reasons[0]
    match reason.kind:
        case "missing":
            yield Step("missing", reason.subject)
        case "input":
            yield Step("changed", reason.subject)
        case "source":
            yield from _through_imports(first, reason.subject)
        case "spec":
            record = read_record(output_files(results, first)[0]) or {"spec": {}}
            for change in changes(config, results, record["spec"], first):
                yield Step("changed", change)


def _through_imports(cell: Cell, name: str) -> Iterator[Step]:
    """From an edited file, over the modules that import each other, to the stage's own."""
    yield Step("changed", f"src/symlearn/{name}")
    for path in reversed(_import_path(cell, ROOT / name)[:-1]):
        yield Step("imported by", f"src/symlearn/{path.relative_to(ROOT).as_posix()}")


def _import_path(cell: Cell, edited: Path) -> list[Path]:
    """The shortest way over imports from a module that the cell runs to a file; [] for none."""
    modules = modules_of(cell.spec)
    known = set(closure(*modules))
    starts = [path for path in known if _dotted(path) in modules]
    waiting, seen = deque([[path] for path in sorted(starts, reverse=True)]), set(starts)
    while waiting:
        path = waiting.popleft()
        if path[-1] == edited:
            return path
        for other in sorted(known & {*imports_of(path[-1])} - seen):
            seen.add(other)
            waiting.append([*path, other])
    return []


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
