"""Panels of pairs that figure 4 and its supplement share."""

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.tri import Triangulation, TriContourSet

Errors = Float[np.ndarray, " task"]


def phase_diagram(
    axes: Axes, here: xr.Dataset, errors: Errors, levels: Float[np.ndarray, " level"]
) -> TriContourSet:
    """Errors of pairs over the two factors of the spectral error, interpolated in between."""
    x, y = 1.0 / here["lambda_last"].values, here["mean_reciprocal"].values
    # Scaled first: a triangulation of axes of unlike magnitude would have slivers.
    triangles = Triangulation(x / np.ptp(x), y / np.ptp(y)).triangles
    drawn = axes.tricontourf(Triangulation(x, y, triangles), errors, levels=levels, cmap="cividis")
    axes.plot(x, y, ".", color="white", markersize=1.5, alpha=0.7)
    return drawn


def against(axes: Axes, x: xr.DataArray, y: xr.DataArray, exact: Errors) -> PathCollection:
    """One quantity of pairs against another, coloured by the logarithm of the exact error."""
    return axes.scatter(x, y, c=np.log10(exact), s=9, cmap="cividis")
