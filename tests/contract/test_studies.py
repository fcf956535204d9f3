"""The studies on small real inputs, through the same functions that the stages run."""

import jax
import numpy as np
import pytest

from symlearn.groups import action_of
from symlearn.menu.groups import GROUPS
from symlearn.menu.kinds import STANDARD
from symlearn.papers.orbits import pairs, precision, seeds
from symlearn.papers.orbits import ten_classes as classes
from symlearn.pipeline import store
from symlearn.stages import orbits as orbits_stage
from symlearn.stages.datasets import compute as read_dataset
from symlearn.stages.kernels import compute as compute_kernels
from symlearn.theory import exact_errors_by_pose, interleaved, spectral_error

from .helpers import F64, difference, leave_out

N = 4
GROUP = "cyclic-rotation"
SPEC = {"labels": {"architecture": "mlp-1", "n": N}, "group": GROUP}
PAIR = {"draw": "pairs", "seed": 0, "start": 0, "stop": 3, "classes": 2, "seeds_per_class": 1}
SEEDS = {**PAIR, "draw": "seeds", "stop": 2, "seeds_per_class": 3}
CLASSES = {**PAIR, "draw": "classes", "stop": 1, "classes": list(range(10)), "seeds_per_class": 2}


@pytest.fixture(scope="module")
def digits():
    return read_dataset({"name": "digits"}, [], None)


def _orbits(digits, task, group=GROUP):
    spec = {"group": group, "n": N, "task": task}
    return orbits_stage.compute({**spec, "preparation": {"upsampling": 1, "padding": 2}}, [digits])


def _kernels(orbits, bits="float64"):
    spec = {"architecture": STANDARD["mlp-1"], "kind": "ntk", "precision": bits}
    return compute_kernels({**spec, "group": orbits.attrs["group"]}, [orbits])


def _dense(matrix, labels, class_of, ridge=0.0):
    """Residuals (orbit, pose, output) with each pose missing from all orbits of a class."""
    poses = len(matrix) // len(labels)
    by_point = np.repeat(labels, poses, axis=0)
    residuals = np.empty((len(labels), poses, labels.shape[1]))
    for class_ in np.unique(class_of):
        members = np.flatnonzero(class_of == class_)
        for pose in range(poses):
            residuals[members, pose] = leave_out(matrix, by_point, members * poses + pose, ridge)
    return residuals


def _pair_spectral(matrix, first, second):
    points = np.concatenate([orbit * N + np.arange(N) for orbit in (first, second)])
    points = points[interleaved(N)]
    return spectral_error(matrix[np.ix_(points, points)])


def _can_be_stored(result, tmp_path):
    store.write(result, tmp_path / "result.nc", {"stage": "studies"})
    assert set(store.read(tmp_path / "result.nc").variables) == set(result.variables)


@pytest.mark.parametrize("group", GROUPS)
def test_pairs_give_the_errors_of_a_dense_solve_for_every_group(digits, group, tmp_path):
    orbits = _orbits(digits, PAIR, group)
    kernels = _kernels(orbits)
    factors = [0.0, 1e-5]
    result = pairs.compute({**SPEC, "group": group, "ridge_factors": factors}, [kernels, orbits])
    poses = len(action_of(group).group(N))
    assert dict(result["exact"].sizes) == {"ridge_factor": 2, "task": 3, "orbit": 2, "pose": poses}
    assert result["orbit_block"].dims == ("ridge_factor", "task", "orbit")
    assert result["spectral"].dims == ("ridge_factor", "task")
    assert result["lambda_last"].dims == ("task",)
    labels = np.array([[1.0], [-1.0]])
    for factor, at_ridge in zip(factors, result["exact"].values, strict=True):
        for matrix, found in zip(kernels["gram"].values, at_ridge, strict=True):
            ridge = factor * np.trace(matrix)
            expected = (_dense(matrix, labels, np.array([0, 1]), ridge) * labels[:, None])[..., 0]
            assert difference(found, expected) <= F64["regression"]
    # At N = 4 all of these actions permute pixels, so the orbit-block error is exact too.
    exact = result["exact"].values
    assert difference(result["coset_block"], exact) <= F64["orbit-block"]
    assert difference(result["orbit_block"], exact.mean(axis=-1)) <= F64["orbit-block"]
    assert result["coset_difference"].max() <= F64["orbit-block"]
    assert difference(result["one_row"], exact.mean(axis=-1)) <= F64["orbit-block"]
    assert result["one_row_reliable"].all()
    _can_be_stored(result, tmp_path)


def test_the_subgroup_is_compared_with_the_exact_error_at_every_pose(digits, monkeypatch):
    """A prediction that is off by 0.4 at all of four poses but the first is off by 0.3."""
    orbits = _orbits(digits, PAIR)

    def off(*arguments):
        return exact_errors_by_pose(*arguments) + np.array([0.0, 0.4, -0.4, 0.4])[:, None]

    monkeypatch.setattr(pairs, "exact_errors_by_pose", off)
    result = pairs.compute({**SPEC, "ridge_factors": [0.0]}, [_kernels(orbits), orbits])
    assert result["coset_difference"].values == pytest.approx(0.3)


def test_pairs_give_the_spectral_error_of_each_pair(digits):
    orbits = _orbits(digits, PAIR)
    kernels = _kernels(orbits)
    result = pairs.compute({**SPEC, "ridge_factors": [0.0]}, [kernels, orbits])
    expected = [_pair_spectral(matrix, 0, 1) for matrix in kernels["gram"].values]
    assert difference(result["spectral"][0], expected) <= F64["regression"]
    assert result.attrs["architecture"] == "mlp-1"


def test_seeds_give_the_errors_of_a_dense_solve(digits, tmp_path):
    kernels = _kernels(_orbits(digits, SEEDS))
    result = seeds.compute(SPEC, [kernels])
    assert dict(result["exact"].sizes) == {"task": 2, "orbit": 6, "pose": N}
    labels = np.repeat([1.0, -1.0], 3)[:, None]
    for matrix, found in zip(kernels["gram"].values, result["exact"].values, strict=True):
        expected = (_dense(matrix, labels, labels[:, 0]) * labels[:, None])[..., 0]
        assert difference(found, expected) <= F64["regression"]
    for matrix, found in zip(kernels["gram"].values, result["spectral"].values, strict=True):
        expected = np.mean([_pair_spectral(matrix, a, b) for a in range(3) for b in range(3, 6)])
        assert difference(found, expected) <= F64["regression"]
    exact = result["exact"].mean("pose")
    assert difference(result["orbit_block"], exact) <= F64["orbit-block"]
    _can_be_stored(result, tmp_path)


def test_seeds_with_one_seed_per_class_are_pairs(digits):
    orbits = _orbits(digits, PAIR)
    kernels = _kernels(orbits)
    one = seeds.compute(SPEC, [kernels])
    pair = pairs.compute({**SPEC, "ridge_factors": [0.0]}, [kernels, orbits])
    for name in ("exact", "spectral", "orbit_block"):
        assert difference(one[name], pair[name][0]) <= 1e-12


def test_classes_take_the_largest_output_of_a_regression_on_ten(digits, tmp_path):
    kernels = _kernels(_orbits(digits, CLASSES))
    result = classes.compute(SPEC, [kernels])
    assert dict(result["exact_correct"].sizes) == {"task": 1, "orbit": 20, "pose": N}
    class_of = np.repeat(np.arange(10), 2)
    labels = 2.0 * np.eye(10)[class_of] - 1.0
    matrix = kernels["gram"].values[0]
    predictions = labels[:, None] - _dense(matrix, labels, class_of)
    expected = predictions.argmax(axis=-1) == class_of[:, None]
    assert (result["exact_correct"].values[0] == expected).all()
    assert (result["orbit_block_correct"].values[0] == expected[:, 0]).all()
    assert 0 < expected.mean() < 1
    _can_be_stored(result, tmp_path)


def test_classes_follow_the_papers_rule_of_being_right_against_every_class(digits):
    kernels = _kernels(_orbits(digits, CLASSES))
    matrix = kernels["gram"].values[0]
    class_of = np.repeat(np.arange(10), 2)

    def right(orbit):
        others = set(range(10)) - {class_of[orbit]}
        rivals = [np.flatnonzero(class_of == other) for other in others]
        mean = [np.mean([1 - _pair_spectral(matrix, orbit, r) for r in two]) for two in rivals]
        return min(mean) > 0

    found = classes.compute(SPEC, [kernels])["spectral_correct"].values[0]
    assert found.tolist() == [right(orbit) for orbit in range(20)]


def test_precision_compares_both_precisions_on_the_same_pairs(digits, tmp_path):
    orbits = _orbits(digits, PAIR)
    double, single = _kernels(orbits), _kernels(orbits, "float32")
    result = precision.compute(SPEC, [double, single])
    pair = pairs.compute({**SPEC, "ridge_factors": [0.0, 1e-5]}, [double, orbits])
    assert dict(result["exact_at_identity"].sizes) == {"task": 3, "orbit": 2}
    assert difference(result["exact_at_identity"], pair["exact"][0, ..., 0]) <= F64["regression"]
    assert difference(result["exact_ridge"], pair["exact"][1, ..., 0]) <= F64["regression"]
    assert difference(result["spectral"], pair["spectral"][0]) <= F64["regression"]
    assert difference(result["spectral_ridge"], pair["spectral"][1]) <= F64["regression"]
    relative = np.abs(single["gram"].values / double["gram"].values - 1)
    assert difference(result["gram_difference"], relative.max(axis=(1, 2))) == 0
    assert 0 < result["gram_difference"].max() <= 1e-5
    # Four poses are solved well at 32 bits too; none of the errors is equal to the last bit.
    assert 0 < difference(result["exact_32"], result["exact_at_identity"]) <= 1e-2
    assert 0 < difference(result["spectral_32"], result["spectral"]) <= 1e-2
    _can_be_stored(result, tmp_path)


@pytest.mark.parametrize("x64", [False, True])
def test_the_authors_least_squares_are_solved_in_32_bits(digits, x64):
    """Off by the 32-bit resolution times the condition number, not by the solution's rounding."""
    with jax.enable_x64(x64):
        orbits = _orbits(digits, {**PAIR, "stop": 40})  # over a few, the median differs by machine
        shares = [_rounding(matrix) for matrix in _kernels(orbits, "float32")["gram"]]
    assert 0.03 <= np.median(shares) <= 1


def _rounding(matrix):
    """How far the 32-bit error at the first point is from the 64-bit one of the same matrix."""
    matrix = matrix.values.astype(np.float32).astype(float)
    labels = np.repeat([1.0, -1.0], N)
    expected = 1.0 - matrix[0, 1:] @ np.linalg.solve(matrix[1:, 1:], labels[1:])
    bound = np.finfo(np.float32).eps * np.linalg.cond(matrix[1:, 1:])
    return abs(precision.authors_least_squares(matrix, 0) - expected) / bound
