"""Which files a job makes, and where they lie: said here alone."""

from collections.abc import Mapping
from pathlib import Path

from symlearn.pipeline.specs import Cell

# Of a figure: the PDF, what was drawn as a picture and as numbers, its caption and its sidecar.
FIGURE_ENDINGS: Mapping[str, str] = {
    "pdf": ".pdf",
    "png": ".png",
    "data": ".nc",
    "caption": ".txt",
    "sidecar": ".pdf.json",
}
# What comes after all figures, and what each of these jobs makes in the figures' folder.
CLOSING_JOBS: Mapping[str, tuple[str, ...]] = {
    "claims": ("claims.csv", "claims.md", "claims.html"),
    "claims-check": ("claims.txt",),
    "gallery": ("gallery.html",),
    "bundle": ("bundle.zip",),
}


def figure_files(folder: Path, name: str) -> dict[str, Path]:
    """The files of a figure in the folder of a preset's figures, by what they are."""
    return {what: folder / f"{name}{ending}" for what, ending in FIGURE_ENDINGS.items()}


def output_files(results: Path, cell: Cell) -> list[Path]:
    """The files that a cell makes, the one with a sidecar first."""
    folder = results.parents[1] / "figures" / results.name
    if cell.stage in CLOSING_JOBS:
        return [folder / name for name in CLOSING_JOBS[cell.stage]]
    if cell.stage == "figures":
        return list(figure_files(folder, cell.settings["figure"]).values())
    made = results / cell.stage / f"{cell.name}.nc"
    weights = [made.with_suffix(".safetensors")] if cell.stage == "networks" else []
    return [made, made.with_name(made.name + ".json"), *weights]


def benchmark_path(results: Path, cell: Cell) -> Path:
    """Where the benchmark of a cell lies below the results of a preset."""
    if cell.stage in CLOSING_JOBS:
        return results / "benchmarks" / f"{cell.stage}.tsv"
    name = cell.settings["figure"] if cell.stage == "figures" else cell.name
    return results / "benchmarks" / cell.stage / f"{name}.tsv"


def log_path(results: Path, cell: Cell) -> Path:
    """Where the log of a cell lies, beside `results`."""
    name = cell.settings["figure"] if cell.stage == "figures" else cell.name
    return results.parents[1] / "logs" / results.name / cell.stage / f"{name}.log"
