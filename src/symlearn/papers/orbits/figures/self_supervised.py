"""What lets a symmetry transfer to a missing pose, beyond supervision.

See docs/science/orbits.md#beyond-supervision.
"""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.plots import style
from symlearn.plots.inputs import (
    Inputs,
    Plotted,
    architectures,
    at,
    by_cell,
    grid_points,
    labels_of,
    nearest_n,
    rows_of,
)
from symlearn.plots.panels import FEWEST, plain_logarithm
from symlearn.statistics import (
    Measured,
    Measurements,
    geometric_mean,
    mean,
    mean_absolute,
    mean_interval,
    median,
)

TITLE = "Frozen features of full orbits carry a symmetry over, and joint interpolation does not"
NEEDS: dict[str, dict[str, int]] = {"self-supervised": {}, "without-labels": {}}
_SHOWN_N = 8
_DEVIATION = "deviation of the missing pose"
_ALL = 0  # the coordinate of as many features as orbits
# What networks learned from, by the word that quantities have for it.
_WAYS = {
    "supervised": "labels of single orbits",
    "joint": "all orbits, few features",
    "joint-many": "all orbits, many features",
    "frozen": "full orbits, few features",
}


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """What was measured at every grid point."""
    return {
        "orbits": by_cell(inputs.study("self-supervised")),
        "networks": _of_networks(inputs.study("without-labels")),
    }


def _of_networks(studies: list[xr.Dataset]) -> xr.Dataset:
    """Networks by cell: a network and an objective."""
    # Networks may have fewer partial orbits than others: those that one has not are NaN.
    numbered = [one.assign_coords(orbit=range(one.sizes["orbit"])) for one in studies]
    cells = xr.concat(numbered, dim="cell", join="outer", combine_attrs="drop")
    cells = cells.drop_vars("orbit")
    labels = [labels_of(study) for study in studies]
    return cells.assign_coords(
        {key: ("cell", [label[key] for label in labels]) for key in ("network", "objective")}
    )


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Deviations, residuals and shares of wrong poses, over partial orbits and draws."""
    measured: dict[str, Measured] = {}
    for tag, here in grid_points(plotted["orbits"]):
        measured |= _deviations(tag, here) | _residuals(tag, here) | _protocols(tag, here)
        for gain in here["pixel_gain"].values:
            frozen = here["wrong_frozen"].sel(pixel_gain=gain)
            measured[f"wrong_frozen.{tag}.gain{gain:g}"] = mean(frozen.values)
    networks = plotted["networks"]
    for row in range(networks.sizes["cell"]):
        measured |= _networks(networks.isel(cell=row))
    return measured


def _networks(here: xr.Dataset) -> dict[str, Measured]:
    """Means over draws of orbits, each with networks of its own: only draws are independent.

    `networks_gain` is the share of wrong poses that learning from labels has more, and
    `networks_excess` how many times farther the missing pose is off than the seen ones. Ratios are
    geometric means: to frozen features (`networks_over_frozen`), and of many features to few.
    """
    tag = f"{here['network'].item()}.{here['objective'].item()}"
    by_way = {word: here.sel(learned_from=way) for word, way in _WAYS.items()}
    frozen = _by_draw(by_way["frozen"]["deviation"])
    labelled = _by_draw(by_way["supervised"]["wrong"])
    found: dict[str, Measured] = {}
    for word, one in by_way.items():
        wrong, own = _by_draw(one["wrong"]), _by_draw(one["deviation"])
        found |= {
            f"networks_wrong.{word}.{tag}": mean(wrong),
            f"networks_wrong_seen.{word}.{tag}": mean(_by_draw(one["wrong_seen"])),
            f"networks_retrieved.{word}.{tag}": mean(_by_draw(one["retrieved"])),
            f"networks_deviation.{word}.{tag}": mean(own),
            f"networks_excess.{word}.{tag}": geometric_mean(own / _by_draw(one["deviation_seen"])),
            f"networks_over_frozen.{word}.{tag}": geometric_mean(own / frozen),
            f"networks_gain.{word}.{tag}": mean(labelled - wrong),
        }
    few, many = (_by_draw(by_way[word]["deviation"]) for word in ("joint", "joint-many"))
    found[f"networks_many_over_few.{tag}"] = geometric_mean(many / few)
    return found


def _by_draw(values: xr.DataArray) -> np.ndarray:
    return values.mean("orbit").values


def _deviations(tag: str, here: xr.Dataset) -> dict[str, Measured]:
    found: dict[str, Measured] = {}
    for count in here["orbit_count"].values:
        for number in here["dimension"].values:
            one = here.sel(orbit_count=count, dimension=number)
            exact = one["deviation"].values.ravel()
            if np.isnan(exact).all():
                continue
            name = f"{tag}.orbits{count}.{'all' if number == _ALL else f'features{number}'}"
            predicted = one["deviation_predicted"].values.ravel()
            found[f"deviation.{name}"] = median(exact)
            found[f"deviation_ratio.{name}"] = median(predicted / exact)
            found[f"retrieved.{name}"] = mean(one["retrieved"].values.ravel())
    return found


def _residuals(tag: str, here: xr.Dataset) -> dict[str, Measured]:
    found: dict[str, Measured] = {}
    exact = here["residual"].transpose("unlabelled", ...)
    by_count = {int(row["unlabelled"]): row.values.ravel() for row in exact}
    for count, values in by_count.items():
        found[f"residual.{tag}.unlabelled{count}"] = median(values)
    least, most = min(by_count), max(by_count)
    found[f"residual_ratio.{tag}"] = median(by_count[most] / by_count[least])
    off = (here["residual_predicted"] - here["residual"]).transpose("task", ...).values
    found[f"residual_difference.{tag}"] = mean_absolute(off)
    return found


def _protocols(tag: str, here: xr.Dataset) -> dict[str, Measured]:
    found: dict[str, Measured] = {}
    for name in here["protocol"].values:
        one = here.sel(protocol=name)
        slug = _slug(str(name))
        found[f"wrong.{slug}.{tag}"] = mean(one["wrong"].values.astype(float).ravel())
        found[f"wrong_seen.{slug}.{tag}"] = mean(one["wrong_seen"].values.ravel())
    frozen = here["wrong"].sel(protocol=["supervised", "frozen"]).astype(float)
    gained = frozen.sel(protocol="supervised") - frozen.sel(protocol="frozen")
    found[f"gained_by_frozen.{tag}"] = mean(gained.values.ravel())
    return found


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    cells = plotted["orbits"]
    tasks, orbits = cells.sizes["task"], cells.sizes["orbit"]
    n = _n(cells)
    few = int(cells["orbit_count"].max())
    return (
        f"One pose of one orbit is missing from {few} orbits. The first orbit of each of {orbits} "
        "classes has a label, each of them is the partial one in turn, and orbits of its class are "
        f"left out of the others ({tasks} draw{'s' if tasks > 1 else ''}, infinite-width kernels "
        f"as they are, N = {n} unless an axis says otherwise). (A) The panel shows how far the "
        "missing pose is from its orbit in contrastive features, over the distance between "
        "orbits, by the number of features: medians of dense algebra (points) and the closed form "
        "(lines), for several numbers of orbits. (B) The panel shows the same by the number of "
        "orbits, for few features and for as many as orbits. (C) The panel shows the residual at "
        "the missing pose of one of two labelled orbits by the number of unlabelled orbits on "
        "which a function is constant, medians. (D) The panel shows the share of missing poses "
        "that a linear probe classifies wrongly, by the way in which its features were learned "
        "(filled), and of the poses that it has seen (open). Kernel PCA and the codes of images "
        "know no pairs. Frozen features never saw the partial orbit. (E) The panel shows the same "
        "share of frozen features where random gains of the pixels break the kernel's invariance; "
        "the axis is the kernel's distance from its average over the group, over its spread. What "
        "transfers is a property of the kernel, k(gx, gy) = k(x, y): self-supervision does not "
        f"learn the group. {_about_networks(plotted['networks'])}"
    )


def _about_networks(networks: xr.Dataset) -> str:
    names, objectives = (
        " and ".join(dict.fromkeys(networks[key].values.tolist()))
        for key in ("network", "objective")
    )
    return (
        f"(F, G) The panels show trained networks, {names} of figure 1 without dropout, at N = "
        f"{int(networks['n'])}. They learn from the labelled orbits, or from pairs of poses by the "
        f"objective {objectives}. Each of {networks.sizes['task']} draws of orbits has networks of "
        "its own. Small marks are draws, means over the partial orbits; large ones are means over "
        "draws, with 95 % intervals where draws are five. (F) The panel shows the share of missing "
        "poses classified wrongly. (G) The panel shows how far the missing pose is off (filled) "
        "and, in root mean square, the seen poses of its orbit (open), over the distance between "
        "orbits."
    )


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """Deviations and residuals, then the ways of learning."""
    cells = plotted["orbits"]
    figure, axes = plt.subplot_mosaic(
        [["A", "B", "C"], ["D", "D", "E"], ["F", "F", "G"]],
        figsize=(style.TWO_COLUMNS, 7.0),
        height_ratios=[1, 1.5, 0.8],
    )
    n = _n(cells)
    looks = style.models(architectures(cells))
    _by_dimension(axes["A"], at(cells, architectures(cells)[0], n))
    for name, look in looks.items():
        here = at(cells, name, n)
        _by_orbits(axes["B"], here, look)
        _by_unlabelled(axes["C"], here, name, look)
        _by_gain(axes["E"], here, name, look)
    axes["A"].set_title(architectures(cells)[0], fontsize=7)
    for name in "BC":  # after all architectures: a limit that is set stops the scaling
        axes[name].set_ylim(bottom=0)
    axes["B"].legend(loc="center", bbox_to_anchor=(0.66, 0.46), fontsize=5.5)
    axes["C"].legend()
    for name in "AB":
        plain_logarithm(axes[name].xaxis)
    _by_protocol(axes["D"], cells, measured, looks, n)
    _by_way(axes["F"], axes["G"], plotted["networks"])
    style.letters(axes[name] for name in "ABCDEFG")
    return figure


def _slug(protocol: str) -> str:
    return protocol.replace(",", "").replace(" ", "-").lower()


def _n(cells: xr.Dataset) -> int:
    return nearest_n(cells, _SHOWN_N)


def _middle(values: xr.DataArray) -> xr.DataArray:
    return values.median(["task", "orbit"])


def _by_dimension(axes: Axes, here: xr.Dataset) -> None:
    for place, count in enumerate(here["orbit_count"].values):
        one = here.sel(orbit_count=count).assign_coords(
            dimension=np.where(here["dimension"] == _ALL, count, here["dimension"])
        )
        one = one.sortby("dimension")
        colour = plt.colormaps["viridis"](place / max(1, here.sizes["orbit_count"] - 0.5))
        exact, predicted = _middle(one["deviation"]), _middle(one["deviation_predicted"])
        known = np.isfinite(exact.values)
        axes.plot(one["dimension"][known], predicted[known], color=colour, label=f"{count} orbits")
        axes.plot(one["dimension"][known], exact[known], "o", color=colour)
    axes.set(
        xscale="log", xlabel="features", ylabel="deviation of the missing pose", ylim=(0, None)
    )
    axes.legend()


def _by_orbits(axes: Axes, here: xr.Dataset, look: tuple[str, str]) -> None:
    colour, marker = look
    numbers = here["dimension"].values
    lines = [(_ALL, ":", "as many features")]
    fitting = numbers[(numbers != _ALL) & (numbers <= here["orbit_count"].values.min())]
    lines += [(few, "-", f"{few} features") for few in sorted(fitting)[-1:]]
    for number, line, label in lines:
        if label not in axes.get_legend_handles_labels()[1]:  # once, for all architectures
            axes.plot([], [], line, color="0.3", label=label)
        one = here.sel(dimension=number)
        predicted = _middle(one["deviation_predicted"])
        axes.plot(one["orbit_count"], predicted, line, color=colour)
        axes.plot(one["orbit_count"], _middle(one["deviation"]), marker, color=colour)
    axes.set(xscale="log", xlabel="orbits", ylabel=_DEVIATION)


def _by_unlabelled(axes: Axes, here: xr.Dataset, name: str, look: tuple[str, str]) -> None:
    colour, marker = look
    axes.plot(here["unlabelled"], _middle(here["residual_predicted"]), color=colour)
    axes.plot(here["unlabelled"], _middle(here["residual"]), marker, color=colour, label=name)
    axes.set(xlabel="unlabelled orbits", ylabel="residual at the missing pose")


def _by_gain(axes: Axes, here: xr.Dataset, name: str, look: tuple[str, str]) -> None:
    colour, marker = look
    broken = here["non_invariance"].mean("task")
    axes.plot(broken, here["wrong_frozen"].mean("task"), marker, color=colour, label=name)
    axes.set(xscale="log", ylim=(-0.03, 1.03), ylabel="frozen: missing poses wrong")
    axes.set_xlabel("distance from invariance")


def _by_protocol(
    axes: Axes, cells: xr.Dataset, measured: Measurements, looks: dict[str, tuple[str, str]], n: int
) -> None:
    names = [str(name) for name in cells["protocol"].values]
    rows = np.arange(len(names))[::-1]
    for place, (model, (colour, marker)) in enumerate(looks.items()):
        (tag,) = (t for t, here in grid_points(rows_of(cells, model)) if int(here["n"]) == n)
        slugs = [_slug(name) for name in names]
        wrong = [measured[f"wrong.{slug}.{tag}"] for slug in slugs]
        seen = [measured[f"wrong_seen.{slug}.{tag}"].value for slug in slugs]
        at_rows = rows - 0.22 * (place - (len(looks) - 1) / 2)
        axes.plot(seen, at_rows, marker, color=colour, markerfacecolor="none", alpha=0.6)
        axes.plot([w.value for w in wrong], at_rows, marker, color=colour, label=model)
    for row in rows:
        axes.axhline(row, color="0.92", linewidth=0.6, zorder=0)
    axes.set_yticks(rows, names)
    axes.set(
        xlabel="share of missing poses classified wrongly (open: of seen poses)", xlim=(-0.03, 1.03)
    )
    axes.legend(loc="upper right", bbox_to_anchor=(1, 0.92))


def _by_way(wrong: Axes, deviation: Axes, networks: xr.Dataset) -> None:
    """Trained networks by what they learned from."""
    rows = np.arange(len(_WAYS))[::-1]
    cells = [networks.isel(cell=row) for row in range(networks.sizes["cell"])]
    markers = dict(zip(dict.fromkeys(networks["objective"].values.tolist()), "os", strict=False))
    names = list(dict.fromkeys(networks["network"].values.tolist()))
    for place, here in enumerate(cells):
        look = {
            "color": style.CLASS_COLOURS[names.index(here["network"].item())],
            "marker": markers[here["objective"].item()],
            "label": f"{here['network'].item()}, {here['objective'].item()}",
        }
        at_rows = rows - 0.16 * (place - (len(cells) - 1) / 2)
        ordered = here.sel(learned_from=list(_WAYS.values()))
        _marks(wrong, ordered["wrong"], at_rows, look)
        _marks(deviation, ordered["deviation"], at_rows, look)
        seen = ordered["deviation_seen"].mean(["task", "orbit"])
        deviation.plot(seen, at_rows, look["marker"], color=look["color"], markerfacecolor="none")
    for axes in (wrong, deviation):
        for row in rows:
            axes.axhline(row, color="0.92", linewidth=0.6, zorder=0)
        axes.set_yticks(rows, list(_WAYS.values()) if axes is wrong else [])
        axes.set_ylim(-0.5, len(rows) - 0.5)
    wrong.set(xlabel="networks: share of missing poses classified wrongly", xlim=(-0.03, 1.03))
    wrong.legend(loc="center right")
    deviation.set(xlabel="deviation (open: seen)", xlim=(0, None))


def _marks(axes: Axes, values: xr.DataArray, rows: np.ndarray, look: dict[str, Any]) -> None:
    """Draws, and their mean with its interval."""
    by_draw = values.mean("orbit").transpose("learned_from", "task").values
    for row, draws in zip(rows, by_draw, strict=True):
        axes.plot(draws, np.full(len(draws), row), look["marker"], color=look["color"],
                  markersize=2, alpha=0.5)  # fmt: skip
    middle = by_draw.mean(axis=1)
    if by_draw.shape[1] >= FEWEST:
        low, high = mean_interval(by_draw.T)
        axes.errorbar(middle, rows, xerr=(middle - low, high - middle), linestyle="none",
                      capsize=2, **look)  # fmt: skip
    else:
        axes.plot(middle, rows, linestyle="none", **look)
