"""Cells of work and their specs: what identifies a result, and where it lies.

A cell is one unit of work. Its spec is a plain mapping that holds all that changes its numbers and
nothing else: the stage, its settings, and the cells it reads, by name, or by spec where they have
no file. A cell's name is a readable slug with a hash of the spec, so that names chain: other
inputs, another name. Jobs read the spec file, never the config, so editing the config during a run
does them no harm.

A job makes one cell, or several short ones, its parts (`symlearn.jobs` says which): the file has a
group for each part then, and `kernels/<job>#<part>` names one of them.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from symlearn.errors import StoreError
from symlearn.menu import lookup, registry

# In the order in which a run comes to them.
STAGES = ("datasets", "kernels", "networks", "studies", "figures")
# Cells of these are made by the jobs that read them: to make them again costs less than a file.
IN_PLACE = ("orbits",)

# How a spec names what it reads: a cell that has a file, or the spec of one that is made in place.
Reference = str | Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One unit of work: its stage, a slug for people, its settings and the cells it reads.

    `labels` say what the cell is to those who choose among cells (its architecture, its n); they
    are not part of its identity. Cells with the same word in `together` may share a job, a cell
    with `parts`; a part that is read by others knows the job that it is `within`.
    """

    stage: str
    slug: str
    settings: Mapping[str, Any]
    inputs: tuple["Cell", ...] = ()
    labels: Mapping[str, Any] = field(default_factory=dict)
    together: str = ""
    parts: tuple["Cell", ...] = ()
    within: "Cell | None" = None

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The plain mapping that identifies the work."""
        if self.parts:
            read = [f"{job.stage}/{job.name}" for job in self.reads]
            parts = {part.slug: part.spec for part in self.parts}
            return {"stage": self.stage, "inputs": read, "parts": parts}
        return {
            "stage": self.stage,
            "inputs": [cell.reference for cell in self.inputs],
            **self.settings,
        }

    @property
    def job(self) -> "Cell":
        """The job that makes the cell: itself, or the one that it is a part of."""
        return self.within or self

    @property
    def makes(self) -> tuple["Cell", ...]:
        """The cells that it makes as a job: its parts, or itself."""
        return self.parts or (self,)

    @property
    def reads(self) -> list["Cell"]:
        """The jobs whose files the cell reads, each once."""
        read = [cell for part in self.makes for cell in part.inputs]
        jobs = [job for cell in read for job in (cell.reads if cell.in_place else [cell.job])]
        return list({(job.stage, job.name): job for job in jobs}.values())

    @property
    def in_place(self) -> bool:
        """Whether the jobs that read the cell make it."""
        return self.stage in IN_PLACE

    @property
    def reference(self) -> Reference:
        """How the specs of others name the cell."""
        if self.in_place:
            return self.spec
        part = f"#{self.slug}" if self.within else ""
        return f"{self.stage}/{self.job.name}{part}"

    @cached_property
    def name(self) -> str:
        """The slug and ten hex digits of the spec's SHA-256."""
        return f"{self.slug}-{_digest(canonical(self.spec))}"


def inputs_first(roots: Iterable[Cell], read: Callable[[Cell], Iterable[Cell]]) -> list[Cell]:
    """The cells and all that they `read`, each once, what is read first."""
    seen: dict[tuple[str, str], Cell] = {}

    def visit(cell: Cell) -> None:
        if (cell.stage, cell.name) not in seen:
            for other in read(cell):
                visit(other)
            seen[cell.stage, cell.name] = cell

    for root in roots:
        visit(root)
    return list(seen.values())


def canonical(spec: Mapping[str, Any]) -> str:
    """The one JSON text of a spec: sorted keys, no floats that JSON lacks."""
    return json.dumps(spec, sort_keys=True, indent=1, allow_nan=False) + "\n"


def spec_path(results: Path, cell: Cell) -> Path:
    """Where a cell's spec lies below the results of a preset."""
    return results / "specs" / cell.stage / f"{cell.name}.json"


def write_spec(results: Path, cell: Cell) -> Path:
    """Write a cell's spec unless it is there already, in one step; returns its path."""
    return write_changed(spec_path(results, cell), canonical(cell.spec))


def write_changed(path: Path, text: str) -> Path:
    """Write a file in one step unless it holds this text already; returns its path.

    Raises StoreError where it cannot be written.
    """
    content = text.encode()
    try:
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_bytes(content)
            temporary.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from None
    return path


def read_spec(path: Path) -> dict[str, Any]:
    """A spec from its file; raises StoreError if it is missing or does not match its name."""
    try:
        text = path.read_text(encoding="utf-8")
        spec = json.loads(text)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path}: cannot be read as a spec ({error}); run `snakemake -n` to write it anew"
        ) from None
    if not isinstance(spec, dict) or not path.stem.endswith(_digest(text)):
        raise StoreError(
            f"{path}: was changed after it was written (its hash does not match its name); "
            "run `snakemake -n` to write it anew"
        )
    return spec


def parts_of(spec: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The specs of the cells that a job makes, by part; by the empty name where it has no parts."""
    return spec.get("parts", {"": spec})


def file_and_part(results: Path, reference: str) -> tuple[Path, str]:
    """The NetCDF file that holds what a spec calls `reference`, and the part of it."""
    name, _, part = reference.partition("#")
    return results / f"{name}.nc", part


def input_files(results: Path, spec: Mapping[str, Any]) -> list[Path]:
    """The NetCDF files that a spec reads, each once."""
    names = (name for reference in spec["inputs"] for name in _names(reference))
    return list(dict.fromkeys(file_and_part(results, name)[0] for name in names))


def weight_files(results: Path, spec: Mapping[str, Any]) -> list[Path]:
    """The weights of the networks among a study's inputs, a file for each of these inputs."""
    if spec["stage"] != "studies":
        return []
    names = (name for name in spec["inputs"] if str(name).startswith("networks/"))
    return [file_and_part(results, name)[0].with_suffix(".safetensors") for name in names]


def _names(reference: Reference) -> list[str]:
    """The cells with files that are read for a reference."""
    if isinstance(reference, str):
        return [reference]
    return [name for inner in reference["inputs"] for name in _names(inner)]


def modules_of(spec: Mapping[str, Any]) -> list[str]:
    """The modules whose source a cell's result depends on, beside what they import.

    The stage's own, what it finds by name (a data set, a problem, a computation, a figure), and
    those of the networks, architectures and groups that the spec names.
    """
    if "parts" in spec:
        return list(dict.fromkeys(m for part in spec["parts"].values() for m in modules_of(part)))
    stage = spec["stage"]
    modules = [f"symlearn.stages.{stage}"]
    match stage:
        case "datasets":
            modules.append(lookup.module_of("symlearn.datasets.sets", spec["name"]))
        case "networks":
            modules.append(registry.PROBLEMS[spec["problem"]["kind"]].module)
        case "studies" | "figures":
            modules.append(f"symlearn.papers.{spec['module']}")
    uses = lookup.uses_of(spec) | lookup.as_uses(spec.get("uses", {}))
    made = [
        name
        for read in spec.get("inputs", ())
        if isinstance(read, Mapping)
        for name in modules_of(read)
    ]
    return list(dict.fromkeys([*modules, *sorted(lookup.modules_used(uses)), *made]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
