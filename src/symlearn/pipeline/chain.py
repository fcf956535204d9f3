"""The chain of files that led to a file, read from their sidecars, and whether it still holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from symlearn.errors import StoreError
from symlearn.pipeline.closure import ROOT
from symlearn.pipeline.hashes import code_sha256, sha256
from symlearn.pipeline.links import as_written
from symlearn.pipeline.provenance import read_record

State = Literal["intact", "edited", "stale", "foreign"]


@dataclass(frozen=True)
class Link:
    """A file of the chain, its record (None where it has no sidecar) and its depth."""

    path: Path
    record: Mapping[str, Any] | None
    depth: int


def chain(path: Path) -> Iterator[Link]:
    """The file and all that it was made from, each once, what was made last first.

    Raises StoreError if `path` does not exist.
    """
    if not path.is_file():
        raise StoreError(f"{path}: is missing")
    waiting, seen = [Link(path, read_record(path), 0)], {path.resolve()}
    while waiting:
        link = waiting.pop(0)
        yield link
        for source in inputs_of(link):
            if source.suffix == ".safetensors":  # its networks' NetCDF file has the record
                continue
            if source.resolve() not in seen:
                seen.add(source.resolve())
                waiting.append(Link(source, read_record(source), link.depth + 1))


def inputs_of(link: Link) -> list[Path]:
    """Where the files lie that a link was made from."""
    if link.record is None:
        return []
    folder = as_written(link.path).parent
    if link.record["spec"]["stage"] == "figures":  # figures/<preset>/ beside results/<preset>/
        results = folder.parents[1] / "results" / folder.name
    else:
        results = folder.parent
    return [results / name for name in link.record["inputs"]]


def state_of(link: Link) -> tuple[State, str]:
    """Whether a link still holds, and if not, the first thing that does not.

    Foreign: no sidecar. Edited: the file is not the one that was written. Stale: an input or a
    source file has changed since, or is gone.
    """
    if link.record is None:
        return "foreign", "it has no sidecar, so it was not made here or was moved without it"
    if not link.path.is_file():
        return "stale", "it is missing"
    if sha256(link.path) != link.record["sha256"]:
        return "edited", "its bytes are not those that were written"
    for source, digest in zip(inputs_of(link), link.record["inputs"].values(), strict=True):
        if not source.is_file() or sha256(source) != digest:
            return "stale", f"its input {source.parent.name}/{source.name} is gone or has changed"
    for name, digest in link.record["code"].items():
        if not (ROOT / name).is_file() or code_sha256(ROOT / name) != digest:
            return "stale", f"its source src/symlearn/{name} has changed"
    return "intact", ""
