"""What figures show by construction, whatever the data: tests in place of claims about figures."""

import json

import numpy as np
import pytest

from symlearn.menu.kinds import STANDARD
from symlearn.papers.lie import aliasing
from symlearn.papers.lie.figures import lie_aliasing
from symlearn.papers.orbits import pairs, rings, seeds
from symlearn.papers.orbits.figures import fig2, fig3
from symlearn.plots.inputs import Inputs
from symlearn.stages import orbits as orbits_stage
from symlearn.stages.datasets import compute as read_dataset
from symlearn.stages.kernels import compute as compute_kernels

from .helpers import F64, difference

TASK = {"draw": "pairs", "seed": 0, "start": 0, "stop": 4, "classes": 2, "seeds_per_class": 1}
# Two rings without ridge in 60-digit arithmetic: the error by the points on each ring.
BY_SIZE = {4: 1.04744, 8: 0.53997, 12: 0.121594, 16: 0.0127276, 20: 0.00073214}
COINCIDENT = 7.724


@pytest.fixture(scope="module")
def two_rings():
    """The study of two rings, as figures 2 and 3 read it."""
    settings = {"n": list(BY_SIZE), "separations": [0.0, 1.0], "ridge_factor": 1e-5}
    found = rings.compute(settings, [])
    return Inputs((found.assign_attrs(spec=json.dumps({"study": "rings"})),))


def test_the_two_areas_of_the_sketch_have_the_ratio_of_its_error(two_rings):
    measured = fig2.measure(fig2.gather(two_rings))
    assert measured["ratio_of_areas"].value == pytest.approx(0.568468, abs=1e-6)
    for error in ("spectral", "exact"):
        assert difference(measured["ratio_of_areas"].value, measured[error].value) <= 1e-12


def test_the_gram_matrix_of_the_sketch_is_circulant(two_rings):
    plotted = fig2.gather(two_rings)
    assert fig2.measure(plotted)["gram_not_circulant"].value <= 1e-12
    # Not so where the points of a ring follow each other.
    apart = np.argsort(np.arange(12) % 2, kind="stable")
    plotted["sketch"]["gram"] = plotted["sketch"]["gram"].isel(point=apart, other=apart)
    assert fig2.measure(plotted)["gram_not_circulant"].value > 0.1


def test_the_errors_of_two_rings_have_their_digits_without_ridge(two_rings):
    measured = fig3.measure(fig3.gather(two_rings))
    assert measured["error.separation.0"].value == pytest.approx(COINCIDENT, rel=1e-4)
    for n, error in BY_SIZE.items():
        assert measured[f"error.points_per_ring.{n}"].value == pytest.approx(error, rel=1e-4)


@pytest.fixture(scope="module")
def digits():
    return read_dataset({"name": "digits"}, [], None)


def _orbits(digits, group, n, task):
    preparation = {"upsampling": 1, "padding": 2}
    return orbits_stage.compute(
        {"group": group, "n": n, "task": task, "preparation": preparation}, [digits]
    )


def _kernels(orbits, architecture):
    spec = {"architecture": STANDARD[architecture], "kind": "ntk", "precision": "float64"}
    return compute_kernels({**spec, "group": orbits.attrs["group"]}, [orbits])


def _pairs(digits, group, n, architecture, ridge_factor=0.0):
    orbits = _orbits(digits, group, n, TASK)
    labels = {"architecture": architecture, "n": n}
    spec = {"labels": labels, "group": group, "ridge_factors": [ridge_factor]}
    found = pairs.compute(spec, [_kernels(orbits, architecture), orbits])
    return found.isel(ridge_factor=0)


@pytest.mark.parametrize(
    ("group", "n", "architecture"),
    [
        ("cyclic-rotation", 2, "mlp-1"), ("cyclic-rotation", 2, "mlp-5"),
        ("cyclic-rotation", 2, "cnn-fc-3"), ("dihedral", 4, "mlp-1"), ("dihedral", 4, "cnn-fc-3"),
    ],
)  # fmt: skip
def test_where_pixels_are_permuted_the_orbit_block_error_is_exact(digits, group, n, architecture):
    found = _pairs(digits, group, n, architecture)
    exact = found["exact"].mean("pose")
    assert difference(found["orbit_block"], exact) <= F64["orbit-block"]
    assert difference(found["spectral"], exact.mean("orbit")) > 0.01  # the scalar formula is not


def test_half_turns_make_the_orbit_block_error_of_several_seeds_exact(digits):
    task = {**TASK, "draw": "seeds", "seeds_per_class": 3}
    kernels = _kernels(_orbits(digits, "cyclic-rotation", 2, task), "mlp-1")
    labels = {"architecture": "mlp-1", "n": 2}
    found = seeds.compute({"labels": labels, "group": "cyclic-rotation"}, [kernels])
    assert difference(found["orbit_block"], found["exact"].mean("pose")) <= F64["orbit-block"]
    assert difference(found["spectral"], found["exact"].mean(["orbit", "pose"])) > 0.01


@pytest.mark.parametrize(
    ("group", "n", "architecture"),
    [
        ("cyclic-rotation", 8, "mlp-1"), ("cyclic-rotation", 8, "mlp-5"),
        ("cyclic-rotation", 8, "cnn-fc-3"), ("cyclic-rotation", 8, "cnn-gap-3"),
        ("dihedral", 16, "mlp-1"), ("dihedral", 16, "cnn-fc-3"),
    ],
)  # fmt: skip
def test_over_the_exact_subgroup_the_orbit_block_error_is_exact(digits, group, n, architecture):
    found = _pairs(digits, group, n, architecture)
    assert found["coset_difference"].max() <= F64["exact subgroup"]
    # Over the whole group, most of whose elements interpolate, it is not.
    assert difference(found["orbit_block"], found["exact"].mean("pose")) > 1e-5


@pytest.mark.parametrize("n", [2, 3, 6, 12])
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_pooling_over_circular_convolutions_gets_every_missing_shift_right(digits, n):
    pooled, flat = (
        _pairs(digits, "cyclic-shift", n, name, ridge_factor=1e-10)["exact"]
        for name in ("cnn-gap-3", "cnn-fc-3")
    )
    assert (pooled < 0.01).all()  # an error below 1 is the right sign
    assert (flat > 0.05).any()


def test_powers_alias_as_soon_as_the_pixels_do_not_hold_their_harmonics():
    found = aliasing.compute({"seed": 3, "pixels": 11, "draws": 2, "phases": 10}, [])
    measured = lie_aliasing.measure({"aliasing": found})
    for power in ("square", "cube"):
        assert measured[f"activation.harmonics_held.{power}"].value <= 1e-7
        assert measured[f"activation.first_not_held.{power}"].value >= 0.1
