"""The kernels of dense ReLU networks, layer by layer (docs/science/orbits.md#perceptrons).

With the kernel q of a layer's inputs, its diagonals v and v', c = q / sqrt(v v') and
t = arccos c, a ReLU gives sqrt(v v') (sin t + (pi - t) c) / (2 pi), and its derivative
(pi - t) / (2 pi).
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from symlearn.menu.layers import Dense, Layers

# Of a gap 1 - c between equal inputs: what rounding leaves, in units of the last place. Taken for
# an angle it would be 1e-8, and so is every angle below.
_ROUNDING = 16 * np.finfo(np.float64).eps

Images = Float[Array, "point row col"]
Others = Float[Array, "other row col"]
Tile = Float[Array, "point other"]


def dense(layers: Layers, kind: str) -> Callable[[Images, Others], Tile]:
    """The kernel of `layers`, for which `menu.layers.is_dense` holds; float64 images.

    Exact for equal images. Cost: a product of the images, and an angle for each entry and layer.
    """
    inputs, *hidden = (float(layer.bias) for layer in layers if isinstance(layer, Dense))

    def evaluate(x: Images, y: Others) -> Tile:
        a, b = (images.reshape(len(images), -1) for images in (x, y))
        pixels = a.shape[1]
        own, other = ((rows * rows).sum(axis=1) / pixels + inputs for rows in (a, b))
        nngp = a @ b.T / pixels + inputs
        ntk = nngp
        for bias in hidden:
            outputs, slopes = rectified(nngp, own[:, None], other[None, :])
            nngp = outputs + bias
            ntk = ntk * slopes + nngp
            own, other = own / 2 + bias, other / 2 + bias
        return {"ntk": ntk, "nngp": nngp}[kind]

    return evaluate


def rectified(
    kernel: Float[Array, "..."], own: Float[Array, "..."], other: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """E[relu(u) relu(v)] and E[relu'(u) relu'(v)] of Gaussians with this kernel and variances."""
    scale = jnp.sqrt(own * other)
    gap = jnp.clip(1.0 - kernel / jnp.where(scale > 0, scale, 1.0), 0.0, 2.0)
    gap = jnp.where(gap <= _ROUNDING, 0.0, gap)
    cosine, sine = 1.0 - gap, jnp.sqrt(gap * (2.0 - gap))
    slopes = (jnp.pi - jnp.arctan2(sine, cosine)) / (2.0 * jnp.pi)
    return scale * (sine / (2.0 * jnp.pi) + slopes * cosine), slopes
