"""What the figures of relative stability share: the networks' measurements, arranged."""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes

from symlearn import store
from symlearn.figures.inputs import Inputs, labels_of
from symlearn.statistics import TWO_SIDED, Measured

NAMES = {
    "digits": "digits",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "cifar10-part": "CIFAR-10, a fifth",
}
SYMBOLS = {"relative": "R", "deformation": "D", "noise": "G"}


def networks(inputs: Inputs) -> xr.Dataset:
    """Outputs of all networks: (cell, moment, train_size, member), a cell for each data set."""
    datasets = inputs.study("stability")
    parts = [_output(dataset) for dataset in datasets]
    # Data sets differ in their numbers of images and of seeds: what lacks is NaN.
    cells = xr.concat(parts, dim="cell", join="outer", combine_attrs="override")
    cells = cells.drop_vars("member")
    labels = [labels_of(dataset) for dataset in datasets]
    named = {
        key: ("cell", np.array([one[key] for one in labels])) for key in ("network", "dataset")
    }
    return cells.assign_coords(named).assign_attrs(settings(datasets[0]))


def settings(dataset: xr.Dataset) -> dict[str, float]:
    """What was done to the images, for captions."""
    spec = store.spec_of(dataset)
    return {key: spec[key] for key in ("displacement", "cutoff", "images", "draws")}


def _output(dataset: xr.Dataset) -> xr.Dataset:
    output = dataset.isel(layer=-1, drop=True)
    return output.assign_coords(member=dataset["seed"].values).drop_vars("seed")


def cells_of(nets: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Each network on each data set, with the tag that quantities carry; sizes that it has."""
    for number in range(nets.sizes["cell"]):
        here = nets.isel(cell=number)
        here = here.dropna("train_size", how="all", subset=["test_error"])
        yield f"{here['dataset'].item()}.{here['network'].item()}", here


def datasets_of(nets: xr.Dataset) -> list[str]:
    """The data sets, in the config's order."""
    return list(dict.fromkeys(nets["dataset"].values.tolist()))


def on(nets: xr.Dataset, dataset: str) -> xr.Dataset:
    """The networks on one data set."""
    return nets.isel(cell=np.flatnonzero(nets["dataset"] == dataset))


def seeds_of(nets: xr.Dataset) -> str:
    """The number of seeds, for captions; by data set where they differ."""
    counts = {name: _seeds(on(nets, name)) for name in datasets_of(nets)}
    if len(set(counts.values())) == 1:
        return str(next(iter(counts.values())))
    return ", ".join(f"{count} ({NAMES[name]})" for name, count in counts.items())


def _seeds(nets: xr.Dataset) -> int:
    return nets["test_error"].dropna("member", how="all").sizes["member"]


def log_mean(values: Float[np.ndarray, " member"]) -> Measured:
    """The geometric mean, as the authors average seeds, and its standard error."""
    kept = values[np.isfinite(values)]
    if not len(kept):
        return Measured(float("nan"))
    logs = np.log(kept)
    spread = logs.std(ddof=1) / np.sqrt(len(logs)) if len(logs) > 1 else np.nan
    return Measured(float(np.exp(logs.mean())), float(np.exp(logs.mean()) * spread))


def ends(values: Float[np.ndarray, " member"]) -> tuple[float, float]:
    """The ends of the geometric mean's 95 % interval, 1.96 standard errors of the logarithm."""
    middle, error = log_mean(values)
    reach = np.exp(TWO_SIDED * error / middle)
    return middle / reach, middle * reach


def one(axes: Axes) -> None:
    """The line where deformations and noise move the output alike."""
    axes.axhline(1, color="0.6", linewidth=0.8, linestyle=":", zorder=0)


def about_the_images(nets: xr.Dataset) -> str:
    """A caption's sentence on what is done to the images."""
    about = nets.attrs
    return (
        f"{about['images']} test images, each under {about['draws']} deformations of cutoff "
        f"c = {about['cutoff']} and a nominal displacement of {about['displacement']:g} pixels, "
        "the same for all networks; intensities in [0, 1]."
    )
