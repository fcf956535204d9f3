"""The empirical neural tangent kernel of a dense network in NTK parametrisation."""

import torch
from jaxtyping import Float
from torch import nn

from symlearn.networks.ntk import NtkDense


def tangent_gram(
    network: nn.Module, points: Float[torch.Tensor, "point *shape"]
) -> Float[torch.Tensor, "point point"]:
    """Products of the output's gradients at each pair of points, over all parameters.

    Layer by layer: a dense layer contributes (h . h' / fan-in + 1 if it has a bias) times
    (d . d'), with its inputs h and the output's derivative d in what it gives
    (docs/science/orbits.md#the-empirical-tangent-kernel), so that no gradient is ever held. For
    networks of one output, of dense layers and layers without parameters; raises TypeError for
    others. Cost: width x points^2 for each layer.
    """
    inputs, outputs = [], []
    x = points
    for module in network.children():
        if isinstance(module, NtkDense):
            inputs.append((x * module.scale, module.bias is not None))
            x = module(x).requires_grad_()
            outputs.append(x)
        elif next(module.parameters(), None) is not None:
            raise TypeError(f"a {type(module).__name__} is no dense layer in NTK parametrisation")
        else:
            x = module(x)
    derivatives = torch.autograd.grad(x.sum(), outputs)
    gram = points.new_zeros(len(points), len(points))
    for (h, bias), d in zip(inputs, derivatives, strict=True):
        gram += (h @ h.T + float(bias)) * (d @ d.T)
    return gram.detach()
