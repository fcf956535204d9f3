"""What the work costs on this machine, by the sizes that it grows with."""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.plots.panels import plain_logarithm, powers_of_two
from symlearn.statistics import Measured, Measurements, slope_of_logs

TITLE = "Speed: what kernels, theory, training and jobs cost, and how that grows"
NEEDS: dict[str, dict[str, int]] = {"speed": {}}
_LOOKS = {
    "dense kernel": ("#0072B2", "o"),
    "convolutional kernel": ("#D55E00", "s"),
    "exact error": ("#000000", "x"),
    "orbit-block error": ("#009E73", "^"),
    "training step": ("#CC79A7", "D"),
    "job": ("#0072B2", "o"),
}
_FITTED = 3  # the largest sizes, whose slope is fitted
_LABELS = {"n": "poses N", "pairs": "pairs", "pixels": "pixels", "width": "width", "jobs": "jobs"}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """All measurements, with the exponents that are predicted."""
    return {"speed": inputs.one("speed")}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Fitted exponents by work and axis, and how much faster jobs are on all the cores."""
    speed = plotted["speed"]
    measured = {}
    for axis in _LABELS:
        for work in _works(speed, axis):
            sizes, seconds = _curve(speed, work, axis, 1)
            slope = slope_of_logs(sizes[-_FITTED:], seconds[-_FITTED:])
            measured[f"exponent.{_tag(work)}.{axis}"] = slope
    cores = np.unique(speed["cores"])
    sizes, alone = _curve(speed, "job", "jobs", int(cores[0]))
    _, together = _curve(speed, "job", "jobs", int(cores[-1]))
    overhead = np.polyfit(sizes, alone, 1)[0]
    return measured | {
        "seconds_per_job": Measured(float(overhead)),
        "speed_up": Measured(float(alone[-1] / together[-1])),
    }


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    speed = plotted["speed"]
    base = speed.attrs
    cores = ", ".join(str(count) for count in np.unique(speed["cores"]))
    return (
        f"The panels show seconds on this machine ({base['machine']}) on one core, the shortest of "
        "three. The work is Gram matrices of the dense (mlp-1) and the convolutional kernel "
        "(cnn-gap-3), errors from given Gram matrices, and one step of the gradient descent of "
        "dense networks, of all pairs together. It grows with poses N, pairs, pixels or width. The "
        f"other sizes stay at N = {base['base_n']}, {base['base_pairs']} pairs, padding "
        f"{base['base_padding']} and width {base['base_width']}. The legend gives powers that are "
        f"fitted to the {_FITTED} largest sizes, and in brackets those of the operations' leading "
        "order. Where a power falls short of it, a part of the cost does not grow. (E) Jobs of the "
        f"dense kernel run in a process each, as in the pipeline, on {cores} cores. These numbers "
        "are not the same twice."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A panel for each axis, and a legend with the powers."""
    speed = plotted["speed"]
    figure, panels = plt.subplots(2, 3, figsize=(style.TWO_COLUMNS, 4.8))
    for axes, (axis, label), letter in zip(panels.flat, _LABELS.items(), "ABCDE", strict=False):
        style.letter(axes, letter)
        for work in _works(speed, axis):
            _lines(axes, speed, work, axis)
        sizes = np.unique(speed["size"].values[speed["axis"].values == axis])
        powers_of_two(axes, sizes, label)
        axes.set(yscale="log", ylabel="seconds")
        plain_logarithm(axes.yaxis)
    panels.flat[len(_LABELS) - 1].legend()
    _legend(panels.flat[-1], speed, measured)
    return figure


def _legend(axes: Axes, speed: xr.Dataset, measured: Measurements) -> None:
    axes.set_axis_off()
    for work, (colour, marker) in _LOOKS.items():
        powers = [
            f"{axis} {measured[f'exponent.{_tag(work)}.{axis}'].value:.1f}"
            f" ({_predicted(speed, work, axis)})"
            for axis in _LABELS
            if work in _works(speed, axis) and work != "job"
        ]
        if powers:
            label = f"{work}:\n{', '.join(powers)}"
            axes.plot([], [], color=colour, marker=marker, markersize=3, label=label)
    axes.legend(loc="center left", fontsize=5.5, labelspacing=1.0)


def _lines(axes: Axes, speed: xr.Dataset, work: str, axis: str) -> None:
    colour, marker = _LOOKS[work]
    here = (speed["work"] == work) & (speed["axis"] == axis)
    for cores, dashes in zip(
        np.unique(speed["cores"].values[here]), ("-", "--", ":"), strict=False
    ):
        sizes, seconds = _curve(speed, work, axis, int(cores))
        label = f"{cores} core" + ("s" if cores > 1 else "")
        axes.plot(sizes, seconds, dashes, color=colour, marker=marker, markersize=3, label=label)


def _works(speed: xr.Dataset, axis: str) -> list[str]:
    return list(dict.fromkeys(speed["work"].values[speed["axis"].values == axis].tolist()))


def _curve(speed: xr.Dataset, work: str, axis: str, cores: int) -> tuple[np.ndarray, np.ndarray]:
    here = (speed["work"] == work) & (speed["axis"] == axis) & (speed["cores"] == cores)
    rows = speed.isel(measurement=np.flatnonzero(here)).sortby("size")
    return rows["size"].values.astype(float), rows["seconds"].values


def _predicted(speed: xr.Dataset, work: str, axis: str) -> int:
    here = (speed["work"] == work) & (speed["axis"] == axis)
    return int(speed["power"].values[here][0])


def _tag(work: str) -> str:
    return work.replace(" ", "_").replace("-", "_")
