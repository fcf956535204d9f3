"""The studies' datasets that a figure reads, and the arrangements that several figures share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from symlearn.pipeline import store

Plotted = Mapping[str, xr.Dataset]

_OF_THE_GROUP = ("group", "moves", "cyclic")


@dataclass(frozen=True)
class Inputs:
    """The datasets that a figure reads; each holds the spec that it answers.

    `classes` is the number of those of the preset's images: published ones have ten.
    """

    datasets: tuple[xr.Dataset, ...]
    classes: int = 10

    def study(self, name: str) -> list[xr.Dataset]:
        """The datasets of a study."""
        return [d for d in self.datasets if store.spec_of(d)["study"] == name]

    def one(self, name: str) -> xr.Dataset:
        """The only dataset of a study."""
        (found,) = self.study(name)
        return found


def labels_of(dataset: xr.Dataset) -> dict[str, Any]:
    """The labels of a study's dataset: its architecture and its n."""
    return store.spec_of(dataset)["labels"]


def prepared(data: Mapping[str, Any]) -> str:
    """A data set of the config, and what was done to its images, in words."""
    parts = [data["name"]]
    if data["upsampling"] > 1:
        parts.append(f"upsampled {data['upsampling']} times")
    if data["padding"]:
        parts.append(f"padded by {data['padding']} pixels on each side")
    return ", ".join(parts)


def by_cell(datasets: list[xr.Dataset]) -> xr.Dataset:
    """All datasets of a grid as one: chunks joined along `task`, grid points along `cell`.

    Poses differ in number between grid points, so what depends on the pose is given at the
    identity (`_at_identity`) and averaged over poses (`_mean`). Of the attributes those of the
    group are kept, which all have in common.
    """
    joined: dict[tuple[str, int], list[xr.Dataset]] = {}
    for dataset in datasets:
        labels = labels_of(dataset)
        joined.setdefault((labels["architecture"], labels["n"]), []).append(_at_identity(dataset))
    parts = [xr.concat(chunks, dim="task") for chunks in joined.values()]
    cells = xr.concat(
        parts, dim="cell", combine_attrs="override", coords="minimal", compat="override"
    )
    architectures = np.array([architecture for architecture, _ in joined])
    sizes = np.array([n for _, n in joined])
    return cells.drop_vars("n", errors="ignore").assign_coords(
        architecture=("cell", architectures), n=("cell", sizes)
    )


def architectures(cells: xr.Dataset) -> list[str]:
    """The architectures of a grid, in its order."""
    return list(dict.fromkeys(cells["architecture"].values.tolist()))


def rows_of(cells: xr.Dataset, architecture: str) -> xr.Dataset:
    """The grid points of one architecture, by growing n."""
    chosen = cells.isel(cell=np.flatnonzero(cells["architecture"] == architecture))
    return chosen.sortby("n")


def at(cells: xr.Dataset, architecture: str, n: int) -> xr.Dataset:
    """One grid point."""
    here = (cells["architecture"] == architecture) & (cells["n"] == n)
    return cells.isel(cell=int(np.flatnonzero(here)[0]))


def by_task(values: xr.DataArray) -> np.ndarray:
    """Values with the independent problems first, as `statistics` takes them."""
    return values.transpose("task", ...).values


def grid_points(cells: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Each grid point with the tag that quantities carry: its architecture and its n."""
    for row in range(cells.sizes["cell"]):
        here = cells.isel(cell=row)
        yield f"{here['architecture'].item()}.n{int(here['n'])}", here


def symmetrised(exact: xr.DataArray) -> Float[np.ndarray, " task"]:
    """The paper's error of a pair: mean over both classes of the error's magnitude."""
    return abs(exact).mean("orbit").values


def correct_of_two(exact: xr.DataArray) -> Float[np.ndarray, " task"]:
    """How many of a pair's two missing poses are right: an error below 1 is the right sign."""
    return (exact < 1.0).sum("orbit").values.astype(float)


def nearest_n(cells: xr.Dataset, wanted: int) -> int:
    """The n of the grid that is nearest to the one that the paper draws."""
    sizes = np.unique(cells["n"])
    return int(sizes[np.abs(np.log(sizes / wanted)).argmin()])


def _at_identity(dataset: xr.Dataset) -> xr.Dataset:
    reduced = {}
    for name, variable in dataset.data_vars.items():
        if "pose" in variable.dims:
            reduced[f"{name}_at_identity"] = variable.isel(pose=0)
            reduced[f"{name}_mean"] = variable.mean("pose")
        else:
            reduced[str(name)] = variable
    kept = {name: value for name, value in dataset.attrs.items() if name in _OF_THE_GROUP}
    return xr.Dataset(reduced, attrs=kept)
