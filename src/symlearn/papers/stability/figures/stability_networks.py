"""The paper's headline: test error against relative stability over networks, at one P.

See docs/science/stability.md#error-against-r-over-networks.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.stability.figures import stabilities
from symlearn.papers.stability.figures.stabilities import called, cells_of, log_mean
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import labels_beside, plain_logarithm
from symlearn.statistics import Measured, Measurements, power_interval

TITLE = "Test error against relative stability over networks"
NEEDS: dict[str, dict[str, int]] = {"stability-networks": {}}
_LABELS = {
    "relative": "relative stability R",
    "deformation": "stability to deformations D",
}
# Of fewer networks no power is fitted and no claim is made.
_ENOUGH = 8
_KNOWS = 0.1  # share of wrong training images up to which a network knows what it saw


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All networks after their training."""
    return {"networks": stabilities.networks(inputs, "stability-networks")}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """The power and the prefactor of error against R, rank correlations, and R by network."""
    nets = plotted["networks"]
    name = _dataset(nets)
    values, _ = stabilities.points(nets)
    power, low, high = power_interval(values["relative"], values["test_error"])
    return {
        f"power.{name}": power,
        f"power_low.{name}": Measured(low),
        f"power_high.{name}": Measured(high),
        f"prefactor.{name}": log_mean(values["test_error"] / np.sqrt(values["relative"])),
        **stabilities.rank_correlations(nets, name),
        **_by_network(nets),
        **_extremes(nets, name),
    }


def _by_network(nets: xr.Dataset) -> dict[str, Measured]:
    """R before and after training, and errors on test and training images, over seeds."""
    measured = {}
    for tag, cell in cells_of(nets):
        errors = stabilities.positive_errors(cell).sel(moment="after")
        measured[f"error.{tag}"] = log_mean(errors.values.ravel())
        measured[f"train_error.{tag}"] = Measured(float(_train_error(cell)))
        for moment in ("before", "after"):
            values = cell["relative_stability"].sel(moment=moment).values.ravel()
            measured[f"{moment}.{tag}"] = log_mean(values)
    return measured


def _extremes(nets: xr.Dataset, name: str) -> dict[str, Measured]:
    """How many networks there are, and the largest share of wrong training images."""
    worst = max(float(_train_error(cell)) for _, cell in cells_of(nets))
    return {
        f"networks.{name}": Measured(float(nets.sizes["cell"])),
        f"worst_train_error.{name}": Measured(worst),
    }


def _train_error(cell: xr.Dataset) -> xr.DataArray:
    return cell["train_error"].sel(moment="after").mean()


def _dataset(nets: xr.Dataset) -> str:
    return str(nets["dataset"].values[0])


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    nets = plotted["networks"]
    errors = [float(_train_error(cell)) for _, cell in cells_of(nets)]
    return (
        f"Each point is a network trained on {int(nets['train_size'][0])} images of "
        f"{called(_dataset(nets))}, as geometric mean over {stabilities.seeds_of(nets)} seeds, "
        "which are the small dots. Left: its test error after training against relative stability "
        "R. Right: the same against the stability D to deformations, which is not set against "
        "noise. "
        f"{_about_the_fit(nets)}The networks classify "
        f"{min(errors):.1%} to {max(errors):.1%} of the first of their training images wrongly, "
        f"without crops and reflections. {_unlearned(errors)}{_narrow(nets)}"
        f"{stabilities.HALF_A_MISTAKE} "
        f"{stabilities.left_out(cell for _, cell in cells_of(nets))}"
        f"{stabilities.about_the_images(nets)}"
    )


def _unlearned(errors: list[float]) -> str:
    count = sum(error > _KNOWS for error in errors)
    return f"For {count} of them, open, it is more than {_KNOWS:.0%}. " if count else ""


def _about_the_fit(nets: xr.Dataset) -> str:
    if not _enough(nets):
        return (
            f"So few networks ({nets.sizes['cell']}) say nothing about the relation, which is the "
            "paper's for 15 networks on CIFAR-10. They show the panels alone. "
        )
    return (
        "Solid: the fitted power of R, whose 95 % interval is of networks resampled as units. "
        "Dotted: the authors' 0.2 root R for 15 networks on all of CIFAR-10. Above: Spearman's "
        "rank correlation over networks with the 95 % interval of the same resamples. "
    )


def _enough(nets: xr.Dataset) -> bool:
    return nets.sizes["cell"] >= _ENOUGH


def _narrow(nets: xr.Dataset) -> str:
    if not any(name.endswith("-narrow") for name in nets["network"].values):
        return ""
    return (
        "Networks that are called narrow have a quarter of the published channels (VGG, AlexNet, "
        "EfficientNet-B0, whose first stride is 2) or an eighth (ResNet). "
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """The error over R and over D, points labelled."""
    nets = plotted["networks"]
    name = _dataset(nets)
    size = (style.TWO_COLUMNS, 3.4)
    figure, panels = plt.subplots(1, 2, figsize=size, sharey=True)
    values, _ = stabilities.points(nets)
    for axes, quantity in zip(panels, _LABELS, strict=True):
        _points(axes, nets, quantity, values)
        found = stabilities.correlation(measured, f"{quantity}.{name}")
        axes.set_title(f"rank correlation {found}" if _enough(nets) else "")
    panels[0].set_ylabel("test error")
    if _enough(nets):
        _lines(panels[0], values, measured, name)
    style.letters(panels)
    for axis in (panels[0].yaxis, *(axes.xaxis for axes in panels)):
        plain_logarithm(axis)
    names = [str(network) for network in nets["network"].values]
    for axes, quantity in zip(panels, _LABELS, strict=True):
        labels_beside(axes, values[quantity], values["test_error"], names)
    return figure


def _points(axes: Axes, nets: xr.Dataset, quantity: str, values: dict[str, np.ndarray]) -> None:
    """Networks as markers, and their single seeds as dots."""
    looks = stabilities.looks(nets)
    for place, (_, cell) in enumerate(cells_of(nets)):
        colour, marker = looks[cell["network"].item()]
        seeds = cell.sel(moment="after").where(stabilities.defined(cell))
        x = seeds[f"{quantity}_stability"].values.ravel()
        y = stabilities.positive_errors(seeds).values.ravel()
        axes.plot(x, y, ".", color=colour, markersize=2, alpha=0.6)
        axes.plot(
            values[quantity][place],
            values["test_error"][place],
            marker,
            color=colour,
            markerfacecolor=colour if float(_train_error(cell)) <= _KNOWS else "white",
        )
    axes.set(xscale="log", yscale="log", xlabel=_LABELS[quantity])
    axes.margins(0.15)


def _lines(axes: Axes, values: dict[str, np.ndarray], measured: Measurements, name: str) -> None:
    """The fitted power through the points' middle, and the authors' line."""
    power = measured[f"power.{name}"].value
    low, high = (measured[f"power_{end}.{name}"].value for end in ("low", "high"))
    logs = [np.log(values[key]) for key in ("relative", "test_error")]
    kept = np.isfinite(logs).all(axis=0)
    middle = [np.exp(one[kept].mean()) for one in logs]
    x = np.geomspace(np.nanmin(values["relative"]), np.nanmax(values["relative"]), 20)
    text = f"power {power:.2f} [{low:.2f}, {high:.2f}]"
    axes.plot(x, middle[1] * (x / middle[0]) ** power, color="0.3", zorder=0, label=text)
    axes.autoscale(False)
    stabilities.authors_line(axes)
    axes.plot([], [], ":", color="0.5", label="0.2 root R: power 1/2")
    axes.legend(loc="best")
