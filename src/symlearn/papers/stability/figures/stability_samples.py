"""What deformations of an image look like, by temperature and cutoff, and when they fold.

See docs/science/stability.md#temperature-cut-off-and-displacement and
docs/science/stability.md#folds.
"""

import numpy as np
import xarray as xr
from jaxtyping import Float
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symlearn.plots import style
from symlearn.plots.inputs import Inputs, Plotted
from symlearn.statistics import Measured, Measurements, wilson

TITLE = "Random smooth deformations of an image over temperature and cutoff"
NEEDS: dict[str, dict[str, int]] = {"stability-samples": {}}
_ALLOWED = "#009E73"
_LINE = "#E69F00"
_GRID = 16  # pixels between the grid's lines


def gather(inputs: Inputs) -> dict[str, xr.Dataset]:
    """The deformed images, in steps of 1 / 256 as a picture shows, and the fields' statistics."""
    samples = inputs.one("stability-samples").drop_vars("reference")
    return {"samples": samples.assign(deformed=(256 * samples["deformed"]).round() / 256)}


def measure(plotted: Plotted) -> dict[str, Measured]:
    """Shares of folded fields at the largest temperature and at one pixel; displacements."""
    samples = plotted["samples"]
    count = int(samples.attrs["fields"])
    measured: dict[str, Measured] = {}
    for cutoff in samples["cutoff"].values:
        here = samples.sel(cutoff=cutoff)
        at_end = here["folded_share"].sel(displacement_share=1.0)
        ratio = here["displacement"] / here["expected_displacement"]
        measured |= {
            f"folded_at_end.c{cutoff}": _share(float(at_end), count),
            f"folded_at_one_pixel.c{cutoff}": _share(
                float(here["folded_share_at_one_pixel"]), count
            ),
            f"displacement_ratio.c{cutoff}": Measured(float(ratio[0])),
        }
    return measured


def _share(value: float, count: int) -> Measured:
    """With Agresti and Coull's standard error, which is not zero where no or every field folds."""
    near = (value * count + 2) / (count + 4)
    return Measured(value, float(np.sqrt(near * (1 - near) / (count + 4))))


def caption(plotted: Plotted) -> str:
    """What the panels show and how it was made, from the plotted data alone."""
    samples = plotted["samples"]
    return (
        "(A) Random smooth fields deform a photograph (scikit-learn's china.jpg) of "
        f"{samples.sizes['row']} x {samples.sizes['col']} pixels, with the lines of a grid that "
        f"were straight and {_GRID} pixels apart. Their sine modes (i, j) within the "
        "quarter disc of radius c + 1/2 have the variance T / (i^2 + j^2). A row has one field, "
        "which grows with the root of the temperature T. Green marks the allowed temperatures, "
        "from a nominal displacement of half a pixel (left) to n / (pi c) pixels (right). Values "
        f"between pixels are bilinear. (B) The panel shows the share of {samples.attrs['fields']} "
        f"fields on {samples.attrs['side']} pixels a side that fold the image somewhere, by "
        "nominal displacement as a share of the largest allowed (band: Wilson's 95 % interval). "
        "The bound is that of typical fields, and a part of them folds already there. The "
        "displacement is nominal: the fields' root mean square is "
        f"{_over_nominal(samples)} of it by cutoff."
    )


def _over_nominal(samples: xr.Dataset) -> str:
    """Measured root mean square over nominal displacement, at the largest temperature."""
    nominal = samples.attrs["side"] / (np.pi * samples["cutoff"])
    ratio = samples["displacement"].sel(displacement_share=1.0) / nominal
    return ", ".join(f"{float(one):.2f} (c = {int(one['cutoff'])})" for one in ratio)


def draw(plotted: Plotted, measured: Measurements) -> Figure:
    """The plane of images, and shares of folded fields."""
    samples = plotted["samples"]
    figure, (plane, folds) = plt.subplots(
        1, 2, figsize=(style.TWO_COLUMNS, 3.2), width_ratios=[2.6, 1]
    )
    _plane(plane, samples)
    _folds(folds, samples)
    style.letter(plane, "A")
    style.letter(folds, "B")
    return figure


def _plane(axes: Axes, samples: xr.Dataset) -> None:
    """Images at their temperature, one row for each cutoff, on the strip of what is allowed."""
    exponents = np.log10(samples["temperature"].values)
    step = np.diff(exponents).min()
    cutoffs = samples["cutoff"].values
    for row in range(len(cutoffs)):
        for column, exponent in enumerate(exponents):
            image = samples["deformed"].isel(cutoff=row, temperature=column).values
            half = 0.43 * step
            extent = (exponent - half, exponent + half, row - 0.43, row + 0.43)
            axes.imshow(image, cmap="gray", extent=extent, aspect="auto", vmin=0, vmax=1)
            field = samples["unit_field"].isel(cutoff=row).values
            _grid(axes, 10 ** (exponent / 2) * field, extent)
    height = np.repeat(np.arange(len(cutoffs)), 2) + np.tile([-0.5, 0.5], len(cutoffs))
    low, high = (
        np.repeat(np.log10(samples[name].values), 2)
        for name in ("lowest_temperature", "highest_temperature")
    )
    axes.fill_betweenx(height, low, high, color=_ALLOWED, alpha=0.2, linewidth=0, zorder=-1)
    for end in (low, high):
        axes.plot(end, height, color=_ALLOWED, linewidth=1.6)
    axes.set_xticks(exponents, [f"$10^{{{e:g}}}$" for e in exponents.round(2)])
    axes.set_yticks(range(len(cutoffs)), [str(cutoff) for cutoff in cutoffs])
    axes.set(
        xlim=(exponents[0] - step / 2, exponents[-1] + step / 2), ylim=(-0.5, len(cutoffs) - 0.5),
        xlabel="temperature T", ylabel="cutoff c",
    )  # fmt: skip


def _grid(
    axes: Axes, field: Float[np.ndarray, "2 row col"], extent: tuple[float, float, float, float]
) -> None:
    """Where a grid's lines come to lie: along one, pixels come from one row or column."""
    sides = field.shape[1:]
    left, right, bottom, top = extent
    x, y = np.linspace(left, right, sides[1]), np.linspace(top, bottom, sides[0])
    for place, moved, side in zip(np.indices(sides), field, sides, strict=True):
        levels = np.arange(_GRID, side - 1, _GRID)
        axes.contour(x, y, place - moved, levels, colors=_LINE, linewidths=0.35)


def _folds(axes: Axes, samples: xr.Dataset) -> None:
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.85, samples.sizes["cutoff"]))
    x = samples["displacement_share"].values
    for row, shade in enumerate(shades):
        here = samples.isel(cutoff=row)
        share = here["folded_share"].values
        low, high = np.array([wilson(float(one), int(samples.attrs["fields"])) for one in share]).T
        axes.plot(x, share, "o-", color=shade, markersize=2.5, label=f"c = {int(here['cutoff'])}")
        axes.fill_between(x, low, high, color=shade, alpha=0.2, linewidth=0)
    axes.axvspan(0, 1, color=_ALLOWED, alpha=0.12, linewidth=0)
    axes.axvline(1, color=_ALLOWED, linewidth=1.6)
    axes.set(
        xlabel="displacement / largest allowed", ylabel="share of fields that fold",
        xlim=(x.min(), x.max()), ylim=(-0.02, 1.02),
    )  # fmt: skip
    axes.legend(loc="upper left")
