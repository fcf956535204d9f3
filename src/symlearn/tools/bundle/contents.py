"""What goes into a bundle: figures, the results that they read, specs, and the project's source."""

import json
from collections.abc import Iterable
from pathlib import Path

from symlearn.errors import StoreError
from symlearn.pipeline.outputs import figure_files
from symlearn.pipeline.provenance import read_record, sidecar
from symlearn.pipeline.specs import input_files

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


def read_all(root: Path, files: Iterable[Path]) -> dict[str, bytes]:
    """The contents of files by their names relative to `root`; raises StoreError."""
    contents = {}
    for path in files:
        try:
            name = path.absolute().relative_to(root.absolute()).as_posix()
            contents[name] = path.read_bytes()
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: cannot be put into the bundle ({error})") from None
    return contents
