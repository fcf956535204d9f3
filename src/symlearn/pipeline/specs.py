"""Cells of work and their specs: what identifies a result, and where it lies.

A cell is one job. Its spec is a plain mapping that holds all that changes its numbers and nothing
else: the stage, its settings, and the names of the cells it reads. A cell's name is a readable
slug with a hash of the spec, so that names chain: other inputs, another name. Jobs read the spec
file, never the config, so editing the config during a run does them no harm.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from symlearn.errors import StoreError
from symlearn.menu import lookup, registry

# In the order in which a run comes to them.
STAGES = ("datasets", "orbits", "kernels", "networks", "studies", "figures")


@dataclass(frozen=True)
class Cell:
    """One job: its stage, a slug for people, its settings and the cells it reads.

    `labels` say what the cell is to those who choose among cells (its architecture, its n); they
    are not part of its identity.
    """

    stage: str
    slug: str
    settings: Mapping[str, Any]
    inputs: tuple["Cell", ...] = ()
    labels: Mapping[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> dict[str, Any]:
        """The plain mapping that identifies the work."""
        return {
            "stage": self.stage,
            "inputs": [f"{cell.stage}/{cell.name}" for cell in self.inputs],
            **self.settings,
        }

    @cached_property
    def name(self) -> str:
        """The slug and ten hex digits of the spec's SHA-256."""
        return f"{self.slug}-{_digest(canonical(self.spec))}"


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
    """Write a file in one step unless it holds this text already; returns its path."""
    content = text.encode()
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_bytes(content)
        temporary.replace(path)
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


def input_files(results: Path, spec: Mapping[str, Any]) -> list[Path]:
    """The NetCDF files that a spec reads."""
    return [results / f"{name}.nc" for name in spec["inputs"]]


def weight_files(results: Path, spec: Mapping[str, Any]) -> list[Path]:
    """The weights beside those of `input_files`: what a study of trained networks reads too."""
    if spec["stage"] != "studies":
        return []
    return [results / f"{name}.safetensors" for name in spec["inputs"] if _is_trained(name)]


def _is_trained(name: str) -> bool:
    return name.startswith("networks/")


def modules_of(spec: Mapping[str, Any]) -> list[str]:
    """The modules whose source a cell's result depends on, beside what they import.

    The stage's own, what it finds by name (a data set, a problem, a computation, a figure), and
    those of the networks, architectures and groups that the spec names.
    """
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
    return list(dict.fromkeys([*modules, *sorted(lookup.modules_used(uses))]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
