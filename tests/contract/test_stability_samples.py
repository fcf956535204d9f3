"""The study of a deformed photograph and of fields that fold."""

import warnings

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from symlearn.measures.diffeo import displacement, temperature_range
from symlearn.papers.stability import samples as stability_samples
from symlearn.pipeline import store

SPEC = {
    "seed": 0,
    "side": 24,
    "cutoffs": [3, 8],
    "temperatures": [1e-12, 1e-3, 1e-1],
    "fields": 60,
}


@pytest.fixture(scope="module")
def found():
    # Warnings are errors here: temperatures outside the allowed range must not warn.
    return stability_samples.compute(SPEC, [])


def test_it_can_be_stored(found, tmp_path):
    store.write(found, tmp_path / "result.nc", {"stage": "studies"})
    assert set(store.read(tmp_path / "result.nc").variables) == set(found.variables)


def test_warnings_are_put_back(found):
    assert warnings.filters[0][2] is not stability_samples.DeformationWarning


def test_images_deform_more_the_higher_the_temperature(found):
    change = abs(found["deformed"] - found["reference"]).mean(["row", "col"])
    assert (change.diff("temperature") > 0).all()
    assert (change.isel(temperature=0) < 1e-4).all()


def test_images_are_the_photograph_at_the_pixels_that_the_field_says(found):
    """By scipy's spline of order one; the field is that of unit temperature, times its root."""
    image = found["reference"].values
    rows, cols = np.indices(image.shape)
    for cutoff in SPEC["cutoffs"]:
        here = found.sel(cutoff=cutoff, temperature=1e-3)
        down, right = 1e-3**0.5 * here["unit_field"].values
        expected = map_coordinates(image, [rows - down, cols - right], order=1, mode="nearest")
        np.testing.assert_allclose(here["deformed"], expected, atol=1e-5)


def test_a_row_of_images_is_one_field_that_grows():
    alone = stability_samples.compute({**SPEC, "temperatures": [1e-3, 1e-2]}, [])
    among = stability_samples.compute(SPEC, [])
    for cutoff in SPEC["cutoffs"]:
        first, second = (each.sel(cutoff=cutoff, temperature=1e-3) for each in (alone, among))
        np.testing.assert_array_equal(first["deformed"].values, second["deformed"].values)


def test_the_ends_are_half_a_pixel_and_a_mode_s_share_of_the_image(found):
    side = found.sizes["row"]
    assert side == 128
    for cutoff in SPEC["cutoffs"]:
        here = found.sel(cutoff=cutoff)
        low, high = temperature_range(side, cutoff)
        assert float(here["lowest_temperature"]) == low
        assert displacement(low, side, cutoff) == pytest.approx(0.5)
        assert displacement(high, side, cutoff) == pytest.approx(side / (np.pi * cutoff))


def test_fields_move_pixels_as_the_modes_say_and_fold_when_large(found):
    ratio = found["displacement"] / found["expected_displacement"]
    assert (abs(ratio - 0.96) < 0.06).all()
    assert (found["folded_share"].isel(displacement_share=0) == 0).all()
    assert (found["folded_share"].isel(displacement_share=-1) > 0.8).all()
    assert (found["folded_share"].diff("displacement_share") >= 0).all()
    at_one = found["folded_share_at_one_pixel"]
    assert float(at_one.sel(cutoff=3)) == 0
    assert float(at_one.sel(cutoff=8)) > 0
