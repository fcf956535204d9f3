"""Gaussian kernels."""

from typing import Annotated

from pydantic import Field

from symlearn.menu.layers import Layers, RadialBasis


def layers(inverse_length: Annotated[float, Field(gt=0)]) -> Layers:
    """A Gaussian kernel of the distance between images."""
    return (RadialBasis(inverse_length),)
