"""Convolutional networks."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from symlearn.menu.layers import Convolution, Dense, Flatten, GlobalAveragePool, Layers, Relu


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("a filter has a centre, so its size is odd")
    return value


def layers(
    readout: Literal["flatten", "gap"],
    filter_size: Annotated[int, Field(strict=True, ge=1), AfterValidator(_odd)] = 3,
    convolutions: Annotated[int, Field(strict=True, ge=1, le=16)] = 1,
) -> Layers:
    """Circular convolutions without bias, then a linear readout of all pixels or of their mean."""
    hidden = (Convolution(filter_size), Relu()) * convolutions
    pool = (GlobalAveragePool(),) if readout == "gap" else ()
    return (*hidden, *pool, Flatten(), Dense(bias=False))
