"""What the figures of the Lie derivative's layers share."""

from collections.abc import Iterable

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from symlearn.plots.inputs import Inputs, labels_of

# True types of layers, by the colour that they have.
COLOURS = {
    "convolution": "#E69F00",
    "strided convolution": "#D55E00",
    "pooling": "#009E73",
    "nonlinearity": "#0072B2",
    "norm": "#999999",
    "patch embedding": "#F0E442",
    "attention": "#CC79A7",
    "addition": "#56B4E9",
    "dense": "#000000",
}
_SEEN = 1e-6  # share of the whole from which on a type is drawn


def networks(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The terms of each network, by its name."""
    return {labels_of(d)["network"]: d for d in inputs.study("lie-layers")}


def by_layer(found: xr.Dataset) -> xr.DataArray:
    """Each layer's share of the sum of squared norms (layer, member, generator)."""
    contribution = found["contribution"]
    return contribution / contribution.sum("layer")


def share(found: xr.Dataset, kind: str) -> xr.DataArray:
    """The share of all layers of a type (member, generator)."""
    return by_layer(found).isel(layer=np.flatnonzero(found["layer_kind"] == kind)).sum("layer")


def kinds(found: xr.Dataset) -> list[str]:
    """The types that contribute, in the order of their colours."""
    return [kind for kind in COLOURS if float(share(found, kind).max()) > _SEEN]


def means(found: xr.Dataset, kind: str) -> Float[np.ndarray, " generator"]:
    """The share of a type under each generator, mean over members."""
    return share(found, kind).mean("member").values


def legend(figure: Figure, found: Iterable[xr.Dataset]) -> None:
    """The types that contribute in any of the networks, below all panels."""
    seen = {kind for each in found for kind in kinds(each)}
    handles = [
        Patch(facecolor=colour, label=kind) for kind, colour in COLOURS.items() if kind in seen
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=(len(handles) + 1) // 2)
