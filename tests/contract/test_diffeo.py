"""Deformations against the authors' numbers, and against sampling written out."""

import math

import numpy as np
import pytest
import scipy.ndimage
import torch

from symlearn.measures.diffeo import (
    displacement,
    folded,
    mode_amplitudes,
    remap,
    root_mean_square,
    sample_fields,
    temperature,
    temperature_range,
)

PARITY = 1e-12


@pytest.fixture(scope="module")
def authors(reference):
    return np.load(reference / "lie_derivative_and_diffeo.npz")


@pytest.fixture(scope="module")
def sampled():
    dx, dy = sample_fields(40, 20, temperature(1.5, 20, 4), 4, torch.Generator().manual_seed(3))
    images = torch.rand(40, 2, 20, 20, generator=torch.Generator().manual_seed(4)).double()
    return images, dx, dy


def test_remapping_is_that_of_the_authors(authors):
    images, dx, dy, expected = (
        torch.from_numpy(authors[name])
        for name in ("images", "diffeo/dx", "diffeo/dy", "diffeo/linear")
    )
    assert (remap(images, dx, dy) - expected).abs().max() <= PARITY
    each = remap(images, dx.expand(4, -1, -1), dy.expand(4, -1, -1))
    assert (each - expected).abs().max() <= PARITY
    single = remap(images.float(), dx.float(), dy.float())
    assert (single - expected).abs().max() <= 1e-4


def test_the_range_of_temperatures_is_that_of_the_authors(authors):
    side = authors["images"].shape[-1]
    assert temperature_range(side, 3) == pytest.approx(
        tuple(authors["diffeo/temperature_range"]), rel=PARITY
    )
    drawn = temperature(float(authors["diffeo/displacement"]), side, 3)
    assert displacement(drawn, side, 3) == pytest.approx(authors["diffeo/displacement"])


def test_bilinear_remapping_is_a_spline_of_order_one(sampled):
    images, dx, dy = sampled
    found = remap(images, dx, dy)
    rows, cols = np.indices((20, 20))
    for image in range(len(images)):
        where = np.stack([rows - dy[image].numpy(), cols - dx[image].numpy()])
        for channel in range(2):
            expected = scipy.ndimage.map_coordinates(
                images[image, channel].numpy(), where, order=1, mode="nearest"
            )
            np.testing.assert_allclose(found[image, channel], expected, rtol=0, atol=PARITY)


def test_gaussian_remapping_is_the_normalised_sum_over_all_pixels(sampled):
    images, dx, dy = (part[0].numpy() for part in sampled)
    found = remap(*(torch.from_numpy(part) for part in (images, dx, dy)), "gaussian")
    rows, cols = np.indices((20, 20))
    for row, col in [(0, 0), (3, 17), (10, 9), (19, 5)]:
        x = np.clip(col - dx[row, col], 0, 19)
        y = np.clip(row - dy[row, col], 0, 19)
        weights = np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / (2 * 0.4715**2))
        expected = (images * weights).sum(axis=(1, 2)) / weights.sum()
        np.testing.assert_allclose(found[:, row, col], expected, rtol=0, atol=PARITY)


def test_a_field_is_the_sum_of_its_modes():
    side, cutoff, heat = 9, 3, 0.004
    dx, dy = sample_fields(2, side, heat, cutoff, torch.Generator().manual_seed(5))
    draws = torch.randn(
        (2, 2, cutoff, cutoff), generator=torch.Generator().manual_seed(5), dtype=torch.float64
    )
    for component, field in enumerate((dx, dy)):
        for row, col in [(0, 4), (3, 5), (8, 8)]:
            v, u = row / (side - 1), col / (side - 1)
            expected = (
                sum(
                    draws[component, :, i - 1, j - 1]
                    / math.hypot(i, j)
                    * math.sin(i * math.pi * v)
                    * math.sin(j * math.pi * u)
                    for i in range(1, cutoff + 1)
                    for j in range(1, cutoff + 1)
                    if math.hypot(i, j) < cutoff + 0.5
                )
                * side
                * math.sqrt(heat)
            )
            np.testing.assert_allclose(field[:, row, col], expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("cutoff", [2, 3, 5])
def test_the_mean_square_displacement_follows_the_sum_rule(cutoff):
    side, count = 64, 2000
    heat = temperature(1.0, side, cutoff)
    dx, dy = sample_fields(count, side, heat, cutoff, torch.Generator().manual_seed(cutoff))
    squares = (dx**2 + dy**2).mean(dim=(1, 2))
    # The grid holds the frame, where nothing moves: a mean over side - 1 steps.
    expected = root_mean_square(heat, side, cutoff) ** 2 * ((side - 1) / side) ** 2
    error = squares.std().item() / math.sqrt(count)
    assert abs(squares.mean().item() - expected) <= 4 * error


@pytest.mark.parametrize("cutoff", [3, 5])
def test_the_gradient_follows_the_sum_rule(cutoff):
    """E |grad tau|^2 = (pi^2 / 2) T N_c over both components, in units of the square's side."""
    side, count, heat = 128, 400, temperature(4.0, 128, cutoff)
    dx, dy = sample_fields(count, side, heat, cutoff, torch.Generator().manual_seed(1))
    steps = [part.diff(dim=dim) for part in (dx / side, dy / side) for dim in (-1, -2)]
    found = sum(((side - 1) * step).square().sum(dim=(1, 2)) for step in steps) / (side - 1) ** 2
    modes = int((mode_amplitudes(cutoff) > 0).sum())
    expected = 0.5 * math.pi**2 * heat * modes
    error = found.std().item() / math.sqrt(count)
    assert abs(found.mean().item() - expected) <= 4 * error + 1e-3 * expected


# The shares in docs/science/stability.md#folds and
# docs/science/stability.md#numbers-measured-before, with room for their samples.
@pytest.mark.parametrize(
    ("cutoff", "pixels", "low", "high"),
    [
        (3, None, 0.33, 0.45),
        (5, None, 0.25, 0.40),
        (15, None, 0.0, 0.07),
        (3, 1.0, 0.0, 0.001),
        (5, 1.0, 0.0, 0.01),
    ],
)
def test_the_share_of_folded_fields_is_that_of_the_table(cutoff, pixels, low, high):
    heat = temperature_range(28, cutoff)[1] if pixels is None else temperature(pixels, 28, cutoff)
    share = folded(*sample_fields(1000, 28, heat, cutoff, torch.Generator().manual_seed(0)))
    assert low <= share.double().mean() <= high
