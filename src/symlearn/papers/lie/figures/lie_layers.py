"""The equivariance error layer by layer, by what each operation truly is.

See docs/science/lie.md#layer-by-layer and docs/science/lie.md#types-of-layers.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from symlearn.papers.lie.figures.terms import COLOURS, by_layer, legend, networks, share
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import Measured, Measurements, geometric_mean, largest, mean

TITLE = "Contributions to the equivariance error by layer, cumulative"
NEEDS: dict[str, dict[str, int]] = {"lie-layers": {}}
_GENERATOR = "translate_x"
_SEEN = 0.1  # percent
_BREAKING = ("nonlinearity", "pooling", "strided convolution")


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The terms of each network."""
    return dict(networks(inputs))


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Closures, shares by type under translation, and how much terms cancel."""
    measured: dict[str, Measured] = {}
    for name, found in plotted.items():
        here = found.sel(generator=[_GENERATOR])
        measured |= {
            f"closure.{name}": largest(found["closure"].values),
            f"whole_over_norms.{name}": largest(1 / found["norms_over_whole"].values),
            f"norms_over_whole.{name}": mean(here["norms_over_whole"].values.ravel()),
        }
        shares = {kind: share(here, kind).isel(generator=0).values for kind in COLOURS}
        measured |= {
            f"share.{kind.replace(' ', '_')}.{name}": mean(v) for kind, v in shares.items()
        }
        breaking = np.sum([shares[kind] for kind in _BREAKING], axis=0)
        measured[f"share.down_sampling_and_nonlinearity.{name}"] = mean(breaking)
        if shares["patch embedding"].any():
            measured[f"embedding_over_next.{name}"] = geometric_mean(
                _over_next(here, "patch embedding")
            )
    return measured


def _over_next(found: xr.Dataset, kind: str) -> np.ndarray:
    """The largest layer of a type over the largest of all others, for each member."""
    shares = by_layer(found).isel(generator=0)
    these = (found["layer_kind"] == kind).values
    inside = shares.isel(layer=np.flatnonzero(these)).max("layer")
    return (inside / shares.isel(layer=np.flatnonzero(~these)).max("layer")).values


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    first = next(iter(plotted.values()))
    closures = ", ".join(f"{name} {float(d['closure'].max()):.0e}" for name, d in plotted.items())
    cancelled = ", ".join(
        f"{name} {float(d['norms_over_whole'].sel(generator=_GENERATOR).mean()):.1f}"
        for name, d in plotted.items()
    )
    return (
        "Every operation has its own Lie derivative by translation along a row, pushed on to the "
        "softmax probabilities. The figure shows the squared norms, cumulative in the order of the "
        f"layers, as shares of their sum. Bars are means over {first.sizes['member']} networks "
        f"trained without augmentation and {first.attrs['images']} test images, lines single "
        "networks. Colours are the operations' true types. Attention without its norm is one "
        "layer, and so is the patch embedding. Operations that are no module (additions, "
        "positions, pooling of tokens, reshaping) count too. So the terms, before they are "
        f"squared, add up to the whole, with the largest relative difference {closures}. Squared "
        "norms do not add up: terms cancel, and the sum of their norms is larger than the norm of "
        f"the whole by a factor of {cancelled}. Terms are exact, in 64 bits, by the released "
        "code's differences. The paper estimates the squares by random probes, leaves out "
        "operations that are no module, and shows larger networks. This figure shows the networks "
        "trained here."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A panel for each network."""
    count = len(plotted)
    figure, panels = plt.subplots(
        1, count, figsize=(style.TWO_COLUMNS, 2.9), sharey=True, squeeze=False
    )
    for panel, (name, found) in zip(panels[0], plotted.items(), strict=True):
        _cumulative(panel, found.sel(generator=_GENERATOR))
        panel.set_title(name)
    style.letters(panels[0])
    panels[0, 0].set_ylabel("cumulative share (%)")
    legend(figure, [found.sel(generator=[_GENERATOR]) for found in plotted.values()])
    return figure


def _cumulative(axes: Axes, found: xr.Dataset) -> None:
    shares = 100 * by_layer(found).transpose("layer", "member").values
    total = shares.cumsum(axis=0)
    middle = shares.mean(axis=1)
    at = np.arange(1, len(middle) + 1)
    colours = [COLOURS[kind] for kind in found["layer_kind"].values]
    before = middle.cumsum() - middle
    axes.bar(at, before, width=1, color="0.93")
    edges = np.where(middle > _SEEN, 0.6, 0)  # so that small bars are seen, and none where none is
    axes.bar(at, middle, bottom=before, width=1, color=colours, edgecolor=colours, linewidth=edges)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.plot(at, total, color="0.3", linewidth=0.5, drawstyle="steps-mid")
    axes.set(xlabel="layer, from the image on", xlim=(0.4, len(middle) + 0.6), ylim=(0, 102))
