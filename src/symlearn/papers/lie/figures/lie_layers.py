"""The equivariance error layer by layer, by each stencil, and by what each operation truly is.

See docs/science/lie.md#layer-by-layer and docs/science/lie.md#types-of-layers.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.papers.lie.figures.terms import networks, of_kinds, shares
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.layer_kinds import LOOKS
from symlearn.statistics import Intervals, Measured, Measurements, crossed, crossed_medians, largest

TITLE = "Contributions to the translation error by layer, and how far the resampler decides them"
NEEDS: dict[str, dict[str, int]] = {"lie-layers": {}}
_GENERATOR = "translate_x"
_SINGLE = "forward, 32 bits"
_STENCILS = {
    "forward": ("#0072B2", "o"),
    "central": ("#D55E00", "s"),
    "spectral": ("#009E73", "^"),
    _SINGLE: ("#888888", "x"),
}
_SEEN = 0.01  # share by any stencil from which on a layer is drawn
_BREAKING = ("nonlinearity", "pooling", "strided convolution")
_HEIGHT = 0.17  # inches of a row


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The terms of each network under one translation; shares along `stencil`, image by image."""
    return {name: _under_translation(found) for name, found in networks(inputs).items()}


def _under_translation(found: xr.Dataset) -> xr.Dataset:
    here = found.sel(generator=_GENERATOR, drop=True)
    single = here["contribution_32"].expand_dims(stencil=[_SINGLE])
    return xr.Dataset(
        {
            "contribution": xr.concat([here["contribution"], single], dim="stencil"),
            "whole": here["whole"].sel(stencil="forward", drop=True),
            "closure": here["closure"].max("stencil"),
            "layer_name": here["layer_name"],
            "layer_kind": here["layer_kind"],
        },
        attrs=found.attrs,
    )


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Shares by type and stencil, what the stencils have in common, and how much terms cancel."""
    measured: dict[str, Measured] = {}
    for name, found in plotted.items():
        norms = found["contribution"].sel(stencil="forward") ** 0.5
        measured |= {
            f"closure.{name}": largest(found["closure"].values),
            f"norms_over_whole.{name}": _medians(norms.sum("layer") / found["whole"] ** 0.5).one,
            f"common.{name}": _medians(_common(found, *list(_STENCILS)[:3])).one,
            f"moved_by_precision.{name}": _medians(1 - _common(found, "forward", _SINGLE)).one,
        }
        for stencil in _STENCILS:
            measured |= _by_stencil(found, stencil, name)
    return measured


def _by_stencil(found: xr.Dataset, stencil: str, name: str) -> dict[str, Measured]:
    each = shares(found["contribution"].sel(stencil=stencil))
    kinds, tail = found["layer_kind"], f"{stencil.replace(', ', '-').replace(' ', '-')}.{name}"
    measured: dict[str, Measured] = {
        f"share.{kind.replace(' ', '_')}.{tail}": _medians(of_kinds(each, kinds, kind)).one
        for kind in LOOKS
    }
    breaking = _medians(of_kinds(each, kinds, *_BREAKING)).one
    measured[f"share.down_sampling_and_nonlinearity.{tail}"] = breaking
    inside = (kinds == "patch embedding").values
    if inside.any():
        by_layer = each.transpose("member", "image", "layer").values
        measured[f"embedding_over_next.{tail}"] = crossed(_over_next(inside), by_layer).one
        measured[f"embedding_leads.{tail}"] = crossed(_leads(inside), by_layer).one
    return measured


def _over_next(inside: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The largest point of some layers over that of all others, as panels draw points."""

    def ratio(each: np.ndarray) -> np.ndarray:
        points = np.median(each, axis=1).mean(axis=0)
        return np.asarray(points[inside].max() / points[~inside].max())

    return ratio


def _leads(inside: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The part of the images of which one of some layers has a larger share than all others."""

    def part(each: np.ndarray) -> np.ndarray:
        largest_own, largest_other = (each[..., one].max(axis=-1) for one in (inside, ~inside))
        return np.asarray((largest_own > largest_other).mean())

    return part


def _common(found: xr.Dataset, *stencils: str) -> xr.DataArray:
    """The part of the shares, by layer, that all of some stencils agree on, image by image."""
    each = shares(found["contribution"]).sel(stencil=list(stencils))
    return each.min("stencil").sum("layer")


def _medians(values: xr.DataArray) -> Intervals:
    return crossed_medians(values.transpose("member", "image", ...).values)


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    first = next(iter(plotted.values()))
    measured = measure(plotted)
    closures = ", ".join(f"{name} {float(d['closure'].max()):.0e}" for name, d in plotted.items())

    def of_each(quantity: str, factor: float = 1, unit: str = "") -> str:
        found = {name: measured[f"{quantity}.{name}"].value for name in plotted}
        return ", ".join(f"{name} {factor * value:.3g}{unit}" for name, value in found.items())

    return (
        "Every operation has its own Lie derivative by translation along a row, pushed on to the "
        "softmax probabilities. Points are the shares of layers (upper panels) and of their true "
        "types (lower panels) in the sum of squared norms. Shares are taken image by image: points "
        f"are medians over {first.attrs['images']} test images, means over {first.sizes['member']} "
        "networks that were trained without augmentation. Bars are 95 % intervals over networks "
        f"and images. Layers below {_SEEN:.0%} by every stencil are left out. The derivative of "
        "the resampled image at a pixel is a choice: forward is the released code's, central what "
        "symmetric finite differences converge to, and spectral is exact for band-limited images. "
        "Of the shares by layer, all three assign this part to the same layers, which is the "
        f"network's: {of_each('common', 100, ' %')}. The rest is the resampler's. In 32 bits the "
        "released code's resampler takes some pixels' neighbours on the other side. That moves "
        f"this part of the shares: {of_each('moved_by_precision', 100, ' %')}. Attention without "
        "its norm is one layer, and so is the patch embedding. Operations that are no module "
        "count too, so that the terms, before they are squared, add up to the whole (largest "
        f"relative difference {closures}). Squared norms do not add up: the sum of the norms is "
        f"larger than the norm of the whole by the factor {of_each('norms_over_whole')} (forward, "
        "median). Terms are exact. The paper estimates the squares by random probes with the "
        "released code's derivative, leaves out operations that are no module, and shows larger "
        "networks."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Layers above and types below, a column for each network."""
    tables = {name: (_layers(found), _types(found)) for name, found in plotted.items()}
    rows = [max(table[i].sizes["row"] for table in tables.values()) for i in (0, 1)]
    figure, panels = plt.subplots(
        2, len(plotted), figsize=(style.TWO_COLUMNS, 1.1 + _HEIGHT * sum(rows)), squeeze=False,
        height_ratios=rows,
    )  # fmt: skip
    for column, (name, both) in zip(panels.T, tables.items(), strict=True):
        for axes, table, most in zip(column, both, rows, strict=True):
            _dots(axes, table)
            axes.set_ylim(most - 0.5, -0.5)
        column[0].set_title(name)
        column[1].set_xlabel("share of the translation error (%)")
    style.letters(panels.ravel())
    handles = [
        Line2D([], [], color=c, marker=m, linestyle="none", markersize=3, label=text)
        for text, (c, m) in _STENCILS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _layers(found: xr.Dataset) -> xr.DataArray:
    """The layers that matter, named by where they are and what they are."""
    each = shares(found["contribution"])
    seen = each.median("image").mean("member").max("stencil") >= _SEEN
    kept = each.isel(layer=np.flatnonzero(seen))
    names, kinds = (found[key].values[seen.values] for key in ("layer_name", "layer_kind"))
    labels = _distinct([f"{kind} · {name}" for name, kind in zip(names, kinds, strict=True)])
    return kept.rename(layer="row").assign_coords(row=labels)


def _distinct(labels: list[str]) -> list[str]:
    """The same with a number behind each that occurs more than once."""
    return [
        f"{label} ({labels[: i + 1].count(label)})" if labels.count(label) > 1 else label
        for i, label in enumerate(labels)
    ]


def _types(found: xr.Dataset) -> xr.DataArray:
    each, kinds = shares(found["contribution"]), found["layer_kind"]
    present = [kind for kind in LOOKS if kind in kinds.values]
    table = [of_kinds(each, kinds, kind).expand_dims(row=[kind]) for kind in present]
    joined = xr.concat(table, dim="row")
    seen = joined.median("image").mean("member").max("stencil") >= _SEEN
    return joined.isel(row=np.flatnonzero(seen))


def _dots(axes: Axes, table: xr.DataArray) -> None:
    """A row for each layer, with a point for each stencil."""
    found = _medians(table.transpose("member", "image", "stencil", "row"))
    at = np.arange(table.sizes["row"])
    for number, (colour, marker) in enumerate(_STENCILS.values()):
        middle, low, high = (
            100 * values[number] for values in (found.middle, found.low, found.high)
        )
        y = at + 0.2 * (number - (len(_STENCILS) - 1) / 2)
        axes.hlines(y, low, high, color=colour, linewidth=0.8)
        axes.plot(middle, y, marker, color=colour, markersize=2.6, markeredgewidth=0.8)
    axes.set_yticks(at, table["row"].values.tolist(), fontsize=5.5)
    axes.set_xlim(left=0)
    for edge in at[:-1] + 0.5:
        axes.axhline(edge, color="0.9", linewidth=0.5, zorder=0)
