"""Figure 2: why a circulant Gram matrix gives the error as a ratio of areas.

See docs/science/orbits.md#the-spectral-error and docs/science/orbits.md#two-rings.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import Measured, Measurements, largest

TITLE = "Two rings of points, and the error on a missing one as a ratio of areas"
NEEDS: dict[str, dict[str, int]] = {"rings": {}}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The sketch's setting: the first of the rings."""
    rings = inputs.one("rings")
    sketch = rings.isel(ring=0).dropna("frequency", how="all")
    names = ["position", "distance_squared", "gram", "kernel_row", "spectrum", "exact", "spectral"]
    return {"sketch": sketch[names]}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """The error three ways: spectral, exact, and the ratio of the two areas."""
    sketch = plotted["sketch"]
    return {
        "spectral": Measured(float(sketch["spectral"])),
        "exact": Measured(float(sketch["exact"])),
        "ratio_of_areas": Measured(_ratio_of_areas(sketch)),
        "gram_not_circulant": largest(_not_circulant(sketch["gram"].values)),
    }


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    sketch = plotted["sketch"]
    n, length = int(sketch["points_per_ring"]), float(sketch["inverse_length"])
    return (
        f"(A) Two rings of radius 1, whose planes are {float(sketch['separation']):g} apart, have "
        f"{n} points each. The black point is left out. (B) The matrices are the squared distances "
        f"and the Gram matrix of the Gaussian kernel exp(-L^2 d^2) with L = {length:g}, for points "
        "interleaved between the rings. (C) The panel shows the row of the Gram matrix at the "
        "missing point, with the kernel against the distance along each ring. (D) The panel shows "
        "the reciprocal spectrum. The error is the hatched area over the filled one, "
        f"{float(sketch['spectral']):.6f}."
    )


def draw(plotted: Plotted, _: Measurements) -> Figure:
    """Four panels: rings, matrices, row, reciprocal spectrum."""
    sketch = plotted["sketch"]
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 2.2))
    grid = figure.add_gridspec(1, 5, width_ratios=[1.25, 1, 1, 1.25, 1.25])
    _rings(figure.add_subplot(grid[0], projection="3d"), sketch)
    for column, name in ((1, "distance_squared"), (2, "gram")):
        _matrix(figure.add_subplot(grid[column]), sketch[name].values, name)
    _row(figure.add_subplot(grid[3]), sketch)
    _reciprocal(figure.add_subplot(grid[4]), sketch)
    return figure


def _rings(axes, sketch: xr.Dataset) -> None:  # type: ignore[no-untyped-def]  # 3-D axes
    missing = _missing(sketch)
    points = sketch["position"].values
    for ring, colour in enumerate(style.CLASS_COLOURS):
        x, y, z = points[ring::2].T
        axes.plot(np.append(x, x[0]), np.append(y, y[0]), np.append(z, z[0]), color=colour)
        shown = np.arange(ring, len(points), 2) != missing
        axes.scatter(x[shown], y[shown], z[shown], color=colour, s=12, depthshade=False)
    axes.scatter(*points[missing], color="black", s=22, depthshade=False)
    axes.set(xticks=[], yticks=[], zticks=[])
    axes.set_box_aspect((1, 1, 0.7), zoom=1.25)
    style.letter(axes, "A")


def _matrix(axes: plt.Axes, values: np.ndarray, name: str) -> None:
    drawn = axes.imshow(values, cmap="cividis")
    missing = len(values) // 2
    axes.axhspan(missing - 0.5, missing + 0.5, fill=False, edgecolor="white", linewidth=0.9)
    titles = {"distance_squared": "distance$^2$", "gram": "Gram matrix"}
    axes.set(xticks=[], yticks=[], xlabel="A0 B0 A1 ...", title=titles[name])
    axes.figure.colorbar(drawn, ax=axes, location="bottom", shrink=0.9, pad=0.04)
    if name == "distance_squared":
        style.letter(axes, "B")


def _row(axes: plt.Axes, sketch: xr.Dataset) -> None:
    row = np.roll(sketch["kernel_row"].values, len(sketch["kernel_row"]) // 2)
    offset = np.arange(len(row)) - len(row) // 2
    axes.plot(offset, row, color="0.7", zorder=0)
    for parity, (colour, name) in enumerate(
        zip(style.CLASS_COLOURS, ("same ring", "other ring"), strict=True)
    ):
        chosen = offset % 2 == parity
        axes.plot(offset[chosen], row[chosen], "o--", color=colour, linewidth=0.8, label=name)
    axes.set(xlabel="offset in A0 B0 A1 ...", ylabel="kernel", ylim=(0, 1.45))
    axes.legend(loc="upper right")
    style.letter(axes, "C")


def _reciprocal(axes: plt.Axes, sketch: xr.Dataset) -> None:
    reciprocal = _one_sided(sketch)
    frequency = np.arange(len(reciprocal))
    axes.fill_between(frequency, reciprocal, color=style.CLASS_COLOURS[0], alpha=0.5, linewidth=0)
    axes.plot(frequency, reciprocal, "o-", color=style.CLASS_COLOURS[0])
    axes.fill_between(
        frequency, reciprocal[-1], facecolor="none", edgecolor="0.35", hatch="////", linewidth=0.8
    )
    axes.set(xlabel="frequency", ylabel="reciprocal eigenvalue\n(largest = 1)", ylim=(0, 1.25))
    axes.text(
        0.04, 0.94, rf"$\epsilon_s$ = {_ratio_of_areas(sketch):.4f}", transform=axes.transAxes
    )
    style.letter(axes, "D")


def _missing(sketch: xr.Dataset) -> int:
    return int(sketch["points_per_ring"])  # the middle of the interleaved points


def _one_sided(sketch: xr.Dataset) -> np.ndarray:
    """Reciprocal eigenvalues at frequencies 0 to N over their largest."""
    reciprocal = 1.0 / sketch["spectrum"].values[: int(sketch["points_per_ring"]) + 1]
    return reciprocal / reciprocal.max()


def _ratio_of_areas(sketch: xr.Dataset) -> float:
    """The rectangle at the height of the last frequency over the area under the curve."""
    reciprocal = _one_sided(sketch)
    return float(reciprocal[-1] * (len(reciprocal) - 1) / np.trapezoid(reciprocal))


def _not_circulant(gram: np.ndarray) -> np.ndarray:
    """By how much each row differs from the row above, moved by one."""
    return gram - np.roll(np.roll(gram, 1, axis=0), 1, axis=1)
