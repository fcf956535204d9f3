"""Networks that learn from pairs of views and no labels, and what such a pair is.

The training loop takes outputs, targets and the square loss. So the output of a network here is, at
every pair of a batch, the root of the batch's objective, and all targets are 0: the mean square is
the objective, with its gradient. Objectives: docs/science/orbits.md#networks-without-labels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import nn

from symlearn.menu import lookup
from symlearn.networks.problems import Problem

Features = Float[torch.Tensor, "pair feature"]
Objective = Callable[[Features, Features], Float[torch.Tensor, ""]]

_LEAST_VARIANCE = 1e-4  # keeps the root's gradient finite


def contrastive(z: Features, other: Features) -> Float[torch.Tensor, ""]:
    """The spectral contrastive loss plus the number of features.

    -2 <z, z'> + <z, z''>^2 in the mean is |z - z'|^2 + |C - 1|^2 less the number of features, with
    the second moment C of all views, uncentred (HaoChen et al. 2021).
    """
    views = torch.cat([z, other])
    moment = views.T @ views / len(views)
    apart = moment - torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
    return (z - other).square().sum(dim=1).mean() + apart.square().sum()


def vicreg(z: Features, other: Features) -> Float[torch.Tensor, ""]:
    """Variance, invariance and covariance (Bardes et al. 2022), each summed over features.

    The hinge asks for a standard deviation of 1 over the batch, and covariances are squared; both
    are means over the two views.
    """
    loss = (z - other).square().sum(dim=1).mean()
    for view in (z, other):
        centred = view - view.mean(dim=0)
        covariance = centred.T @ centred / (len(view) - 1)
        deviations = (covariance.diagonal() + _LEAST_VARIANCE).sqrt()
        between = covariance - covariance.diagonal().diag()
        loss = loss + 0.5 * (1 - deviations).relu().sum()
        loss = loss + 0.5 * between.square().sum()
    return loss


_OBJECTIVES: Mapping[str, Objective] = {"contrastive": contrastive, "vicreg": vicreg}


class OfViews(nn.Module):
    """A network and the objective of its outputs for two views, which lie one after the other."""

    def __init__(self, network: nn.Module, objective: str):
        super().__init__()
        self.network = network
        self.objective = _OBJECTIVES[objective]

    def forward(
        self, views: Float[torch.Tensor, "pair channels row col"]
    ) -> Float[torch.Tensor, "pair 1"]:
        """The root of the batch's objective, at every pair; one dropout mask holds for both."""
        one, other = (self.network(view) for view in views.chunk(2, dim=1))
        return self.objective(one, other).sqrt().expand(len(views), 1)


def of_views(
    shape: tuple[int, int, int], outputs: int, *, network: Mapping[str, Any], objective: str
) -> nn.Module:
    """A network of a config's entry, with so many features, that learns by an objective."""
    return OfViews(lookup.builder(network)(shape, outputs), objective)


@dataclass(frozen=True)
class PairsOfViews(Problem):
    """A problem whose items are pairs of its points; an image is both, channels after channels."""

    targets: Shaped[torch.Tensor, " item"]
    pairs: Int[torch.Tensor, "item 2"] = field(kw_only=True)

    def images(
        self, points: Int[torch.Tensor, "member batch"]
    ) -> Float[torch.Tensor, "member batch channels row col"]:
        """The two views of items."""
        views = self.pairs.to(points.device)[points].unbind(dim=-1)
        return torch.cat([super(PairsOfViews, self).images(view) for view in views], dim=2)
