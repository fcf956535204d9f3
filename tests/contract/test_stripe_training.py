"""The study of the stripe model's trainings, in both regimes."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr

from symlearn.papers.stability import stripe_kernel, stripe_training
from symlearn.papers.stability.figures.stripe import (
    as_measured,
    asymptotic,
    log_means,
    of_regime,
    slope,
    with_enough,
)
from symlearn.pipeline import store

SPEC = {
    "labels": {"regime": "feature", "points": 40},
    "alpha": 1e-4,
    "limits": {"parameters": 0.02, "outputs": 0.2},
    "dimension": 4,
    "parallel": 1,
    "width": 60,
    "test_points": 500,
    "points": 40,
    "seeds": [0, 1],
    "seed": 3,
    "kernels_up_to": 512,
}


@pytest.fixture(scope="module")
def feature():
    return stripe_training.compute(SPEC, [])


@pytest.fixture(scope="module")
def lazy():
    return stripe_training.compute({**SPEC, "alpha": 1e4}, [])


def test_it_can_be_stored(feature, tmp_path):
    store.write(feature, tmp_path / "result.nc", {"stage": "studies"})
    assert set(store.read(tmp_path / "result.nc").variables) == set(feature.variables)


def test_trainings_end_with_all_margins(feature, lazy):
    for found in (feature, lazy):
        assert found["converged"].all()
        assert (found["fitted"].isel(step=-1) == 1).all()
        assert (found["flow_time"].diff("step") >= 0).all()


def test_regimes_start_alike_and_only_one_amplifies(feature, lazy):
    starts = [f["unit_weight"].values[0] for f in (feature, lazy)]
    np.testing.assert_allclose(*starts, rtol=1e-6)  # single and double precision
    assert (feature["amplification"].isel(step=-1) > 3).all()
    change = lazy["amplification"] - lazy["amplification"].isel(step=0)
    assert abs(change).max() < 0.01
    assert (feature["relative_stability"] < lazy["relative_stability"]).all()


def test_a_cylinder_amplifies_both_directions_that_matter():
    found = stripe_training.compute({**SPEC, "dimension": 3, "parallel": 2, "points": 60}, [])
    assert found["converged"].all()
    squares = (found["unit_weight"] ** 2).mean("unit").values[-1]
    assert (squares[:2] > 4 * squares[2]).all()
    last = found["amplification"].isel(step=-1, member=0)
    np.testing.assert_allclose(last, np.sqrt(squares[:2].mean() / squares[2]), rtol=1e-4)


def test_the_weights_are_those_of_the_first_training(feature):
    squares = (feature["unit_weight"] ** 2).mean("unit").values
    found = np.sqrt(squares[:, 0] / squares[:, 1:].mean(axis=1))
    first = feature.isel(member=0)
    trace = first["amplification"].values
    expected = [trace[0], float(first["amplification_at_fit"]), trace[-1]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_training_does_not_depend_on_those_beside_it(feature):
    alone = stripe_training.compute({**SPEC, "seeds": [1]}, [])
    one = feature.isel(member=1)
    for name in ("amplification", "test_error", "relative_stability"):
        np.testing.assert_array_equal(alone[name].values[0], one[name].values)


def test_summaries_of_a_power_law():
    counts = np.repeat([10, 100, 1000], 4)
    spread = np.tile([0.5, 2.0, 1.0, 1.0], 3)
    runs = xr.Dataset(
        {
            "points": ("member", counts),
            "regime": ("member", np.repeat("lazy", 12)),
            "test_error": ("member", spread * counts**-0.5),
        }
    )
    assert of_regime(runs, "lazy").sizes["member"] == 12
    assert of_regime(runs, "feature").sizes["member"] == 0
    found = slope(runs, "test_error")
    assert found.value == pytest.approx(-0.5)
    error = scipy.stats.linregress(np.log(counts), np.log(runs["test_error"])).stderr
    assert as_measured("lazy", found)["lazy.slope"].uncertainty == pytest.approx(error)
    (middle, error), low, high = log_means(runs, "test_error")[100]
    assert middle == pytest.approx(0.1)
    logs = np.log(spread[:4])
    assert error == pytest.approx(0.1 * logs.std(ddof=1) / 2)
    reach = 3.182 * logs.std(ddof=1) / 2  # Student's factor for four trainings
    assert np.log([low, high]) == pytest.approx(np.log(0.1) + np.array([-reach, reach]), abs=1e-3)


def test_the_final_kernel_knows_more_of_the_labels_than_the_first(feature, lazy):
    assert (feature["final_projection"] > feature["initial_projection"]).all()
    assert (feature["final_error"] < feature["initial_error"]).all()
    np.testing.assert_allclose(lazy["final_projection"], lazy["initial_projection"], rtol=1e-2)


def test_a_power_is_fitted_where_points_are_many_on_two_numbers_of_them():
    counts = np.repeat([32, 128, 512], 3)
    runs = xr.Dataset({"points": ("member", counts)})
    assert asymptotic(runs, 128)["points"].values.tolist() == [128] * 3 + [512] * 3
    assert asymptotic(runs, 512) is None


def test_few_trainings_have_no_interval():
    values = ("member", np.linspace(1, 2, 8))
    runs = xr.Dataset({"points": ("member", [8] * 5 + [9] * 3), "test_error": values})
    found = with_enough(log_means(runs, "test_error"), runs)
    assert found[8] == log_means(runs, "test_error")[8]
    assert np.isnan([found[9].low, found[9].high]).all()
    assert found[9].measured == log_means(runs, "test_error")[9].measured


def test_kernels_of_the_features_know_as_much_as_the_network(feature):
    """A machine on the features, or on compressed points, is far ahead of the first kernel."""
    for name in ("last_layer_error", "stretched_error"):
        assert (feature[name] < 0.8 * feature["initial_error"]).all()


def test_kernels_of_many_points_are_left_out():
    found = stripe_training.compute({**SPEC, "seeds": [0], "kernels_up_to": 10}, [])
    assert found["final_error"].isnull().all()
    assert found["test_error"].notnull().all()


def test_the_kernel_of_infinite_width_learns_from_more_points():
    runs = [{"points": 16, "seeds": 4}, {"points": 256, "seeds": 2}]
    found = stripe_kernel.compute({"labels": {}, "dimension": 3, "runs": runs, "seed": 0}, [])
    assert found["points"].values.tolist() == [16] * 4 + [256] * 2
    errors = log_means(found, "test_error")
    assert errors[256].measured.value < 0.6 * errors[16].measured.value < 0.3
