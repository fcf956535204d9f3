"""Figure 4: pairs of images under one kernel, the error read off separation and density.

See docs/science/orbits.md#the-label-eigenvalue and
docs/science/orbits.md#the-mean-reciprocal-eigenvalue.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.orbits.figures.pair_panels import against, phase_diagram
from symlearn.papers.orbits.figures.quantities import geometry_quantities, pair_quantities
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
from symlearn.plots.panels import error_scatter, orbit_loops, picture, top
from symlearn.statistics import Measured, Measurements

TITLE = "Pairs of images: class separation and orbit density set the error"
NEEDS: dict[str, dict[str, int]] = {"portrait": {}, "rotations": {"rank": 0}}
_PAPER_N = 8
_MARKED = 8


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The first architecture of the study at every n, and the portrait of two orbits."""
    names = [
        "exact_at_identity", "exact_mean", "spectral", "orbit_block", "condition_number",
        "lambda_last", "mean_reciprocal", "centre_distance_squared", "orbit_radius",
        "adjacent_distance",
    ]  # fmt: skip
    cells = by_cell(inputs.study("rotations")).isel(ridge_factor=0)
    return {"pairs": cells[[n for n in names if n in cells]], "portrait": inputs.one("portrait")}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Agreement by n, and how well pixel-space geometry predicts both factors of the error."""
    return pair_quantities(plotted["pairs"]) | geometry_quantities(plotted["pairs"])


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    here = _shown(plotted)
    portrait = plotted["portrait"]
    share = 100 * float(portrait["explained"].sum())
    return (
        f"(A) The curves are all rotations of one image of class {int(portrait['class_'][0])} and "
        f"of one of class {int(portrait['class_'][1])} in their first three principal components "
        f"(centred, unlike in the authors' code; {share:.0f} % of the variance), with {_MARKED} "
        "poses marked. The two images and the first two components stand beside them. (B) The "
        "panel shows the spectral error against the exact error of kernel regression for "
        f"{here.sizes['task']} pairs at N = {int(here['n'])} poses. The kernel is the NTK of "
        f"{_architecture(plotted)}. Neither error has a ridge (the authors' spectral error has "
        "one). Colour and marker say how many of the pair's two missing poses are classified "
        "correctly. (C) The panels show the same errors over the two factors of the spectral "
        "error. (D) The panel shows the eigenvalue of the label frequency and the squared distance "
        "of the orbits' centres. (E) The panel shows the mean reciprocal eigenvalue and the "
        "inverse radius of the orbits (root mean square over all poses)."
    )


def draw(plotted: Plotted, _: Measurements) -> Figure:
    """Six panels in two rows."""
    here = _shown(plotted)
    exact, spectral = symmetrised(here["exact_at_identity"]), here["spectral"].values
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 4.6))
    halves = figure.add_gridspec(2, 1, height_ratios=[1, 1])
    upper, lower = halves[0], halves[1]
    row = upper.subgridspec(1, 3, width_ratios=[1.3, 0.75, 1.3])
    _loops(figure.add_subplot(row[0], projection="3d"), plotted["portrait"])
    _pictures(figure, row[1].subgridspec(2, 2), plotted["portrait"])
    scatter = figure.add_subplot(row[2])
    error_scatter(
        scatter, exact, spectral, correct_of_two(here["exact_at_identity"]), top(exact, spectral)
    )
    scatter.set(ylabel="spectral error")
    scatter.legend(loc="lower right", handletextpad=0.1)
    style.letter(scatter, "B")
    beneath = lower.subgridspec(1, 4)
    panels = [figure.add_subplot(beneath[column]) for column in range(4)]
    _phase_diagrams(panels[:2], here, exact, spectral)
    against(panels[2], here["lambda_last"], here["centre_distance_squared"], exact)
    panels[2].set(xlabel=r"eigenvalue $\lambda_N$", ylabel=r"centre distance$^2$ $\Delta^2$")
    points = against(panels[3], here["mean_reciprocal"], 1.0 / here["orbit_radius"], exact)
    panels[3].set(xlabel=r"$\langle\lambda^{-1}\rangle$", ylabel=r"inverse radius $1/\rho$")
    figure.colorbar(points, ax=panels[3], label=r"log$_{10}$ exact error")
    for panel, text in zip(panels, ("C", "", "D", "E"), strict=True):
        style.letter(panel, text)
    return figure


def _architecture(plotted: Plotted) -> str:
    return architectures(plotted["pairs"])[0]


def _shown(plotted: Plotted) -> xr.Dataset:
    cells = rows_of(plotted["pairs"], _architecture(plotted))
    return at(cells, _architecture(plotted), nearest_n(cells, _PAPER_N))


def _loops(axes, portrait: xr.Dataset) -> None:  # type: ignore[no-untyped-def]  # 3-D axes
    orbit_loops(axes, portrait["component_score"], _MARKED)
    axes.set(zlabel="component 3", xticklabels=[], yticklabels=[], zticklabels=[])
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.labelpad = -12
    axes.set_box_aspect((1, 1, 0.8), zoom=0.95)
    style.letter(axes, "A")


def _pictures(figure: Figure, grid, portrait: xr.Dataset) -> None:  # type: ignore[no-untyped-def]
    for orbit in range(2):
        image = portrait["pixels"].isel(orbit=orbit, shown=0).values
        axes = figure.add_subplot(grid[0, orbit])
        picture(axes, image)
        name = f"class {int(portrait['class_'][orbit])}"
        axes.set_title(name, fontsize=6, color=style.CLASS_COLOURS[orbit])
        component = portrait["component_image"].isel(component=orbit).values
        picture(figure.add_subplot(grid[1, orbit]), component, f"component {orbit + 1}")


def _phase_diagrams(
    panels: list[Axes], here: xr.Dataset, exact: np.ndarray, spectral: np.ndarray
) -> None:
    levels = np.linspace(min(exact.min(), spectral.min()), max(exact.max(), spectral.max()), 11)
    for axes, values, title in zip(panels, (spectral, exact), ("spectral", "exact"), strict=True):
        drawn = phase_diagram(axes, here, values, levels)
        axes.set(xlabel=r"$\lambda_N^{-1}$", title=title)
    panels[0].set_ylabel(r"$\langle\lambda^{-1}\rangle$")
    panels[1].set_yticklabels([])
    panels[0].figure.colorbar(drawn, ax=panels[1], label="error")
