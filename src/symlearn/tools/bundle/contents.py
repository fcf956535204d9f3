"""What goes into a bundle: figures, the results that they read, specs, and the project's source."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from symlearn.errors import StoreError
from symlearn.pipeline.closure import ROOT
from symlearn.pipeline.links import as_written
from symlearn.pipeline.outputs import figure_files
from symlearn.pipeline.provenance import read_record, sidecar
from symlearn.pipeline.specs import input_files

_ROOT = ROOT.parents[1]
# The project as it runs, by patterns below its folder; what is built or cached is left out.
_PROJECT = (
    "CHANGELOG.md",
    "CITATION.cff",
    "LICENSE",
    "Makefile",
    "README.md",
    "Snakefile",
    "config.yaml",
    "pyproject.toml",
    "envs/*",
    "src/snakemake_logger_plugin_symlearn/*",
    "src/symlearn/**/*",
    "workflow/**/*",
)


def bundled_project() -> dict[str, Path]:
    """The files of the project whose package this is, by their names in a bundle.

    The config is that of the working folder where one lies there: the workflow may be run from
    elsewhere.
    """
    files = {path.relative_to(_ROOT).as_posix(): path for path in project_files(_ROOT)}
    own = Path("config.yaml")
    return {**files, own.name: own.absolute()} if own.is_file() else files


def project_files(root: Path) -> list[Path]:
    """The files of the project in `root` that a bundle holds."""
    found = (path for pattern in _PROJECT for path in root.glob(pattern) if path.is_file())
    return sorted(path for path in found if not _is_cached(path.relative_to(root)))


def _is_cached(path: Path) -> bool:
    return any(part == "__pycache__" or part.startswith(".") for part in path.parts)


def files_of(figure: Path, results: Path) -> list[Path]:
    """A figure's PDF and what lies beside it, its spec, and the results that the spec names."""
    record = read_record(figure)
    if record is None:
        raise StoreError(f"{sidecar(figure)}: is missing or damaged; draw the figure again")
    inputs = input_files(results, record["spec"])
    own = figure_files(figure.parent, figure.stem).values()
    return [*own, spec_file(results, figure), *inputs, *map(sidecar, inputs)]


def spec_file(results: Path, figure: Path) -> Path:
    """The spec that a figure was drawn by, found by its contents."""
    record = read_record(figure) or {"spec": None}
    for path in sorted((results / "specs" / "figures").glob(f"{figure.stem}-*.json")):
        if json.loads(path.read_text(encoding="utf-8")) == record["spec"]:
            return path
    raise StoreError(f"{figure}: its spec is not in {results}/specs; draw the figure again")


def named(root: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Files by their names below `root`, links kept as they are written; raises StoreError."""
    try:
        return {as_written(path).relative_to(root).as_posix(): path for path in files}
    except ValueError as error:
        raise StoreError(f"{root}: cannot be put into a bundle ({error})") from None


def read_all(files: Mapping[str, Path]) -> dict[str, bytes]:
    """The contents of files by their names; raises StoreError."""
    contents = {}
    for name, path in files.items():
        try:
            contents[name] = path.read_bytes()
        except OSError as error:
            raise StoreError(f"{path}: cannot be put into the bundle ({error})") from None
    return contents
