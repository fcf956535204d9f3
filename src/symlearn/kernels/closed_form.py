"""Closed form of the kernels of a network of one convolution, ReLU and a linear readout.

With c the cosine of two patches and |p|, |q| their norms, the NTK between two pixels is
|p||q| J(c) / k^2 with 2 pi J = sin t + 2 (pi - t) cos t, t = arccos c, and the NNGP kernel the
same with (pi - t) once (note 2.13). The entry is the mean over equal pixels (flatten) or over all
pairs of pixels (global average pooling). Three identities make it fast and accurate:
J(c) = g(|c|) + j max(c, 0) with j = 1 (NTK) or 1/2 (NNGP); g is s times a smooth function of
s^2, s = sqrt(1 - |c|), taken as a polynomial whose error is below rounding; and 1 - c keeps its
digits where patches are nearly constant, as on an image's background, if it is taken from their
contrasts: with a unit patch +-(m, w), m >= 0 along the constant patch and w across it, and
a = 1 - m = |w|^2 / (1 + m), patches of equal sign have 1 - c = a + a' - a a' - w w'.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float
from numpy.polynomial import Chebyshev, Polynomial

from symlearn.architectures import Convolution, Dense, Flatten, GlobalAveragePool, Layers, Relu

_DEGREE = 16  # of the polynomial in s^2; the fit's error is 6e-16

Images = Float[Array, "point row col"]
Tile = Float[Array, "point other"]


def has_closed_form(layers: Layers) -> bool:
    """Whether `layers` are one convolution, ReLU, an optional global pool and a linear readout."""
    match layers:
        case (Convolution(), Relu(), Flatten(), Dense(bias=False)):
            return True
        case (Convolution(), Relu(), GlobalAveragePool(), Flatten(), Dense(bias=False)):
            return True
    return False


def one_convolution(layers: Layers, kind: str) -> Callable[[Images, Images], Tile]:
    """The kernel of `layers`, for which `has_closed_form` holds; float64 images.

    Cost with pooling: a pixels x pixels matrix of cosines per entry.
    """
    size = next(layer.filter_size for layer in layers if isinstance(layer, Convolution))
    pooled = any(isinstance(layer, GlobalAveragePool) for layer in layers)
    dual = _dual(kind, size)

    def flat(x: Images, y: Images) -> Tile:
        p, q = _patches(x, size), _patches(y, size)
        product = jnp.einsum("apk,bpk->abp", p.contrast, q.contrast)
        first, second = _indexed(p, np.s_[:, None]), _indexed(q, np.s_[None, :])
        values = dual(product, first, second) * first.norm * second.norm
        return values.mean(axis=-1) / size**2

    def pool(x: Images, y: Images) -> Tile:
        q = _patches(y, size)

        def row(image: Float[Array, "row col"]) -> Float[Array, " other"]:
            p = _indexed(_patches(image[None], size), 0)

            def entry(other: _Patches) -> Float[Array, ""]:
                product = p.contrast @ other.contrast.T
                first, second = _indexed(p, np.s_[:, None]), _indexed(other, np.s_[None, :])
                return (p.norm @ dual(product, first, second)) @ other.norm

            return lax.map(entry, q)

        pixels = x.shape[1] * x.shape[2]
        return lax.map(row, x) / (size * pixels) ** 2

    return pool if pooled else flat


class _Patches(NamedTuple):
    """The patches round each pixel, of unit norm and positive mean, and how they came to be so."""

    contrast: Float[Array, "*point k"]  # w: less its mean
    deficit: Float[Array, "*point"]  # a: what the mean's share of the norm lacks to one
    sign: Float[Array, "*point"]  # of the mean
    norm: Float[Array, "*point"]


def _patches(images: Images, size: int) -> _Patches:
    """The (circular) patches of each image, axes (point, pixel); an empty patch is zero."""
    reach = range(-(size // 2), size // 2 + 1)
    shifted = [jnp.roll(images, (down, right), axis=(1, 2)) for down in reach for right in reach]
    patches = jnp.stack(shifted, axis=-1).reshape(len(images), -1, size**2)
    norm = jnp.sqrt((patches**2).sum(axis=-1))
    unit = patches / jnp.where(norm > 0, norm, 1.0)[..., None]
    mean = unit.mean(axis=-1)
    sign = jnp.where(mean < 0, -1.0, 1.0)
    contrast = sign[..., None] * (unit - mean[..., None])
    deficit = (contrast**2).sum(axis=-1) / (1.0 + size * jnp.abs(mean))
    return _Patches(contrast, deficit, sign, norm)


def _indexed(patches: _Patches, index: Any) -> _Patches:
    return _Patches(*(part[index] for part in patches))


def _dual(kind: str, size: int) -> Callable[[Array, _Patches, _Patches], Array]:
    """J of pairs of patches of side `size`, from the products of their contrasts."""
    slope = {"ntk": 1.0, "nngp": 0.5}[kind]
    coefficients = _fit(slope).coef
    # For equal patches the gap is zero but for rounding, which is within this share of its terms
    # (two norms and a product of size^2 terms); the square root would turn 1e-16 into 1e-8.
    rounding = (size**2 + 2) * np.finfo(np.float64).eps

    def dual(product: Array, first: _Patches, second: _Patches) -> Array:
        terms = first.deficit + second.deficit
        gap = terms - first.deficit * second.deficit - product  # 1 - c, up to the sign of c
        cosine = first.sign * second.sign * (1.0 - gap)
        gap = jnp.minimum(gap, 2.0 - gap)  # s^2
        gap = jnp.where(gap <= rounding * terms, 0.0, gap)
        value = jnp.full_like(gap, coefficients[-1])
        for coefficient in coefficients[-2::-1]:
            value = value * gap + coefficient
        return jnp.sqrt(gap) * value + slope * jnp.maximum(cosine, 0.0)

    return dual


def _fit(slope: float) -> Polynomial:
    """The polynomial P with g = s P(s^2) on 0 <= s <= 1, interpolated at Chebyshev nodes.

    With t = arccos(1 - s^2) = 2 arcsin(s / sqrt 2): 2 pi g = s sqrt(2 - s^2) - 2 slope t cos t.
    """

    def scaled(gap: np.ndarray) -> np.ndarray:
        s = np.sqrt(gap)
        angle = 2 * np.arcsin(s / np.sqrt(2))
        return (s * np.sqrt(2 - gap) - 2 * slope * angle * (1 - gap)) / (2 * np.pi * s)

    return Chebyshev.interpolate(scaled, _DEGREE, domain=[0, 1]).convert(kind=Polynomial)
