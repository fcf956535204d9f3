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
from symlearn.plots.panels import FEWEST, INTERVALS
from symlearn.statistics import (
    Interval,
    Measured,
    Measurements,
    geometric_interval,
    rank_correlation_difference,
    rank_correlation_interval,
)

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


def networks(inputs: Inputs, study: str = "stability") -> xr.Dataset:
    """Outputs of all networks: (cell, moment, train_size, member), a cell for each data set."""
    datasets = inputs.study(study)
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
    output = dataset.drop_dims("snapshot", errors="ignore").isel(layer=-1, drop=True)
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


def scatter(
    axes: Axes,
    x: Float[np.ndarray, " point"],
    rows: Float[np.ndarray, "point member"],
    colour: str,
) -> None:
    """The interval of each point's geometric mean, or of few seeds (`FEWEST`) these, as dots."""
    if rows.shape[1] < FEWEST:
        axes.plot(x, rows, ".", color=colour, markersize=2, alpha=0.6)
        return
    low, high = np.array([ends(row) for row in rows]).T
    axes.vlines(x, low, high, color=colour, linewidth=0.8)


def about_the_scatter(nets: xr.Dataset) -> str:
    """What `scatter` draws, for captions: the rest of a sentence."""
    if max(_seeds(on(nets, name)) for name in datasets_of(nets)) < FEWEST:
        return ", which are the dots"
    return f", with the {INTERVALS}, or dots for fewer than {FEWEST}"


def positive_errors(nets: xr.Dataset) -> xr.DataArray:
    """Test errors with half a mistake and one image more, so that none has no logarithm."""
    count = nets["test_images"]
    return (nets["test_error"] * count + 0.5) / (count + 1)


def points(nets: xr.Dataset) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Of each network and number of images, geometric means over seeds and their errors.

    Of the test error after training (`positive_errors`), R, D and G, over those seeds of which the
    stability is defined; NaN where there is none.
    """
    names = ("test_error", *(f"{quantity}_stability" for quantity in SYMBOLS))
    found: dict[str, list[Measured]] = {name: [] for name in names}
    for _, cell in cells_of(nets):
        cell = cell.assign(test_error=positive_errors(cell))
        after = cell.sel(moment="after").where(defined(cell))
        for name in names:
            rows = after[name].transpose("train_size", "member").values
            found[name] += [log_mean(row) for row in rows]
    short = {name: name.removesuffix("_stability") for name in names}
    values = {short[name]: np.array([m.value for m in found[name]]) for name in names}
    return values, {short[name]: np.array([m.uncertainty for m in found[name]]) for name in names}


def rank_correlations(nets: xr.Dataset, name: str) -> dict[str, Measured]:
    """Of the error with R, D and G, and that with R less that with D; `name` is the data set.

    Points of one network over the number of images hang together, so networks are resampled.
    """
    values, _ = points(nets)
    errors = values["test_error"]
    sizes = [cell.sizes["train_size"] for _, cell in cells_of(nets)]
    names = np.repeat(nets["network"].values, sizes)
    found = {
        quantity: rank_correlation_interval(values[quantity], errors, names) for quantity in SYMBOLS
    }
    both = values["relative"], values["deformation"]
    found["difference"] = rank_correlation_difference(*both, errors, names)
    return {key: value for what, one in found.items() for key, value in _ends(what, name, one)}


def _ends(what: str, name: str, found: Interval) -> Iterator[tuple[str, Measured]]:
    value, low, high = found
    yield f"rank_correlation.{what}.{name}", value
    yield f"rank_correlation_low.{what}.{name}", Measured(low)
    yield f"rank_correlation_high.{what}.{name}", Measured(high)


def correlation(measured: Measurements, tag: str) -> str:
    """A rank correlation with its interval, as far as they are defined."""
    value, low, high = (
        measured[f"rank_correlation{end}.{tag}"].value for end in ("", "_low", "_high")
    )
    if np.isnan(value):
        return "undefined"
    return f"{value:.2f}" if np.isnan(low) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


PREFACTOR = 0.2  # of the authors' line


def authors_line(axes: Axes) -> None:
    """0.2 root R, as far as it lies in the panel."""
    x = np.geomspace(*axes.get_xlim(), 20)
    axes.plot(x, PREFACTOR * np.sqrt(x), ":", color="0.5", zorder=0, scalex=False, scaley=False)


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
        f"{about['displacement']:g} pixels, the same for all networks. Networks see colours and "
        "Fashion-MNIST less a mean and over a deviation, other images in [0, 1]."
    )
