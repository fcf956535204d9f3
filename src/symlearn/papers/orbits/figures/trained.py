"""What the figures of trained networks share: their histories, arranged and summarised."""

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes

from symlearn.plots.inputs import labels_of
from symlearn.plots.panels import FEWEST
from symlearn.statistics import mean_interval


def histories(datasets: list[xr.Dataset], *keys: str) -> xr.Dataset:
    """All histories of a study as one: jobs joined along `member`, grid points along `cell`.

    Grid points are told apart by the labels `keys`, which become coordinates.
    """
    joined: dict[tuple[object, ...], list[xr.Dataset]] = {}
    for dataset in datasets:
        labels = labels_of(dataset)
        point = tuple(labels[key] for key in keys)
        joined.setdefault(point, []).append(dataset.drop_vars("levels", errors="ignore"))
    parts = [xr.concat(chunks, dim="member") for chunks in joined.values()]
    cells = xr.concat(parts, dim="cell", combine_attrs="drop")
    columns = zip(*joined, strict=True)
    named = dict(zip(keys, columns, strict=True))
    return cells.assign_coords({key: ("cell", np.array(list(v))) for key, v in named.items()})


def select(cells: xr.Dataset, **labels: object) -> xr.Dataset:
    """The grid points with these labels, by growing n where they have one."""
    chosen = np.ones(cells.sizes["cell"], dtype=bool)
    for key, value in labels.items():
        chosen &= cells[key].values == value
    found = cells.isel(cell=np.flatnonzero(chosen))
    return found.sortby("n") if "n" in found.coords else found


def by_class(cell: xr.Dataset, quantity: str) -> xr.DataArray:
    """A quantity of one grid point, mean over initialisations, by class left out (`class_`)."""
    values = cell[quantity].assign_coords(left_out=cell["left_out"])
    return values.groupby("left_out").mean().rename(left_out="class_")


def pair_errors(cell: xr.Dataset) -> Float[np.ndarray, "task orbit seed"]:
    """|y - prediction| on the missing pose after training, for networks trained on pairs."""
    final = np.sqrt(cell["out_loss"].isel(epoch=-1).values)
    tasks = int(cell["source_task"].max()) + 1
    seeds = int(cell["seed"].max()) + 1
    errors = np.full((tasks, 2, seeds), np.nan)
    errors[cell["source_task"].values, cell["missing_orbit"].values, cell["seed"].values] = final
    return errors


def pair_right(cell: xr.Dataset) -> Float[np.ndarray, "task orbit seed"]:
    """Whether the missing pose is classified correctly after training, arranged likewise."""
    final = cell.assign(out_loss=cell["out_accuracy"] ** 2)
    return pair_errors(final)


def by_digit(axes: Axes, x: np.ndarray, values: Float[np.ndarray, "class_ x"], **line: Any) -> None:
    """A thin line for each class left out, and their mean; its 95 % interval if they are five."""
    faint = {key: value for key, value in line.items() if key not in ("label", "marker")}
    axes.plot(x, values.T, **{**faint, "linewidth": 0.5, "alpha": 0.6})
    axes.plot(x, values.mean(axis=0), **{"linewidth": 1.6, **line})
    if len(values) >= FEWEST:
        axes.fill_between(x, *mean_interval(values), color=line["color"], alpha=0.2, linewidth=0)


def chance(axes: Axes, classes: int) -> None:
    """The accuracy of guessing among so many classes."""
    axes.axhline(1 / classes, color="0.6", linewidth=0.8, linestyle=":")
