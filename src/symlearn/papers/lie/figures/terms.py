"""What the figures of the Lie derivative's layers share."""

from collections.abc import Iterable

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.plots.inputs import Inputs, labels_of
from symlearn.plots.layer_kinds import LOOKS

_SEEN = 0.005  # share from which on a type is drawn


def networks(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The terms of each network, by its name."""
    return {labels_of(d)["network"]: d for d in inputs.study("lie-layers")}


def shares(contribution: xr.DataArray) -> xr.DataArray:
    """Each layer's share of the sum of squared norms, image by image."""
    return contribution / contribution.sum("layer")


def of_kinds(found: xr.DataArray, kinds: xr.DataArray, *wanted: str) -> xr.DataArray:
    """The share of all layers of some types."""
    return found.isel(layer=np.flatnonzero(np.isin(kinds, wanted))).sum("layer")


def by_kind(each: xr.DataArray, kinds: xr.DataArray) -> xr.DataArray:
    """The shares of the types that contribute, along `kind`, in the order of their looks."""
    kept = [
        of_kinds(each, kinds, kind).expand_dims(kind=[kind])
        for kind in LOOKS
        if kind in kinds.values
    ]
    table = xr.concat(kept, dim="kind")
    seen = table.median("image").max(["member", "stencil", "generator"]) > _SEEN
    return table.isel(kind=np.flatnonzero(seen))


def legend(figure: Figure, kinds: Iterable[str]) -> None:
    """The types named, below all panels."""
    named = set(kinds)
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", label=kind)
        for kind, (colour, marker) in LOOKS.items()
        if kind in named
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=(len(handles) + 1) // 2)
