"""Figure 3: the two rings' error against their separation and against the points on them.

See docs/science/orbits.md#two-rings.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.papers.orbits.two_rings import two_rings
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import Measured, Measurements

TITLE = "Separation raises the label frequency's eigenvalue, density lowers the others"
NEEDS: dict[str, dict[str, int]] = {"rings": {}}
_SHOWN_SEPARATIONS = (0.0, 0.55, 1.62)
_SHOWN_SIZES = (4, 8, 20)
_SKETCHED = (
    ("separations", "separation", _SHOWN_SEPARATIONS, "distance"),
    ("sizes", "points_per_ring", _SHOWN_SIZES, "N ="),
)
_TILT = 0.35  # of what lies in the rings' planes, in the sketches


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The two sweeps, told apart by the kernel's length scale."""
    rings = inputs.one("rings").drop_vars(["position", "distance_squared", "gram"])
    rings = rings.isel(ring=slice(1, None))  # without the sketch
    separated = rings["inverse_length"] == rings["inverse_length"][0]
    return {
        "separations": rings.isel(ring=np.flatnonzero(separated)).sortby("separation"),
        "sizes": rings.isel(ring=np.flatnonzero(~separated)).sortby("points_per_ring"),
    }


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Errors with and without the ridge at every setting, and how far the solve is from theory."""
    measured: dict[str, Measured] = {}
    for sweep, name in (("separations", "separation"), ("sizes", "points_per_ring")):
        for ring in range(plotted[sweep].sizes["ring"]):
            here = plotted[sweep].isel(ring=ring)
            at = f"{name}.{float(here[name]):g}"
            measured |= {
                f"error.{at}": Measured(float(here["spectral_no_ridge"])),
                f"error_ridge.{at}": Measured(float(here["spectral_ridge"])),
                f"regression_ridge.{at}": Measured(float(here["exact_ridge"])),
            }
        ridged = plotted[sweep]["exact_ridge"] / plotted[sweep]["spectral_ridge"] - 1
        measured[f"largest_difference.{sweep}"] = Measured(float(np.abs(ridged).max()))
        steps = np.diff(plotted[sweep]["spectral_no_ridge"].values)
        measured[f"largest_rise.{sweep}"] = Measured(float(steps.max()))
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    factor = float(plotted["sizes"].attrs["ridge_factor"])
    length = [float(plotted[s]["inverse_length"][0]) for s in ("separations", "sizes")]
    return (
        "Panel A shows the error on a missing point against the distance of the rings' planes (6 "
        f"points per ring, Gaussian kernel exp(-L^2 d^2) with L = {length[0]:g}), panel B against "
        f"the points per ring (distance 1, L = {length[1]:g}). Dots are kernel regression with the "
        f"authors' ridge, {factor:g} of the training points' trace. Lines are the spectral error "
        "with the same ridge and without one (closed form in Bessel functions). Where the dots "
        "leave the dashed line, the ridge decides and not the theory. This is the shaded plateau. "
        "Panels C and D show reciprocal spectra of three settings of each. The sketches on top "
        "show these settings' rings, seen aslant."
    )


def draw(plotted: Plotted, _: Measurements) -> Figure:
    """Sketches on top, errors in the middle, spectra beneath."""
    figure = plt.figure(figsize=(style.TWO_COLUMNS, 5.0))
    grid = figure.add_gridspec(3, 2, height_ratios=[0.5, 1, 1])
    axes = np.array([[figure.add_subplot(grid[r, c]) for c in (0, 1)] for r in (1, 2)])
    for column, (sweep, name, wanted, label) in enumerate(_SKETCHED):
        places = grid[0, column].subgridspec(1, len(wanted))
        for number, value in enumerate(wanted):
            place = places[number]
            _sketch(figure.add_subplot(place), _nearest(plotted[sweep], name, value), name, label)
    _errors(axes[0, 0], plotted["separations"], "separation", "distance of the planes")
    axes[0, 0].set_xscale("symlog", linthresh=0.01)
    axes[0, 0].set_xlim(-0.001, 1.2 * float(plotted["separations"]["separation"].max()))
    axes[0, 0].set_yticks([0.25, 0.5, 1, 2, 4, 8], ["0.25", "0.5", "1", "2", "4", "8"])
    axes[0, 0].minorticks_off()
    _errors(axes[0, 1], plotted["sizes"], "points_per_ring", "points per ring N")
    _plateau(axes[0, 1], plotted["sizes"])
    for panel, (sweep, name, wanted, label) in zip(axes[1], _SKETCHED, strict=True):
        _spectra(panel, plotted[sweep], name, wanted, label)
    style.letters(axes.ravel())
    return figure


def _errors(axes: Axes, rings: xr.Dataset, name: str, label: str) -> None:
    x = rings[name].values
    colour, dashes = style.PREDICTIONS["spectral"]
    axes.plot(
        x, rings["spectral_no_ridge"], color="0.3", linestyle=dashes, label="spectral, no ridge"
    )
    axes.plot(x, rings["spectral_ridge"], color=colour, label="spectral, ridge")
    axes.plot(x, rings["exact_ridge"], "o", color="black", markersize=3, label="regression, ridge")
    axes.set(yscale="log", xlabel=label, ylabel="error on the missing point")
    axes.legend(loc="lower left")


def _plateau(axes: Axes, rings: xr.Dataset) -> None:
    """Shade where the ridge at least doubles the error."""
    ruled = rings["spectral_ridge"] > 2 * rings["spectral_no_ridge"]
    if bool(ruled.any()):
        start = float(rings["points_per_ring"].values[ruled].min())
        axes.axvspan(start - 2, float(rings["points_per_ring"].max()) + 2, color="0.92", zorder=0)
        axes.text(0.97, 0.45, "ridge plateau", transform=axes.transAxes, ha="right", color="0.35")


def _nearest(rings: xr.Dataset, name: str, value: float) -> xr.Dataset:
    """The setting of a sweep that is nearest to a wanted one."""
    return rings.isel(ring=int(np.abs(rings[name].values - value).argmin()))


def _sketch(axes: Axes, ring: xr.Dataset, name: str, label: str) -> None:
    """The two rings of one setting, seen aslant."""
    points = two_rings(int(ring["points_per_ring"]), float(ring["separation"]))[:, :, 0]
    for (x, y, z), colour in zip(points.transpose(0, 2, 1), style.CLASS_COLOURS, strict=True):
        around = np.linspace(0, 2 * np.pi, 100)
        axes.plot(np.cos(around), _TILT * np.sin(around) + z[0], color=colour, linewidth=0.5)
        axes.plot(x, _TILT * y + z, "o", color=colour, markersize=2.2)
    axes.set(aspect="equal", xlim=(-1.2, 1.2), ylim=(-1.35, 1.35))
    axes.set_title(f"{label} {float(ring[name]):g}", fontsize=6)
    axes.set_axis_off()


def _spectra(
    axes: Axes, rings: xr.Dataset, name: str, wanted: tuple[float, ...], label: str
) -> None:
    for value in wanted:
        here = _nearest(rings, name, value)
        n = int(here["points_per_ring"])
        reciprocal = 1.0 / here["spectrum"].values[: n + 1]
        position = np.arange(n + 1) / n
        axes.plot(
            position, reciprocal, "o-", markersize=2.5, label=f"{label} {float(here[name]):g}"
        )
    axes.set(yscale="log", xlabel="frequency / N", ylabel="reciprocal eigenvalue")
    axes.legend()
