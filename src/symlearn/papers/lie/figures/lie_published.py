"""Pretrained networks on photographs, by the measures of all four papers, beside published models.

See docs/science/lie.md#pretrained-networks.
"""

from itertools import cycle

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.papers.lie.figures.lie_models import draw_published
from symlearn.papers.lie.figures.terms import of_kinds, shares
from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted, labels_of
from symlearn.plots.layer_kinds import LOOKS
from symlearn.plots.panels import plain_logarithm
from symlearn.statistics import TWO_SIDED, Measured, Measurements, median

TITLE = "Pretrained networks on photographs, by the measures of all four papers"
NEEDS: dict[str, dict[str, int]] = {"lie-published": {}, "lie-pretrained": {}}
_DIGITISED = "published"
_TRANSLATION = "translate_x"
_SEEN = 0.02  # share from which on a type of layers is drawn
_BREAKING = ("nonlinearity", "pooling", "strided convolution")
_SHOWN = {
    "relative_logit_error": "logit error / between images",
    "selectivity": "logit error / noise",
    "agreement": "same class",
    "saliency_similarity": "saliency similarity",
}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The digitised models, and each pretrained network that was measured."""
    own = {
        labels_of(found)["model"]: found.assign_attrs(
            {"published": labels_of(found)["accuracy"] or np.nan}
        )
        for found in inputs.study("lie-pretrained")
    }
    return {_DIGITISED: inputs.one("lie-published"), **own}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Of each network the errors, shares of layers, stability before and after, and invariance."""
    measured: dict[str, Measured] = {}
    digitised = plotted[_DIGITISED]
    for row in range(digitised.sizes["layer"]):
        one = digitised.isel(layer=row)
        name = f"{one['layer_kind'].item().replace(' ', '_')}.{one['layer_model'].item()}"
        measured[f"digitised_share.{name}"] = Measured(float(one["published_share"]))
    for name, found in _networks(plotted).items():
        measured[f"accuracy.{name}"] = _measured(found, "accuracy")
        for generator in found["generator"].values:
            here = found.sel(generator=generator)
            measured[f"absolute.{generator}.{name}"] = _measured(here, "lie_absolute")
        for kind, share in _shares(found).items():
            measured[f"share.{kind.replace(' ', '_')}.{name}"] = share
        for moment in found["moment"].values:
            output = found.sel(moment=moment, block="output")
            measured[f"relative_stability.{moment}.{name}"] = _measured(
                output, "relative_stability"
            )
        for action in found["action"].values:
            for quantity in found["measure"].values:
                here = found.sel(action=action, measure=quantity)
                tail = f"{action.replace(' ', '_')}.{name}"
                measured[f"{quantity}.{tail}"] = _measured(here, "invariance")
        turns, shifts = (
            measured[f"relative_logit_error.{action.replace(' ', '_')}.{name}"]
            for action in found["action"].values
        )
        measured[f"turns_over_shifts.{name}"] = _ratio(turns, shifts)
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    found = _networks(plotted)
    digitised = (
        "(A) The small points are 400 published models, digitised from the paper's title figure: "
        "positions of markers and not the authors' numbers. (B) The bars of ResNet-50 and "
        "ViT-Small are digitised from the same figure and added up by what the operations truly "
        "are, which the drawn colours do not follow. Whether their unit is a squared norm or a "
        "norm is not known."
    )
    if not found:
        return (
            f"{digitised} No pretrained network was measured in this run: `make published` "
            "installs three of them, and lie_pretrained in config.yaml names them and a folder of "
            "photographs."
        )
    one = next(iter(found.values())).attrs
    accuracies = ", ".join(
        f"{name} {100 * float(each['accuracy']):.0f} %" for name, each in found.items()
    )
    closure = max(float(each["closure"]) for each in found.values())
    return (
        f"{digitised} The networks with names have ImageNet weights and are measured here on "
        f"{one['images']} photographs. In A they stand at their published accuracy, with the mean "
        "absolute value of the Lie derivative of the probabilities by a translation along a row "
        "(the released code's reduction and stencil, in 64 bits). Of these photographs they find "
        f"{accuracies}; the photographs may be training images. Bars are 95 % intervals over "
        "photographs in all panels. (B) Shares of the types of layers in the sum of squared norms "
        f"of their terms, medians over {one['layer_images']} photographs, seen through "
        f"{one['directions']} random directions (the terms add up to the whole up to {closure:.0e})"
        ". (C) R is the change by smooth deformations of one pixel over that by noise of the same "
        "norm, block by block: with random weights and each batch's own statistics (open), and "
        "with the trained weights (filled). (D) The mean absolute value by generator. (E) The "
        "networks under quarter turns (filled) and periodic shifts by quarters of the picture "
        "(open): the logit error over that between photographs, over that of noise of the same "
        "size (0 is genuine invariance), the share that keeps the predicted class, and the cosine "
        "of the absolute saliency maps."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """The digitised panels, and where networks were measured the others."""
    found = _networks(plotted)
    looks = _looks(found)
    if not found:
        figure, panels = plt.subplots(1, 2, figsize=(style.TWO_COLUMNS, 2.6))
        _accuracy(panels[0], plotted, measured, looks)
        _kinds(panels[1], plotted, measured)
        style.letters(panels)
        return figure
    figure, panels = plt.subplot_mosaic(
        "AB;CE;DE", figsize=(style.TWO_COLUMNS, 7.0), height_ratios=[1.2, 1, 1]
    )
    _accuracy(panels["A"], plotted, measured, looks)
    _kinds(panels["B"], plotted, measured)
    _blocks(panels["C"], found, looks)
    _generators(panels["D"], measured, found, looks)
    _invariance(panels["E"], measured, found, looks)
    style.letters([panels[name] for name in "ABCDE"])
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", label=name)
        for name, (colour, marker) in looks.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


Looks = dict[str, tuple[str, str]]


def _looks(found: Plotted) -> Looks:
    """Colours of the style, with markers that show whether they are filled."""
    colours = [colour for colour, _ in style.models(found).values()]
    return dict(zip(found, zip(colours, cycle("osD^v<>"), strict=False), strict=True))


def _accuracy(axes: Axes, plotted: Plotted, measured: Measurements, looks: Looks) -> None:
    draw_published(axes, plotted[_DIGITISED])
    for name, (colour, marker) in looks.items():
        one = measured[f"absolute.{_TRANSLATION}.{name}"]
        published = plotted[name].attrs["published"]
        axes.errorbar(
            published, one.value, TWO_SIDED * one.uncertainty, color=colour, marker=marker,
            markersize=5, markeredgecolor="black", markeredgewidth=0.5,
        )  # fmt: skip


def _kinds(axes: Axes, plotted: Plotted, measured: Measurements) -> None:
    """Shares of the types of layers as stacked bars, a row for each network."""
    digitised = plotted[_DIGITISED]
    rows: dict[str, dict[str, float]] = {}
    for row in range(digitised.sizes["layer"]):
        one = digitised.isel(layer=row)
        model = f"{one['layer_model'].item()} (digitised)"
        rows.setdefault(model, {})[one["layer_kind"].item()] = float(one["published_share"])
    for name in _networks(plotted):
        shown = {kind: measured.get(f"share.{kind.replace(' ', '_')}.{name}") for kind in LOOKS}
        rows[name] = {kind: one.value for kind, one in shown.items() if one is not None}
    for at, kinds in enumerate(rows.values()):
        total, left = sum(kinds.values()), 0.0
        for kind in (kind for kind in LOOKS if kinds.get(kind, 0) / total >= _SEEN):
            width = 100 * kinds[kind] / total
            axes.barh(at, width, left=left, color=LOOKS[kind][0], height=0.7)
            left += width
    axes.set_yticks(range(len(rows)), list(rows), fontsize=5.5)
    axes.invert_yaxis()
    axes.set(xlabel="share of the translation error (%)", xlim=(0, 100))
    drawn = [kind for kind in LOOKS if any(kinds.get(kind, 0) >= _SEEN for kinds in rows.values())]
    handles = [Line2D([], [], color=LOOKS[k][0], marker="s", linestyle="none", label=k)
               for k in drawn]  # fmt: skip
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.4, -0.2), ncols=3)


def _blocks(axes: Axes, found: Plotted, looks: Looks) -> None:
    """R by depth, before training and after."""
    for name, one in found.items():
        colour, marker = looks[name]
        depth = np.linspace(0, 1, one.sizes["block"])
        for moment, fill in (("before", "white"), ("after", colour)):
            here = one.sel(moment=moment)
            axes.errorbar(
                depth, here["relative_stability"], TWO_SIDED * here["relative_stability_error"],
                color=colour, marker=marker, markersize=2.5, linewidth=0.7, markerfacecolor=fill,
            markeredgewidth=0.7,
            )  # fmt: skip
    axes.axhline(1, color="0.7", linewidth=0.8, zorder=0)
    axes.set(yscale="log", xlabel="depth (0: first block, 1: output)", ylabel="R")
    plain_logarithm(axes.yaxis)


def _generators(axes: Axes, measured: Measurements, found: Plotted, looks: Looks) -> None:
    generators = list(next(iter(found.values()))["generator"].values)
    _rows(
        axes, {name: [measured[f"absolute.{g}.{name}"] for g in generators] for name in found},
        looks, [g.replace("_", " ") for g in generators],
    )  # fmt: skip
    axes.set(xlabel="Lie derivative, mean absolute", xscale="log")
    plain_logarithm(axes.xaxis)


def _invariance(axes: Axes, measured: Measurements, found: Plotted, looks: Looks) -> None:
    actions = next(iter(found.values()))["action"].values
    for action, hollow in zip(actions, (False, True), strict=True):
        tail = action.replace(" ", "_")
        columns = {name: [measured[f"{q}.{tail}.{name}"] for q in _SHOWN] for name in found}
        _rows(axes, columns, looks, list(_SHOWN.values()), hollow=hollow)
    axes.set(xlabel="quarter turns (filled), shifts by quarters (open)", xlim=(0, None))


def _rows(
    axes: Axes,
    columns: dict[str, list[Measured]],
    looks: Looks,
    labels: list[str],
    hollow: bool = False,
) -> None:
    """A row for each label, with a point for each network."""
    for number, (name, row) in enumerate(columns.items()):
        colour, marker = looks[name]
        at = np.arange(len(labels)) + 0.6 * ((number + 0.5) / len(columns) - 0.5)
        values, errors = np.array([(one.value, one.uncertainty) for one in row]).T
        axes.errorbar(
            values, at, xerr=TWO_SIDED * errors, color=colour, marker=marker, linestyle="none",
            markersize=3, linewidth=0.7, markerfacecolor="white" if hollow else colour,
            markeredgewidth=0.7,
        )  # fmt: skip
    axes.set_yticks(range(len(labels)), labels, fontsize=5.5)
    axes.set_ylim(len(labels) - 0.5, -0.5)


def _networks(plotted: Plotted) -> dict[str, xr.Dataset]:
    return {name: found for name, found in plotted.items() if name != _DIGITISED}


def _measured(found: xr.Dataset, name: str) -> Measured:
    return Measured(float(found[name]), float(found[f"{name}_error"]))


def _ratio(above: Measured, below: Measured) -> Measured:
    """Of two numbers as if they were of different photographs, which overstates the error."""
    ratio = above.value / below.value
    relative = np.hypot(above.uncertainty / above.value, below.uncertainty / below.value)
    return Measured(ratio, ratio * float(relative))


def _shares(found: xr.Dataset) -> dict[str, Measured]:
    """Of each type that the network has its share, median over photographs, and of three types."""
    each, kinds = shares(found["contribution"]), found["layer_kind"]
    wanted = {kind: (kind,) for kind in LOOKS if kind in kinds.values}
    return {
        name: median(of_kinds(each, kinds, *group).values)
        for name, group in {**wanted, "down_sampling and nonlinearity": _BREAKING}.items()
    }
