"""What `symlearn measure` writes: a table, a NetCDF file, pictures, and a page that explains."""

import argparse
import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import xarray as xr

from symlearn.datasets.pictures import two_columns
from symlearn.errors import DataError

Found = Mapping[str, Mapping[str, xr.Dataset]]

_HEADING = ("model", "measure", "quantity", "of", "value", "se", "units")
_TITLES = {
    "lie": "The Lie derivative, end to end",
    "layers": "The Lie derivative, layer by layer",
    "stability": "Stability to smooth deformations",
    "invariance": "Invariance under a finite group",
}
_WORDS = {
    "lie": "How fast the outputs change when the picture is moved, per unit of coordinates in "
    "which it goes from -1 to 1, by the kind of movement. `mean_square` is of the probabilities "
    "(equation 4 of arXiv 2210.02984), `mean_absolute` what the released code computes: compare "
    "this one with published numbers. Both are small for a confident network, whatever it learned. "
    "`logits` does not see confidence: the logits' change over their variance between pictures. "
    "0 is invariance.",
    "layers": "What each layer contributes to the Lie derivative of the probabilities. `share` is "
    "the median over pictures of the squared norm of a layer's term, of the sum of all; terms "
    "themselves add up to the whole. What a layer's share is depends on the stencil by which "
    "pictures are moved, so compare shares of one stencil only.",
    "stability": "`D` is how far smooth deformations of one pixel move the output, `G` how far "
    "noise of the same norm does, both over the distance between pictures, and `R` is D over G "
    "(Petrini et al. 2021). R is about 1 before training; below 1 a network is more stable to "
    "deformations than to noise. By layer in the order in which they act, the output last.",
    "invariance": "What happens when the group moves the picture. `divergence` is the "
    "KL divergence of the predicted probabilities in nats, `logit_error` half the squared distance "
    "of the logits, and `saliency_similarity` the cosine between saliency maps brought back to one "
    "orientation (Moskalev et al. 2023). `relative_logit_error` is the logit error over that "
    "between different pictures, and `selectivity` over that of noise of the same size: 0 is "
    "genuine invariance, and a network that only shrinks its outputs keeps it unchanged. "
    "`agreement` is how often the predicted class stays.",
}  # fmt: skip


class Row(NamedTuple):
    """One number of the table."""

    model: str
    measure: str
    quantity: str
    of: str
    value: float
    se: float
    units: str


def write(found: Found, published: Mapping[str, float], arguments: argparse.Namespace) -> None:
    """Print the table and write all files; raises DataError where they cannot be written."""
    out: Path = arguments.out
    rows = list(_rows(found))
    lines = _summary(found, published)
    print("\n".join(lines))
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (out / "measured.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows([_HEADING, *rows])
        groups = {
            f"{model.replace('/', '-')}/{measure}": data
            for model, parts in found.items()
            for measure, data in parts.items()
        }
        content = xr.DataTree.from_dict(groups).to_netcdf(None, engine="h5netcdf")
        (out / "measured.nc").write_bytes(content)
        _pictures(found, out)
        (out / "measured.md").write_text(_page(found, lines, arguments), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{error.filename or out}: cannot be written: {error.strerror}") from None
    print(f"{out / 'measured.md'} says what each number means")


def published_errors(path: Path) -> dict[str, float]:
    """Published errors by model, of a CSV file with these columns; raises DataError."""
    return two_columns(path, "model", "error", float)


def _rows(found: Found) -> Iterator[Row]:
    for model, parts in found.items():
        for measure, data in parts.items():
            for name in data.data_vars:
                if f"{name}_se" not in data:
                    continue
                variable, errors = data[name], data[f"{name}_se"]
                units = str(variable.attrs["units"])
                for place in _places(data, str(name)):
                    index, of = place
                    value, error = (float(each.isel(index)) for each in (variable, errors))
                    yield Row(model, measure, str(name), of, value, error, units)


def _places(data: xr.Dataset, name: str) -> Iterator[tuple[dict[str, int], str]]:
    """The entries of a quantity: their index, and what they are of."""
    dims = [str(dim) for dim in data[name].dims]
    if not dims:
        yield {}, ""
        return
    (dim,) = dims
    for number in range(data.sizes[dim]):
        if dim in data.coords:
            of = str(data[dim].values[number])
        else:  # layers of the Lie derivative, of which two may have one name
            of = f"{number}: {data['kind'].values[number]} {data['name'].values[number]}"
        yield {dim: number}, of


def _summary(found: Found, published: Mapping[str, float]) -> list[str]:
    """The table for people, as Markdown: one line for each model and quantity that says most."""
    columns = list(found)
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for label, measure, quantity, place in _shown(found):
        cells = [_cell(parts[measure], quantity, place) for parts in found.values()]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    if published:
        cells = [f"{published[name]:.3g}" if name in published else "" for name in columns]
        lines.append(f"| published error | {' | '.join(cells)} |")
    return lines


def _shown(found: Found) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    parts = next(iter(found.values()))
    if "invariance" in parts:
        if all("accuracy" in each["invariance"] for each in found.values()):
            yield "accuracy", "invariance", "accuracy", {}
        group = f"{parts['invariance'].attrs['group']}, n = {parts['invariance'].attrs['n']}"
        for name in ("agreement", "relative_logit_error", "selectivity", "divergence",
                     "saliency_similarity"):  # fmt: skip
            yield f"{name} ({group})", "invariance", name, {}
    if "stability" in parts:
        for name in ("R", "D", "G"):
            yield f"{name} of the output", "stability", name, {"layer": "output"}
    if "lie" in parts:
        for name in parts["lie"]["generator"].values:
            yield f"mean_absolute, {name}", "lie", "mean_absolute", {"generator": str(name)}


def _cell(data: xr.Dataset, quantity: str, place: Mapping[str, str]) -> str:
    value, error = (float(data[name].sel(place)) for name in (quantity, f"{quantity}_se"))
    return f"{value:.3g}" + (f" ± {error:.1g}" if math.isfinite(error) else "")


def _pictures(found: Found, out: Path) -> None:
    from symlearn.plots.any_model import draw  # matplotlib, when it is needed

    for measure in next(iter(found.values())):
        draw({name: parts[measure] for name, parts in found.items()}).savefig(
            out / f"{measure}.png"
        )


def _page(found: Found, lines: list[str], arguments: argparse.Namespace) -> str:
    """The page that explains; it says how the numbers were made, from the data alone."""
    first = next(iter(next(iter(found.values())).values()))
    names = ", ".join(found)
    parts = [
        f"# {names}",
        f"Weights: {arguments.weights}. Pictures: {first.attrs['images']} of "
        f"{arguments.pictures}, drawn by seed {arguments.seed}, prepared as timm prepares them for "
        "a test of each model. Numbers after ± are standard errors over pictures. `measured.csv` "
        "holds every number, and `measured.nc` the same with units.",
        "\n".join(lines),
    ]
    for measure in next(iter(found.values())):
        about = next(iter(found.values()))[measure].attrs
        how = ", ".join(
            f"{key} {about[key]}"
            for key in ("stencil", "generator", "directions", "closure", "displacement", "cutoff",
                        "draws", "batch_statistics", "group", "n")
            if key in about
        )  # fmt: skip
        parts += [
            f"## {_TITLES[measure]}",
            _WORDS[measure],
            f"Settings: {how}.",
            f"![{_TITLES[measure]}]({measure}.png)",
        ]
    return "\n\n".join(parts) + "\n"
