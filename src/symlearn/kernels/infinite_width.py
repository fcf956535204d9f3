"""The kernel of an architecture between two lists of images: one tile of a Gram matrix."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from symlearn.kernels import closed_form, recursion, tokens
from symlearn.kernels.neural_tangents_adapter import load_stax
from symlearn.menu.layers import (
    Convolution,
    Dense,
    Flatten,
    Gelu,
    GlobalAveragePool,
    Layer,
    LayerNorm,
    Layers,
    Patches,
    RadialBasis,
    Relu,
    Residual,
    SelfAttention,
    has_closed_form,
    is_dense,
    is_of_tokens,
)

Kind = Literal["ntk", "nngp"]
Precision = Literal["float64", "float32"]
Images = Float[Array, "point row col"]
Others = Float[Array, "other row col"]
Tile = Float[Array, "point other"]

_ONE_THREAD = {"xla_cpu_multi_thread_eigen": False}


@dataclass(frozen=True)
class KernelTile:
    """A kernel between two lists of images, and the bytes that one entry needs while computed.

    Compiled for one thread: the tiles of a Gram matrix are what is done in parallel.
    """

    evaluate: Callable[[Images, Others], Tile]
    bytes_per_entry: int


@cache  # so that all Gram matrices of a process share one compiled function
def kernel_tile(
    layers: Layers, shape: tuple[int, ...], kind: Kind, precision: Precision
) -> KernelTile:
    """The kernel of `layers` on images of `shape`.

    In float64, networks of one convolution take the closed form, dense ones and transformers their
    recursions; all else, and everything in float32 (kept to show the authors' own precision), goes
    through neural-tangents.
    """
    if isinstance(layers[0], RadialBasis):
        return KernelTile(_compiled(_radial_basis(layers[0].inverse_length)), 8 * 4)
    if precision == "float64" and has_closed_form(layers):
        return _closed_form_tile(layers, shape, kind)
    if precision == "float64" and is_of_tokens(layers):
        return _tokens_tile(layers, shape, kind)
    if precision == "float64" and is_dense(layers):
        return KernelTile(_compiled(recursion.dense(layers, kind)), 8 * 8)
    return _neural_tangents_tile(layers, shape, kind)


def _compiled(evaluate: Callable[[Images, Others], Tile]) -> Callable[[Images, Others], Tile]:
    return jax.jit(evaluate, compiler_options=_ONE_THREAD)


def _radial_basis(inverse_length: float) -> Callable[[Images, Others], Tile]:
    def evaluate(x: Images, y: Others) -> Tile:
        # Differences rather than a matrix product, which loses digits between close points.
        distance = ((x[:, None] - y[None, :]) ** 2).sum(axis=(-2, -1))
        return jnp.exp(-(inverse_length**2) * distance)

    return evaluate


def _closed_form_tile(layers: Layers, shape: tuple[int, ...], kind: Kind) -> KernelTile:
    pixels = shape[0] * shape[1]
    pooled = any(isinstance(layer, GlobalAveragePool) for layer in layers)
    evaluate = _compiled(closed_form.one_convolution(layers, kind))
    # Gaps between patches: all pairs of pixels where they are pooled, else pixel by pixel.
    return KernelTile(evaluate, 8 * (3 * pixels**2 if pooled else 4 * pixels))


def _tokens_tile(layers: Layers, shape: tuple[int, ...], kind: Kind) -> KernelTile:
    return KernelTile(
        _compiled(tokens.transformer(layers, kind)), 8 * 6 * _pixels(layers, shape) ** 2
    )


def _pixels(layers: Layers, shape: tuple[int, ...]) -> int:
    """The pixels of the images, or the tokens that stand for them."""
    first = layers[0]
    if not isinstance(first, Patches):
        return shape[0] * shape[1]
    return ((shape[0] + 2 * first.margin(shape[0])) // first.side) ** 2


def neural_tangents_kernel(layers: Layers, kind: Kind) -> Callable[[Images, Others], Tile]:
    """The kernel of any layers as neural-tangents evaluates it, not compiled."""
    stax = load_stax()
    *_, kernel = stax.serial(*(_stax_layer(stax, layer) for layer in layers))

    def evaluate(x: Images, y: Others) -> Tile:
        with warnings.catch_warnings():
            # Keys are to be tied to queries, and each branch of a sum has weights of its own.
            warnings.filterwarnings(
                "ignore", message="Linear scaling attention used|`FanIn` layers"
            )
            if isinstance(layers[0], Patches):
                x, y = (tokens.with_margin(images, layers[0]) for images in (x, y))
            return kernel(x[..., None], y[..., None], kind)

    return evaluate


def _neural_tangents_tile(layers: Layers, shape: tuple[int, ...], kind: Kind) -> KernelTile:
    pixels = _pixels(layers, shape)
    convolutional = any(isinstance(layer, Convolution | Patches) for layer in layers)
    pooled = any(isinstance(layer, GlobalAveragePool) for layer in layers)
    covariances = 1 if not convolutional else pixels**2 if pooled else pixels
    # Covariance, its square root, angle, sine and both kernels are held at once.
    evaluate = _compiled(neural_tangents_kernel(layers, kind))
    return KernelTile(evaluate, 8 * 6 * covariances)


def _stax_layer(stax: Any, layer: Layer) -> Any:
    """The neural-tangents layer; widths do not enter the limit, so any number serves."""
    match layer:
        case Dense(bias):
            return stax.Dense(1, W_std=1.0, b_std=1.0 if bias else None)
        case Convolution(size):
            return stax.Conv(1, (size, size), padding="CIRCULAR", W_std=1.0, b_std=None)
        case Relu():
            return stax.Relu()
        case GlobalAveragePool():
            return stax.GlobalAvgPool()
        case Flatten():
            return stax.Flatten()
        case Patches(side):
            return stax.Conv(1, (side, side), (side, side), padding="VALID", W_std=1.0, b_std=None)
        case LayerNorm():
            return stax.LayerNorm()
        case SelfAttention(positions):
            return _attention(stax, positions)
        case Gelu():
            return stax.Gelu()
        case Residual(body):
            inner = stax.serial(*(_stax_layer(stax, one) for one in body))
            branches = stax.parallel(stax.Identity(), inner)
            return stax.serial(stax.FanOut(2), branches, stax.FanInSum())
        case RadialBasis():
            raise ValueError("a radial basis function is a kernel of its own, not a layer")


def _attention(stax: Any, positions: bool) -> Any:
    """Attention whose keys are tied to its queries: without that no closed form is known."""
    return stax.GlobalSelfAttention(
        *(1, 1, 1, 1),
        linear_scaling=True,
        attention_mechanism="SOFTMAX",
        pos_emb_type="SUM" if positions else "NONE",
        val_pos_emb=positions,
    )
