"""Multi-layer perceptrons."""

from typing import Annotated

from pydantic import Field

from symlearn.menu.layers import Dense, Flatten, Layers, Relu


def layers(hidden_layers: Annotated[int, Field(strict=True, ge=1, le=64)]) -> Layers:
    """A multi-layer perceptron with biases."""
    hidden = (Dense(bias=True), Relu()) * hidden_layers
    return (Flatten(), *hidden, Dense(bias=True))
