"""Figure 5: spectral against exact errors by architecture, and against a trained network's."""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.orbits.figures.quantities import TARGETS, pair_quantities
from symlearn.papers.orbits.figures.trained import histories, pair_errors, pair_right
from symlearn.plots import style
from symlearn.plots.inputs import (
    Inputs,
    Plotted,
    architectures,
    at,
    by_cell,
    correct_of_two,
    nearest_n,
    rows_of,
    symmetrised,
)
from symlearn.plots.panels import error_scatter, measured_line, powers_of_two, top
from symlearn.statistics import Measured, Measurements, correlation, mean, median

TITLE = "Spectral against exact errors, by architecture"
NEEDS: dict[str, dict[str, int]] = {"rotations": {}, "trained-pairs": {}}
_PAPER_N = 8
_NAMES = {
    "spectral": "spectral",
    "spectral_normalised": "spectral,\nnormalised",
    "orbit_block": "orbit-block",
}
# The rows of scatters: prediction and target.
_ROWS = (
    ("spectral", "exact_at_identity"),
    ("spectral_normalised", "exact_at_identity"),
    ("orbit_block", "exact_at_identity"),
    ("orbit_block", "exact_mean"),
)
_AXES = {"exact_at_identity": "exact error at pose 0", "exact_mean": "exact error, mean over poses"}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All architectures at every n."""
    cells = by_cell(inputs.study("rotations")).isel(ridge_factor=0)
    names = [
        "exact_at_identity", "exact_mean", "spectral", "spectral_normalised", "orbit_block",
        "condition_number",
    ]  # fmt: skip
    return {"pairs": cells[names], "trained": _trained(inputs, cells)}


def _trained(inputs: Inputs, cells: xr.Dataset) -> xr.Dataset:
    """Errors of trained networks, and the kernel's for the same pairs, along `task`."""
    trained = histories(inputs.study("trained-pairs"), "architecture", "n", "width").isel(cell=0)
    errors = pair_errors(trained).mean(axis=-1)
    kernel = at(cells, str(trained["architecture"].item()), int(trained["n"]))
    kernel = kernel.isel(task=slice(len(errors)))
    return xr.Dataset(
        {
            "error": (("task", "orbit"), errors),
            "right": (("task", "orbit"), pair_right(trained).mean(axis=-1)),
            "exact_at_identity": (("task", "orbit"), kernel["exact_at_identity"].values),
            "orbit_block": (("task", "orbit"), kernel["orbit_block"].values),
            "spectral": ("task", kernel["spectral"].values),
            "spectral_normalised": ("task", kernel["spectral_normalised"].values),
        },
        coords={name: trained[name] for name in ("architecture", "n", "width")},
    )


def measure(plotted: Plotted) -> dict[str, Measured]:
    """As figure 4 by architecture, and the correlation of each prediction with both targets."""
    return pair_quantities(plotted["pairs"], _NAMES) | _trained_quantities(plotted["trained"])


def _trained_quantities(trained: xr.Dataset) -> dict[str, Measured]:
    error, exact = trained["error"].mean("orbit").values, symmetrised(trained["exact_at_identity"])
    return {
        "trained.median": median(error),
        "trained.median_exact": median(exact),
        "trained.accuracy": mean(trained["right"].mean("orbit").values),
        "trained.accuracy_exact": mean(correct_of_two(trained["exact_at_identity"]) / 2),
        "trained.correlation_spectral": correlation(error, trained["spectral"].values),
        "trained.correlation_spectral_normalised": correlation(
            error, trained["spectral_normalised"].values
        ),
        "trained.correlation_exact": correlation(error, exact),
    }


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["pairs"]
    return (
        f"Predictions against exact errors for {cells.sizes['task']} pairs at N = "
        f"{nearest_n(cells, _PAPER_N)} poses, NTK, no ridge; the same pairs in every panel. (A) "
        "The paper's spectral error against the exact error at pose 0, a point for each pair, "
        "coloured by how many of its two missing poses are right. (B) The same formula on the "
        "kernel with a diagonal of ones, which is ours: the circulant forgets how the norms of the "
        "two orbits differ, and a pooled network's differ much. (C) The orbit-block error, also "
        "ours, against the exact error at pose 0, a point for each orbit, and (D) against its mean "
        "over poses, which it predicts: rotations in between interpolate, and pose 0 alone is no "
        "interpolated one. (E) Correlation with the exact error by N, with 95 % intervals of a "
        "bootstrap over pairs: against pose 0 (full) and against the mean over poses (dotted). "
        f"Last column: networks of width {int(plotted['trained']['width'])} in NTK "
        "parametrisation (Gaussian weights; the authors' are uniform, at another scale), trained "
        f"on {plotted['trained'].sizes['task']} of the same pairs by Adam in full batches on the "
        "square loss, with pose 0 of one orbit missing, then of the other: their kernel's "
        "predictions against their error at pose 0."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A column per architecture and one of trained networks, and the correlations beneath."""
    cells = plotted["pairs"]
    names, trained = architectures(cells), plotted["trained"]
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 8.0))
    halves = figure.add_gridspec(2, 1, height_ratios=[len(_ROWS), 1])
    grid = halves[0].subgridspec(len(_ROWS), len(names) + 1)
    n = nearest_n(cells, _PAPER_N)
    for row, (kind, target) in enumerate(_ROWS):
        for column, name in enumerate([*names, None]):
            if name is None and target == "exact_mean":
                continue  # networks were trained with pose 0 missing
            panel = figure.add_subplot(grid[row, column])
            if name is None:
                _scatter(panel, trained.assign(exact_at_identity=trained["error"]), kind, target)
                panel.set(xlabel="networks' error" if row == 2 else "")
            else:
                _scatter(panel, at(cells, name, n), kind, target)
                panel.set(xlabel=_AXES[target] if column == 0 and row >= 2 else "")
            if row == 0:
                panel.set(title=name or f"{trained['architecture'].item()} trained")
            if column == 0:
                panel.set(ylabel=_NAMES[kind])
                style.letter(panel, "ABCD"[row])
            if row == column == 0:
                handles = panel.get_legend_handles_labels()
                figure.legend(*handles, loc="outside upper center", ncols=3)
    below = halves[1].subgridspec(1, len(_NAMES))
    first = None
    for column, (kind, label) in enumerate(_NAMES.items()):
        first = panel = figure.add_subplot(below[column], sharey=first)
        _correlations(panel, cells, measured, kind)
        panel.set(title=label.replace("\n", " "))
        if column == 0:
            panel.set(ylabel="correlation with exact")
            style.letter(panel, "E")
    panel.legend()
    return figure


def _scatter(axes: Axes, here: xr.Dataset, kind: str, target: str) -> None:
    """A prediction against an exact error: of pairs for a scalar formula, else of orbits."""
    exact, predicted = here[target], here[kind]
    if "orbit" not in predicted.dims:
        right = here["right"].sum("orbit").values if "right" in here else correct_of_two(exact)
        values = symmetrised(exact)
        error_scatter(axes, values, predicted.values, right, top(values, predicted.values))
        return
    values, block = exact.values.ravel(), predicted.values.ravel()
    limit = top(values, block)
    axes.plot([0, limit], [0, limit], color="0.6", linewidth=0.8, zorder=0)
    axes.scatter(values, block, s=5, color="black", marker=".")
    axes.set(xlim=(0, limit), ylim=(0, limit), aspect="equal")


def _correlations(axes: Axes, cells: xr.Dataset, measured: Measurements, kind: str) -> None:
    for name, (colour, marker) in style.models(architectures(cells)).items():
        for ending, dashes in zip(TARGETS.values(), ("-", ":"), strict=True):
            look = {"color": colour, "marker": marker, "linestyle": dashes, "capsize": 2}
            label = name if dashes == "-" else None
            measured_line(
                axes, measured, f"correlation_{kind}{ending}", rows_of(cells, name),
                **look, label=label,
            )  # fmt: skip
    powers_of_two(axes, np.unique(cells["n"]))
    axes.axhline(1.0, color="0.8", linewidth=0.6, zorder=0)
