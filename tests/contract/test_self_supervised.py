"""The study of learning beyond supervision: against the closed forms where the kernel allows it."""

import numpy as np
import pytest
import xarray as xr

from symlearn.config import parse
from symlearn.datasets.orbits import make_orbits
from symlearn.groups import cyclic
from symlearn.kernels import gram
from symlearn.papers.orbits import representations, self_supervised
from symlearn.pipeline import store
from symlearn.theory import semi_supervised_errors, solve_gram

from .helpers import difference, invariant_gram, leave_out

N, CLASSES, EACH = 4, 3, 4
GROUP = cyclic(N)
SPEC = {
    "group": "cyclic-rotation", "architecture": "mlp-1", "seed": 3, "few": 4,
    "dimensions": [2, 4], "orbits": [3, 9], "unlabelled": [0, 3], "gains": [0.0, 2.0],
    "labels": {"architecture": "mlp-1", "n": N},
}  # fmt: skip


def _images(seed=0):
    return np.random.default_rng(seed).random((CLASSES * EACH, 8, 8))


@pytest.fixture(scope="module")
def inputs():
    """Kernels and orbits of random images; quarter turns are exact, so the kernel is invariant."""
    orbits = make_orbits(_images(), "cyclic-rotation", N)
    classes = np.repeat(np.arange(CLASSES), EACH)[None]
    matrix = gram("mlp-1", orbits.reshape(-1, 8, 8))
    kernels = xr.Dataset(
        {
            "gram": (("task", "point", "other"), matrix[None]),
            "class_": (("task", "orbit"), classes),
        },
        coords={"n": N},
    )
    return [
        kernels,
        xr.Dataset({"pixels": (("task", "orbit", "pose", "row", "col"), orbits[None])}),
    ]


@pytest.fixture(scope="module")
def result(inputs):
    return self_supervised.compute(SPEC, inputs)


def test_the_closed_forms_are_exact_for_an_invariant_kernel(result):
    known = np.isfinite(result["deviation"].values)
    assert known.sum() == 3 * 5  # four features are more than three orbits
    exact, predicted = (result[f"deviation{end}"].values[known] for end in ("", "_predicted"))
    assert difference(exact, predicted) <= 1e-8
    assert difference(result["residual"], result["residual_predicted"]) <= 1e-8


def test_what_is_computed_can_be_stored(result, tmp_path):
    assert result.sizes["orbit"] == CLASSES
    assert list(result["orbit_count"].values) == [3, 9]
    store.write(result, tmp_path / "result.nc", {"stage": "studies"})


def test_frozen_features_are_as_wrong_at_the_missing_pose_as_at_seen_ones(result):
    for name in ("frozen", "frozen, supervised", "frozen auto-encoder of means"):
        one = result.sel(protocol=name)
        assert (one["wrong"].values[one["wrong_seen"].values == 0] == 0).all()


def test_random_gains_break_the_invariance(result):
    assert result["non_invariance"].values[0, 0] <= 1e-10
    assert result["non_invariance"].values[0, 1] > 0.5


def test_settings_leave_out_the_partial_orbits_class(inputs):
    kernels, orbits = inputs
    matrix, pixels = kernels["gram"].values[0], orbits["pixels"].values[0]
    classes = kernels["class_"].values[0]
    for turn, one in enumerate(self_supervised.settings_of(matrix, pixels, GROUP, classes)):
        assert one.partial == turn
        assert one.classes[:CLASSES].tolist() == [0, 1, 2]
        assert turn not in one.classes[CLASSES:]
        assert len(one.classes) == CLASSES + (CLASSES - 1) * (EACH - 1)
        assert one.classes[CLASSES : CLASSES + 2].tolist() == sorted({0, 1, 2} - {turn})
        flat = pixels.reshape(-1, 64)
        assert np.array_equal(one.pixels, flat[one.points])


def test_supervised_and_semi_supervised_residuals_are_those_of_the_theory():
    matrix = invariant_gram(GROUP, 5, seed=1)
    rows = matrix.reshape(5, N, 5, N)
    averages = np.stack([rows[:, 0, :, u] for u in range(N)], axis=-1)
    found = self_supervised.semi_supervised_residual(matrix, N)
    closed = semi_supervised_errors(averages, GROUP, [1.0, -1.0], [0, 1])[0]
    assert difference(found, closed) <= 1e-10
    labels = np.repeat([1.0, -1.0], N)
    pair = matrix[: 2 * N, : 2 * N]
    expected = [leave_out(pair, labels, [pose])[0] for pose in range(N)]
    assert difference(self_supervised.semi_supervised_residual(pair, N), expected) <= 1e-10


def test_contrastive_functions_are_constant_and_of_least_norm():
    matrix = invariant_gram(GROUP, 4, seed=2)
    cluster = np.repeat(np.arange(4), N)
    weights = representations.constant_on(cluster, matrix, 4)
    values = matrix @ weights
    assert difference(values.reshape(4, N, 4), values.reshape(4, N, 4)[:, :1]) <= 1e-10
    assert difference(values.T @ values, np.eye(4)) <= 1e-10
    norms = np.diag(weights.T @ matrix @ weights)
    assert (np.diff(norms) > 0).all()


def test_principal_components_are_those_of_the_points():
    rng = np.random.default_rng(5)
    points = rng.normal(size=(12, 5))
    weights = representations.principal(points @ points.T, 2)
    scores = points @ points.T @ weights
    left, sizes, _ = np.linalg.svd(points, full_matrices=False)
    assert difference(np.abs(scores[:, ::-1]), np.abs(left[:, :2] * sizes[:2])) <= 1e-10


def test_an_auto_encoder_fits_the_coordinates_of_its_targets():
    rng = np.random.default_rng(6)
    matrix, targets = invariant_gram(GROUP, 3, seed=3), rng.normal(size=(12, 6))
    code = matrix @ representations.auto_encoder(matrix, targets, 2)
    left, sizes, _ = np.linalg.svd(targets, full_matrices=False)
    assert difference(np.abs(code), np.abs(left[:, :2] * sizes[:2])) <= 1e-8


def test_a_probe_fits_what_it_sees_where_it_can():
    rng = np.random.default_rng(7)
    features, classes = rng.normal(size=(6, 8)), np.array([0, 1, 2, 0, 1, 2])
    seen = np.array([True] * 5 + [False])
    assert (representations.probe(features, classes, seen)[:5] == classes[:5]).all()


def test_distance_from_invariance_is_that_of_the_average_written_out():
    rng = np.random.default_rng(8)
    matrix = rng.normal(size=(8, 8))
    matrix = matrix @ matrix.T
    moved = [np.roll(np.arange(8).reshape(2, 4), g, axis=1).ravel() for g in range(4)]
    mean = np.mean([matrix[np.ix_(m, m)] for m in moved], axis=0)
    spread = np.concatenate([mean[:4, 4:].ravel(), mean[4:, :4].ravel()]).std()
    expected = np.sqrt(((matrix - mean) ** 2).mean()) / spread
    found = self_supervised.non_invariance(matrix, 2, GROUP)
    assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("unlabelled", [0, 73], "73 is more than"),
        ("orbits", [10, 92], "92 is more than the orbits of a draw, 91"),
        ("few", 82, "82 is more than the full orbits, 81"),
        ("seeds_per_class", 501, "501 is more than the 500 images"),
    ],
)
def test_what_the_data_cannot_give_is_refused(shipped, key, value, says):
    shipped["base"]["self_supervised"][key] = value
    assert any(says in fault for fault in parse(shipped).faults(["self_supervised"]))


def test_solving_needs_no_more_than_the_seen_points():
    """A function of the seen points alone does not depend on the missing one."""
    matrix = invariant_gram(GROUP, 3, seed=9)
    seen = np.arange(1, 12)
    weights = representations.constant_on(np.repeat(np.arange(3), N)[1:], matrix[1:, 1:], 3)
    inverse = solve_gram(matrix[np.ix_(seen, seen)]).inverse
    assert difference(inverse @ matrix[1:, 1:] @ weights, weights) <= 1e-8
