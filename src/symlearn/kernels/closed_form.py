"""Closed form of the kernels of a network of one convolution, ReLU and a linear readout.

With c the cosine of two patches and |p|, |q| their norms, the NTK between two pixels is
|p||q| J(c) / k^2 with 2 pi J = sin t + 2 (pi - t) cos t, t = arccos c, and the NNGP kernel the
same with (pi - t) once (docs/science/orbits.md#one-convolution). The entry is the mean over equal
pixels (flatten) or over all pairs of pixels (global average pooling). Three identities make it fast
and accurate (docs/science/orbits.md#the-closed-form-of-one-convolution):

- J(c) = j (1 + c) / 2 + h(1 - |c|) with j = 1 (NTK) or 1/2 (NNGP). The first part needs no pairs
  of pixels: over them |p||q| c adds up to k^2 times the product of the images' sums.
- h(s^2) is s times a smooth function of s^2 less j s^2 / 2; the former is taken as a polynomial.
- 1 - c keeps its digits where patches are nearly constant, as on an image's background, if it is
  taken from their contrasts: with a unit patch +-(m, w), m >= 0 along the constant patch and w
  across it, and a = 1 - m = |w|^2 / (1 + m), patches of equal sign have
  1 - c = a + (1 - a) a' - w w', one matrix product; and |c| does not know the sign.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float
from numpy.polynomial import Chebyshev, Polynomial

from symlearn.menu.layers import Convolution, GlobalAveragePool, Layers

_DEGREE = 13  # of the polynomial in s^2; the fit's error is 6e-14
# Of the matrix of gaps that is worked on at a time, so that it stays in a core's cache.
_BLOCK_BYTES = 384 * 2**10

Images = Float[Array, "point row col"]
Others = Float[Array, "other row col"]
Tile = Float[Array, "point other"]


def one_convolution(layers: Layers, kind: str) -> Callable[[Images, Others], Tile]:
    """The kernel of `layers`, for which `has_closed_form` holds; float64 images.

    Cost with pooling: a pixels x pixels matrix of gaps per entry, about 45 operations for each.
    """
    size = next(layer.filter_size for layer in layers if isinstance(layer, Convolution))
    pooled = any(isinstance(layer, GlobalAveragePool) for layer in layers)
    slope = {"ntk": 1.0, "nngp": 0.5}[kind]
    bent = _bent_part(slope)

    def flat(x: Images, y: Others) -> Tile:
        p, q = _patches(x, size), _patches(y, size)
        norms = p.norm[:, None] * q.norm[None, :]
        gap = jnp.einsum("apk,bpk->abp", p.first, q.second)
        rounding = p.rounding[:, None] + q.rounding[None, :]
        # The sum of |p||q| c over pixels: each pixel of the images is in size^2 patches.
        linear = size**2 * jnp.einsum("aij,bij->ab", x, y)
        total = (norms * (bent(gap, rounding) + 0.5 * slope)).sum(axis=-1) + 0.5 * slope * linear
        return total / (size**2 * x.shape[1] * x.shape[2])

    def pool(x: Images, y: Others) -> Tile:
        p, q = _patches(x, size), _patches(y, size)
        pixels = x.shape[1] * x.shape[2]
        blocks = _blocks(x.shape[1], x.shape[2])

        def entry(one: _Patches, other: _Patches) -> Float[Array, ""]:
            def block(part: _Patches) -> Float[Array, ""]:
                rounding = part.rounding[:, None] + other.rounding[None, :]
                return (part.norm @ bent(part.first @ other.second.T, rounding)) @ other.norm

            parts = _Patches(*(a.reshape(blocks, pixels // blocks, *a.shape[1:]) for a in one))
            return lax.map(block, parts).sum()

        total = lax.map(lambda one: lax.map(lambda other: entry(one, other), q), p)
        constant = jnp.outer(p.norm.sum(axis=1), q.norm.sum(axis=1))
        linear = size**2 * jnp.outer(x.sum(axis=(1, 2)), y.sum(axis=(1, 2)))
        return (total + 0.5 * slope * (constant + linear)) / (size * pixels) ** 2

    return pool if pooled else flat


class _Patches(NamedTuple):
    """The patches round each pixel: the product of `first` and `second` of two is their gap."""

    first: Float[Array, "*point k"]  # -w, a, 1 - a
    second: Float[Array, "*point k"]  # w, 1, a
    rounding: Float[Array, "*point"]  # half of the gap that rounding leaves to equal patches
    norm: Float[Array, "*point"]


def _patches(images: Images, size: int) -> _Patches:
    """The (circular) patches of each image, axes (point, pixel); an empty patch has norm 0."""
    reach = range(-(size // 2), size // 2 + 1)
    shifted = [jnp.roll(images, (down, right), axis=(1, 2)) for down in reach for right in reach]
    patches = jnp.stack(shifted, axis=-1).reshape(len(images), -1, size**2)
    norm = jnp.sqrt((patches**2).sum(axis=-1, keepdims=True))
    unit = patches / jnp.where(norm > 0, norm, 1.0)
    # A unit patch is sign * (m, w), m >= 0 along the constant unit patch and w across it; its mean
    # is sign * m / size. `contrast` is w. `deficit` is a = 1 - m, without that difference since
    # m^2 + |w|^2 = 1. Where patches are nearly constant, c is nearly 1, and 1 - c of rounded c is
    # off by 1e-16; a and w are small there, and so is the rounding of all that is made of them.
    mean = unit.mean(axis=-1, keepdims=True)
    contrast = jnp.where(mean < 0, -1.0, 1.0) * (unit - mean)
    deficit = (contrast**2).sum(axis=-1, keepdims=True) / (1.0 + size * jnp.abs(mean))
    # c is the product of both signs and of m m' + w w', with m = 1 - a. So the gap of `first` and
    # `second`, 1 - m m' - w w', is 1 - c for equal signs and 1 + c for others. `bent` needs 1 - |c|
    # alone; the signs count in the linear part, which is taken from the images themselves.
    first = jnp.concatenate([-contrast, deficit, 1.0 - deficit], axis=-1)
    second = jnp.concatenate([contrast, jnp.ones_like(deficit), deficit], axis=-1)
    # The gap of equal patches is 0: size^2 + 2 terms cancel, and rounding leaves up to eps of
    # a + a' for each. Each patch brings its own a; a gap up to the sum counts as none.
    rounding = (size**2 + 2) * np.finfo(np.float64).eps * deficit
    return _Patches(first, second, rounding[..., 0], norm[..., 0])


def _blocks(height: int, width: int) -> int:
    """Into how many parts of whole rows an image is cut: the fewest that fit into the cache."""
    fitting = (n for n in range(1, height) if height % n == 0)
    matrix = 8 * (height * width) ** 2
    return next((n for n in fitting if matrix / n <= _BLOCK_BYTES), height)


def _bent_part(slope: float) -> Callable[[Array, Array], Array]:
    """J less its linear part, of the gap 1 - c or 1 + c and what of it can be rounding."""
    coefficients = _fit(slope).coef

    def bent(gap: Array, rounding: Array) -> Array:
        gap = jnp.minimum(gap, 2.0 - gap)  # 1 - |c| = s^2
        gap = jnp.where(gap <= rounding, 0.0, gap)  # else its root turns 1e-16 into 1e-8
        value = jnp.full_like(gap, coefficients[-1])
        for coefficient in coefficients[-2::-1]:
            value = value * gap + coefficient
        return jnp.sqrt(gap) * value - 0.5 * slope * gap

    return bent


def _fit(slope: float) -> Polynomial:
    """The polynomial P with h = s P(s^2) - slope s^2 / 2, interpolated at Chebyshev nodes.

    With t = arccos(1 - s^2) = 2 arcsin(s / sqrt 2), 0 <= s <= 1:
    2 pi s P = s sqrt(2 - s^2) - 2 slope t cos t.
    """

    def scaled(gap: np.ndarray) -> np.ndarray:
        s = np.sqrt(gap)
        angle = 2 * np.arcsin(s / np.sqrt(2))
        return (s * np.sqrt(2 - gap) - 2 * slope * angle * (1 - gap)) / (2 * np.pi * s)

    return Chebyshev.interpolate(scaled, _DEGREE, domain=[0, 1]).convert(kind=Polynomial)
