"""The stripe and cylinder models against the theory, autograd and derived numbers.

See docs/science/stability.md#the-stripe-and-the-cylinder.
"""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

from symlearn.papers.stability.stripe_network import Limits, OneHiddenLayer, train
from symlearn.papers.stability.stripe_theory import (
    compressed,
    expected_amplification,
    feature_exponent,
    infinite_width_kernel,
    label_projection,
    labels,
    lazy_exponent,
    learning_exponent,
    predicted_amplification,
    relative_stability,
    sample_points,
    support_vector_error,
)
from symlearn.randomness import generator

DIMENSION = 5
LAZY, FEATURE = 1e6, 1e-4
COUNT = 40


def problem(count, seed=0, test=5000, parallel=1, dimension=DIMENSION):
    rng = generator(seed, "stripe", count)
    return sample_points(count, dimension, rng, parallel), sample_points(
        test, dimension, rng, parallel
    )


def trained(count, alpha, width=50, seed=0, limits=None):
    (points, answers), test = problem(count, seed)
    network = OneHiddenLayer.initial(DIMENSION, width, torch.Generator().manual_seed(seed))
    found = train(network, torch.from_numpy(points), torch.from_numpy(answers), alpha, limits)
    return found, (points, answers), test


def error(training, test):
    points, answers = test
    return float(np.mean(predictor(training)(points) * answers <= 0))


def predictor(training):
    return lambda points: training.predict(torch.from_numpy(points)).numpy()


@pytest.fixture(scope="module")
def lazy():
    return trained(COUNT, LAZY, width=400)


@pytest.fixture(scope="module")
def feature():
    return trained(COUNT, FEATURE)


# The table of docs/science/stability.md#predicted-exponents.
@pytest.mark.parametrize(
    ("dimension", "expected_lazy", "stripe", "cylinder"),
    [(3, 0.429, 0.714, 0.5), (5, 0.385, 0.692, 0.5), (10, 0.357, 0.679, 0.5)],
)
def test_exponents_are_those_of_the_table(dimension, expected_lazy, stripe, cylinder):
    assert lazy_exponent(dimension) == pytest.approx(expected_lazy, abs=5e-4)
    assert feature_exponent(dimension) == pytest.approx(stripe, abs=5e-4)
    assert feature_exponent(dimension, 2) == pytest.approx(cylinder, abs=5e-4)


def test_the_expected_amplification_has_the_derived_prefactor():
    assert expected_amplification(100) == pytest.approx(3.68, abs=5e-3)


@pytest.mark.parametrize("parallel", [1, 2])
def test_classes_are_equally_probable(parallel):
    _, answers = sample_points(100_000, 4, generator(0), parallel)
    assert set(answers) == {-1.0, 1.0}
    assert abs(answers.mean()) <= 4 / math.sqrt(len(answers))


def test_labels_depend_on_the_parallel_directions_alone():
    points = np.array([[0.0, 9.0], [-0.4, 0.0], [1.2, 0.0], [1.1, -5.0]])
    np.testing.assert_array_equal(labels(points), [-1, 1, 1, -1])
    points = np.array([[0.0, 0.0, 9.0], [1.2, 0.0, 0.0], [0.8, 0.8, 0.0], [0.9, 0.9, 0.0]])
    np.testing.assert_array_equal(labels(points, 2), [1, -1, 1, -1])


@pytest.mark.parametrize(("dimension", "parallel"), [(3, 0), (3, 3), (1, 1)])
def test_a_model_without_a_direction_that_matters_or_one_that_does_not_is_refused(
    dimension, parallel
):
    with pytest.raises(ValueError, match=f"{parallel} of {dimension} coordinates"):
        sample_points(5, dimension, generator(0), parallel)


def test_the_output_and_the_tangent_kernel_are_those_of_autograd():
    network = OneHiddenLayer.initial(3, 20, torch.Generator().manual_seed(0))
    points = torch.randn(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def output(parameters, point):
        weights, bias, amplitude = parameters[:, :3], parameters[:, 3], parameters[:, 4]
        active = (weights @ point / math.sqrt(3) + bias).relu()
        return math.sqrt(2) / 20 * (amplitude * active).sum()

    parameters = network.parameters
    expected = torch.stack([output(parameters, point) for point in points])
    torch.testing.assert_close(network.output(points, batch=4), expected, rtol=1e-12, atol=1e-14)
    jacobian = torch.stack(
        [torch.func.grad(output)(parameters, point).flatten() for point in points]
    )
    torch.testing.assert_close(
        network.tangent_kernel(points, points), 20 * jacobian @ jacobian.T, rtol=1e-10, atol=1e-12
    )


def test_the_last_layer_s_kernel_is_the_products_of_the_output_s_gradients_by_amplitudes():
    network = OneHiddenLayer.initial(3, 20, torch.Generator().manual_seed(0))
    points = torch.randn(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weights, bias = network.parameters[:, :3], network.parameters[:, 3]
    active = (points @ weights.T / math.sqrt(3) + bias).relu()
    gradients = math.sqrt(2) / 20 * active
    torch.testing.assert_close(
        network.last_layer_kernel(points, points), 20 * gradients @ gradients.T
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_predicted_amplification_is_of_the_direction_of_largest_growth(seed):
    """Against all directions of a fine grid on the sphere of two weights and a bias."""
    points, answers = sample_points(24, 2, generator(seed, "few"))
    polar, azimuth = np.meshgrid(np.linspace(0, np.pi, 721), np.linspace(0, 2 * np.pi, 1441))
    grid = np.stack(
        [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=-1
    ).reshape(-1, 3)
    growth = np.zeros(len(grid))
    for point, answer in zip(points, answers, strict=True):
        growth += answer * np.maximum(grid @ np.append(point / math.sqrt(2), 1.0), 0) / len(points)
    best = grid[np.abs(growth).argmax()]
    found = predicted_amplification(points, answers, generator(seed))
    assert found == pytest.approx(abs(best[0] / best[1]), rel=0.05)


def test_the_amplification_at_the_fit_is_that_of_the_fastest_growing_direction():
    """Without a fitted parameter: a factor of 1.5 for each of five training sets."""
    for seed in range(5):
        found, (points, answers), _ = trained(COUNT, FEATURE, width=200, seed=seed)
        predicted = predicted_amplification(points, answers, generator(seed))
        assert 1 / 1.5 < found.amplification_at_fit / predicted < 1.5


def test_compression_divides_the_directions_that_do_not_matter():
    points = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(compressed(points, 2, 2), [[0, 1, 1], [3, 4, 2.5]])


def test_a_step_follows_the_gradient_of_the_loss():
    (points, answers), _ = problem(20)
    points, answers = torch.from_numpy(points), torch.from_numpy(answers)
    network = OneHiddenLayer.initial(DIMENSION, 30, torch.Generator().manual_seed(0))
    alpha = 3.0
    once = train(network, points, answers, alpha, Limits(parameters=1e-5, steps=1))
    parameters = network.parameters.clone().requires_grad_()
    moved = OneHiddenLayer(parameters)
    active = torch.cat((points / math.sqrt(DIMENSION), torch.ones(20, 1)), 1) @ parameters[:, :-1].T
    values = alpha * (moved.read_out(active.relu()) - network.output(points))
    (softplus(1 - answers * values, beta=20).mean() / alpha).backward()
    step = once.final.parameters - network.parameters
    torch.testing.assert_close(step, -once.time[-1] * parameters.grad, rtol=1e-8, atol=1e-14)


# Early, when the parameters grow, and late, when the outputs do; in steps that follow each other.
@pytest.mark.parametrize("first", [20, 250])
def test_steps_stay_within_their_limits(first):
    (points, _), _ = problem(20)
    cut = [
        trained(20, FEATURE, limits=Limits(0.05, 0.05, steps))[0] for steps in (first, first + 1)
    ]
    assert not cut[-1].converged
    before, after = cut
    change = after.final.parameters - before.final.parameters
    growth = (change.norm() / before.final.parameters.norm()).item()
    moved = np.abs(predictor(after)(points) - predictor(before)(points)).max()
    assert growth <= 0.05 * (1 + 1e-9)
    assert moved <= 0.05 * (1 + 1e-9)
    assert max(growth, moved) > 0.01


def test_half_the_step_is_the_same_flow(feature):
    training, _, test = feature
    finer, *_ = trained(COUNT, FEATURE, limits=Limits(parameters=0.01, outputs=0.1))
    assert error(finer, test) == pytest.approx(error(training, test), abs=0.01)
    assert finer.amplification[-1] == pytest.approx(training.amplification[-1], rel=0.15)


@pytest.mark.parametrize("regime", ["lazy", "feature"])
def test_training_ends_with_a_margin_for_every_point(regime, request):
    training, (points, answers), _ = request.getfixturevalue(regime)
    assert training.converged
    assert (answers * predictor(training)(points) >= 1).all()
    assert (np.diff(training.time) > 0).all()


def test_training_that_is_cut_short_says_so():
    training, *_ = trained(COUNT, FEATURE, limits=Limits(steps=5))
    assert not training.converged
    assert len(training.time) == 6
    assert math.isnan(training.amplification_at_fit)


def test_training_on_what_is_not_a_number_ends():
    points = torch.full((3, 2), math.nan, dtype=torch.float64)
    network = OneHiddenLayer.initial(2, 4, torch.Generator().manual_seed(0))
    found = train(network, points, torch.ones(3, dtype=torch.float64), 1.0, Limits(steps=7))
    assert not found.converged


def test_lazy_training_does_not_amplify(lazy):
    training, *_ = lazy
    assert np.abs(training.amplification - training.amplification[0]).max() <= 1e-3
    wide = OneHiddenLayer.initial(DIMENSION, 10_000, torch.Generator().manual_seed(0))
    assert wide.amplification() == pytest.approx(1.0, abs=0.05)


def test_training_of_features_amplifies(feature):
    training, *_ = feature
    assert training.amplification[0] == pytest.approx(1.0, abs=0.25)
    assert training.amplification_at_fit >= expected_amplification(COUNT)
    assert training.amplification.max() > 5


def test_lazy_training_is_a_kernel_machine_of_the_initial_tangent_kernel(lazy):
    """Changes of the output are the kernel times what was integrated of the loss's pull."""
    training, (points, _), (new, _) = lazy
    inside, outside = (
        training.initial.tangent_kernel(torch.from_numpy(some), torch.from_numpy(points)).numpy()
        for some in (points, new[:500])
    )
    coefficients = np.linalg.solve(inside, predictor(training)(points))
    expected = outside @ coefficients
    found = predictor(training)(new[:500])
    assert np.abs(found - expected).max() <= 2e-2 * np.abs(expected).max()


def test_the_tangent_kernel_tends_to_that_of_infinite_width():
    (points, _), _ = problem(12)
    expected = infinite_width_kernel(points, points)
    errors = []
    for width in (1000, 100_000):
        network = OneHiddenLayer.initial(DIMENSION, width, torch.Generator().manual_seed(0))
        found = network.tangent_kernel(torch.from_numpy(points), torch.from_numpy(points)).numpy()
        errors.append(np.abs(found - expected).max() / np.abs(expected).max())
    assert errors[1] <= 0.02
    assert errors[1] < 0.3 * errors[0]


def test_the_final_kernel_beats_the_initial_one_and_knows_more_of_the_labels(feature):
    training, (points, answers), (new, truth) = feature
    errors, known = [], []
    for network in (training.initial, training.final):
        inside, outside = (
            network.tangent_kernel(torch.from_numpy(some), torch.from_numpy(points)).numpy()
            for some in (points, new)
        )
        errors.append(support_vector_error(inside, answers, outside, truth))
        known.append(label_projection(inside, answers, 10).sum())
    assert errors[1] < 0.8 * errors[0]
    assert known[1] > known[0] + 0.05


def test_all_eigenvectors_know_all_of_the_labels():
    (points, answers), _ = problem(30)
    shares = label_projection(infinite_width_kernel(points, points), answers, 30)
    assert shares.sum() == pytest.approx(1.0)
    assert (shares >= 0).all()


def test_features_need_fewer_points(lazy, feature):
    assert error(feature[0], feature[2]) < 0.75 * error(lazy[0], lazy[2])


def test_the_lazy_exponent_of_the_stripe_is_that_of_the_theory():
    """Of the kernel machine of infinite width, which lazy training of a wide network comes to.

    From 512 points on: below, the errors fall faster, as p^-0.5 and more.
    """
    counts = np.repeat([512.0, 2048], [16, 6])
    errors = []
    for seed, count in enumerate(counts):
        (points, answers), (new, truth) = problem(int(count), seed, test=2000)
        inside, outside = (infinite_width_kernel(some, points) for some in (points, new))
        errors.append(support_vector_error(inside, answers, outside, truth))
    slope = learning_exponent(counts, np.array(errors))
    assert slope.low <= -lazy_exponent(DIMENSION) <= slope.high
    assert slope.high - slope.low <= 0.3


def test_a_power_law_has_its_exponent_and_the_interval_covers_it():
    rng = generator(0)
    counts = np.tile([32.0, 64, 128, 256], 3)
    hits = 0
    for _ in range(300):
        slope = learning_exponent(counts, counts**-0.7 * np.exp(0.2 * rng.normal(size=12)))
        hits += slope.low <= -0.7 <= slope.high
    assert 0.9 <= hits / 300 <= 0.99
    assert learning_exponent(counts, 3 * counts**-0.5).value == pytest.approx(-0.5)


def test_a_run_without_an_error_has_no_exponent():
    with pytest.raises(ValueError, match="test more points"):
        learning_exponent(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.05, 0.0]))


@pytest.mark.parametrize(("amplification", "parallel"), [(1.0, 1), (4.0, 1), (3.0, 2), (1.0, 3)])
def test_the_relative_stability_of_one_direction_is_the_expected_one(amplification, parallel):
    rng = generator(1)
    direction = np.array([amplification] * parallel + [1.0] * (DIMENSION - parallel))
    points = rng.normal(size=(40_000, DIMENSION))
    found = relative_stability(lambda x: x @ direction, points, 0.1, rng, parallel)
    # Shifts see |w_perp|^2 / d_perp and noise |w|^2 / d, with w the direction.
    expected = DIMENSION / (parallel * amplification**2 + DIMENSION - parallel)
    assert found.relative == pytest.approx(expected, rel=0.05)
    assert found.noisy == pytest.approx(0.01 * (direction**2).sum(), rel=0.05)
    assert found.relative == pytest.approx(found.shifted / found.noisy)


def test_features_are_more_stable_to_shifts_than_to_noise(lazy, feature):
    found = [
        relative_stability(predictor(training), test[0][:2000], 0.1, generator(2)).relative
        for training, _, test in (lazy, feature)
    ]
    assert found[1] < 0.3 * found[0] < 0.3
