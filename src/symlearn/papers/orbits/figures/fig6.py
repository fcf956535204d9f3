"""Figure 6: several seeds per class, two classes and all.

See docs/science/orbits.md#several-seeds-and-ten-classes.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecFromSubplotSpec

from symlearn.papers.orbits.figures.quantities import ROUNDING, TARGET_NAMES, TARGETS, differences
from symlearn.papers.orbits.figures.trained import chance, histories
from symlearn.plots import style
from symlearn.plots.inputs import (
    Inputs,
    Plotted,
    architectures,
    at,
    by_cell,
    grid_points,
    nearest_n,
    rows_of,
)
from symlearn.plots.panels import measured_line, powers_of_two, spread, top, with_intervals
from symlearn.statistics import (
    Measured,
    Measurements,
    correlation,
    largest,
    mean,
)

TITLE = "Several seeds per class: averaging pairs against the orbit-block error"
NEEDS: dict[str, dict[str, int]] = {"seeds": {}, "classes": {}, "trained-classes": {}}
_PAPER_N = 8
_PREDICTIONS = {"spectral": "spectral error, mean over pairs", "orbit_block": "orbit-block error"}
_RULES = {
    "exact_correct_at_identity": ("exact", "-", "exact, pose 0"),
    "exact_correct_mean": ("exact", ":", "exact, mean over poses"),
    "orbit_block_correct": ("orbit_block", "-.", "orbit-block"),
    "spectral_correct": ("spectral", "--", "spectral, pairwise"),
}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """Two classes by draw, all classes by orbit, at every n."""
    seeds = by_cell(inputs.study("seeds"))
    classes = by_cell(inputs.study("classes")).isel(task=0)
    return {
        "seeds": seeds[
            ["exact_at_identity", "exact_mean", "spectral", "orbit_block", "condition_number"]
        ],
        "classes": classes[[*_RULES, "class_", "condition_number"]],
        "trained": histories(_at_the_end(inputs.study("trained-classes")), "network", "n"),
    }


def _at_the_end(trained: list[xr.Dataset]) -> list[xr.Dataset]:
    """The last epoch alone, and its number: how many there are depends on n."""
    last = (cell.isel(epoch=-1) for cell in trained)
    return [cell.drop_vars("epoch").assign(epochs=int(cell["epoch"])) for cell in last]


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Means, bias and agreement by n; accuracies with their spread over classes."""
    measured: dict[str, Measured] = {}
    seeds, classes = plotted["seeds"], plotted["classes"]
    for tag, here in grid_points(seeds):
        measured |= {
            f"mean_exact.{tag}": mean(_of_draws(here["exact_at_identity"])),
            f"mean_spectral.{tag}": mean(_of_draws(here["spectral"])),
            f"accuracy.{tag}": mean(_share_right(here)),
        }
        measured |= differences(here, tag, _PREDICTIONS) | _over_draws(here, tag)
    for tag, here in grid_points(classes):
        for rule in _RULES:
            measured[f"{rule}.{tag}"] = mean(_by_class(here, rule))
    return measured | _trained_quantities(plotted["trained"]) | _agreement(plotted, measured)


def _over_draws(here: xr.Dataset, tag: str) -> dict[str, Measured]:
    """Bias and correlation of each prediction over draws, for both exact errors."""
    found: dict[str, Measured] = {}
    for target, ending in TARGETS.items():
        exact = _of_draws(here[target])
        for kind in _PREDICTIONS:
            predicted = _of_draws(here[kind])
            found[f"bias_{kind}{ending}.{tag}"] = mean(predicted - exact)
            found[f"correlation_{kind}{ending}.{tag}"] = correlation(exact, predicted)
    return found


def _agreement(plotted: Plotted, measured: Measurements) -> dict[str, Measured]:
    """The largest difference over n between trained networks and each rule, in accuracy."""
    trained, classes = plotted["trained"], plotted["classes"]
    name = architectures(classes)[0]
    last = {int(n): trained.isel(cell=i) for i, n in enumerate(trained["n"].values)}
    found = {}
    for rule in _RULES:
        differences = [
            here["out_accuracy"].values.mean() - measured[f"{rule}.{name}.n{n}"].value
            for n, here in last.items()
        ]
        found[f"trained_against_{rule}"] = largest(np.array(differences))
    return found


def _trained_quantities(trained: xr.Dataset) -> dict[str, Measured]:
    last = [trained.isel(cell=i) for i in range(trained.sizes["cell"])]
    return {
        f"trained_{kind}.n{int(here['n'])}": mean(here[f"{kind}_accuracy"].values)
        for here in last
        for kind in ("train", "out")
    }


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    seeds, classes = plotted["seeds"], plotted["classes"]
    per_class, count = seeds.sizes["orbit"] // 2, _count(classes)
    each = classes.sizes["orbit"] // count
    epochs = plotted["trained"]["epochs"]
    return (
        f"(A) Each of two classes has {per_class} seeds, in {seeds.sizes['task']} draws at N = "
        f"{nearest_n(seeds, _PAPER_N)} poses. The panels show a prediction (columns) against the "
        "exact error (rows: with pose 0 missing from all seeds of a class, and its mean over all "
        "poses), means over orbits. The colour is the share of missing poses that regression "
        "classifies correctly at pose 0. The spectral prediction is the paper's mean over all "
        "pairs of seeds. (B) Errors by N. Lines are medians over draws, bands go from the 16th to "
        "the 84th percentile; the two exact errors lie nearly on each other. (C) The mean absolute "
        "difference between prediction and exact error by N (bars: 95 % intervals), on pose 0 "
        "(full) and on the mean over poses (dotted). Where rotations permute pixels (N = 2, 4) the "
        "orbit-block error is exact and leaves the panel. Beyond, its advantage is largest on the "
        "mean over poses. On pose 0, the only one that is not interpolated, it shrinks as N grows. "
        f"(D) Each of {count} classes has {each} seeds, in one draw. The panel shows the share of "
        "missing poses classified correctly, with bars for the 95 % interval over classes, and "
        "chance (dotted). The exact and the orbit-block prediction are a regression on an output "
        "for each class, of which the largest wins (the authors' exact control is one class "
        "against the rest, which is heavily imbalanced). The spectral prediction is the paper's "
        f"rule, right against every other class. The kernel is the NTK of {_drawn(seeds, classes)}"
        f", without a ridge. The trained network is {plotted['trained']['network'].values[0]}, by "
        f"cross-entropy and Adam, over {int(epochs.max())} epochs at the smallest N to "
        f"{int(epochs.min())} at the largest. There is one network for each class, with pose 0 of "
        "all its seeds missing. The initialisation is PyTorch's, where the authors have their own."
    )


def _count(classes: xr.Dataset) -> int:
    """How many classes there are."""
    return len(np.unique(classes["class_"]))


def _drawn(seeds: xr.Dataset, classes: xr.Dataset) -> str:
    """The architecture of each panel: the first of its study."""
    two, ten = architectures(seeds)[0], architectures(classes)[0]
    return two if two == ten else f"{two} (A to C) and {ten} (D)"


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Scatters of both predictions and targets; errors, differences and accuracies by N."""
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 4.8))
    halves = figure.add_gridspec(1, 2, width_ratios=[2, 1.25])
    ratios = [1.0] * len(TARGETS) + [0.05]
    grid = halves[0].subgridspec(len(TARGETS) + 1, len(_PREDICTIONS), height_ratios=ratios)
    seeds, classes = plotted["seeds"], plotted["classes"]
    name = architectures(seeds)[0]
    _scatters(figure, grid, at(seeds, name, nearest_n(seeds, _PAPER_N)))
    column = halves[1].subgridspec(3, 1, height_ratios=[1, 1, 1.25])
    errors, off, accuracy = (figure.add_subplot(column[row]) for row in range(3))
    _errors(errors, rows_of(seeds, name))
    _differences(off, rows_of(seeds, name), measured)
    _accuracies(accuracy, rows_of(classes, architectures(classes)[0]), measured)
    _trained_curve(accuracy, plotted["trained"], measured)
    accuracy.legend(fontsize=5, loc="upper left", borderaxespad=0, ncols=2)
    for axes, text in zip((errors, off, accuracy), "BCD", strict=True):
        style.letter(axes, text)
    return figure


def _of_draws(values: xr.DataArray) -> np.ndarray:
    """An error of each draw: mean over its orbits, where it depends on them."""
    return (values.mean("orbit") if "orbit" in values.dims else values).values


def _share_right(here: xr.Dataset) -> np.ndarray:
    """The share of each draw's missing poses that regression classifies correctly at pose 0."""
    return (here["exact_at_identity"] < 1).mean("orbit").values


def _scatters(figure: Figure, grid: GridSpecFromSubplotSpec, here: xr.Dataset) -> None:
    """A row for each target and a column for each prediction, on common axes."""
    share = _share_right(here)
    drawn = [_of_draws(here[kind]) for kind in (*TARGETS, *_PREDICTIONS)]
    limit = top(*drawn)
    panels = []
    for row, target in enumerate(TARGETS):
        for column, (kind, label) in enumerate(_PREDICTIONS.items()):
            axes = figure.add_subplot(grid[row, column])
            axes.plot([0, limit], [0, limit], color="0.6", linewidth=0.8, zorder=0)
            points = axes.scatter(
                _of_draws(here[target]), _of_draws(here[kind]), c=share, s=12, cmap="cividis",
                vmin=0, vmax=1,
            )  # fmt: skip
            axes.set(
                xlim=(0, limit), ylim=(0, limit), box_aspect=1,
                xlabel=f"exact error, {TARGET_NAMES[target]}", ylabel=label,
            )  # fmt: skip
            panels.append(axes)
    bar = figure.add_subplot(grid[len(TARGETS), :])
    figure.colorbar(
        points, cax=bar, orientation="horizontal", label="share of poses classified right"
    )
    style.letter(panels[0], "A")


def _errors(axes: Axes, rows: xr.Dataset) -> None:
    """Both exact errors and both predictions by N, with their spread over draws."""
    for kind, (prediction, label) in {
        "exact_at_identity": ("exact", "exact, pose 0"),
        **{kind: (kind, label.split(" ")[0]) for kind, label in _PREDICTIONS.items()},
    }.items():
        colour, dashes = style.PREDICTIONS[prediction]
        look = {"color": colour, "linestyle": dashes, "label": label}
        spread(axes, rows["n"].values, _of_draws(rows[kind]), **look)
    middle = np.median(_of_draws(rows["exact_mean"]), axis=1)
    axes.plot(rows["n"], middle, "k:", label="exact, mean over poses")
    axes.axhline(1.0, color="0.8", linewidth=0.6, zorder=0)
    axes.set(ylabel="error", ylim=(0, None))
    powers_of_two(axes, rows["n"].values, "")
    axes.legend(fontsize=5.5)


def _differences(axes: Axes, rows: xr.Dataset, measured: Measurements) -> None:
    """How far each prediction is from each target by N."""
    for kind in _PREDICTIONS:
        colour, _ = style.PREDICTIONS[kind]
        for ending, dashes in zip(TARGETS.values(), ("-", ":"), strict=True):
            look = {"color": colour, "linestyle": dashes, "marker": "o", "markersize": 3}
            measured_line(axes, measured, f"difference_{kind}{ending}", rows, **look)
    axes.set(yscale="log", ylabel="|prediction - exact|", ylim=(ROUNDING, None))
    powers_of_two(axes, rows["n"].values, "")


def _accuracies(axes: Axes, rows: xr.Dataset, measured: Measurements) -> None:
    for rule, (prediction, dashes, label) in _RULES.items():
        colour, _ = style.PREDICTIONS[prediction]
        look = {"color": colour, "linestyle": dashes, "capsize": 2, "label": label}
        measured_line(axes, measured, rule, rows, **look)
    chance(axes, _count(rows))
    axes.set(ylabel="accuracy", ylim=(0, 1.5), yticks=[0, 0.5, 1])  # the legend is above
    powers_of_two(axes, rows["n"].values)


def _trained_curve(axes: Axes, trained: xr.Dataset, measured: Measurements) -> None:
    n = np.sort(trained["n"].values)
    values, errors = with_intervals([measured[f"trained_out.n{size}"] for size in n])
    colour, marker = style.model(str(trained["network"].values[0]))
    axes.errorbar(n, values, errors, color=colour, marker=marker, capsize=2, label="trained")


def _by_class(here: xr.Dataset, rule: str) -> np.ndarray:
    """The share of orbits that are right, for each class."""
    return here[rule].astype(float).groupby(here["class_"]).mean().values
