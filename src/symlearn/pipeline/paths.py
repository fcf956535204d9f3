"""Where images of one's own lie: beside the spec that tells them by their bytes.

A path changes no number, so that it is no part of a spec. A job finds it there also where the
config has been edited since, or is not read at all, as on a cluster.
"""

from pathlib import Path

from symlearn.pipeline.specs import Cell, write_changed


def write_path(results: Path, cell: Cell) -> None:
    """Write where the images of a cell lie, if they are one's own."""
    if cell.stage == "datasets" and "path" in cell.labels:
        write_changed(_file(results, cell.name), cell.labels["path"])


def path_of(results: Path, name: str) -> str | None:
    """Where the images of a cell lie, by its name; None for a published data set."""
    file = _file(results, name)
    return file.read_text(encoding="utf-8") if file.exists() else None


def _file(results: Path, name: str) -> Path:
    return results / "specs" / "datasets" / f"{name}.path"
