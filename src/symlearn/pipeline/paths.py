"""Where files of one's own lie: beside the spec that tells them by their bytes.

A path changes no number, so that it is no part of a spec. A job finds it there also where the
config has been edited since, or is not read at all, as on a cluster.
"""

from pathlib import Path

from symlearn.pipeline.specs import Cell, write_changed


def write_path(results: Path, cell: Cell) -> None:
    """Write where the images or pictures of a cell lie, if they are one's own."""
    if "path" in cell.labels:
        write_changed(_file(results, cell.stage, cell.name), cell.labels["path"])


def path_of(results: Path, stage: str, name: str) -> str | None:
    """Where the images or pictures of a cell lie, by its name; None where it reads none."""
    file = _file(results, stage, name)
    return file.read_text(encoding="utf-8") if file.exists() else None


def _file(results: Path, stage: str, name: str) -> Path:
    return results / "specs" / stage / f"{name}.path"
