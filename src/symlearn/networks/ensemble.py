"""Many networks of one architecture as one: stacked weights, one vectorised forward pass."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import nn
from torch.func import functional_call, stack_module_state

from symlearn.networks.dropout import Dropout

Inputs = Float[torch.Tensor, "member batch channel row col"]
Outputs = Float[torch.Tensor, "member batch output"]
State = dict[str, torch.Tensor]


class _Mask(NamedTuple):
    name: str
    module: Dropout


class Ensemble:
    """Networks of equal shape, trained side by side: stacked tensors with a leading member axis.

    A member's numbers are those it would have alone, to rounding. Batched matrix products do the
    work, so small networks cost a fraction of what they cost one at a time.
    """

    def __init__(self, members: Sequence[nn.Module], device: torch.device):
        parameters, buffers = stack_module_state(list(members))
        self.size = len(members)
        self.device = device
        self.parameters = {
            name: nn.Parameter(value.detach().to(device)) for name, value in parameters.items()
        }
        self.buffers: State = {name: value.to(device) for name, value in buffers.items()}
        self.dtype = next(iter(self.parameters.values())).dtype
        self._skeleton = members[0].to("meta")
        self._masks = [
            _Mask(f"{name}.mask", module)
            for name, module in self._skeleton.named_modules()
            if isinstance(module, Dropout)
        ]

    def outputs(self, images: Inputs) -> Outputs:
        """Outputs in eval mode, without gradients."""
        with torch.no_grad():
            return self._call(images, self.buffers, training=False)

    def training_outputs(self, images: Inputs, generators: Sequence[torch.Generator]) -> Outputs:
        """Outputs in training mode; each member draws its dropout masks from its generator."""
        batch = images.shape[1]
        masks = {
            name: torch.stack([module.draw(batch, g) for g in generators])
            for name, module in self._masks
        }
        return self._call(images, {**self.buffers, **masks}, training=True)

    def state(self) -> State:
        """Weights and lasting buffers by name, each with a leading member axis."""
        lasting = self._skeleton.state_dict().keys()
        named = {**self.parameters, **self.buffers}
        return {name: named[name].detach() for name in lasting}

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take over weights and buffers as `state` gave them."""
        for name, value in self.state().items():
            value.copy_(state[name])

    def _call(self, images: Inputs, buffers: State, *, training: bool) -> Outputs:
        self._skeleton.train(training)

        def one(parameters: State, own: State, x: torch.Tensor) -> torch.Tensor:
            return functional_call(self._skeleton, (parameters, own), (x,))

        weights: State = {**self.parameters}
        return torch.vmap(one)(weights, buffers, images)


def build_ensemble(
    build: Callable[[int], nn.Module], seeds: Sequence[int], device: torch.device
) -> Ensemble:
    """An ensemble of the networks that `build` makes from each seed."""
    return Ensemble([build(seed) for seed in seeds], device)
