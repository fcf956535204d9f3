"""Transformers of infinite width."""

from typing import Annotated, Literal

from pydantic import Field

from symlearn.menu.layers import (
    Dense,
    Flatten,
    Gelu,
    GlobalAveragePool,
    LayerNorm,
    Layers,
    Patches,
    Relu,
    Residual,
    SelfAttention,
)


def layers(
    patch: Annotated[int, Field(strict=True, ge=1)] = 7,
    depth: Annotated[int, Field(strict=True, ge=1, le=24)] = 1,
    units: Literal["gelu", "relu"] = "gelu",
    layer_norm: bool = True,
    positions: Literal["none", "random"] = "none",
) -> Layers:
    """Patches as tokens, blocks of attention and two dense layers, the mean of the tokens read out.

    Both parts of a block are residual and start with the layer norm. There are no biases. Images
    that patches do not tile get a margin of zeros.
    """
    norm: Layers = (LayerNorm(),) if layer_norm else ()
    unit = Gelu() if units == "gelu" else Relu()
    block: Layers = (
        Residual((*norm, SelfAttention(positions == "random"))),
        Residual((*norm, Dense(bias=False), unit, Dense(bias=False))),
    )
    readout = (*norm, GlobalAveragePool(), Flatten(), Dense(bias=False))
    return (Patches(patch), *block * depth, *readout)
