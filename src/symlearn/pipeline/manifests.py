"""Code manifests: the modules that a result depends on, with their hashes, in one file.

A manifest is an input of the jobs that run the code, so an edit of any of its files, however
indirect, remakes exactly what it can have changed; comments and docstrings change nothing, and
hashes leave them out. One small file for each set of modules, and not the source files
themselves: these would be thirty inputs for each job, and Snakemake's time goes by inputs. A line
is a hash and a path, so that a diff tells what changed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from symlearn.pipeline.closure import PACKAGE, ROOT, closure
from symlearn.pipeline.hashes import code_sha256
from symlearn.pipeline.specs import Cell, modules_of, write_changed

_LONGEST = 180  # characters of a file's name, less what is added


def code_of(modules: Iterable[str]) -> dict[str, str]:
    """The hashes of modules and of all that they import, by path in the package."""
    return _hashes(tuple(modules))


def code_digest(modules: Iterable[str]) -> str:
    """One SHA-256 for all of `code_of`."""
    return hashlib.sha256(json.dumps(code_of(modules)).encode()).hexdigest()


def manifest_path(results: Path, modules: Iterable[str]) -> Path:
    """Where the manifest of modules lies below the results of a preset."""
    names = "+".join(name.removeprefix(f"{PACKAGE}.") for name in modules)
    if len(names) > _LONGEST:
        names = f"{names[:_LONGEST]}-{hashlib.sha256(names.encode()).hexdigest()[:10]}"
    return results / "code" / f"{names}.sha256"


def manifest_of(results: Path, spec: Mapping[str, Any]) -> Path:
    """Where the manifest of a spec's result lies."""
    return manifest_path(results, modules_of(spec))


def write_manifests(results: Path, cells: Iterable[Cell]) -> None:
    """Write the manifests of the results of cells."""
    for modules in {tuple(modules_of(cell.spec)) for cell in cells}:
        write_manifest(results, modules)


def write_manifest(results: Path, modules: Iterable[str]) -> Path:
    """Write the manifest of modules unless it is there already, in one step; returns its path."""
    return write_changed(manifest_path(results, modules), manifest_text(modules))


def manifest_text(modules: Iterable[str]) -> str:
    """What the manifest of modules holds."""
    return "".join(f"{digest}  {PACKAGE}/{name}\n" for name, digest in code_of(modules).items())


@cache
def _hashes(modules: tuple[str, ...]) -> dict[str, str]:
    return {file.relative_to(ROOT).as_posix(): _once(file) for file in closure(*modules)}


_once = cache(code_sha256)
