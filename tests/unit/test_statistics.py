import numpy as np
import pytest
import scipy.stats

from symlearn.randomness import generator
from symlearn.statistics import (
    TWO_SIDED,
    correlation,
    crossed,
    crossed_medians,
    geometric_interval,
    geometric_mean,
    geometric_ratio,
    mean,
    mean_absolute,
    over_networks,
    power_interval,
    rank_correlation,
    rank_correlation_difference,
    rank_correlation_interval,
    ratio_of_means,
    slope_of_logs,
    student,
    wilson,
)


def test_a_rank_correlation_lies_in_its_interval_and_is_scipy_s():
    rng = generator(0)
    x = rng.normal(size=40)
    y = x**3 + rng.normal(size=40)
    found = rank_correlation_interval(x, y)
    assert found.measured == rank_correlation(x, y)
    assert found.measured.value == pytest.approx(scipy.stats.spearmanr(x, y).statistic)
    assert found.low < found.measured.value < found.high
    reach = 1.96 * found.measured.uncertainty
    assert found.high - found.low == pytest.approx(2 * reach, rel=0.3)


@pytest.mark.slow
def test_the_interval_covers_the_correlation_of_independent_values():
    rng = generator(1)
    hits = 0
    for _ in range(200):
        found = rank_correlation_interval(rng.normal(size=30), rng.normal(size=30))
        hits += found.low <= 0 <= found.high
    assert 0.85 <= hits / 200 <= 0.99


def test_ranks_do_not_change_under_monotone_functions():
    x = np.array([0.1, 3.0, 2.0, 9.0, 4.0])
    assert rank_correlation_interval(x, np.exp(x)).measured.value == pytest.approx(1.0)
    assert rank_correlation_interval(x, -(x**3)).high == pytest.approx(-1.0)


def test_the_slope_of_a_power_is_its_exponent():
    x = np.array([1.0, 10.0, 100.0, 1000.0])
    found = slope_of_logs(x, 5 * x**-0.5)
    assert found.value == pytest.approx(-0.5)
    assert found.uncertainty == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(slope_of_logs(x[:2], x[:2]).value)


@pytest.mark.parametrize("within", [(2,), (2, 3)])
def test_what_a_problem_has_twice_does_not_make_it_two_problems(within):
    """Orbits of one task share a Gram matrix: equal ones say no more than one of them."""
    rng = generator(2)
    x = rng.normal(size=30)
    y = x + rng.normal(size=30)
    many = [np.broadcast_to(v.reshape(30, *[1] * len(within)), (30, *within)) for v in (x, y)]
    assert mean_absolute(many[0]) == pytest.approx(mean_absolute(x))
    assert correlation(*many) == pytest.approx(correlation(x, y))


def test_all_entries_count_in_a_mean_and_in_a_correlation():
    rng = generator(3)
    x, y = rng.normal(size=(2, 20, 3))
    assert mean_absolute(x).value == pytest.approx(np.abs(x).mean())
    assert correlation(x, y).value == pytest.approx(np.corrcoef(x.ravel(), y.ravel())[0, 1])


def test_values_that_are_not_finite_are_left_out_of_correlations_and_slopes():
    rng = generator(2)
    x = rng.uniform(1, 2, size=12)
    y = x**2 * rng.uniform(1, 1.2, size=12)
    groups = np.repeat([0, 1, 2, 3], 3)
    more, longer = np.append(x, [np.nan, 1.0]), np.append(y, [1.0, np.inf])
    found = rank_correlation_interval(more, longer, np.append(groups, [3, 4]))
    assert found == rank_correlation_interval(x, y, groups)
    assert slope_of_logs(np.append(more, 0.0), np.append(longer, 1.0)) == slope_of_logs(x, y)


@pytest.mark.parametrize(
    ("x", "y"),
    [([1.0, 2.0], [1.0, 2.0]), ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]), ([np.nan] * 4, [1.0] * 4)],
)
def test_the_interval_of_an_undefined_correlation_is_undefined(x, y):
    found = rank_correlation_interval(np.array(x), np.array(y))
    assert np.isnan([*found.measured, found.low, found.high]).all()
    assert np.isnan(slope_of_logs(np.array(x), np.array(y)).value)


def test_points_of_one_group_are_no_independent_points():
    rng = generator(3)
    groups = np.repeat(np.arange(8), 10)
    x, y = (np.repeat(rng.normal(size=8), 10) + 0.01 * rng.normal(size=80) for _ in "xy")
    grouped, single = (rank_correlation_interval(x, y, g) for g in (groups, None))
    assert grouped.measured.value == single.measured.value
    assert grouped.measured.uncertainty > 2 * single.measured.uncertainty
    alone = rank_correlation_interval(x, y, np.zeros(80))
    assert alone.measured.value == single.measured.value
    assert np.isnan([alone.measured.uncertainty, alone.low, alone.high]).all()


def test_a_difference_of_correlations_is_that_of_the_same_resamples():
    rng = generator(4)
    y = rng.normal(size=30)
    near, far = y + 0.1 * rng.normal(size=30), y + rng.normal(size=30)
    found = rank_correlation_difference(near, far, y)
    first, second = (rank_correlation(one, y) for one in (near, far))
    assert found.measured.value == pytest.approx(first.value - second.value)
    assert found.low < found.measured.value < found.high
    same = rank_correlation_difference(near, near, y)
    assert (same.measured, same.low, same.high) == ((0.0, 0.0), 0.0, 0.0)


def test_intervals_of_means_of_few_values_cover_as_often_as_they_say():
    rng = generator(5)
    for count in (2, 3, 5):
        hits = 0
        for _ in range(500):
            _, low, high = geometric_interval(np.exp(rng.normal(size=count)))
            hits += low <= 1 <= high
        assert 0.92 <= hits / 500 <= 0.98
    assert student(10**6) == pytest.approx(TWO_SIDED, abs=1e-3)
    assert np.isnan(student(1))


def test_values_without_logarithms_are_left_out_of_geometric_means():
    (value, error), low, high = geometric_interval(np.array([1.0, np.nan, 4.0, 0.0, np.inf]))
    assert value == pytest.approx(2.0)
    assert low < value - error < value + error < high
    none = geometric_interval(np.array([np.nan, 0.0]))
    assert np.isnan([*none.measured, none.low, none.high]).all()


def test_wilson_s_interval_has_a_width_at_its_ends():
    low, high = wilson(0.0, 400)
    assert low == 0
    assert 0.005 < high < 0.015
    assert wilson(1.0, 400) == pytest.approx((1 - high, 1 - low))
    low, high = wilson(0.4, 10_000)
    assert (low, high) == pytest.approx((0.39, 0.41), abs=1e-3)


def test_repeated_tasks_of_a_group_count_once():
    """Six copies of each task are no more evidence than the tasks themselves."""
    rng = generator(2)
    x, y = rng.normal(size=(2, 25))
    alone = rank_correlation(x, y)
    copies = rank_correlation(np.repeat(x, 6), np.repeat(y, 6), groups=np.repeat(np.arange(25), 6))
    assert copies.value == pytest.approx(alone.value)
    assert copies.uncertainty == pytest.approx(alone.uncertainty)
    assert rank_correlation(np.repeat(x, 6), np.repeat(y, 6)).uncertainty < alone.uncertainty / 2


def test_groups_may_differ_in_size_and_be_in_any_order():
    rng = generator(3)
    x, y = rng.normal(size=(2, 30))
    groups = rng.integers(8, size=30)
    order = rng.permutation(30)
    found, other = (rank_correlation(x[o], y[o], groups[o]) for o in (np.arange(30), order))
    assert found.uncertainty > 0
    assert other == pytest.approx(found)


def test_ratios_of_exchangeable_quantities_average_to_one():
    rng = generator(4)
    a, b = rng.lognormal(size=(2, 200, 3))
    ratios = a / b
    over_and_back = geometric_mean(np.concatenate([ratios[0], 1 / ratios[0]]))
    assert over_and_back.value == pytest.approx(1.0)
    assert np.mean([mean(r).value for r in ratios]) > 1.5
    found = [geometric_mean(r) for r in ratios]
    assert np.exp(np.mean([np.log(m.value) for m in found])) == pytest.approx(1.0, rel=0.15)


def test_a_geometric_mean_has_the_standard_error_of_its_logarithms():
    found = geometric_mean(np.array([1.0, 4.0]))
    assert found.value == pytest.approx(2.0)
    assert found.uncertainty == pytest.approx(2.0 * np.log(4.0) / 2)
    assert np.isnan(geometric_mean(np.array([3.0])).uncertainty)
    assert geometric_mean(np.array([0.0, 4.0])).value == 0.0


def test_a_power_has_the_percentiles_of_its_points_resampled():
    rng = np.random.default_rng(2)
    x = np.exp(rng.normal(size=14))
    y = 0.2 * x**0.5 * np.exp(0.1 * rng.normal(size=14))
    found, low, high = power_interval(x, y)
    assert found.value == pytest.approx(np.polyfit(np.log(x), np.log(y), 1)[0])
    drawn = [
        np.polyfit(np.log(x[rows]), np.log(y[rows]), 1)[0]
        for rows in rng.integers(14, size=(4000, 14))
    ]
    assert [low, high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)
    assert found.uncertainty == pytest.approx(np.std(drawn), rel=0.15)
    more = power_interval(np.append(x, [np.nan, 0.0]), np.append(y, [1.0, 1.0]))
    assert more == (found, low, high)
    assert np.isnan(power_interval(x[:2], y[:2]).measured.value)


def test_the_error_of_a_ratio_is_its_spread_over_draws():
    rng = np.random.default_rng(0)
    denominator = rng.gamma(4.0, size=(2000, 200))
    numerator = 0.3 * denominator + rng.gamma(2.0, size=(2000, 200))
    found = [ratio_of_means(n, d) for n, d in zip(numerator, denominator, strict=True)]
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(0.8, rel=0.01)
    assert errors.mean() == pytest.approx(values.std(), rel=0.05)


def _networks_and_images(rng, networks, images):
    """Values with a part that all images of a network have, and one that all networks have."""
    return (
        5 + 0.5 * rng.normal(size=(networks, 1)) + 2 * rng.normal(size=(1, images))
        + 0.3 * rng.normal(size=(networks, images))
    )  # fmt: skip


def test_errors_over_networks_and_images_are_the_spread_over_draws_of_both():
    rng = np.random.default_rng(1)
    draws = [_networks_and_images(rng, 12, 60) for _ in range(300)]
    spread = np.std([x.mean() for x in draws], ddof=1)
    crossed_errors = [crossed(lambda v: v.mean(axis=(0, 1)), x).one.uncertainty for x in draws[:60]]
    assert np.mean(crossed_errors) == pytest.approx(spread, rel=0.15)
    errors = [over_networks(x.mean(axis=1), x.std(axis=1, ddof=1) / 60**0.5) for x in draws]
    assert np.mean([one.uncertainty for one in errors]) == pytest.approx(spread, rel=0.15)
    # As if images were independent between networks, it would be far too small.
    assert np.mean([x.std() / x.size**0.5 for x in draws]) < 0.5 * spread


def test_medians_over_images_are_means_over_networks_with_their_interval():
    rng = np.random.default_rng(2)
    x = np.stack([_networks_and_images(rng, 10, 80), np.ones((10, 80))], axis=2)
    found = crossed_medians(x)
    np.testing.assert_allclose(found.middle, [np.median(x[..., 0], axis=1).mean(), 1])
    assert found.low[0] < found.middle[0] < found.high[0]
    assert found.error[1] == 0
    draws = [np.median(_networks_and_images(rng, 10, 80), axis=1).mean() for _ in range(300)]
    assert found.error[0] == pytest.approx(np.std(draws), rel=0.4)


def test_the_error_of_a_geometric_ratio_has_the_images_part():
    rng = np.random.default_rng(3)
    found, values = [], []
    for _ in range(400):
        above, below = (
            rng.gamma(4.0, size=(8, 100)) * np.exp(0.1 * rng.normal(size=(8, 1))) for _ in "ab"
        )
        both = [(x.mean(axis=1), x.std(axis=1, ddof=1) / 10) for x in (2 * above, below)]
        found.append(geometric_ratio(*both))
        values.append(found[-1].value)
    assert np.mean(values) == pytest.approx(2, rel=0.02)
    # Here images differ between networks, so that the error is on the safe side.
    assert np.std(values) < np.mean([one.uncertainty for one in found]) < 3 * np.std(values)
