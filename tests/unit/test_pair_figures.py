"""Figures of pairs and of draws of seeds, measured on small made-up errors."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

from symlearn.papers.orbits.figures import fig5, fig6, fig8, fig9
from symlearn.papers.orbits.figures.quantities import differences, pair_quantities
from symlearn.papers.speed.timings import PREDICTED
from symlearn.plots import style
from symlearn.plots.panels import orbit_loops
from symlearn.randomness import generator

TASKS = 12


def grid(orbits, names, n=(8,)):
    """Cells of one architecture; in each task all orbits have the same errors."""
    rng = generator(0)
    shape = (len(n), TASKS)
    by_orbit = {name: rng.uniform(0.5, 1.5, shape) for name in names}
    cells = {
        name: (("cell", "task", "orbit"), np.repeat(values[..., None], orbits, axis=-1))
        for name, values in by_orbit.items()
    }
    cells["one_row_reliable"] = (("cell", "task"), np.ones(shape, dtype=bool))
    for name in ("spectral", "spectral_normalised"):
        cells[name] = (("cell", "task"), rng.uniform(0.5, 1.5, shape))
    return xr.Dataset(
        cells, coords={"architecture": ("cell", ["mlp-1"] * len(n)), "n": ("cell", list(n))}
    )


PAIRS = (
    "exact_at_identity", "exact_mean", "orbit_block", "coset_difference", "coset_block_at_identity",
    "one_row",
)  # fmt: skip


def seeds_and_classes(orbits):
    class_of = np.arange(10).repeat(2)
    right = xr.DataArray(np.ones((1, 20)), dims=("cell", "orbit"))
    coords = {"architecture": ("cell", ["mlp-1"]), "n": ("cell", [8])}
    classes = xr.Dataset(
        {"class_": ("orbit", class_of)} | dict.fromkeys(fig6._RULES, right),
        coords=coords,
    )
    accuracy = (("cell", "member"), np.ones((1, 10)))
    trained = xr.Dataset(
        {"train_accuracy": accuracy, "out_accuracy": accuracy},
        coords={"network": ("cell", ["mlp"]), "n": ("cell", [8])},
    )
    return {"seeds": grid(orbits, PAIRS), "classes": classes, "trained": trained}


def dihedral_and_cyclic(orbits, n=(8,), rotations=(4,)):
    """Dihedral cells, and cells of rotations alone of the same pairs."""
    images = np.arange(TASKS * orbits).reshape(TASKS, orbits)
    drawn = {}
    for key, sizes in (("pairs", n), ("rotations", rotations)):
        cells = grid(orbits, PAIRS, sizes)
        drawn[key] = cells.assign(
            source_image=(("cell", "task", "orbit"), np.repeat(images[None], len(sizes), axis=0))
        )
    return drawn


def with_trained(orbits):
    cells = grid(orbits, PAIRS)
    trained = cells.isel(cell=0).assign(
        error=cells["exact_at_identity"][0],
        right=(cells["exact_at_identity"][0] > 1).astype(float),
    )
    trained = trained.assign_coords(width=8)
    return {"pairs": cells, "trained": trained}


MEASURED = {
    "fig4": lambda orbits: pair_quantities(grid(orbits, PAIRS)),
    "fig5": lambda orbits: fig5.measure(with_trained(orbits)),
    "fig6": lambda orbits: fig6.measure(seeds_and_classes(orbits)),
    "fig8": lambda orbits: fig8.measure(dihedral_and_cyclic(orbits)),
    "fig9": lambda orbits: fig9.measure({"pairs": grid(orbits, PAIRS)}),
}


@pytest.mark.parametrize("figure", MEASURED)
def test_a_second_orbit_with_the_same_errors_makes_no_figure_surer(figure):
    one, two = (MEASURED[figure](orbits) for orbits in (1, 2))
    by_orbit = [
        name
        for name in one
        if name.startswith(("difference_", "correlation_orbit_block", "mean_exact"))
    ]
    assert by_orbit
    for name in by_orbit:
        assert two[name] == pytest.approx(one[name]), name


def test_figure_8_compares_dihedral_groups_with_rotations_of_the_same_pairs_alone():
    """Rotations of twice the errors, which have one pair of other images and one pair more."""
    plotted = dihedral_and_cyclic(2, (4, 8), (4, 8, 32))
    dihedral, rotations = plotted["pairs"], plotted["rotations"]
    for name in ("exact_at_identity", "exact_mean"):
        rotations[name][{"cell": 1}] = 2 * dihedral[name].isel(cell=0).values
        rotations[name][{"cell": 1, "task": 3}] = 99.0
    rotations["source_image"][{"cell": 1, "task": 3}] = -1
    plotted["pairs"] = dihedral.isel(task=slice(0, TASKS - 1))
    measured = fig8.measure(plotted)
    found = measured["ratio_equal_order_at_identity.mlp-1.order8"]  # of 4 and of 8 rotations
    assert found == pytest.approx((0.5, 0.0))
    assert "ratio_same_rotations_mean.mlp-1.order16" in measured
    assert "ratio_equal_order_mean.mlp-1.order16" not in measured  # 16 rotations were not drawn


def test_an_advantage_is_told_for_each_target():
    """Predictions that are off by 0.3 and 0.1 on pose 0, and by 0.1 and 0.1 on the mean."""
    cells = grid(2, PAIRS).isel(cell=0)
    for name in ("exact_at_identity", "exact_mean", "orbit_block"):
        cells[name] = xr.full_like(cells[name], 1.0)
    cells["spectral"] = xr.full_like(cells["spectral"], 1.3)
    cells["orbit_block"] = cells["orbit_block"] + 0.1
    cells["exact_mean"] = cells["exact_mean"] + 0.2
    found = differences(cells, "here", ("spectral", "orbit_block"))
    assert found["orbit_block_over_spectral_at_identity.here"].value == pytest.approx(1 / 3)
    assert found["orbit_block_over_spectral_mean.here"].value == pytest.approx(1.0)


@pytest.mark.parametrize("poses", [8, 12, 100, 359, 720])
def test_as_many_poses_are_marked_as_the_caption_says(poses):
    angle = np.linspace(0, 2 * np.pi, poses, endpoint=False)
    curve = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    scores = xr.DataArray(np.stack([curve, curve]), dims=("orbit", "pose", "component"))
    figure, axes = plt.subplots()
    orbit_loops(axes, scores, marked=8)
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in dots] == [8, 8]
    plt.close(figure)


@pytest.mark.parametrize(
    ("rung", "work"), [("exact", "exact error"), ("orbit_block", "orbit-block error")]
)
def test_the_operations_of_a_rung_grow_as_the_speed_study_predicts(rung, work):
    """At the sizes drawn: averaging a Gram matrix over a group reads it once."""
    counts = [fig9._cost(rung, n, 2) for n in (32, 64)]
    assert round(np.log2(counts[1] / counts[0])) == PREDICTED[work]["n"]


@pytest.mark.parametrize("n", [2, 4, 8, 64])
@pytest.mark.parametrize("orbits", [2, 16])
def test_no_rung_costs_less_than_to_read_what_it_averages(n, orbits):
    half = (n * orbits) ** 2 / 2
    assert fig9._cost("orbit_block", n, orbits) == half + n * orbits**3
    assert fig9._cost("coset_block", n, orbits) > half
    assert fig9._cost("spectral", n, 2) == (2 * n) ** 2
    assert fig9._cost("spectral", n, 3) == 3 * (2 * n) ** 2


@pytest.mark.parametrize(("figure", "expected"), [(fig5, "ABCDE"), (fig9, "ABCDEFGHIJ")])
def test_panels_have_letters_also_of_many_architectures(figure, expected):
    plotted = with_trained(2)
    names = [f"cnn-{number}" for number in range(9)]
    many = xr.concat([plotted["pairs"]] * 9, dim="cell")
    plotted["pairs"] = many.assign_coords(architecture=("cell", names))
    with style.applied():
        drawn = figure.draw(plotted, figure.measure(plotted))
    letters = [axes.get_title(loc="left") for axes in drawn.axes]
    assert "".join(letters).startswith(expected)


@pytest.mark.parametrize(
    ("seeds", "classes", "named"),
    [
        (["mlp-1", "mlp-5"], ["mlp-1"], "NTK of mlp-1, without a ridge"),
        (["mlp-5", "mlp-1"], ["mlp-1"], "NTK of mlp-5 (A to C) and mlp-1 (D), without a ridge"),
    ],
)
def test_figure_6_names_the_architectures_that_it_draws(seeds, classes, named):
    plotted = seeds_and_classes(10)
    plotted["trained"]["epochs"] = ("cell", [5])
    for study, names in (("seeds", seeds), ("classes", classes)):
        cells = xr.concat([plotted[study]] * len(names), dim="cell", data_vars="minimal")
        plotted[study] = cells.assign_coords(architecture=("cell", names))
    assert named in fig6.caption(plotted)


def test_figure_6_claims_no_dropout_of_a_network_that_it_does_not_know():
    plotted = seeds_and_classes(10)
    plotted["trained"]["epochs"] = ("cell", [5])
    assert "dropout" not in fig6.caption(plotted)
