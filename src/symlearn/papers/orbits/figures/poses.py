"""How many poses are enough: predicted from one row of the kernel, exact, and of trained networks.

See docs/science/orbits.md#how-many-poses-are-enough.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.orbits.figures.trained import histories, pair_errors
from symlearn.plots import style
from symlearn.plots.inputs import (
    Inputs,
    Plotted,
    architectures,
    by_cell,
    labels_of,
    rows_of,
)
from symlearn.plots.panels import powers_of_two
from symlearn.statistics import (
    Measured,
    Measurements,
    first_below,
    mean,
    median,
)

TITLE = "One row of the kernel tells how many poses are enough"
NEEDS: dict[str, dict[str, int]] = {"rotations": {}, "widths": {}, "trained-poses": {}}
BOUND = 0.5


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """Exact errors and their prediction from one row at every n, and trained networks' errors.

    Those of dense networks are figure 12's, of the largest width.
    """
    cells = by_cell(inputs.study("rotations")).isel(ridge_factor=0)
    names = ["exact_mean", "exact_at_identity", "one_row", "one_row_reliable"]
    trained = [
        *map(_of_width, inputs.study("widths")),
        *_of_histories(inputs.study("trained-poses")),
    ]
    # Tasks that some cells lack are NaN.
    together = xr.concat(trained, dim="cell", join="outer").drop_vars("task")
    return {"pairs": cells[names], "trained": together}


def _of_width(study: xr.Dataset) -> xr.Dataset:
    """Of the widest networks that a study of figure 12 trained."""
    predicted = study["trained_prediction"].dropna("width").isel(width=-1)
    final = study.assign(out_loss=((1 - predicted.drop_vars("width")) ** 2).expand_dims("epoch"))
    labels = labels_of(study)
    return _by_pair(final, labels["architecture"], labels["n"], int(predicted["width"]))


def _of_histories(studies: list[xr.Dataset]) -> list[xr.Dataset]:
    """Of the networks that were trained for this figure."""
    if not studies:
        return []
    cells = histories(studies, "architecture", "n", "width")
    each = (cells.isel(cell=row) for row in range(cells.sizes["cell"]))
    return [
        _by_pair(one, str(one["architecture"].item()), int(one["n"]), int(one["width"]))
        for one in each
    ]


def _by_pair(networks: xr.Dataset, architecture: str, n: int, width: int) -> xr.Dataset:
    """The errors (task, orbit) of a grid point, means over initialisations."""
    errors = pair_errors(networks).mean(axis=-1)
    tags = {"architecture": architecture, "n": n, "width": width}
    return xr.Dataset(
        {"error": (("cell", "task", "orbit"), errors[None])},
        {"task": np.arange(len(errors)), **{key: ("cell", [tag]) for key, tag in tags.items()}},
    )


def measure(plotted: Plotted) -> dict[str, Measured]:
    """By architecture: agreement on the smallest n, that n, and the power of the error's tail."""
    measured: dict[str, Measured] = {}
    for name in architectures(plotted["pairs"]):
        rows = _sorted(plotted["pairs"], name)
        predicted, exact = _enough(rows, "one_row"), _enough(rows, "exact_mean")
        n = rows["n"].values[-2:]
        tail = abs(rows["exact_mean"]).median(["task", "orbit"]).values[-2:]
        power = float(np.log(tail[1] / tail[0]) / np.log(n[1] / n[0])) if len(n) > 1 else np.nan
        measured |= {
            f"agreement.{name}": _share(predicted == exact),
            f"enough.{name}": median(exact.ravel()),
            f"reliable.{name}": mean(rows["one_row_reliable"].values.all(axis=0).astype(float)),
            f"tail.{name}": Measured(power, np.nan),
        }
    for name in architectures(plotted["trained"]):
        counts = _of_networks(plotted, name)
        for kind in ("exact_at_identity", "one_row"):
            measured[f"trained_{kind}.{name}"] = _share(counts["networks"] == counts[kind])
        fewer = counts["networks"] < counts["exact_at_identity"]
        measured[f"trained_fewer.{name}"] = _share(fewer)
        more = counts["networks"] > counts["exact_at_identity"]
        measured[f"trained_more.{name}"] = _share(more)
    return measured


def _share(holds: np.ndarray) -> Measured:
    """The share of orbits; the two of a pair (the last axis) are not independent."""
    return mean(holds.mean(axis=-1))


def _of_networks(plotted: Plotted, name: str) -> dict[str, np.ndarray]:
    """The smallest n (task, orbit) of networks, and of their kernel on the same pairs and n."""
    trained = _sorted(plotted["trained"], name)
    made = np.isfinite(trained["error"].transpose("task", ...).values).all(axis=(1, 2))
    trained, kernel = trained.isel(task=made), _sorted(plotted["pairs"], name)
    tasks = np.flatnonzero(made)  # of as many tasks as networks have, kernels have more
    kernel = kernel.isel(cell=np.isin(kernel["n"], trained["n"]), task=tasks)
    return {
        "networks": _enough(trained, "error"),
        "exact_at_identity": _enough(kernel, "exact_at_identity"),
        "one_row": _enough(kernel, "one_row"),
    }


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["pairs"]
    return (
        f"For {cells.sizes['task']} pairs of images and both orbits of each: the smallest number "
        "N of rotations at which the error on a missing pose, averaged over poses, is below "
        f"{BOUND}. "
        "(Top) The panels show how often each pair of numbers occurs, predicted from one row of "
        "the kernel (4 N entries of a pair) against exact (the whole Gram matrix); the diagonal is "
        "agreement, and the last place holds orbits for which no N of the grid is enough. A "
        "percentage is the share of orbits on the diagonal. (Bottom, first) The panel shows the "
        "share of orbits for which N rotations are enough, exact (points) and predicted (lines). "
        "(Bottom, second) The panel shows the median error by N, exact (points) and predicted "
        "(lines); the grey line falls as the square of N, as the error does in the limit of a "
        "kernel with a kink at coincident poses. (Bottom, last) The panels show the same tables "
        "for networks of finite width against their kernel, both with pose 0 missing, over the N "
        f"at which networks were trained: {_trained_on(plotted)}."
    )


def _trained_on(plotted: Plotted) -> str:
    """Of each architecture: on how many pairs its networks were trained."""
    numbers = {
        name: len(_of_networks(plotted, name)["networks"])
        for name in architectures(plotted["trained"])
    }
    return ", ".join(f"{name} on {count} of the pairs" for name, count in numbers.items())


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A table of numbers for each architecture, their distribution, and the errors."""
    cells = plotted["pairs"]
    looks = style.models(architectures(cells))
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 4.2))
    halves = figure.add_gridspec(2, 1, height_ratios=[1, 1.25])
    trained = architectures(plotted["trained"])
    wide = [1.2, 1.2, *(1.1 for _ in trained)]
    upper = halves[0].subgridspec(1, len(looks))
    lower = halves[1].subgridspec(1, len(wide), width_ratios=wide)
    tables = [figure.add_subplot(upper[column]) for column in range(len(looks))]
    below = [figure.add_subplot(lower[column]) for column in range(2)]
    beside = [figure.add_subplot(lower[2 + column]) for column in range(len(trained))]
    for axes, (name, look) in zip(tables, looks.items(), strict=True):
        rows = _sorted(cells, name)
        n = rows["n"].values.tolist()
        _table(axes, n, _enough(rows, "exact_mean"), _enough(rows, "one_row"))
        axes.set_xlabel(f"exact N ({measured[f'agreement.{name}'].value:.0%})")
        axes.set_title(name, fontsize=7)
        _shares(below[0], rows, name, look)
        _errors(below[1], rows, look)
    tables[0].set_ylabel("predicted N")
    for axes, name in zip(beside, trained, strict=True):
        _of_trained(axes, plotted, measured, name)
    n = np.unique(cells["n"])
    guide = 0.5 * (n[-1] / 4 / n[-3:]) ** 2.0
    below[1].plot(n[-3:], guide, color="0.6", linewidth=0.8)
    for axes in below:
        powers_of_two(axes, n, "rotations N")
    below[0].set(ylabel="share of orbits", ylim=(-0.02, 1.02))
    handles, names = below[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    below[1].set(yscale="log", ylabel="median error")
    style.letters([*tables, *below, *beside])
    return figure


def _sorted(cells: xr.Dataset, name: str) -> xr.Dataset:
    return rows_of(cells, name).sortby("n")


def _enough(rows: xr.Dataset, prediction: str) -> np.ndarray:
    errors = rows[prediction].transpose("cell", "task", "orbit").values
    return first_below(errors, rows["n"].values, BOUND)


def _of_trained(axes: Axes, plotted: Plotted, measured: Measurements, name: str) -> None:
    """Networks' numbers against their kernel's at the same pose."""
    rows = _sorted(plotted["trained"], name)
    counts = _of_networks(plotted, name)
    _table(axes, rows["n"].values.tolist(), counts["exact_at_identity"], counts["networks"])
    axes.set(xlabel=f"exact N ({measured[f'trained_exact_at_identity.{name}'].value:.0%})")
    axes.set(ylabel="N of networks")
    axes.set_title(f"{name}, width {int(rows['width'][0])}", fontsize=7)


def _table(axes: Axes, grid: list[int], across: np.ndarray, up: np.ndarray) -> None:
    """How often each pair of numbers occurs."""
    n = [*grid, np.inf]
    counts = [[((across == a) & (up == b)).sum() for a in n] for b in n]
    axes.imshow(np.array(counts), cmap="Blues", origin="lower", vmin=0)
    for row, column in np.argwhere(np.array(counts) > 0):
        count = counts[row][column]
        colour = "white" if count > 0.6 * np.max(counts) else "black"
        axes.text(column, row, str(count), ha="center", va="center", fontsize=5, color=colour)
    labels = [*(str(one) for one in n[:-1]), f">{n[-2]}"]
    axes.set_xticks(range(len(n)), labels, fontsize=5)
    axes.set_yticks(range(len(n)), labels, fontsize=5)


def _shares(axes: Axes, rows: xr.Dataset, name: str, look: tuple[str, str]) -> None:
    colour, marker = look
    n = rows["n"].values
    exact, predicted = (
        [(_enough(rows, kind) <= one).mean() for one in n] for kind in ("exact_mean", "one_row")
    )
    axes.plot(n, exact, marker, color=colour, label=name)
    axes.plot(n, predicted, color=colour)


def _errors(axes: Axes, rows: xr.Dataset, look: tuple[str, str]) -> None:
    colour, marker = look
    exact, predicted = (
        abs(rows[kind]).median(["task", "orbit"]) for kind in ("exact_mean", "one_row")
    )
    axes.plot(rows["n"], exact, marker, color=colour)
    axes.plot(rows["n"], predicted, color=colour)
