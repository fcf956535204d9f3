"""A figure: PDF and PNG, the plotted data, the caption and the sidecar.

A module of a figure has the constants TITLE and NEEDS (the studies it reads, with the labels of the
cells it wants, read by `symlearn.wings` without importing the file) and the functions

- `gather(inputs)`: from the studies' datasets to the plotted data, in named groups;
- `measure(plotted)`: the quantities that claims refer to, by name;
- `draw(plotted, measured)`: the figure, from the plotted data and the quantities alone;
- `caption(plotted)`: what is shown and what was done differently from the paper.
"""

import importlib
import io
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from symlearn.errors import StoreError
from symlearn.pipeline import provenance, stage, store
from symlearn.pipeline.specs import input_files, read_spec
from symlearn.pipeline.stage import guarded, results_of, stage_parser
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, prepared
from symlearn.statistics import Measurements

Spec = Mapping[str, Any]


def render(spec: Spec, datasets: Sequence[xr.Dataset], out: Path) -> None:
    """Gather, measure and draw the figure of a spec; writes `out` (a PDF) and what goes beside it.

    Everything is written to a folder of its own first, so that nothing is left half-written.
    """
    module = importlib.import_module(f"symlearn.papers.{spec['module']}")
    classes = (spec["context"] or {}).get("classes", Inputs.classes)
    plotted = module.gather(Inputs(tuple(datasets), classes))
    try:
        _render(module, plotted, spec, out)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written: {error.strerror or error}") from None


def _render(module: Any, plotted: Plotted, spec: Spec, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.stem}-") as folder:
        draft = Path(folder, out.name)
        draft.with_suffix(".txt").write_text(caption(module, plotted, spec), encoding="utf-8")
        measured = module.measure(plotted)
        _save(module, plotted, measured, spec, draft)
        groups = {**plotted, "measured": _as_dataset(measured)}
        store.write_groups(groups, draft.with_suffix(".nc"), spec)
        for file in Path(folder).iterdir():
            file.replace(out.with_name(file.name))


def _save(module: Any, plotted: Plotted, measured: Measurements, spec: Spec, out: Path) -> None:
    """The figure as PDF and PNG, with its spec and the commit inside."""
    subject = json.dumps({"spec": spec, "commit": provenance.commit()}, sort_keys=True)
    title = f"{spec['figure']}: {module.TITLE}"
    # No date: equal data give equal files.
    pdf = {"Title": title, "Subject": subject, "Creator": "symlearn", "CreationDate": None}
    png = {"Title": title, "Description": subject, "Software": "symlearn"}
    with style.applied():
        figure = module.draw(plotted, measured)
        if spec["preset"] == "quick":
            style.watermark(figure, "quick preset")
        _write(figure, out, pdf)
        figure.set_layout_engine("none")  # the PDF's stands; to find it takes as long as to draw
        _write(figure, out.with_suffix(".png"), png)


def _write(figure: Figure, out: Path, metadata: Mapping[str, str | None]) -> None:
    """A figure as a file. In memory first: on a full disk matplotlib trips over its own error."""
    content = io.BytesIO()
    figure.savefig(content, format=out.suffix[1:], metadata=metadata)
    out.write_bytes(content.getvalue())


def caption(module: Any, plotted: Plotted, spec: Spec) -> str:
    """The caption: title, what is shown, and the data that it was drawn from."""
    about = f"{module.TITLE}. {module.caption(plotted)}"
    if spec["context"] is not None:
        about += f" {_images(spec['context'])}"
    return f"{about} Preset: {spec['preset']}.\n"


def _images(context: Mapping[str, Any]) -> str:
    """The sentence of a caption that says which images were used."""
    others = context.get("others", ())
    more = f" (and of other data sets: {', '.join(others)})" if others else ""
    return f"Images: {prepared(context['dataset'])}{more}; random seed {context['seed']}."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns its exit status."""
    arguments = stage_parser("figures", "Draw a figure from its studies.").parse_args(argv)

    def run() -> None:
        started = time.time()
        spec = read_spec(arguments.spec)
        results = results_of(arguments.spec)
        files, read = input_files(results, spec), stage.Inputs(results)
        render(spec, [read(reference) for reference in spec["inputs"]], arguments.out)
        provenance.write_sidecar(arguments.out, spec, files, started)

    return guarded("figures", run)


def _as_dataset(measured: Measurements) -> xr.Dataset:
    """Measured quantities as a dataset along `quantity`."""
    return xr.Dataset(
        {
            "value": ("quantity", [m.value for m in measured.values()]),
            "uncertainty": ("quantity", [m.uncertainty for m in measured.values()]),
        },
        coords={"quantity": list(measured)},
    )
