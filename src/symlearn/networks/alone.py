"""One network at a time, trained in another precision or with another layout of its memory."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.func import functional_call

from symlearn.networks.ensemble import Ensemble, Inputs, Outputs, State


def trains_alone(recipe: Mapping[str, Any]) -> bool:
    """Whether a recipe asks for one of the two: `precision` or `layout`."""
    return "precision" in recipe or "layout" in recipe


class Alone(Ensemble):
    """An ensemble of one network, whose training steps a recipe may change in two ways.

    `precision` ("bfloat16"): products of matrices and convolutions round their factors to 8 bits;
    weights, their gradients' sums in the optimiser and batch norms' statistics stay in float32.
    `layout` ("channels-last"): images and filters lie with their channels side by side. Both change
    how sums round, so that trainings agree over seeds and not in their bytes. What is measured of a
    network, accuracies among it, is in float32.
    """

    def __init__(self, member: nn.Module, device: torch.device, recipe: Mapping[str, Any]):
        super().__init__([member], device)
        self._half = recipe.get("precision") == "bfloat16"
        self._last = recipe.get("layout") == "channels-last"
        if self._last:
            self.parameters = {
                name: nn.Parameter(_channels_last(value.detach()))
                for name, value in self.parameters.items()
            }

    def _call(self, images: Inputs, buffers: State, *, training: bool) -> Outputs:
        self._skeleton.train(training)
        own = {name: value.squeeze(0) for name, value in (self.parameters | buffers).items()}
        seen = images[0]
        if self._last:
            seen = seen.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._half and training):
            outputs = functional_call(self._skeleton, own, (seen,))
        return outputs.to(self.dtype)[None]


def _channels_last(stacked: torch.Tensor) -> torch.Tensor:
    """The filters of one network (leading axis of one) in that layout; others as they are."""
    if stacked.dim() != 5:
        return stacked
    return stacked[0].contiguous(memory_format=torch.channels_last)[None]
