"""Figure 7: architectures that are equivariant to the group, and the ridge's floor.

See docs/science/orbits.md#the-ridge-floor and docs/science/orbits.md#soft-equivariance.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.plots import style
from symlearn.plots.inputs import (
    Inputs,
    Plotted,
    architectures,
    at,
    by_cell,
    correct_of_two,
    grid_points,
    labels_of,
    nearest_n,
    rows_of,
    symmetrised,
)
from symlearn.plots.panels import error_scatter, measured_line, orbit_loops, top
from symlearn.statistics import Measured, Measurements, correlation, largest, mean, median

TITLE = "An equivariant architecture collapses orbits, and only then is the missing pose free"
NEEDS: dict[str, dict[str, int]] = {"shifts": {}, "collapse": {}, "softness": {}}
_PAPER_N = 7


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All architectures and ridges (the smallest first) at every n, and the orbits in each space.

    Shifts along both axes make n^2 poses, so their number is told beside n.
    """
    studies = inputs.study("shifts")
    cells = by_cell(studies).sortby("ridge_factor")
    poses = {labels_of(study)["n"]: study.sizes["pose"] for study in studies}
    cells["poses"] = ("cell", [poses[int(n)] for n in cells["n"]])
    names = ["exact_at_identity", "spectral", "ridge", "lambda_last", "poses"]
    collapsed = inputs.study("collapse")
    spaces = xr.concat(collapsed, dim="cell", combine_attrs="drop").assign_coords(
        architecture=("cell", [d.attrs["architecture"] for d in collapsed])
    )
    found = {"pairs": cells[names], "collapse": spaces[["component_score"]]}
    soft = inputs.study("softness")  # none where all architectures are pooled
    return found | ({"softness": by_cell(soft).isel(cell=0)} if soft else {})


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Accuracy and errors at the smallest ridge, and the floor's prediction at all of them."""
    cells = plotted["pairs"]
    measured: dict[str, Measured] = {}
    for tag, here in grid_points(cells):
        least = here.isel(ridge_factor=0)
        exact = symmetrised(least["exact_at_identity"])
        measured |= {
            f"accuracy.{tag}": mean(correct_of_two(least["exact_at_identity"]) / 2),
            f"median_exact.{tag}": median(exact),
            f"largest_exact.{tag}": largest(exact),
            f"correlation_spectral.{tag}": correlation(exact, least["spectral"].values),
            f"floor_difference.{tag}": largest((least["spectral"] / _floor(least) - 1).values),
        }
    soft = plotted.get("softness")
    return measured if soft is None else measured | _soft_quantities(soft)


def _soft_quantities(soft: xr.Dataset) -> dict[str, Measured]:
    """By share: the median error, and that of networks over the closed form's on the same pairs."""
    found: dict[str, Measured] = {}
    for share in soft["share"].values:
        here = soft.sel(share=share)
        exact, predicted = (symmetrised(here[f"softened_{k}"]) for k in ("exact", "predicted"))
        hard = symmetrised(soft.sel(share=min(soft["share"].values))["softened_exact"])
        found |= {
            f"soft_error.s{share:g}": median(exact),
            f"soft_left.s{share:g}": median(exact / hard),
            f"soft_difference.s{share:g}": largest(predicted / exact - 1),
            f"soft_networks.s{share:g}": median(_by_networks(here)),
        }
    return found


def _by_networks(here: xr.Dataset) -> np.ndarray:
    """The errors of networks over the closed form's, for the pairs that have networks."""
    ratio = symmetrised(here["softened_networks"]) / symmetrised(here["softened_predicted"])
    return ratio[np.isfinite(ratio)]


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["pairs"]
    least, poses = cells["ridge_factor"].values[0], int(_shown(cells, _first(cells))["poses"])
    scalar = "" if _cyclic(cells) else " (its scalar counterpart, as the group is not cyclic)"
    return (
        f"The orbits are {_moves(cells)}, with which circular convolutions commute exactly. (A, B) "
        "The panels show two orbits in the first two kernel principal components of each "
        "architecture (Gram matrix over its trace). Flattening keeps the orbits apart, and pooling "
        f"collapses each to a point. (C) The panel shows the spectral error{scalar} against the "
        f"exact error for {cells.sizes['task']} pairs at N = {poses} poses, of {_first(cells)} "
        f"with a ridge of {least:g} of the trace. (D) The panel shows the error of the collapsed "
        "orbits against the ridge, as median and 16th to 84th percentile over pairs: the exact "
        "error, the spectral error, and the floor N r / ((N - 1) lambda_N) that the ridge r alone "
        "causes. (E) The panel shows the share of missing poses classified correctly at the "
        "smallest ridge, with bars for the 95 % interval over pairs."
        f"{_of_softness(plotted.get('softness'))}"
    )


def _of_softness(soft: xr.Dataset | None) -> str:
    if soft is None:
        return ""
    return (
        f" (F) The panel shows the error of {soft['architecture'].item()} at "
        f"N = {int(soft['n'])} shifts where a share s of the "
        "kernel is its average over the group: s = 0 is a network trained on all poses, and s = 1 "
        "one whose weights are tied. The line is the closed form (median over pairs, with the 16th "
        "to 84th percentile) and points are dense algebra. Crosses are the line times the median "
        f"ratio of networks' errors to it, for {_made(soft)} of the pairs: networks of finite "
        "width, linearised at their start, one tied and one not, mixed to the same share."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Orbits in two kernels' spaces, then errors."""
    cells = plotted["pairs"]
    figure, grid = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.4))
    axes = list(grid.ravel())
    spaces = plotted["collapse"]
    for panel, row in zip(axes, range(min(2, spaces.sizes["cell"])), strict=False):
        scores = spaces["component_score"].isel(cell=row)
        orbit_loops(panel, scores, marked=scores.sizes["pose"], closed=_cyclic(cells))
        panel.set(title=str(spaces["architecture"][row].item()))
    _same_scale(axes[0], axes[1])
    _scatter(axes[2], cells)
    _floors(axes[3], cells)
    _accuracy(axes[4], cells, measured)
    if "softness" in plotted:
        _softness(axes[5], plotted["softness"])
    else:
        axes.pop().remove()
    style.letters(axes)
    return figure


def _first(cells: xr.Dataset) -> str:
    return architectures(cells)[0]


def _shown(cells: xr.Dataset, architecture: str) -> xr.Dataset:
    """The grid point that is drawn in panels C and D."""
    return at(cells, architecture, nearest_n(cells, _PAPER_N))


def _moves(cells: xr.Dataset) -> str:
    """What the elements of the study's group do."""
    return str(cells.attrs["moves"])


def _cyclic(cells: xr.Dataset) -> bool:
    return bool(cells.attrs["cyclic"])


def _collapsing(cells: xr.Dataset) -> str:
    """The architecture with the smallest errors: the one whose orbits collapse."""
    least = cells.isel(ridge_factor=0)["exact_at_identity"].mean(["task", "orbit"])
    return str(cells["architecture"][int(np.argmin(least.values))].item())


def _floor(here: xr.Dataset) -> xr.DataArray:
    """What a ridge r makes of collapsed orbits of N poses: N r / ((N - 1) lambda_N).

    See docs/science/orbits.md#the-ridge-floor.
    """
    poses = int(here["poses"])
    return poses * here["ridge"] / ((poses - 1) * here["lambda_last"])


def _same_scale(*panels: Axes) -> None:
    """The same limits, so that a collapse shows as one."""
    reach = max(np.abs([*panel.get_xlim(), *panel.get_ylim()]).max() for panel in panels)
    for panel in panels:
        panel.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")


def _scatter(axes: Axes, cells: xr.Dataset) -> None:
    here = _shown(cells, _first(cells)).isel(ridge_factor=0)
    exact, spectral = symmetrised(here["exact_at_identity"]), here["spectral"].values
    error_scatter(
        axes, exact, spectral, correct_of_two(here["exact_at_identity"]), top(exact, spectral)
    )
    axes.set(ylabel="spectral error")
    axes.legend(loc="lower right", handletextpad=0.1)


def _floors(axes: Axes, cells: xr.Dataset) -> None:
    here = _shown(cells, _collapsing(cells))
    ridges = here["ridge_factor"].values
    exact = abs(here["exact_at_identity"]).mean("orbit").transpose("ridge_factor", "task").values
    spectral = here["spectral"].transpose("ridge_factor", "task").values
    for name, values in (("exact", exact), ("spectral", spectral)):
        colour, _ = style.PREDICTIONS[name]
        low, middle, high = np.percentile(values, [16, 50, 84], axis=1)
        axes.errorbar(
            ridges, middle, (middle - low, high - middle), color=colour, marker="o",
            linestyle="none", capsize=2, label=name,
        )  # fmt: skip
    floor = _floor(here).transpose("ridge_factor", "task").median("task")
    axes.plot(ridges, floor, color="0.5", label="ridge floor", zorder=0)
    axes.set(xscale="log", yscale="log", xlabel="ridge / trace", ylabel="error")
    axes.set_title(_collapsing(cells), fontsize=7)
    axes.legend()


def _made(soft: xr.Dataset) -> int:
    """The pairs that have networks."""
    return len(_by_networks(soft.isel(share=0)))


def _softness(axes: Axes, soft: xr.Dataset) -> None:
    left = 1 - soft["share"].values
    predicted, exact = (
        abs(soft[f"softened_{kind}"]).mean("orbit").transpose("share", "task").values
        for kind in ("predicted", "exact")
    )
    low, middle, high = np.percentile(predicted, [16, 50, 84], axis=1)
    colour, _ = style.PREDICTIONS["orbit_block"]
    axes.fill_between(left, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(left, middle, color=colour, label="closed form")
    axes.plot(left, np.median(exact, axis=1), "o", color="black", label="exact")
    each = [_by_networks(soft.sel(share=share)) for share in soft["share"]]
    axes.plot(left, middle * np.median(each, axis=1), "x", color="0.5", label="networks")
    axes.set(xscale="log", yscale="log", xlabel="untied share 1 - s", ylabel="error")
    axes.set_title(str(soft["architecture"].item()), fontsize=7)
    axes.legend()


def _accuracy(axes: Axes, cells: xr.Dataset, measured: Measurements) -> None:
    for name, (colour, marker) in style.models(architectures(cells)).items():
        look = {"color": colour, "marker": marker, "capsize": 2, "label": name}
        measured_line(axes, measured, "accuracy", rows_of(cells, name), "poses", **look)
    axes.set(xlabel=f"{_moves(cells)} N", ylabel="accuracy on missing poses", ylim=(-0.02, 1.05))
    axes.legend(loc="lower right")
