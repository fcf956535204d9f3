"""The closed forms of aliasing, against spectral Lie derivatives of what torch computes."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from symlearn.measures.aliasing import (
    alias,
    aliasing_error,
    aliasing_error_without_interference,
    filtered,
    modes,
    power,
    rectified_cosine_error,
    sample,
    sampling_derivative,
)
from symlearn.measures.lie import Image, lie_derivative, mean_square


def spectrum(highest, seed=0, batch=3):
    """Of real functions: coefficients of opposite modes are conjugate."""
    rng = torch.Generator().manual_seed(seed)
    size = 2 * highest + 1
    half = torch.randn(batch, size, size, generator=rng, dtype=torch.complex128)
    return (half + half.flip(-2, -1).conj()) / 2


def values_at(coefficients, points):
    """The function summed mode by mode, at (y, x) in periods."""
    n = modes(coefficients.shape[-1]).double()
    rows = torch.exp(2j * math.pi * points[:, None] * n)
    return torch.einsum("bnm,yn,xm->byx", coefficients, rows, rows).real


def velocity_of(generator, pixels):
    """One unit of a translation is (pixels - 1) / 2 pixels: that share of the period."""
    periods = (pixels - 1) / 2 / pixels
    return (0.0, periods) if generator == "translate_x" else (periods, 0.0)


def measured(net, coefficients, pixels, generator):
    """The mean square of the spectral Lie derivative of a map from images to images."""
    grid = sample(coefficients, (pixels, pixels))[:, None]
    return mean_square(lie_derivative(net, grid, generator, "spectral", output=Image()))


@given(mode=st.integers(-200, 200), samples=st.integers(2, 40))
def test_a_mode_and_its_alias_have_the_same_samples(mode, samples):
    found = int(alias(torch.tensor([mode]), samples))
    assert -samples / 2 <= found < samples / 2
    assert (found - mode) % samples == 0


@pytest.mark.parametrize("samples", [5, 6, 9, 16])
def test_samples_are_the_functions_values(samples):
    coefficients = spectrum(5)
    expected = values_at(coefficients, torch.arange(samples).double() / samples)
    assert (sample(coefficients, (samples, samples)) - expected).abs().max() <= 1e-12


@pytest.mark.parametrize("samples", [5, 7, 8])
def test_the_derivative_is_that_of_sampling_a_moving_function(samples):
    coefficients, velocity, step = spectrum(5), (0.3, -0.8), 1e-5
    n = modes(coefficients.shape[-1]).double()
    bins = (torch.arange(samples) - samples // 2).double()

    def phases(mode, t):
        turns = velocity[0] * mode[:, None] + velocity[1] * mode
        return torch.exp(2j * math.pi * t * turns)

    def folded(t):
        moved = coefficients * phases(n, t)
        wrapped = torch.zeros(len(moved), samples, samples, dtype=torch.complex128)
        index = alias(modes(len(n)), samples) + samples // 2
        for i, row in enumerate(index):
            for j, col in enumerate(index):
                wrapped[:, row, col] += moved[:, i, j]
        return wrapped * phases(bins, -t)

    expected = (folded(step) - folded(-step)) / (2 * step)
    found = sampling_derivative(coefficients, (samples, samples), velocity)
    assert (found - expected).abs().max() <= 1e-6 * expected.abs().max()
    norm = aliasing_error(coefficients, (samples, samples), velocity)
    assert torch.allclose(norm, found.abs().square().sum(dim=(1, 2)))


@pytest.mark.parametrize("pixels", [11, 12, 13])
def test_it_is_zero_where_the_function_is_band_limited_and_only_there(pixels):
    inside, outside = spectrum(5), spectrum(7)
    assert aliasing_error(inside, (pixels, pixels), (1.0, 0.5)).max() == 0
    assert aliasing_error(outside, (pixels, pixels), (1.0, 0.5)).min() > 1


def test_the_sum_over_modes_is_exact_if_each_bin_holds_one_and_else_on_average():
    one_each = spectrum(6)
    one_each[:, 3:10] = 0  # of rows only -6..-4 and 4..6, which 7 samples keep apart
    one_each[:, :, :3] = one_each[:, :, 10:] = 0
    samples, velocity = (7, 7), (0.4, 0.7)
    by_mode = aliasing_error_without_interference(one_each, samples, velocity)
    assert torch.allclose(by_mode, aliasing_error(one_each, samples, velocity), rtol=1e-12)

    rng = torch.Generator().manual_seed(1)
    amplitudes = spectrum(6, batch=1).abs()
    turns = torch.rand(4000, 13, 13, generator=rng, dtype=torch.float64)
    random = amplitudes * torch.exp(2j * math.pi * turns)
    ratio = aliasing_error(random, samples, velocity).mean() / aliasing_error_without_interference(
        amplitudes.to(torch.complex128), samples, velocity
    )
    assert float(ratio) == pytest.approx(1.0, abs=0.05)
    assert aliasing_error(random, samples, velocity).std() > 0  # single draws are not


def without_highest(coefficients, samples):
    """Without modes that land on the highest one of an even grid, whose phase is not known."""
    lands = alias(modes(coefficients.shape[-1]), samples) == -samples / 2
    coefficients[:, lands] = 0
    coefficients[:, :, lands] = 0
    return coefficients


every_translation = pytest.mark.parametrize("generator", ["translate_x", "translate_y"])


@every_translation
@pytest.mark.parametrize(("pixels", "stride"), [(27, 3), (32, 2), (32, 4)])
def test_down_sampling_is_sampling_again(generator, pixels, stride):
    coefficients = without_highest(spectrum(12), pixels // stride)
    samples = (pixels // stride,) * 2
    expected = aliasing_error(coefficients, samples, velocity_of(generator, pixels))
    found = measured(lambda x: x[:, :, ::stride, ::stride], coefficients, pixels, generator)
    assert torch.allclose(found, expected, rtol=1e-10)


BINOMIAL = torch.tensor([0.25, 0.5, 0.25], dtype=torch.float64)
POOLS = {
    "average": (torch.full((2,), 0.5, dtype=torch.float64), lambda x: F.avg_pool2d(x, 2)),
    "binomial": (
        BINOMIAL,
        lambda x: F.conv2d(
            F.pad(x, (0, 2, 0, 2), mode="circular"),
            torch.outer(BINOMIAL, BINOMIAL)[None, None],
            stride=2,
        ),
    ),
}


@every_translation
@pytest.mark.parametrize("pool", POOLS)
def test_anti_aliased_pooling_is_a_filter_before_the_sampling(generator, pool):
    taps, net = POOLS[pool]
    coefficients = without_highest(spectrum(12), 16)
    velocity = velocity_of(generator, 32)
    smooth = filtered(coefficients, taps, (32, 32))
    expected = aliasing_error(smooth, (16, 16), velocity)
    assert torch.allclose(measured(net, coefficients, 32, generator), expected, rtol=1e-10)
    assert (expected < aliasing_error(coefficients, (16, 16), velocity)).all()


def test_the_transfer_of_a_binomial_filter_is_a_squared_cosine():
    ones = torch.ones(1, 25, 25, dtype=torch.complex128)
    along = torch.cos(math.pi * modes(25).double() / 32).square()
    found = filtered(ones, BINOMIAL, (32, 32)).abs()[0]
    assert (found - torch.outer(along, along)).abs().max() <= 1e-15


@every_translation
@pytest.mark.parametrize(
    ("exponent", "highest", "pixels"), [(2, 7, 32), (2, 8, 31), (2, 9, 33), (3, 5, 32), (3, 6, 31)]
)
def test_polynomials_alias_once_their_harmonics_do(generator, exponent, highest, pixels):
    coefficients = spectrum(highest)
    harmonics = power(coefficients, exponent)
    expected = aliasing_error(harmonics, (pixels, pixels), velocity_of(generator, pixels))
    found = measured(lambda x: x**exponent, coefficients, pixels, generator)
    scale = sample(harmonics, (pixels, pixels)).square().mean()
    assert ((found - expected).abs() <= 1e-10 * (expected + scale)).all()
    assert (expected.min() > 0) == (exponent * highest > pixels // 2)


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_powers_have_the_functions_values(exponent):
    coefficients, points = spectrum(3), torch.linspace(0, 0.9, 7, dtype=torch.float64)
    found = values_at(power(coefficients, exponent), points)
    assert (found - values_at(coefficients, points) ** exponent).abs().max() <= 1e-10


def rectified_mean_slopes(frequency, samples, nodes=64):
    """The derivative of the mean of relu(cos) by the phase: at Gauss points between its kinks."""
    period = 2 * math.pi / math.lcm(samples // math.gcd(frequency, samples), 2)
    places = 2 * np.pi * frequency * np.arange(samples) / samples
    start = (np.pi / 2 - places[0]) % period  # a kink
    x, weight = np.polynomial.legendre.leggauss(nodes)
    phase = start + period * (x + 1) / 2
    angle = places[:, None] + phase
    slope = (-np.sin(angle) * (np.cos(angle) > 0)).mean(axis=0)
    return (weight * slope**2).sum() / 2


@pytest.mark.parametrize("samples", [12, 64, 15])
@pytest.mark.parametrize("frequency", [1, 3, 4, 7])
def test_the_rectified_cosine_has_its_closed_form(frequency, samples):
    mean_square_slope = rectified_mean_slopes(frequency, samples)
    expected = math.sqrt(mean_square_slope) * 2 * math.pi * frequency / samples
    assert rectified_cosine_error(frequency, samples) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("frequency", "printed"),  # docs/science/lie.md#the-rectified-cosine
    [(1, 8.86e-4), (4, 1.42e-2), (8, 5.73e-2), (16, 2.37e-1), (31, 2.75e-2)],
)
def test_the_rectified_cosine_has_the_printed_values(frequency, printed):
    assert rectified_cosine_error(frequency, 64) == pytest.approx(printed, rel=5e-3)


@pytest.mark.parametrize("frequency", [1, 4, 8])
def test_the_rectified_cosine_is_a_spectral_lie_derivative(frequency):
    phases = torch.linspace(0, 2 * math.pi, 4001, dtype=torch.float64)[:-1]
    places = 2 * math.pi * frequency * torch.arange(64).double() / 64
    waves = torch.cos(places + phases[:, None])[:, None, None].expand(-1, 1, 2, -1).clone()
    found = lie_derivative(
        lambda x: x.relu().mean(dim=(2, 3)), waves, "translate_x", "spectral", units="pixel"
    )
    expected = rectified_cosine_error(frequency, 64)
    assert float(found.square().mean().sqrt()) == pytest.approx(expected, rel=2e-2)


def test_what_has_no_closed_form_is_refused():
    with pytest.raises(ValueError, match="64 samples of a cosine of 128 periods are all the same"):
        rectified_cosine_error(128, 64)
    with pytest.raises(ValueError, match="an odd number of them, not 6"):
        modes(6)
