"""Relative stability of networks before and after training, by network and data set."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.stability.figures import stabilities
from symlearn.papers.stability.figures.stabilities import (
    called,
    cells_of,
    datasets_of,
    ends,
    log_mean,
    on,
)
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, labels_of
from symlearn.plots.panels import FEWEST, INTERVALS, frame, plain_logarithm
from symlearn.statistics import Measured, Measurements

TITLE = "Relative stability to deformations before and after training"
NEEDS: dict[str, dict[str, int]] = {"stability": {}}
_MOMENTS = {"before": -0.2, "after": 0.2}  # where the points stand

# Beside the line R = 1: where, on which side of the place, and what it means.
_SIDES = (
    (1.08, "bottom", "deformations move the output more than noise"),
    (0.92, "top", "noise moves the output more"),
)


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The networks at their largest number of training images, and each on the way there."""
    networks = stabilities.networks(inputs)
    on_the_way = {tag: one for one in inputs.study("stability") for tag in [_tag(one)]}
    return {"networks": networks, **{tag: _way(one) for tag, one in on_the_way.items()}}


def _tag(dataset: xr.Dataset) -> str:
    labels = labels_of(dataset)
    return f"{labels['dataset']}.{labels['network']}"


def _way(dataset: xr.Dataset) -> xr.Dataset:
    """R of the output by the share of the training that is done, from none to all of it."""
    ends = dataset["relative_stability"].isel(train_size=-1, layer=-1, drop=True)
    parts = [ends.sel(moment="before", drop=True).expand_dims(snapshot=[0.0])]
    if "relative_on_the_way" in dataset:  # too short a training has none
        parts.append(dataset["relative_on_the_way"])
    parts.append(ends.sel(moment="after", drop=True).expand_dims(snapshot=[1.0]))
    return xr.concat(parts, dim="snapshot").to_dataset(name="relative_on_the_way")


def measure(plotted: Plotted) -> dict[str, Measured]:
    """R before and after, by means and by medians, and the test error, over seeds."""
    measured: dict[str, Measured] = {}
    for tag, cell in cells_of(plotted["networks"]):
        largest = cell.isel(train_size=-1)
        for moment in _MOMENTS:
            here = largest.sel(moment=moment)
            measured |= {
                f"{moment}.{tag}": log_mean(here["relative_stability"].values),
                f"{moment}_median.{tag}": log_mean(here["relative_median"].values),
            }
        ratio = largest["relative_stability"].sel(moment="after") / largest[
            "relative_stability"
        ].sel(moment="before")
        measured[f"after_over_before.{tag}"] = log_mean(ratio.values)
        errors = stabilities.positive_errors(largest).sel(moment="after")
        measured[f"error.{tag}"] = log_mean(errors.values)
        way = plotted[tag]["relative_on_the_way"]
        for share in way["snapshot"].values[1:-1]:
            values = way.sel(snapshot=share).values
            measured[f"at_{100 * share:.3g}_percent.{tag}"] = log_mean(values)
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    nets = plotted["networks"]
    seeds = stabilities.seeds_of(nets)
    sizes = ", ".join(
        f"{int(_largest(on(nets, name)))} ({called(name)})" for name in datasets_of(nets)
    )
    shown = [cell.isel(train_size=[-1]) for _, cell in cells_of(nets)]
    return (
        "Relative stability R, how much smooth deformations change a network's output over how "
        "much noise of the same norm does. Above: before (open) and after training (full). Below: "
        "on the way, over the share of the training that is done; open markers are before it. Thin "
        "lines "
        f"are single seeds, thick ones the geometric mean over {seeds} seeds"
        f"{_interval(nets)}. Crosses: the authors' average, by medians over images for each "
        "logit, in place of "
        f"means. {_against_the_paper(nets)}{stabilities.left_out(shown)}Training images: {sizes}. "
        f"{stabilities.about_the_images(nets)} Before training, "
        "batch norms use the statistics of each batch that is measured, as the authors' networks "
        "do; after training, their running statistics. Networks after their last step, not at "
        "their best test error; with batch norm by the authors' SGD at rate 0.1 with half a "
        "cosine, without it by Adam at 0.001."
    )


def _against_the_paper(nets: xr.Dataset) -> str:
    """The paper's finding, and which of the networks drawn differ from it."""
    after = {
        f"{cell['network'].item()} on {called(cell['dataset'].item())}": log_mean(
            cell["relative_stability"].sel(moment="after").isel(train_size=-1).values
        ).value
        for _, cell in cells_of(nets)
    }
    above = [f"{name} ({value:.2g})" for name, value in after.items() if value > 1]
    found = f"Here R ends above one for {', '.join(above)}. " if above else ""
    return (
        "The paper's finding: R is of order one before training, and training takes it decades "
        "below one for the best networks, while dense networks do not become stable. "
        f"{found}"
    )


def _interval(nets: xr.Dataset) -> str:
    known = any(cell.sizes["member"] >= FEWEST for _, cell in cells_of(nets))
    return f", with its {INTERVALS}" if known else ""


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A column for each data set: R before and after, and R on the way."""
    nets = plotted["networks"]
    names = datasets_of(nets)
    size = (style.ONE_COLUMN if len(names) == 1 else style.TWO_COLUMNS, 4.6)
    figure, panels = plt.subplots(2, len(names), figsize=size, sharey=True, squeeze=False)
    looks = stabilities.looks(nets)
    for (above, below), name in zip(panels.T, names, strict=True):
        _points(above, on(nets, name), looks)
        above.set_title(called(name))
        for network in on(nets, name)["network"].values:
            _line(below, plotted[f"{name}.{network}"]["relative_on_the_way"], *looks[network])
        stabilities.one(below)
        below.set(xscale="log", xlabel="share of the training done")
        plain_logarithm(below.xaxis)
    style.letters(panels.flat)
    for row in panels:
        row[0].set(ylabel="relative stability R", yscale="log")
    frame(*panels.flat)
    plain_logarithm(panels[0, 0].yaxis)
    for height, place, text in _SIDES:
        panels[1, 0].text(1, height, text, ha="right", va=place, fontsize=5.5, color="0.4")
    panels[0, 0].legend(loc="best")
    return figure


def _line(axes: Axes, values: xr.DataArray, colour: str, marker: str) -> None:
    """R over the share of the training done: seeds thin, their geometric mean thick."""
    shares = values["snapshot"].values.copy()
    shares[0] = shares[1] / 3  # a logarithmic axis has no zero
    rows = values.transpose("snapshot", "member").values
    axes.plot(shares, rows, color=colour, linewidth=0.5, alpha=0.6)
    means = [log_mean(row).value for row in rows]
    axes.plot(shares, means, marker, linestyle="-", color=colour, linewidth=1.6)
    axes.plot(shares[0], means[0], marker, color=colour, markerfacecolor="white")


def _largest(nets: xr.Dataset) -> int:
    return int(nets.dropna("train_size", how="all", subset=["test_error"])["train_size"][-1])


def _points(axes: Axes, nets: xr.Dataset, looks: Mapping[str, tuple[str, str]]) -> None:
    """R before and after training of each network, joined: thin for seeds, thick for their mean."""
    names = nets["network"].values.tolist()
    for place, (_, cell) in enumerate(cells_of(nets)):
        colour, marker = looks[names[place]]
        last = cell.isel(train_size=-1)
        values = last["relative_stability"].sel(moment=list(_MOMENTS)).transpose("moment", "member")
        medians = last["relative_median"].sel(moment=list(_MOMENTS)).transpose("moment", "member")
        x = place + np.array(list(_MOMENTS.values()))
        axes.plot(x, values, color=colour, linewidth=0.5, alpha=0.6)
        means = [log_mean(row).value for row in values.values]
        axes.plot(x, means, color=colour, linewidth=1.6)
        for at, mean, row, fill in zip(x, means, values.values, ("white", colour), strict=True):
            axes.plot(at, mean, marker, color=colour, markerfacecolor=fill, markersize=5)
            if len(row) >= FEWEST:
                low, high = ends(row)
                reach = [[mean - low], [high - mean]]
                axes.errorbar(at, mean, reach, color=colour, linewidth=0.8, capsize=2)
        middles = [log_mean(row).value for row in medians.values]
        axes.plot(x, middles, "x", color="black", markersize=4)
    stabilities.one(axes)
    axes.plot([], [], "o", color="black", markerfacecolor="white", label="before training")
    axes.plot([], [], "o", color="black", label="after training")
    axes.plot([], [], "x", color="black", markersize=4, label="by medians")
    axes.set_xticks(range(len(names)), names, rotation=20, ha="right")
    axes.margins(x=0.1)
