"""What the figures of relative stability share: the networks' measurements, arranged."""

from collections.abc import Iterable, Iterator

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.pipeline import store
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, labels_of
from symlearn.statistics import Measured, geometric_interval

NAMES = {
    "digits": "digits",
    "mnist": "MNIST",
    "mnist-5k": "MNIST, 5 000",
    "fashion-mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "cifar10-part": "CIFAR-10, a fifth",
}
SYMBOLS = {"relative": "R", "deformation": "D", "noise": "G"}


def called(dataset: str) -> str:
    """The name of a data set as it is written; images of one's own have the config's."""
    return NAMES.get(dataset, dataset)


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
    return ", ".join(f"{count} ({called(name)})" for name, count in counts.items())


def _seeds(nets: xr.Dataset) -> int:
    return nets["test_error"].dropna("member", how="all").sizes["member"]


def log_mean(values: Float[np.ndarray, " member"]) -> Measured:
    """The geometric mean, as the authors average seeds, and its standard error."""
    return geometric_interval(values).measured


def ends(values: Float[np.ndarray, " member"]) -> tuple[float, float]:
    """The ends of the geometric mean's 95 % interval, Student's of the logarithm."""
    _, low, high = geometric_interval(values)
    return low, high


def positive_errors(nets: xr.Dataset) -> xr.DataArray:
    """Test errors with half a mistake and one image more, so that none has no logarithm."""
    count = nets["test_images"]
    return (nets["test_error"] * count + 0.5) / (count + 1)


HALF_A_MISTAKE = (
    "Test errors are (mistakes + 1/2) / (images + 1), because an error of 0 has no logarithm."
)


def defined(nets: xr.Dataset) -> xr.DataArray:
    """Whether a network has R, D and G after its training: its output may be a constant."""
    names = [f"{quantity}_stability" for quantity in SYMBOLS]
    found = nets.sel(moment="after")[names].to_dataarray("quantity")
    return ((found > 0) & (found < np.inf)).all("quantity")


def left_out(cells: Iterable[xr.Dataset]) -> str:
    """A caption's sentence on the networks without a stability, empty where there is none."""
    trained, without = 0, 0
    for cell in cells:
        here = cell["test_error"].sel(moment="after").notnull()
        trained += int(here.sum())
        without += int((here & ~defined(cell)).sum())
    if not without:
        return ""
    return (
        f"{without} of {trained} trained networks are left out, because their stability is "
        "undefined. It is where the output is the same for all images, for instance. "
    )


def looks(nets: xr.Dataset) -> dict[str, tuple[str, str]]:
    """Colour and marker of each network of a figure, the same on all data sets."""
    return style.models(nets["network"].values.tolist())


def legend(figure: Figure, nets: xr.Dataset) -> None:
    """All networks of a figure, below its panels."""
    handles = [
        Line2D([], [], color=colour, marker=marker, label=name)
        for name, (colour, marker) in looks(nets).items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5))


def one(axes: Axes) -> None:
    """The line where deformations and noise move the output alike."""
    axes.axhline(1, color="0.6", linewidth=0.8, linestyle=":", zorder=0)


def about_the_images(nets: xr.Dataset) -> str:
    """A caption's sentence on what is done to the images."""
    about = nets.attrs
    return (
        f"R, D and G come from {about['images']} test images, each under {about['draws']} "
        f"deformations of cutoff c = {about['cutoff']} and a nominal displacement of "
        f"{about['displacement']:g} pixels, the same for all networks. Intensities lie in [0, 1]."
    )
