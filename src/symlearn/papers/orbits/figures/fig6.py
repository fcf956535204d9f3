"""Figure 6: several seeds per class, two classes and all.

See docs/science/orbits.md#several-seeds-and-ten-classes.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.orbits.figures.trained import histories
from symlearn.plots import style
from symlearn.plots.inputs import (
    Inputs,
    Plotted,
    architectures,
    at,
    by_cell,
    by_task,
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
    mean_absolute,
)

TITLE = "Several seeds per class: averaging pairs against the orbit-block error"
NEEDS: dict[str, dict[str, int]] = {"seeds": {}, "classes": {}, "trained-classes": {}}
_PAPER_N = 8
_RULES = {
    "exact_correct_mean": ("exact", "exact"),
    "orbit_block_correct": ("orbit_block", "orbit-block"),
    "spectral_correct": ("spectral", "spectral, pairwise"),
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
        exact, spectral = _draw_error(here["exact_at_identity"]), here["spectral"].values
        block = here["orbit_block"] - here["exact_mean"]
        measured |= {
            f"mean_exact.{tag}": mean(exact),
            f"mean_spectral.{tag}": mean(spectral),
            f"bias_spectral.{tag}": mean(spectral - exact),
            f"correlation_spectral.{tag}": correlation(exact, spectral),
            f"difference_orbit_block.{tag}": mean_absolute(by_task(block)),
            f"accuracy.{tag}": mean((here["exact_at_identity"] < 1).values.mean(axis=-1)),
        }
    for tag, here in grid_points(classes):
        for rule in _RULES:
            measured[f"{rule}.{tag}"] = mean(_by_class(here, rule))
    return measured | _trained_quantities(plotted["trained"]) | _agreement(plotted, measured)


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
        f"{nearest_n(seeds, _PAPER_N)} poses. Points are predictions against the exact error with "
        "pose 0 missing from all seeds of a class, means over orbits. The spectral prediction is "
        "the paper's mean over all pairs of seeds. (B) The panel shows the same by N. Lines are "
        "medians over draws, bands go from the 16th to the 84th percentile. (C) Each of "
        f"{count} classes has {each} seeds, in one draw. The panel shows the share of missing "
        "poses classified correctly, with bars for the 95 % interval over classes. The exact and "
        "the orbit-block prediction are a regression on an output for each class, of which the "
        "largest wins (the authors' exact control is one class against the rest, which is heavily "
        "imbalanced). The spectral prediction is the paper's rule, right against every other "
        f"class. The kernel is the NTK of {_drawn(seeds, classes)}, without a ridge. The trained "
        f"network is {plotted['trained']['network'].values[0]}, by cross-entropy and Adam, over "
        f"{int(epochs.max())} epochs at the smallest N to {int(epochs.min())} at the largest. "
        "There is one network for each class, with pose 0 of all its seeds missing. The "
        "initialisation is PyTorch's, where the authors have their own."
    )


def _count(classes: xr.Dataset) -> int:
    """How many classes there are."""
    return len(np.unique(classes["class_"]))


def _drawn(seeds: xr.Dataset, classes: xr.Dataset) -> str:
    """The architecture of each panel: the first of its study."""
    two, ten = architectures(seeds)[0], architectures(classes)[0]
    return two if two == ten else f"{two} (A, B) and {ten} (C)"


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Scatter, means by N, accuracies by N."""
    figure, (scatter, means, accuracy) = plt.subplots(1, 3, figsize=(style.TWO_COLUMNS, 2.4))
    name = architectures(plotted["seeds"])[0]
    _scatter(scatter, at(plotted["seeds"], name, nearest_n(plotted["seeds"], _PAPER_N)))
    _means(means, rows_of(plotted["seeds"], name))
    classes = plotted["classes"]
    _accuracies(accuracy, rows_of(classes, architectures(classes)[0]), measured)
    _trained_curve(accuracy, plotted["trained"], measured)
    accuracy.legend()
    style.letters((scatter, means, accuracy))
    return figure


def _draw_error(exact: xr.DataArray) -> np.ndarray:
    """A draw's error: mean over its orbits."""
    return exact.mean("orbit").values


def _scatter(axes: Axes, here: xr.Dataset) -> None:
    exact, mean_exact = _draw_error(here["exact_at_identity"]), _draw_error(here["exact_mean"])
    spectral, block = here["spectral"].values, _draw_error(here["orbit_block"])
    limit = top(exact, spectral, block)
    axes.plot([0, limit], [0, limit], color="0.6", linewidth=0.8, zorder=0)
    axes.plot(
        exact, spectral, "o", color=style.PREDICTIONS["spectral"][0], label="spectral, paired"
    )
    colour = style.PREDICTIONS["orbit_block"][0]
    axes.plot(mean_exact, block, "s", color=colour, label="orbit-block (all poses)")
    axes.set(
        xlim=(0, limit), ylim=(0, limit), aspect="equal",
        xlabel="exact error", ylabel="predicted error",
    )  # fmt: skip
    axes.legend(loc="lower right")


def _means(axes: Axes, rows: xr.Dataset) -> None:
    values = {
        "exact": _draw_error(rows["exact_mean"]),
        "spectral": rows["spectral"].values,
        "orbit_block": _draw_error(rows["orbit_block"]),
    }
    for name, drawn in values.items():
        colour, dashes = style.PREDICTIONS[name]
        look = {"color": colour, "linestyle": dashes, "label": name.replace("_", "-")}
        spread(axes, rows["n"].values, drawn, **look)
    axes.axhline(1.0, color="0.8", linewidth=0.6, zorder=0)
    axes.set(ylabel="error", ylim=(0, None))
    powers_of_two(axes, rows["n"].values)
    axes.legend()


def _accuracies(axes: Axes, rows: xr.Dataset, measured: Measurements) -> None:
    for rule, (prediction, label) in _RULES.items():
        colour, dashes = style.PREDICTIONS[prediction]
        look = {"color": colour, "linestyle": dashes, "capsize": 2, "label": label}
        measured_line(axes, measured, rule, rows, **look)
    guessed = 1 / _count(rows)
    axes.axhline(guessed, color="0.6", linewidth=0.8, linestyle=":", label="chance")
    axes.set(ylabel="accuracy on missing poses", ylim=(0, 1.05))
    powers_of_two(axes, rows["n"].values)


def _trained_curve(axes: Axes, trained: xr.Dataset, measured: Measurements) -> None:
    n = np.sort(trained["n"].values)
    values, errors = with_intervals([measured[f"trained_out.n{size}"] for size in n])
    colour, marker = style.model(str(trained["network"].values[0]))
    axes.errorbar(n, values, errors, color=colour, marker=marker, capsize=2, label="trained")


def _by_class(here: xr.Dataset, rule: str) -> np.ndarray:
    """The share of orbits that are right, for each class."""
    return here[rule].astype(float).groupby(here["class_"]).mean().values
