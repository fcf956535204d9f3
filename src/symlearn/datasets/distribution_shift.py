"""Distribution shifts: images that a network was not trained on, by degrees.

Images have intensities from 0 to 1. A strength of 0 leaves every bit of them, 1 is the full
shift. Between, all shifts but the patches are blends (1 - strength) x + strength z, so that at
one half an inverted image is grey all over. Random choices do not depend on the strength: the
same generator gives the same shift at every degree. Each full shift is defined in
docs/science/invariance.md#distribution-shifts.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import scipy.ndimage
from jaxtyping import Float, Int

from symlearn.randomness import generator

Images = Float[np.ndarray, "image *channel row col"]
OtherImages = Float[np.ndarray, "other ..."]
Shift = Callable[[Images, float, np.random.Generator], Images]


def interpolate(
    images: Images, strength: float, rng: np.random.Generator, other: OtherImages
) -> Images:
    """Towards an image of another data set, drawn for each image."""
    if len(other) == 0:
        raise ValueError("the data set to interpolate to holds no images")
    if other.shape[1:] != images.shape[1:]:
        raise ValueError(
            f"images of shape {images.shape[1:]} cannot be interpolated to images of shape "
            f"{other.shape[1:]}"
        )
    return _blend(images, other[rng.integers(len(other), size=len(images))], strength)


def invert(images: Images, strength: float, rng: np.random.Generator) -> Images:
    """Dark and bright exchanged; nothing is drawn from `rng`."""
    return _blend(images, 1.0 - images, strength)


def smooth_fields(
    images: Images, strength: float, rng: np.random.Generator, length: float = 2.0
) -> Images:
    """Towards white noise smoothed by a Gaussian, `length` pixels wide, across the borders.

    Each field is stretched to fill the range from 0 to 1.
    """
    widths = [0.0] * (images.ndim - 2) + [length, length]
    fields = scipy.ndimage.gaussian_filter(rng.normal(size=images.shape), widths, mode="wrap")
    low, high = (limit(fields, axis=(-2, -1), keepdims=True) for limit in (np.min, np.max))
    # An image of one pixel has no range to fill.
    return _blend(images, (fields - low) / np.where(high > low, high - low, 1.0), strength)


def add_noise(images: Images, strength: float, rng: np.random.Generator) -> Images:
    """Towards white noise, uniform from 0 to 1."""
    return _blend(images, rng.random(images.shape), strength)


def shuffle_patches(
    images: Images, strength: float, rng: np.random.Generator, grid: int = 4
) -> Images:
    """A share of an image's grid x grid patches changes places.

    `strength` is the share, rounded to whole patches but not to one, which has no place to go to:
    below 1 none, above it two. In each image they move around one random cycle, so that none of
    them stays in place. Raises ValueError if the grid does not divide the sides.
    """
    _check_strength(strength)
    rows, cols = images.shape[-2:]
    if rows % grid or cols % grid:
        raise ValueError(f"{grid} x {grid} patches do not divide {rows} x {cols} pixels")
    orders = rng.permuted(np.tile(np.arange(grid**2), (len(images), 1)), axis=1)
    moving = orders[:, : _moving(strength * grid**2)]
    places = np.tile(np.arange(grid**2), (len(images), 1))
    np.put_along_axis(places, moving, np.roll(moving, 1, axis=1), axis=1)
    return _rearrange(images, places, grid)


def _moving(patches: float) -> int:
    """The nearest number of patches that can change places."""
    if round(patches) == 1:
        return 0 if patches < 1 else 2
    return round(patches)


SHIFTS: Mapping[str, Shift] = {
    "inversion": invert,
    "patch-shuffling": shuffle_patches,
    "smooth-fields": smooth_fields,
    "noise": add_noise,
}


def shifted_sets(
    images: Images,
    names: Sequence[str],
    strength: float,
    seed: int,
    other: OtherImages | None = None,
) -> dict[str, Images]:
    """The images under each of the shifts named: keys of SHIFTS, or "interpolation" to `other`.

    Each shift has a generator of its own under the root `seed`. Raises ValueError for an empty
    or unknown set of shifts, a strength outside 0 to 1, and interpolation without `other`.
    """
    if not names:
        raise ValueError("no distribution shift is named; choose from " + _known())
    return {name: _shifted(images, name, strength, seed, other) for name in names}


def _shifted(
    images: Images, name: str, strength: float, seed: int, other: OtherImages | None
) -> Images:
    rng = generator(seed, "distribution-shift", name)
    if name == "interpolation":
        if other is None:
            raise ValueError("interpolation needs the images of another data set")
        return interpolate(images, strength, rng, other)
    if name not in SHIFTS:
        raise ValueError(f"no distribution shift is called {name}; choose from " + _known())
    return SHIFTS[name](images, strength, rng)


def _known() -> str:
    return ", ".join(["interpolation", *SHIFTS])


def _blend(images: Images, full: Images, strength: float) -> Images:
    _check_strength(strength)
    return ((1.0 - strength) * images + strength * full).astype(images.dtype)


def _check_strength(strength: float) -> None:
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"the strength of a distribution shift is from 0 to 1, not {strength}")


def _rearrange(images: Images, places: Int[np.ndarray, "image patch"], grid: int) -> Images:
    """Patch p of each image (row by row) is taken from patch `places[image, p]`."""
    *leading, rows, cols = images.shape
    tall, wide = rows // grid, cols // grid
    patches = images.reshape(*leading, grid, tall, grid, wide).swapaxes(-3, -2)
    flat = patches.reshape(len(images), -1, grid**2, tall, wide)
    taken = np.take_along_axis(flat, places[:, None, :, None, None], axis=2)
    return taken.reshape(*leading, grid, grid, tall, wide).swapaxes(-3, -2).reshape(images.shape)
