"""Pictures of orbits do not depend on how a processor rounds."""

import numpy as np
import pytest
import xarray as xr

from symlearn.papers.orbits.portrait import compute


def portrait(rounding: float) -> xr.Dataset:
    """Two images and their half turns, with pixels off by as much as rounding."""
    rng = np.random.default_rng(3)
    images = rng.normal(size=(2, 6, 6))
    pixels = np.stack([images, images[:, ::-1, ::-1]], axis=1)
    pixels = pixels + rounding * np.random.default_rng(5).normal(size=pixels.shape)
    orbits = xr.Dataset(
        {
            "pixels": (("task", "orbit", "pose", "row", "col"), pixels[None]),
            "class_": (("task", "orbit"), [[4, 7]]),
        }
    )
    return compute({"labels": {}}, [orbits])


@pytest.mark.parametrize("rounding", [1e-15, -1e-15, 1e-14, -1e-14])
def test_signs_of_components_do_not_follow_rounding(rounding):
    exact, rounded = portrait(0.0), portrait(rounding)
    for name in ("component_score", "component_image"):
        np.testing.assert_allclose(rounded[name], exact[name], atol=1e-11)
    assert (exact["component_score"].isel(orbit=0, pose=0) > 0).all()
