"""The kernels of transformers, layer by layer (docs/science/orbits.md#transformers).

A layer takes the kernels of two images' tokens, and of each image's tokens among themselves, to
those of its outputs. The attention weights of an image are fixed numbers in this limit, made from
its own kernel alone, so that attention is two matrix products for a pair of images.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from symlearn.kernels.recursion import rectified
from symlearn.menu.layers import (
    Dense,
    Gelu,
    LayerNorm,
    Layers,
    Patches,
    Relu,
    Residual,
    SelfAttention,
)

_EPSILON = 1e-12  # added to variances, as neural-tangents does

Images = Float[Array, "point row col"]
Others = Float[Array, "other row col"]
Tile = Float[Array, "point other"]


class _Tokens(NamedTuple):
    """Of a tile's pairs of images: their tokens' kernels, and each image's own NNGP kernel."""

    nngp: Float[Array, "point other token token"]
    ntk: Float[Array, "point other token token"]
    own: Float[Array, "point token token"]
    others: Float[Array, "other token token"]


def transformer(layers: Layers, kind: str) -> Callable[[Images, Others], Tile]:
    """The kernel of `layers`, for which `menu.layers.is_of_tokens` holds; float64 images.

    Cost of an entry, with T tokens: 8 T^3 operations for each attention, and some 30 T^2 for each
    layer of units.
    """

    def evaluate(x: Images, y: Others) -> Tile:
        tokens = _through(layers, x, y)
        return getattr(tokens, kind).mean(axis=(2, 3))

    return evaluate


def _through(layers: Layers, x: Images, y: Others) -> _Tokens:
    """The kernels before the mean over tokens, with the readout, which commutes with it."""
    first, *rest = layers
    assert isinstance(first, Patches)
    a, b = (_patches(with_margin(images, first), first.side) for images in (x, y))
    tokens = _embedded(a, b)
    for layer in rest:
        tokens = _after(layer, tokens)
    return tokens


def with_margin(images: Float[Array, "image row col"], patches: Patches) -> Array:
    """Images with the margin of zeros that patches need to tile them."""
    margin = patches.margin(images.shape[1])
    return jnp.pad(images, [(0, 0), (margin, margin), (margin, margin)])


def _patches(images: Images, side: int) -> Float[Array, "point token pixel"]:
    count, rows, columns = images.shape
    tiles = images.reshape(count, rows // side, side, columns // side, side)
    return tiles.transpose(0, 1, 3, 2, 4).reshape(count, -1, side * side)


def _embedded(
    a: Float[Array, "point token pixel"], b: Float[Array, "other token pixel"]
) -> _Tokens:
    nngp = jnp.einsum("atp,bup->abtu", a, b) / a.shape[-1]
    own, others = (jnp.einsum("atp,aup->atu", rows, rows) / a.shape[-1] for rows in (a, b))
    return _Tokens(nngp, nngp, own, others)


def _after(layer: object, tokens: _Tokens) -> _Tokens:
    match layer:
        case Residual(body):
            added = tokens
            for inner in body:
                added = _after(inner, added)
            return _Tokens(*(before + after for before, after in zip(tokens, added, strict=True)))
        case LayerNorm():
            return _normalised(tokens)
        case SelfAttention(positions):
            return _attended(tokens, positions)
        case Dense():
            return tokens._replace(ntk=tokens.ntk + tokens.nngp)
        case Gelu():
            return _through_units(tokens, gelu)
        case Relu():
            return _through_units(tokens, rectified)
        case _:  # the pool and what follows it: `transformer` takes the mean
            return tokens


def _normalised(tokens: _Tokens) -> _Tokens:
    of_own, of_others = (
        jax.lax.rsqrt(_EPSILON + jnp.diagonal(kernel, axis1=1, axis2=2))
        for kernel in (tokens.own, tokens.others)
    )
    scale = of_own[:, None, :, None] * of_others[None, :, None, :]
    return _Tokens(
        tokens.nngp * scale,
        tokens.ntk * scale,
        tokens.own * of_own[:, :, None] * of_own[:, None, :],
        tokens.others * of_others[:, :, None] * of_others[:, None, :],
    )


def _attended(tokens: _Tokens, positions: bool) -> _Tokens:
    """Kernels weighed by the attention of both images; the NTK gains values and outputs."""
    if positions:  # a code's kernel is 1 where positions agree, in whatever images
        code = jnp.eye(tokens.own.shape[-1])
        tokens = _Tokens(*(kernel + code for kernel in tokens))
    left, right = (jax.nn.softmax(kernel, axis=-1) for kernel in (tokens.own, tokens.others))

    def weighed(kernel: Float[Array, "point other token token"]) -> Array:
        return jnp.einsum("ast,abtu,bvu->absv", left, kernel, right, optimize=True)

    nngp = weighed(tokens.nngp)
    own, others = (
        jnp.einsum("ast,atu,avu->asv", weights, kernel, weights)
        for weights, kernel in ((left, tokens.own), (right, tokens.others))
    )
    return _Tokens(nngp, weighed(tokens.ntk) + 2 * nngp, own, others)


Unit = Callable[[Array, Array, Array], tuple[Array, Array]]


def _through_units(tokens: _Tokens, unit: Unit) -> _Tokens:
    """`unit` takes a kernel and both variances to the kernel of outputs and of derivatives."""
    own, others = (jnp.diagonal(kernel, axis1=1, axis2=2) for kernel in (tokens.own, tokens.others))
    nngp, slopes = unit(tokens.nngp, own[:, None, :, None], others[None, :, None, :])
    within = (
        unit(kernel, variances[:, :, None], variances[:, None, :])[0]
        for kernel, variances in ((tokens.own, own), (tokens.others, others))
    )
    return _Tokens(nngp, tokens.ntk * slopes, *within)


def gelu(kernel: Array, own: Array, other: Array) -> tuple[Array, Array]:
    """E[g(u) g(v)] and E[g'(u) g'(v)] of two Gaussians (docs/science/orbits.md#transformers)."""
    both, product = (1 + own) * (1 + other), own * other
    squared = both - kernel**2
    root = jnp.sqrt(squared)
    angle = jnp.arctan2(kernel, root)
    outputs = (kernel**2 + product * squared) / (both * root) + kernel * angle
    slopes = (1 / squared + (1 - product) / both + 1) * kernel / root + angle
    return outputs / (2 * np.pi) + kernel / 4, slopes / (2 * np.pi) + 0.25
