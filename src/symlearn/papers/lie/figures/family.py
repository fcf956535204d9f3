"""What the figures of the Lie derivative's family of networks share."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.plots import style
from symlearn.plots.inputs import Inputs, labels_of
from symlearn.statistics import TWO_SIDED, Measured

MARKERS = {"none": "o", "translation": "s", "rotation": "^"}
_TRANSLATIONS = ["translate_x", "translate_y"]


def family(inputs: Inputs) -> xr.Dataset:
    """All networks: architectures along `cell`, then by augmentation and member."""
    datasets = inputs.study("lie-models")
    parts = [d.assign(weights=d.attrs["weights"]) for d in datasets]
    kept = {key: datasets[0].attrs[key] for key in ("images", "test", "pixels")}
    names = [labels_of(d)["network"] for d in datasets]
    found = xr.concat(parts, dim="cell", combine_attrs="drop")
    return found.assign_coords(network=("cell", names)).assign_attrs(kept)


def networks(found: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Each architecture with its name."""
    for row in range(found.sizes["cell"]):
        here = found.isel(cell=row)
        yield str(here["network"].item()), here


def translation(found: xr.Dataset, quantity: str, image_set: str) -> xr.DataArray:
    """An error under translations on a set of images, mean over both axes."""
    return found[quantity].sel(image_set=image_set, generator=_TRANSLATIONS).mean("generator")


def rotation(found: xr.Dataset, quantity: str, image_set: str) -> xr.DataArray:
    """An error under rotations on a set of images."""
    return found[quantity].sel(image_set=image_set, generator="rotate")


def flat(values: xr.DataArray) -> Float[np.ndarray, " network"]:
    """One value for each trained network, in one order for all quantities."""
    return values.transpose("cell", "augmentation", "member").values.ravel()


def cells_of(found: xr.Dataset) -> Int[np.ndarray, " network"]:
    """The number of each network's architecture and augmentation, in the order of `flat`.

    Networks that share both are repetitions of one point of the family.
    """
    count = found.sizes["cell"] * found.sizes["augmentation"]
    return np.arange(count).repeat(found.sizes["member"])


def with_images(values: xr.DataArray, errors: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """An error, mean over networks, and its standard error over networks and images.

    `errors` are each network's over images. As `statistics.over_networks`: all networks have the
    images in common. The errors of a mean over both axes count as one.
    """
    of_networks = values.var("member", ddof=1) / values.sizes["member"]
    return values.mean("member"), (of_networks + (errors**2).mean("member")) ** 0.5


def interval(found: Measured) -> str:
    """A rank correlation with the ends of its interval, as text in a panel."""
    low, high = found.interval
    return f"rank {found.value:.2f} ({low:.2f} to {high:.2f})"


def scatter(
    axes: Axes,
    found: xr.Dataset,
    x: xr.DataArray,
    y: xr.DataArray,
    **errors: xr.DataArray,
) -> None:
    """Each network as a marker: colour by architecture, shape by augmentation.

    `errors` are standard errors over images, along `xerr` or `yerr`: bars of 1.96 of them, which
    keep above zero.
    """
    looks = style.models(found["network"].values.tolist())
    for row, name in enumerate(found["network"].values):
        for augmentation, marker in MARKERS.items():
            here = {"augmentation": augmentation}
            at = {"xerr": x.isel(cell=row).sel(here), "yerr": y.isel(cell=row).sel(here)}
            bars: dict[str, Any] = {
                along: _reach(at[along].values, error.isel(cell=row).sel(here).values)
                for along, error in errors.items()
            }
            axes.errorbar(
                at["xerr"], at["yerr"], fmt=marker, elinewidth=0.5, **bars, color=looks[name][0],
                markersize=4, markeredgewidth=0.4, markeredgecolor="white",
            )  # fmt: skip


def _reach(values: np.ndarray, errors: np.ndarray) -> Float[np.ndarray, "side network"]:
    """From values to the ends of their intervals, symmetric in the logarithm."""
    factor = np.exp(TWO_SIDED * errors / values)
    return np.stack([values - values / factor, values * factor - values])


def legend(figure: Figure, found: xr.Dataset, *, augmentations: bool = True) -> None:
    """Architectures, and augmentations where those are what markers stand for, below all panels."""
    looks = style.models(found["network"].values.tolist())
    handles = [
        Line2D([], [], color=colour, linewidth=3)
        if augmentations
        else Line2D([], [], color=colour, marker=marker)
        for colour, marker in looks.values()
    ]
    labels = list(looks)
    if augmentations:
        grey = {"color": "0.4", "linestyle": "none"}
        handles += [Line2D([], [], marker=marker, **grey) for marker in MARKERS.values()]  # type: ignore[arg-type]
        labels += [f"augmented: {name}" for name in MARKERS]
    figure.legend(handles, labels, loc="outside lower center", ncols=(len(labels) + 1) // 2)
