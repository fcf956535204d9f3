"""Panels that several figures share."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.container import ErrorbarContainer
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from symlearn.plots import style
from symlearn.plots.inputs import grid_points
from symlearn.statistics import Measured, Measurements


def error_scatter(
    axes: Axes,
    exact: Float[np.ndarray, " task"],
    predicted: Float[np.ndarray, " task"],
    correct: Float[np.ndarray, " task"],
    largest: float,
) -> None:
    """Predicted against exact error with the diagonal, by how many of two poses are right."""
    axes.plot([0, largest], [0, largest], color="0.6", linewidth=0.8, zorder=0)
    for count, (colour, marker) in enumerate(style.CORRECT):
        chosen = correct == count
        axes.scatter(
            exact[chosen], predicted[chosen], s=9, color=colour, marker=marker,
            linewidths=0.7, label=f"{count} of 2 correct",
        )  # fmt: skip
    axes.set(xlim=(0, largest), ylim=(0, largest), xlabel="exact error", aspect="equal")


def top(*values: Float[np.ndarray, "..."]) -> float:
    """A common upper limit of axes, a little above the largest value."""
    return 1.05 * max(float(np.nanmax(v)) for v in values)


def orbit_loops(axes: Axes, scores: xr.DataArray, marked: int, closed: bool = True) -> None:
    """Two orbits as closed curves in two or three principal components, `marked` poses as dots.

    `axes` have as many dimensions as there are components. No curve is drawn if not `closed`:
    poses follow each other only in a cyclic group's orbit.
    """
    for orbit, colour in enumerate(style.CLASS_COLOURS):
        curve = scores.isel(orbit=orbit).transpose("component", "pose").values
        if closed:
            axes.plot(*np.append(curve, curve[:, :1], axis=1), color=colour, linewidth=0.9)
        poses = curve.shape[1]
        shown = np.arange(marked) * poses // marked  # evenly, as far as there are poses for it
        axes.plot(*curve[:, shown], "o", color=colour, markersize=3)
    axes.set(xlabel="component 1", ylabel="component 2")


def picture(axes: Axes, image: Float[np.ndarray, "row col"], title: str = "") -> AxesImage:
    """An image without axes, zero in the middle of a diverging colour map."""
    limit = float(np.abs(image).max()) or 1.0
    drawn = axes.imshow(image, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes.set_axis_off()
    axes.set_title(title, fontsize=6)
    return drawn


def measured_line(
    axes: Axes,
    measured: Measurements,
    kind: str,
    rows: xr.Dataset,
    by: str = "n",
    /,
    **line: object,
) -> None:
    """A measured quantity by n (or another coordinate) with its 95 % interval.

    `rows` are of one architecture.
    """
    values, reach = with_intervals([measured[f"{kind}.{tag}"] for tag, _ in grid_points(rows)])
    axes.errorbar(rows[by], values, reach, **line)  # type: ignore[arg-type]


def with_intervals(found: Sequence[Measured]) -> tuple[np.ndarray, np.ndarray]:
    """Values, and how far their 95 % intervals reach below and above, as `errorbar` takes them."""
    values = np.array([one.value for one in found])
    low, high = np.array([one.interval for one in found]).T
    # Rounding may put an end on the wrong side.
    return values, np.maximum([values - low, high - values], 0.0)


def spread(
    axes: Axes, x: np.ndarray, values: Float[np.ndarray, "cell task"], **line: object
) -> None:
    """The median over tasks with a band from the 16th to the 84th percentile."""
    low, middle, high = np.nanpercentile(values, [16, 50, 84], axis=1)
    (drawn,) = axes.plot(x, middle, **line)  # type: ignore[arg-type]
    axes.fill_between(x, low, high, color=drawn.get_color(), alpha=0.15, linewidth=0)


def powers_of_two(axes: Axes, n: np.ndarray, label: str = "poses N") -> None:
    """A logarithmic axis of n with each value written out."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(n, [str(value) for value in n])
    axes.minorticks_off()
    axes.set_xlabel(label)


def plain_logarithm(axis: Axis) -> None:
    """A logarithmic axis with 1, 2 and 5 of each decade written out; more if short, less if long.

    After all is drawn on it.
    """
    low, high = axis.get_view_interval()
    subs = (1, 1.5, 2, 3, 5, 7) if high <= 8 * low else (1, 2, 5) if high <= 1e3 * low else (1,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


# Of fewer values than this no interval is drawn: it would say nothing.
FEWEST = 5
# Of two seeds an interval may go over decades, in which values could not be told apart.
_BEYOND = 3
INTERVALS = "95 % interval (Student's, of the logarithm; a wide one may leave the panel)"


def frame(*panels: Axes) -> None:
    """Limit the common vertical axis of panels to the lines' values and a part of the intervals."""
    bars = [bar for axes in panels for bar in axes.containers if isinstance(bar, ErrorbarContainer)]
    caps = {cap for bar in bars for cap in bar.lines[1]}
    lines = [line for axes in panels for line in axes.lines if line not in caps]
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in lines])
    values = values[np.isfinite(values) & (values > 0)]
    if len(values):
        low, high = panels[0].get_ylim()
        low, high = max(low, values.min() / _BEYOND), min(high, values.max() * _BEYOND)
        panels[0].set_ylim(low, high)


_SIZE, _ASPECT = 5.5, 0.55  # of a label's letters in points, and their width over their height
_PLACES = [
    (radius * dx, radius * dy)
    for radius in (1.0, 2.0, 3.0)
    for dx, dy in ((1, 0), (-1, 0), (0.6, 1), (-0.6, 1), (0.6, -1), (-0.6, -1), (0, 1), (0, -1))
]


def labels_beside(
    axes: Axes,
    x: Float[np.ndarray, " point"],
    y: Float[np.ndarray, " point"],
    texts: Sequence[str],
) -> None:
    """A small text beside each point, where it lies on few points and other texts.

    After all is drawn and the limits are set. Points that are not finite get none.
    """
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    scale = 72 / axes.figure.dpi
    finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    at = scale * axes.transData.transform(np.stack([x, y], axis=1)[finite])
    low, high = scale * axes.bbox.get_points()
    taken = [(px - 3, py - 3, px + 3, py + 3) for px, py in at]
    for number, (px, py) in zip(finite, at, strict=True):
        text = texts[int(number)]
        boxes = {place: _box(text, px, py, *place) for place in _PLACES}

        def cost(place: tuple[float, float], boxes: dict = boxes) -> float:
            box = boxes[place]
            outside = _overlap(box, box) - _overlap(box, (*low, *high))
            return 5 * outside + sum(_overlap(box, other) for other in taken) + np.hypot(*place)

        best = min(_PLACES, key=cost)
        left, bottom, right, _ = boxes[best]
        taken.append(boxes[best])
        axes.annotate(
            text, (x[number], y[number]), ((left + right) / 2 - px, bottom - py),
            textcoords="offset points", ha="center", va="bottom", fontsize=_SIZE, color="0.25",
        ).set_in_layout(False)  # fmt: skip


Box = tuple[float, float, float, float]


def _box(text: str, x: float, y: float, right: float, up: float) -> Box:
    """Of a text so far beside a point: left, bottom, right, top, in points."""
    wide, high = len(text) * _SIZE * _ASPECT, _SIZE
    middle = x + right * 5 + np.sign(right) * wide / 2 * min(1.0, abs(right))
    bottom = y + up * 6 - high / 2
    return middle - wide / 2, bottom, middle + wide / 2, bottom + high


def _overlap(one: Box, other: Box) -> float:
    """The area that two boxes share."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(high, 0.0)
