"""The look of all figures: sizes, fonts, and one colour and marker per model and prediction."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, count, product
from string import ascii_uppercase
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ONE_COLUMN = 3.4  # inches
TWO_COLUMNS = 7.0

# Okabe and Ito's palette, safe for colour-blind readers.
_BLUE, _SKY, _ORANGE, _RED = "#0072B2", "#56B4E9", "#E69F00", "#D55E00"
_GREEN, _PURPLE, _YELLOW, _GREY = "#009E73", "#CC79A7", "#F0E442", "#666666"

_MODELS = {
    "mlp-1": (_BLUE, "o"),
    "mlp-5": (_SKY, "s"),
    "cnn-fc-3": (_ORANGE, "^"),
    "cnn-gap-3": (_GREEN, "D"),
    "mlp": (_BLUE, "^"),
    "cnn": (_ORANGE, "P"),
    "vit": (_PURPLE, "s"),
    "vit-48": (_PURPLE, "s"),
    "fully-connected": (_BLUE, "o"),
    "fully-connected-2": (_BLUE, "v"),
    "fully-connected-6": (_BLUE, "D"),
    "lenet": (_ORANGE, "s"),
    "alexnet": (_SKY, "v"),
    "vgg11": (_GREY, "P"),
    "vgg16": (_GREY, "X"),
    "vgg19": (_GREY, ">"),
    "vgg11-bn": (_RED, "P"),
    "vgg16-bn": (_RED, "X"),
    "vgg19-bn": (_RED, ">"),
    "resnet8-8": (_GREEN, "D"),
    "resnet8-16": (_GREEN, "h"),
    "resnet18": (_GREEN, "*"),
    "resnet34": (_GREEN, "p"),
    "efficientnet-b0": (_PURPLE, "^"),
    "cnn-12": (_SKY, "v"),
    "vit-plain-32": (_PURPLE, "s"),
}
# Narrow networks look as the published ones of which they are.
_MODELS |= {
    f"{name}-narrow": _MODELS[name]
    for name in ("alexnet", "vgg11", "vgg16", "vgg19", "vgg11-bn", "vgg16-bn", "vgg19-bn",
                 "resnet18", "resnet34", "efficientnet-b0")
}  # fmt: skip
# For architectures of the user's own, and where two of a figure would look alike: in this order.
_SPARE = [
    *((_RED, "P"), (_GREY, "X"), (_YELLOW, "*"), (_PURPLE, "v")),
    *product([_RED, _GREY, _YELLOW, _PURPLE, _SKY, _ORANGE, _GREEN, _BLUE], "PX*v<>ph^sDo"),
]

CLASS_COLOURS = (_RED, _BLUE)
PREDICTIONS = {
    "exact": ("black", "-"),
    "spectral": (_PURPLE, "--"),
    "spectral_normalised": (_BLUE, "--"),
    "orbit_block": (_GREEN, "-."),
    "coset_block": (_ORANGE, ":"),
    "one_row": (_RED, "-"),
}
# How many of a pair's two missing poses are classified correctly: colour and marker.
CORRECT = ((_RED, "x"), (_ORANGE, "^"), (_GREEN, "o"))

_PARAMETERS: dict[Any, Any] = {
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "legend.fontsize": 6.5,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "savefig.dpi": 200,  # of the PNG; the PDF is for print
    "pdf.fonttype": 42,
    "svg.hashsalt": "symlearn",
    "axes.prop_cycle": cycler(color=[_BLUE, _RED, _GREEN, _ORANGE, _PURPLE, _SKY]),
}


@contextmanager
def applied() -> Iterator[None]:
    """The style, for the figures drawn within: matplotlib's own defaults and what differs here.

    The user's settings change no picture.
    """
    with matplotlib.rc_context():
        plt.switch_backend("agg")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_PARAMETERS)
        yield
    plt.close("all")


def model(name: str) -> tuple[str, str]:
    """Colour and marker of an architecture that a figure shows alone."""
    return models([name])[name]


def models(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each architecture of a figure, no two alike.

    A standard one has its own, or if an earlier one has that already a spare one, as others have.
    """
    names = list(dict.fromkeys(names))
    looks: dict[str, tuple[str, str]] = {}
    for name in names:
        if name in _MODELS and _MODELS[name] not in looks.values():
            looks[name] = _MODELS[name]
    taken = set(looks.values())
    spare = (look for look in dict.fromkeys(_SPARE) if look not in taken)
    return {name: looks[name] if name in looks else next(spare) for name in names}


def letter(axes: Axes, text: str) -> None:
    """A panel's letter above its top left corner."""
    axes.set_title(text, loc="left", fontweight="bold")


def letters(panels: Iterable[Axes]) -> None:
    """The letters of panels in order: A to Z, then A2 to Z2 and so on."""
    texts = chain(ascii_uppercase, (f"{one}{turn}" for turn in count(2) for one in ascii_uppercase))
    for axes, text in zip(panels, texts, strict=False):  # the texts have no end
        letter(axes, text)


def watermark(figure: Figure, text: str) -> None:
    """A pale diagonal text over the whole figure."""
    figure.text(
        0.5, 0.5, text, rotation=25, ha="center", va="center",
        fontsize=22, color="black", alpha=0.08, zorder=1000,
    )  # fmt: skip
