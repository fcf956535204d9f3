"""Figure invariance-partial: invariance of the class whose upright pose was never seen.

See docs/science/invariance.md#partially-observed-classes.
"""

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from symlearn.papers.invariance.figures.families import NAMES, curve, logarithmic
from symlearn.plots import style
from symlearn.plots.inputs import (
    Inputs,
    Plotted,
    architectures,
    by_cell,
    labels_of,
    rows_of,
    symmetrised,
)
from symlearn.plots.panels import powers_of_two
from symlearn.statistics import Measured, Measurements, geometric_mean, mean

TITLE = "Partly observed symmetries: how invariant networks are on the class left out"
NEEDS: dict[str, dict[str, int]] = {"invariance-partial": {}, "rotations": {}}
_SHOWN = ("divergence", "logit_error", "saliency_absolute", "relative_logit_error")
_ROLES: dict[str, Any] = {"left-out": "-", "others": "--"}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The measures by network, and the exact errors that the theory predicts for pairs."""
    found = {
        f"network-{labels_of(one)['network']}": one for one in inputs.study("invariance-partial")
    }
    sizes = np.unique(np.concatenate([one["n"].values for one in found.values()]))
    cells = by_cell(inputs.study("rotations")).isel(ridge_factor=0, drop=True)
    theory = cells.isel(cell=np.flatnonzero(np.isin(cells["n"], sizes)))
    return {**found, "theory": theory[["exact_at_identity", "orbit_block"]]}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """By network and n: each role, the class left out over the others, and the trend with n.

    Ratios and their trends are geometric means over the classes left out.
    """
    measured: dict[str, Measured] = {}
    for name, one in _networks(plotted).items():
        for n in _sizes(one):
            for kind in _SHOWN:
                left, others = (_values(one, kind, role, n) for role in _ROLES)
                tail = f"{kind}.{name}.n{n}"
                measured |= {f"left_out.{tail}": mean(left), f"others.{tail}": mean(others)}
                measured[f"excess.{tail}"] = geometric_mean(left / others)
        for kind in _SHOWN:
            first, last = (
                np.divide(*(_values(one, kind, role, n) for role in _ROLES))
                for n in (_sizes(one)[0], _sizes(one)[-1])
            )
            measured[f"excess_last_over_first.{kind}.{name}"] = geometric_mean(last / first)
    for name in architectures(plotted["theory"]):
        errors = _theory(plotted["theory"], name)[1]
        measured[f"theory_last_over_first.{name}"] = mean(errors[-1] / errors[0].mean())
    return measured


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    networks = _networks(plotted)
    first = next(iter(networks.values()))
    classes = np.unique(first["left_out"])
    names = ", ".join(architectures(plotted["theory"]))
    return (
        f"The networks of fig1 ({', '.join(networks)}) trained on N rotations of every class, but "
        "never on the upright pose of one class. (A) The panels show measures of "
        "invariance by N, between an upright image and its other poses. Full lines are images of "
        "the class left out, dashed lines images of all others. The rotations are those of the "
        f"training, by the nearest pixel. Lines are means over {len(classes)} classes left out "
        f"({', '.join(map(str, classes))}), bands 1.96 standard errors. From 8 rotations on, a map "
        "that is turned back is interpolated, so the similarity stays below 1 even for an "
        "invariant network. (B) The panel shows the error on the missing pose that the theory "
        f"predicts for pairs of images, for kernels of infinitely wide networks ({names}). Full "
        "lines are exact regression (means over pairs), dotted lines the orbit-block error. The "
        "measures are those of invariance-regulariser. This project joins the two studies, and "
        "neither paper has this figure."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """A panel for each measure, and the theory's."""
    networks = _networks(plotted)
    size = (style.TWO_COLUMNS, 2.3)
    figure, panels = plt.subplots(1, len(_SHOWN) + 1, figsize=size)
    for axes, kind in zip(panels, _SHOWN, strict=False):
        if kind != "saliency_absolute":
            logarithmic(axes)
        for name, one in networks.items():
            _network(axes, one, kind, name)
        axes.set_title(NAMES[kind], fontsize=7)
    _errors(panels[-1], plotted["theory"])
    for axes in panels:
        powers_of_two(axes, np.array(_sizes(next(iter(networks.values())))), "rotations N")
    style.letter(panels[0], "A")
    style.letter(panels[-1], "B")
    handles = [
        Line2D([], [], color=style.model(name)[0], marker=style.model(name)[1]) for name in networks
    ]
    handles += [Line2D([], [], color="black", linestyle=dashes) for dashes in _ROLES.values()]
    labels = [*networks, "class left out", "other classes"]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    return figure


def _networks(plotted: Plotted) -> dict[str, xr.Dataset]:
    return {key.removeprefix("network-"): one for key, one in plotted.items() if key != "theory"}


def _sizes(one: xr.Dataset) -> list[int]:
    return sorted(set(one["n"].values.tolist()))


def _values(one: xr.Dataset, kind: str, role: str, n: int) -> Float[np.ndarray, " class_"]:
    """A measure by class left out, mean over initialisations."""
    here = one["invariance"].sel(measure=kind, role=role)
    here = here.isel(member=np.flatnonzero(here["n"] == n))
    return here.groupby("left_out").mean().values


def _network(axes: Axes, one: xr.Dataset, kind: str, name: str) -> None:
    colour, marker = style.model(name)
    for role, dashes in _ROLES.items():
        found = [mean(_values(one, kind, role, n)) for n in _sizes(one)]
        look = {"color": colour, "linestyle": dashes, "marker": marker, "markersize": 3}
        curve(axes, np.array(_sizes(one)), found, **look)


def _theory(theory: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """n, the exact errors (n, pair) and the mean orbit-block errors of an architecture."""
    rows = rows_of(theory, name)
    points = [rows.isel(cell=i) for i in range(rows.sizes["cell"])]
    exact = np.array([symmetrised(here["exact_at_identity"]) for here in points])
    block = np.array([float(abs(here["orbit_block"]).mean()) for here in points])
    return rows["n"].values, exact, block


def _errors(axes: Axes, theory: xr.Dataset) -> None:
    logarithmic(axes)
    names = architectures(theory)
    for name, (colour, marker) in style.models(names).items():
        n, exact, block = _theory(theory, name)
        found = [mean(errors) for errors in exact]
        curve(axes, n, found, color=colour, marker=marker, markersize=3, label=name)
        axes.plot(n, block, ":", color=colour)
    axes.legend(fontsize=5.5, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_title("error predicted\nfor pairs", fontsize=7)
