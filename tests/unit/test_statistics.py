import numpy as np
import pytest
import scipy.stats

from symlearn.randomness import generator
from symlearn.statistics import (
    correlation,
    mean_absolute,
    rank_correlation,
    rank_correlation_interval,
    slope_of_logs,
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
