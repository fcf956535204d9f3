"""Jobs as Snakemake sees them: the files that each makes and reads, and when these were written."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from symlearn import wings
from symlearn.pipeline.manifests import manifest_path, manifest_text
from symlearn.pipeline.outputs import CLOSING_JOBS, benchmark_path, figure_files, output_files
from symlearn.pipeline.specs import (
    Cell,
    canonical,
    input_files,
    modules_of,
    spec_path,
    weight_files,
)
from symlearn.tools.bundle.contents import bundled_project
from symlearn.tools.forecast.records import Record, read_record
from symlearn.tools.page_files import files_of_account, files_of_page

# What the jobs after all figures read of a figure and of the claims' files, and what they run.
_OF_FIGURES: Mapping[str, tuple[str, ...]] = {
    "claims": ("data",),
    "claims-check": (),
    "gallery": ("pdf", "png", "caption", "sidecar"),
    "bundle": ("pdf",),
}
_OF_CLAIMS: Mapping[str, int] = {"claims": 0, "claims-check": 3, "gallery": 1, "bundle": 3}
_RUNS: Mapping[str, tuple[str, ...]] = {
    "claims": ("symlearn.tools.claims.command",),
    "claims-check": ("symlearn.tools.claims.command",),
    "gallery": ("symlearn.tools.gallery.command",),
}


@dataclass(frozen=True)
class Job:
    """The files that a job makes, what it reads that other jobs make, and the sources.

    Sources that are written before a run, where they differ, stand with the text that they will
    have: specs and manifests.
    """

    makes: tuple[Path, ...]  # the one with a sidecar first
    benchmark: Path
    reads: tuple[Path, ...]
    sources: Mapping[Path, str | None]

    @property
    def missing(self) -> list[Path]:
        """The files that it makes and that are not there."""
        return [path for path in self.makes if not path.is_file()]

    @cached_property
    def record(self) -> Record | None:
        """What Snakemake has recorded of it; None unless it has of each file."""
        found = [read_record(path) for path in self.makes]
        return None if None in found else found[0]

    def made(self) -> float | None:
        """When the oldest of the files that it made was written; None where there is none."""
        times = (_written(path) for path in (*self.makes, self.benchmark))
        return min((time for time in times if time is not None), default=None)

    def changed(self, made: float) -> list[Path]:
        """What was written later than it was made, and is not known to be the same as then."""
        record = self.record or Record()
        found = []
        for path in (*self.reads, *self.sources):
            text = self.sources.get(path)
            if text is not None and _holds(path, text):
                text = None
            written = float("inf") if text is not None else _written(path)
            if written is not None and written > made and not record.has_same(path, text):
                found.append(path)
        return found

    @property
    def reads_others(self) -> bool:
        """Whether it read other files than it would read now."""
        then = self.record and self.record.inputs
        return bool(then) and then != {str(path) for path in (*self.reads, *self.sources)}


def job_of(results: Path, cell: Cell) -> Job:
    """The job that makes a cell."""
    spec, modules = cell.spec, modules_of(cell.spec)
    return Job(
        tuple(output_files(results, cell)),
        benchmark_path(results, cell),
        tuple(dict.fromkeys([*input_files(results, spec), *weight_files(results, spec)])),
        {
            spec_path(results, cell): canonical(spec),
            manifest_path(results, modules): manifest_text(modules),
        },
    )


def closing_cell(name: str, figures: Iterable[Cell]) -> Cell:
    """A job that comes after all figures, in the shape of a cell."""
    return Cell(name, name, {}, tuple(figures))


def closing_job(results: Path, cell: Cell) -> Job:
    """A job of `CLOSING_JOBS`, which comes after the figures that it reads."""
    name = cell.stage
    folder = output_files(results, cell)[0].parent
    of_figures = [
        figure_files(folder, figure.settings["figure"])[part]
        for figure in cell.inputs
        for part in _OF_FIGURES[name]
    ]
    of_claims = [folder / file for file in CLOSING_JOBS["claims"][: _OF_CLAIMS[name]]]
    of_results = [
        file
        for figure in cell.inputs
        for file in input_files(results, figure.spec)
        if name == "bundle"
    ]
    sources: dict[Path, str | None] = dict.fromkeys(map(_from_here, _source_files(name)))
    if name in _RUNS:
        sources[manifest_path(results, _RUNS[name])] = manifest_text(_RUNS[name])
    return Job(
        tuple(output_files(results, cell)),
        benchmark_path(results, cell),
        tuple(dict.fromkeys([*of_figures, *of_claims, *of_results])),
        sources,
    )


def _source_files(name: str) -> Iterable[Path]:
    match name:
        case "claims":
            return [*(wing.claims for wing in wings.wings()), *files_of_page(name)]
        case "gallery":
            return [*files_of_account(), *files_of_page(name)]
        case "bundle":
            return bundled_project().values()
    return ()


def _from_here(path: Path) -> Path:
    """A path as rules name it: relative to the working folder if it lies in it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _written(path: Path) -> float | None:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False
