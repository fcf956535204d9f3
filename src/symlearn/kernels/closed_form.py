"""Closed form of the kernels of a network of one convolution, ReLU and a linear readout.

With c the cosine of two patches and |p|, |q| their norms, the NTK between two pixels is
|p||q| J(c) / k^2 with 2 pi J = sin t + 2 (pi - t) cos t, t = arccos c, and the NNGP kernel the
same with (pi - t) once (note 2.13). The entry is the mean over equal pixels (flatten) or over all
pairs of pixels (global average pooling). Two identities make it fast and accurate:
J(c) = g(|c|) + j max(c, 0) with j = 1 (NTK) or 1/2 (NNGP), and g is s times a smooth function of
s^2, s = sqrt(1 - |c|), taken as a polynomial whose error is below rounding.
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float
from numpy.polynomial import Chebyshev, Polynomial

from symlearn.architectures import Convolution, Dense, Flatten, GlobalAveragePool, Layers, Relu

_DEGREE = 16  # of the polynomial in s^2; the fit's error is 6e-16
_RESOLUTION = np.finfo(np.float64).eps

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
        (p, p_norm), (q, q_norm) = _patches(x, size), _patches(y, size)
        cosines = jnp.einsum("apk,bpk->abp", p, q)
        values = dual(cosines) * p_norm[:, None] * q_norm[None, :]
        return values.mean(axis=-1) / size**2

    def pool(x: Images, y: Images) -> Tile:
        q, q_norm = _patches(y, size)

        def row(image: Float[Array, "row col"]) -> Float[Array, " other"]:
            p, p_norm = _patches(image[None], size)

            def entry(other: tuple[Float[Array, "pixel k"], Float[Array, " pixel"]]) -> Float[Array, ""]:
                cosines = p[0] @ other[0].T
                return (p_norm[0] @ dual(cosines)) @ other[1]

            return lax.map(entry, (q, q_norm))

        pixels = x.shape[1] * x.shape[2]
        return lax.map(row, x) / (size * pixels) ** 2

    return pool if pooled else flat


def _patches(
    images: Images, size: int
) -> tuple[Float[Array, "point pixel k"], Float[Array, "point pixel"]]:
    """Unit-norm patches (circular) round each pixel, and their norms; an empty patch is zero."""
    reach = range(-(size // 2), size // 2 + 1)
    shifted = [jnp.roll(images, (down, right), axis=(1, 2)) for down in reach for right in reach]
    patches = jnp.stack(shifted, axis=-1).reshape(len(images), -1, size**2)
    norms = jnp.sqrt((patches**2).sum(axis=-1))
    return patches / jnp.where(norms > 0, norms, 1.0)[..., None], norms


def _dual(kind: str, size: int) -> Callable[[Array], Array]:
    """J as a function of the cosine of two patches of side `size`."""
    slope = {"ntk": 1.0, "nngp": 0.5}[kind]
    coefficients = _fit(slope).coef
    # The rounding of a cosine of equal patches is within this bound (two norms and a dot product
    # of size^2 terms); without the snap, the square root would turn 1e-16 into 1e-8.
    same = (size**2 + 2) * _RESOLUTION

    def dual(cosine: Array) -> Array:
        gap = 1.0 - jnp.abs(cosine)  # s^2
        gap = jnp.where(gap < same, 0.0, gap)
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
