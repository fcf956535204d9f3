"""Finite transformations against the published operators and against what is exactly known."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from symlearn.errors import SymlearnError
from symlearn.measures.equivariance import (
    consistency,
    equivariance_error,
    expected_invariance,
    fractional_rotation,
    fractional_translation,
    integer_translation,
    random_angles,
    random_shifts,
    resample,
    rotation_filter,
)

from .lie_networks import images, network

TRANSLATIONS = {"int": integer_translation, "frac": fractional_translation}


@pytest.fixture(scope="module")
def operators(reference):
    with np.load(reference / "equivariance_operators.npz") as numbers:
        return {key: torch.tensor(numbers[key]) for key in numbers}


@pytest.mark.parametrize("kind", TRANSLATIONS)
@pytest.mark.parametrize("case", ["a", "b", "c"])
def test_translations_are_the_published_ones(operators, kind, case):
    right, down = operators[f"{kind}_{case}_t"].tolist()
    moved, mask = TRANSLATIONS[kind](operators["x"], right, down)
    assert (moved - operators[f"{kind}_{case}_z"]).abs().max() <= 1e-5
    assert torch.equal(mask, operators[f"{kind}_{case}_m"])


@pytest.mark.parametrize("angle", ["0.1", "0.7", "2.5"])
def test_rotations_are_the_published_ones(operators, angle):
    moved, mask = fractional_rotation(operators["x"], float(angle))
    assert (moved - operators[f"rot_{angle}_z"]).abs().max() <= 1e-5
    assert torch.equal(mask, operators[f"rot_{angle}_m"])


def test_the_rotations_filter_is_the_published_one(operators):
    assert (rotation_filter(0.7) - operators["filter_0.7"]).abs().max() <= 1e-7


def test_whole_pixels_are_moved_to_the_right_and_down():
    points = images(2, pixels=8)
    expected = torch.zeros_like(points)
    expected[:, :, 2:, 1:] = points[:, :, :-2, :-1]
    for operator in TRANSLATIONS.values():
        moved, mask = operator(points, 1 / 8, 2 / 8)
        assert (moved - expected).abs().max() <= 1e-15
        assert (moved * mask - expected * mask).abs().max() <= 1e-15
    far, mask = integer_translation(points, 2.0, 0.0)
    assert far.abs().max() == mask.max() == 0


def smooth(points):
    kernel = torch.ones(3, 1, 5, 5, dtype=points.dtype) / 25
    for _ in range(3):
        points = F.conv2d(points, kernel, padding=2, groups=3)
    return points


def test_small_rotations_turn_anticlockwise_and_a_turn_back_restores():
    points = smooth(images(1, pixels=32))
    quarter, mask = fractional_rotation(points, math.pi / 2)
    held = mask > 0
    assert held.any()
    # Row i of the turned image is column W - 1 - i of the original.
    difference = (quarter - torch.rot90(points, 1, dims=(2, 3)))[held].abs().max()
    assert difference <= 0.05 * points.abs().max()


@pytest.mark.parametrize("operator", [fractional_translation, fractional_rotation])
def test_constant_images_stay_constant_inside(operator):
    ones = torch.ones(1, 1, 48, 48, dtype=torch.float64)
    moved, mask = operator(ones, *([0.02, 0.03] if operator is fractional_translation else [0.4]))
    assert mask.sum() > 100
    assert (moved - 1)[mask > 0].abs().max() <= 2e-2


def test_pooling_is_invariant_and_reading_a_pixel_is_not():
    points = torch.zeros(2, 3, 16, 16, dtype=torch.float64)
    points[:, :, 6:10, 6:10] = images(2, pixels=4)
    shifts = random_shifts(8, torch.Generator().manual_seed(0))
    pooled = equivariance_error(lambda x: x.sum(dim=(2, 3)), points, integer_translation, shifts)
    assert pooled.max() <= 1e-28
    pixel = equivariance_error(lambda x: x[:, :, 7, 7], points, integer_translation, shifts)
    assert pixel.min() > 0.1


def test_an_error_is_the_mean_over_outputs_and_draws():
    net, points = network("residual"), images(2)
    shifts = random_shifts(3, torch.Generator().manual_seed(1))
    expected = torch.zeros(2, dtype=torch.float64)
    for right, down in shifts.tolist():
        moved, _ = fractional_translation(points, right, down)
        expected += (net(moved) - net(points)).detach().square().mean(dim=1) / 3
    found = equivariance_error(net, points, fractional_translation, shifts)
    assert torch.allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("operator", "amount"), [(integer_translation, [2 / 16, -1 / 16]), (fractional_rotation, [0.3])]
)
def test_pointwise_maps_of_images_are_equivariant_under_what_moves_whole_pixels(operator, amount):
    error = equivariance_error(torch.tanh, images(2), operator, [amount], output="image")
    if operator is integer_translation:
        assert error.max() <= 1e-30
    else:
        assert error.min() > 1e-6
    linear = equivariance_error(lambda x: 3 * x, images(2), operator, [amount], output="image")
    assert linear.max() <= 1e-28


def test_zero_padding_is_seen_inside_the_mask_only():
    conv = nn.Conv2d(3, 2, 3, padding=1, padding_mode="zeros", bias=False).double().eval()
    points = images(2)
    points[:, :, :3] = points[:, :, -3:] = 0
    points[..., :3] = points[..., -3:] = 0
    error = equivariance_error(conv, points, integer_translation, [[2 / 16, 1 / 16]], "image")
    assert error.max() <= 1e-30


def test_consistency_is_that_of_the_largest_output():
    points, best = images(6), lambda x: x[:, 0, 0]
    for axis, dimension in (("row", 2), ("col", 3)):
        found = consistency(best, points, 3, axis)
        expected = best(points.roll(3, dimension)).argmax(1) == best(points).argmax(1)
        assert torch.equal(found, expected)
    assert consistency(lambda x: x.mean(dim=(2, 3)), points, 5).all()
    assert not consistency(best, points, 3, "col").all()


def test_expected_invariance_is_that_of_the_reflected_resampling():
    net, points = network("mixing"), images(2)
    amounts = [0.3, -1.0]
    expected = sum(
        (net(resample(points, "rotate", t)) - net(points)).square().mean(dim=1).detach() / 2
        for t in amounts
    )
    assert torch.allclose(expected_invariance(net, points, "rotate", amounts), expected)
    saturated = expected_invariance(
        lambda x: F.normalize(x.flatten(1)), points, "saturate", [0.5, -2.0]
    )
    assert saturated.max() <= 1e-30


def test_resampling_by_whole_pixels_reflects():
    points = images(1, pixels=9)
    moved = resample(points, "translate_x", 2 * 2 / 8)
    assert (moved[..., :-2] - points[..., 2:]).abs().max() <= 1e-14
    assert (moved[..., -2:] - points[..., [7, 6]]).abs().max() <= 1e-14


def test_draws_are_uniform_and_explicit():
    rng = torch.Generator().manual_seed(0)
    shifts, angles = random_shifts(2000, rng), random_angles(2000, rng)
    assert shifts.shape == (2000, 2)
    assert shifts.abs().max() <= 0.125
    assert float(shifts.std()) == pytest.approx(0.125 / 3**0.5, rel=0.05)
    assert float(angles.std()) == pytest.approx(math.pi / 3**0.5, rel=0.05)
    again = random_shifts(2000, torch.Generator().manual_seed(0))
    assert torch.equal(again, shifts)


def test_training_and_unknown_outputs_are_refused():
    points = images(1)
    with pytest.raises(SymlearnError, match="evaluation mode"):
        consistency(nn.Flatten(), points, 1)
    with pytest.raises(SymlearnError, match="'vector' or an 'image' here, not 'tokens'"):
        equivariance_error(nn.Flatten().eval(), points, integer_translation, [[0.1, 0.1]], "tokens")
