"""Figure 1's networks: the equivariance error in the pose left out, and in poses trained on.

See docs/science/lie.md#the-studies and docs/science/lie.md#probabilities-and-logits.
"""

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, labels_of
from symlearn.plots.panels import powers_of_two
from symlearn.statistics import TWO_SIDED, Measured, Measurements, geometric_mean, mean

TITLE = "The equivariance error of partially observed networks"
NEEDS: dict[str, dict[str, int]] = {"lie-partial": {}}
_ROWS = {"lie_square": "probabilities", "lie_logits": "logits / variance"}
_LOOKS = {
    False: (style.CLASS_COLOURS[0], "o", "class left out"),
    True: (style.CLASS_COLOURS[1], "s", "classes observed"),
}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The networks of each entry, by its name."""
    return {labels_of(d)["network"]: d for d in inputs.study("lie-partial")}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Ratios of the errors of the class left out to those of the others, by N."""
    measured: dict[str, Measured] = {}
    for name, found in plotted.items():
        for n in _sizes(found):
            tag = f"{name}.n{n}"
            for quantity in _ROWS:
                for generator in ("rotate", "translate_x"):
                    out, observed = (
                        _values(found, quantity, generator, which)[_sizes(found).index(n)]
                        for which in (False, True)
                    )
                    key = f"{quantity}.{generator}.{tag}"
                    measured[f"ratio.{key}"] = geometric_mean(out / observed)
            here = found.isel(member=np.flatnonzero(found["n"] == n))
            for which, word in ((False, "out"), (True, "observed")):
                accuracy = here["accuracy"].sel(observed=which).values
                measured[f"accuracy_{word}.{tag}"] = mean(accuracy)
    return measured


def _sizes(found: xr.Dataset) -> list[int]:
    return np.unique(found["n"]).tolist()


def _values(
    found: xr.Dataset, quantity: str, generator: str, observed: bool
) -> Float[np.ndarray, "n class_"]:
    """An error by N and class left out, mean over initialisations."""
    values = found[quantity].sel(generator=generator, observed=observed)
    classes = np.unique(found["left_out"])
    return np.array(
        [
            [values[((found["n"] == n) & (found["left_out"] == c)).values].mean() for c in classes]
            for n in _sizes(found)
        ]
    )


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    first = next(iter(plotted.values()))
    return (
        "The networks of figure 1 see upright images that they were not trained on, although they "
        "were trained on other poses of them. These images are of the class of which no upright "
        "image was shown, and of the other classes. Full lines are the Lie derivative by "
        "rotations. Dotted lines are that by translations along a row, for which no network was "
        "trained. The upper row shows the mean square of the softmax probabilities' derivative, "
        "the lower row that of the logits' over their variance over the images. Lines are "
        f"geometric means over the classes left out ({_classes(plotted)}), bands and bars 1.96 "
        "standard errors over these classes, each of which has images of its own. The ratio of the "
        "class left out to the others, for probabilities and rotations, is by N "
        f"({', '.join(str(n) for n in _sizes(first))}): {_ratios(plotted)}. Scales "
        "differ from network to network: the transformer's norm of the pixels of single patches is "
        "steep where a patch is empty. Errors are per unit of the normalised coordinates, by the "
        "released code's differences in 64 bits. The task is the paper's of partially observed "
        "orbits. This project measures it so."
    )


def _classes(plotted: Plotted) -> str:
    """The classes left out of each network."""
    found = {name: np.unique(here["left_out"]).tolist() for name, here in plotted.items()}
    return "; ".join(f"{name} {', '.join(map(str, classes))}" for name, classes in found.items())


def _ratios(plotted: Plotted) -> str:
    measured = measure(plotted)

    def of(name: str, n: int) -> str:
        ratio = measured[f"ratio.lie_square.rotate.{name}.n{n}"]
        return f"{ratio.value:.1f} +- {ratio.uncertainty:.1f}"

    return "; ".join(
        f"{name} {', '.join(of(name, n) for n in _sizes(here))}" for name, here in plotted.items()
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A column for each network, a row for probabilities and one for logits."""
    figure, rows = plt.subplots(
        2, len(plotted), figsize=(style.TWO_COLUMNS, 3.8), sharex=True, squeeze=False
    )
    for panels, (quantity, label) in zip(rows, _ROWS.items(), strict=True):
        for panel, (name, found) in zip(panels, plotted.items(), strict=True):
            _by_n(panel, found, quantity)
            if quantity == "lie_square":
                panel.set_title(name)
        panels[0].set_ylabel(f"error, {label}")
    for panel, found in zip(rows[1], plotted.values(), strict=True):
        powers_of_two(panel, np.array(_sizes(found)), "rotations N")
    style.letters(rows.ravel())
    handles = [Line2D([], [], color=c, marker=m, label=text) for c, m, text in _LOOKS.values()]
    handles += [Line2D([], [], color="0.4", linestyle=":", label="by translations")]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _by_n(axes: Axes, found: xr.Dataset, quantity: str) -> None:
    n = np.array(_sizes(found))
    for observed, (colour, marker, _) in _LOOKS.items():
        turned = np.log(_values(found, quantity, "rotate", observed))
        middle, reach = turned.mean(axis=1), TWO_SIDED * _standard_error(turned)
        axes.plot(n, np.exp(middle), color=colour, marker=marker)
        band = (np.exp(middle - reach), np.exp(middle + reach))
        axes.fill_between(n, *band, color=colour, alpha=0.2, linewidth=0)
        moved = np.log(_values(found, quantity, "translate_x", observed))
        middle, reach = moved.mean(axis=1), TWO_SIDED * _standard_error(moved)
        axes.errorbar(
            n, np.exp(middle), _sides(middle, reach), linestyle=":", color=colour, linewidth=0.8,
            elinewidth=0.6,
        )  # fmt: skip
    axes.set_yscale("log")


def _sides(middle: np.ndarray, reach: np.ndarray) -> Float[np.ndarray, "side n"]:
    """From a value to the ends of an interval that is symmetric in the logarithm."""
    value = np.exp(middle)
    return np.stack([value - np.exp(middle - reach), np.exp(middle + reach) - value])


def _standard_error(values: Float[np.ndarray, "n class_"]) -> Float[np.ndarray, " n"]:
    """Of the mean over classes."""
    return values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
