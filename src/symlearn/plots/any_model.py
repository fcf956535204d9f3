"""Pictures of what `symlearn.measures.any_model` and `symlearn.theory.missing_pose` return."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.errors import DataError
from symlearn.plots import style
from symlearn.plots.layer_kinds import LOOKS
from symlearn.plots.panels import plain_logarithm

Results = Mapping[str, xr.Dataset]
_Z = 1.96  # standard errors in half a 95 % interval
_ROW = 0.2  # inches
_SEEN = 0.01  # share from which on a type of layers is drawn


def draw(results: xr.Dataset | Results) -> Figure:
    """The picture of one measure: of one model, or of several by their names.

    Bars are 95 % intervals over images. Raises DataError for datasets that are no results of one
    measure. `figure.savefig("errors.pdf")` writes it; it is drawn in this project's style, whatever
    matplotlib's settings.
    """
    named = {"": results} if isinstance(results, xr.Dataset) else dict(results)
    measures = sorted({str(found.attrs.get("measure")) for found in named.values()})
    if len(measures) != 1 or measures[0] not in _PICTURES:
        raise DataError(
            f"a picture is of results of one measure ({', '.join(_PICTURES)}), not of "
            f"{', '.join(measures) or 'nothing'}"
        )
    with style.applied():
        return _PICTURES[measures[0]](named)


def _lie_error(results: Results) -> Figure:
    generators = list(next(iter(results.values()))["generator"].values)
    panels = {
        "mean_square": "probabilities, mean square",
        "logits": "logits over their variance",
    }
    figure, axes = plt.subplots(
        1, 2, figsize=(style.TWO_COLUMNS, _height(len(generators) * len(results))), sharey=True
    )
    for panel, (name, label) in zip(axes, panels.items(), strict=True):
        _rows(panel, {key: _pairs(found, name) for key, found in results.items()}, generators)
        panel.set(xscale="log", xlabel=f"Lie derivative of {label}")
        plain_logarithm(panel.xaxis)
    _legend(figure, results)
    return figure


def _layer_errors(results: Results) -> Figure:
    """The shares of the types of layers, a panel for each model."""
    tables = {name: _by_kind(found) for name, found in results.items()}
    rows = max(len(table) for table in tables.values())
    figure, axes = plt.subplots(
        1, len(tables), figsize=(style.ONE_COLUMN * max(1, len(tables)), _height(rows)),
        squeeze=False, sharex=True,
    )  # fmt: skip
    for panel, (name, table) in zip(axes[0], tables.items(), strict=True):
        for row, (kind, (count, share)) in enumerate(table.items()):
            colour, marker = LOOKS[kind]
            panel.plot(100 * share, row, marker, color=colour)
            panel.hlines(row, 0, 100 * share, color=colour, linewidth=0.8)
            panel.annotate(f" {count} layers", (100 * share, row), va="center", fontsize=5.5)
        panel.set_yticks(range(len(table)), list(table))
        panel.invert_yaxis()
        generator = results[name].attrs["generator"]
        panel.set(xlabel=f"share of the {generator} error (%)", title=name, xlim=(0, 115))
    return figure


def _by_kind(found: xr.Dataset) -> dict[str, tuple[int, float]]:
    """Of each type of layers how many there are, and the sum of their shares."""
    kinds = found["kind"].values
    table = {
        kind: (int((kinds == kind).sum()), float(found["share"].values[kinds == kind].sum()))
        for kind in LOOKS
    }
    return {kind: row for kind, row in table.items() if row[1] >= _SEEN}


def _relative_stability(results: Results) -> Figure:
    figure, axes = plt.subplots(figsize=(style.ONE_COLUMN, 2.6))
    for (name, found), (colour, marker) in zip(results.items(), _looks(results), strict=True):
        depth = np.linspace(0, 1, found.sizes["layer"])
        value, error = _pairs(found, "R").T
        axes.errorbar(
            depth, value, _Z * error, color=colour, marker=marker, markersize=3, label=name
        )
    axes.axhline(1, color="0.7", linewidth=0.8)
    axes.set(yscale="log", xlabel="depth, of the output", ylabel="relative stability R")
    plain_logarithm(axes.yaxis)
    _legend(figure, results)
    return figure


def _invariance(results: Results) -> Figure:
    quantities = {
        "relative_logit_error": "logit error over that between images",
        "selectivity": "logit error over that of noise",
        "agreement": "agreement of the class",
        "saliency_similarity": "saliency similarity",
        "divergence": "KL (nats)",
    }
    figure, axes = plt.subplots(
        figsize=(style.TWO_COLUMNS * 0.7, _height(len(quantities) * len(results)))
    )
    columns = {
        key: np.stack([_pairs(found, name) for name in quantities])
        for key, found in results.items()
    }
    _rows(axes, columns, list(quantities.values()))
    first = next(iter(results.values())).attrs
    axes.set(xlabel=f"{first['group']}, n = {first['n']}", xlim=(0, None))
    _legend(figure, results)
    return figure


def _missing_pose_errors(results: Results) -> Figure:
    predictions = ("spectral", "orbit_block", "one_row")
    figure, axes = plt.subplots(figsize=(style.ONE_COLUMN, style.ONE_COLUMN))
    largest = 0.0
    for name, found in results.items():
        for prediction, marker in zip(predictions, "v^o", strict=True):
            if prediction in found:
                colour = style.PREDICTIONS[prediction][0]
                label = " ".join(filter(None, [name, prediction.replace("_", "-")]))
                exact, predicted = found["exact_mean"].values, found[prediction].values
                axes.plot(exact, predicted, marker, color=colour, markersize=3, label=label)
                largest = max(largest, *exact, *predicted)
    axes.plot([0, largest], [0, largest], color="0.7", linewidth=0.8, zorder=0)
    axes.set(xlabel="exact error, mean over poses", ylabel="predicted error")
    axes.legend()
    return figure


_PICTURES: Mapping[str, Callable[[Results], Figure]] = {
    "lie_error": _lie_error,
    "layer_errors": _layer_errors,
    "relative_stability": _relative_stability,
    "invariance": _invariance,
    "missing_pose_errors": _missing_pose_errors,
}


def _pairs(found: xr.Dataset, name: str) -> np.ndarray:
    """Values and standard errors along the last axis."""
    return np.stack([found[name].values, found[f"{name}_se"].values], axis=-1)


def _rows(axes: Axes, columns: Mapping[str, np.ndarray], labels: list[str]) -> None:
    """A row for each label, with a point for each model."""
    at = np.arange(len(labels))
    for number, (values, (colour, marker)) in enumerate(
        zip(columns.values(), _looks(columns), strict=True)
    ):
        y = at + 0.6 * ((number + 0.5) / len(columns) - 0.5)
        axes.errorbar(
            values[:, 0], y, xerr=_Z * values[:, 1], color=colour, marker=marker,
            linestyle="none", markersize=3,
        )  # fmt: skip
    axes.set_yticks(at, labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)


def _looks(results: Mapping[str, object]) -> list[tuple[str, str]]:
    return list(style.models(results).values())


def _legend(figure: Figure, results: Results) -> None:
    """The models, where there are several."""
    if len(results) < 2:
        return
    handles = [
        plt.Line2D([], [], color=colour, marker=marker, linestyle="none", label=name)
        for name, (colour, marker) in zip(results, _looks(results), strict=True)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(3, len(handles)))


def _height(rows: int) -> float:
    return 0.9 + _ROW * max(rows, 4)
