from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from symlearn.datasets.distribution_shift import (
    SHIFTS,
    add_noise,
    interpolate,
    invert,
    shifted_sets,
    shuffle_patches,
    smooth_fields,
)
from symlearn.randomness import generator

IMAGES = np.random.default_rng(0).random((6, 12, 8))
OTHER = np.random.default_rng(1).random((3, 12, 8))
EVERY = {**SHIFTS, "interpolation": partial(interpolate, other=OTHER)}
every_shift = pytest.mark.parametrize("shift", EVERY.values(), ids=EVERY)


def _rng():
    return generator(0, "shifts")


@every_shift
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_strength_leaves_every_bit(shift, dtype):
    images = IMAGES.astype(dtype)
    shifted = shift(images, 0.0, _rng())
    assert shifted.dtype == dtype
    np.testing.assert_array_equal(shifted, images)


@every_shift
@settings(max_examples=20)
@given(strength=st.floats(0, 1))
def test_intensities_stay_from_0_to_1_and_the_same_generator_gives_the_same(shift, strength):
    shifted = shift(IMAGES, strength, _rng())
    assert shifted.shape == IMAGES.shape
    assert shifted.min() >= 0
    assert shifted.max() <= 1 + 1e-15
    np.testing.assert_array_equal(shift(IMAGES, strength, _rng()), shifted)


@every_shift
def test_the_full_shift_changes_every_image(shift):
    changed = shift(IMAGES, 1.0, _rng()) != IMAGES
    assert changed.any(axis=(1, 2)).all()


@pytest.mark.parametrize("name", [name for name in EVERY if name != "patch-shuffling"])
def test_degrees_of_a_blend_lie_on_one_line(name):
    shift = EVERY[name]
    full = shift(IMAGES, 1.0, _rng())
    for strength in (0.25, 0.5, 0.75):
        expected = IMAGES + strength * (full - IMAGES)
        np.testing.assert_allclose(shift(IMAGES, strength, _rng()), expected, rtol=0, atol=1e-15)


@every_shift
def test_channels_are_shifted_as_well(shift):
    if isinstance(shift, partial):
        shift = partial(interpolate, other=np.random.default_rng(2).random((3, 2, 12, 8)))
    images = np.random.default_rng(3).random((4, 2, 12, 8))
    assert (shift(images, 1.0, _rng()) != images).any(axis=(2, 3)).all()


def test_the_end_of_an_interpolation_is_images_of_the_other_set():
    shifted = interpolate(IMAGES, 1.0, _rng(), OTHER)
    assert all(any(np.array_equal(image, other) for other in OTHER) for image in shifted)
    assert len({image.tobytes() for image in shifted}) > 1


def test_inversion_exchanges_dark_and_bright():
    np.testing.assert_array_equal(invert(IMAGES, 1.0, _rng()), 1 - IMAGES)
    np.testing.assert_allclose(invert(IMAGES, 0.5, _rng()), 0.5, rtol=0, atol=1e-15)


def _patches(image):
    """The 16 patches of a 12 x 8 image, row by row, as bytes."""
    blocks = [image[r : r + 3, c : c + 2] for r in range(0, 12, 3) for c in range(0, 8, 2)]
    return [np.ascontiguousarray(block).tobytes() for block in blocks]


@pytest.mark.parametrize(
    ("strength", "moved"), [(0.125, 2), (0.1875, 3), (0.25, 4), (0.5, 8), (1.0, 16)]
)
def test_shuffling_moves_a_share_of_the_patches_and_loses_none(strength, moved):
    shifted = shuffle_patches(IMAGES, strength, _rng())
    for before, after in zip(IMAGES, shifted, strict=True):
        assert sorted(_patches(before)) == sorted(_patches(after))
        assert sum(a != b for a, b in zip(_patches(before), _patches(after), strict=True)) == moved


def test_patches_that_move_at_a_degree_also_move_at_higher_ones():
    moved = [shuffle_patches(IMAGES, s, _rng()) != IMAGES for s in (0.25, 0.5, 0.75, 1.0)]
    for less, more in pairwise(moved):
        assert (less <= more).all()


@pytest.mark.parametrize(("sixteenths", "moving"), [(0.4, 0), (0.9, 0), (1, 2), (1.4, 2), (3, 3)])
def test_one_patch_alone_does_not_change_places(sixteenths, moving):
    distinct = np.arange(16.0).reshape(1, 4, 4) / 16
    found = shuffle_patches(distinct, sixteenths / 16, _rng())
    assert (found != distinct).sum() == moving


def test_all_channels_of_a_patch_move_together():
    images = np.stack([IMAGES, 1 - IMAGES], axis=1)
    shifted = shuffle_patches(images, 1.0, _rng())
    np.testing.assert_array_equal(shifted[:, 0], 1 - shifted[:, 1])


def test_images_are_shuffled_each_in_their_own_way():
    same = np.repeat(IMAGES[:1], 6, axis=0)
    assert len({image.tobytes() for image in shuffle_patches(same, 1.0, _rng())}) == 6


def test_smooth_fields_fill_the_range_and_noise_is_rougher():
    smooth, rough = (shift(IMAGES, 1.0, _rng()) for shift in (smooth_fields, add_noise))
    np.testing.assert_array_equal(smooth.min(axis=(1, 2)), 0)
    np.testing.assert_array_equal(smooth.max(axis=(1, 2)), 1)
    slopes = [np.abs(np.diff(images, axis=2)).mean() / images.std() for images in (smooth, rough)]
    assert slopes[0] < 0.5 * slopes[1]


def test_smooth_fields_are_the_smoothed_noise_of_the_generator():
    noise = _rng().normal(size=IMAGES.shape)[2]
    field = scipy.ndimage.gaussian_filter(np.tile(noise, (3, 3)), 2.0, truncate=4.0)[12:24, 8:16]
    expected = (field - field.min()) / (field.max() - field.min())
    found = smooth_fields(IMAGES, 1.0, _rng())[2]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_a_shift_does_not_depend_on_the_others_in_its_set():
    alone = shifted_sets(IMAGES, ["noise"], 1.0, seed=0)
    together = shifted_sets(IMAGES, [*SHIFTS, "interpolation"], 1.0, seed=0, other=OTHER)
    assert list(together) == [*SHIFTS, "interpolation"]
    np.testing.assert_array_equal(alone["noise"], together["noise"])
    again = shifted_sets(IMAGES, ["noise"], 1.0, seed=1)
    assert (alone["noise"] != again["noise"]).any()


@every_shift
@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), float("inf")])
def test_strengths_outside_0_to_1_are_refused(shift, strength):
    with pytest.raises(ValueError, match=f"from 0 to 1, not {strength}$"):
        shift(IMAGES, strength, _rng())


def test_an_empty_set_of_shifts_is_refused():
    with pytest.raises(ValueError, match="no distribution shift is named; choose from interpol"):
        shifted_sets(IMAGES, [], 1.0, seed=0)


def test_an_unknown_shift_is_refused():
    with pytest.raises(ValueError, match="is called blur; choose from interpolation, inversion"):
        shifted_sets(IMAGES, ["blur"], 1.0, seed=0)


def test_interpolation_to_nothing_is_refused():
    with pytest.raises(ValueError, match="needs the images of another data set"):
        shifted_sets(IMAGES, ["interpolation"], 1.0, seed=0)
    with pytest.raises(ValueError, match="holds no images"):
        interpolate(IMAGES, 1.0, _rng(), OTHER[:0])


def test_interpolation_to_another_size_is_refused():
    with pytest.raises(ValueError, match=r"shape \(12, 8\) cannot be interpolated .* \(8, 12\)"):
        interpolate(IMAGES, 1.0, _rng(), OTHER.swapaxes(1, 2))


def test_patches_that_do_not_divide_the_image_are_refused():
    with pytest.raises(ValueError, match="5 x 5 patches do not divide 12 x 8 pixels"):
        shuffle_patches(IMAGES, 1.0, _rng(), grid=5)
