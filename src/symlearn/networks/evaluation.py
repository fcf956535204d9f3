"""Losses and accuracies of an ensemble, in eval mode."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Shaped
from torch.nn import functional as F

from symlearn.networks.ensemble import Ensemble
from symlearn.networks.problems import Indices, Problem

ByMember = Float[torch.Tensor, " member"]
Offsets = Float[torch.Tensor, "member point"]

# Points in one forward pass of all members together.
_POINTS = 16_384


def losses(
    outputs: Float[torch.Tensor, "member batch output"],
    targets: Shaped[torch.Tensor, "member batch"],
    loss: str,
) -> Float[torch.Tensor, "member batch"]:
    """The loss of each point: cross-entropy in nats, or the squared difference."""
    if loss == "square":
        return (outputs[..., 0] - targets) ** 2
    flat = F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none")
    return flat.reshape(targets.shape)


def right(
    outputs: Float[torch.Tensor, "member batch output"],
    targets: Shaped[torch.Tensor, "member batch"],
    loss: str,
) -> Shaped[torch.Tensor, "member batch"]:
    """Whether each point is classified correctly: the largest logit, or the sign."""
    if loss == "square":
        return outputs[..., 0] * targets > 0
    return outputs.argmax(dim=-1) == targets


def predictions(
    ensemble: Ensemble,
    problem: Problem,
    points: Int[torch.Tensor, "member batch"],
    offsets: Offsets | None = None,
) -> Float[torch.Tensor, "member batch output"]:
    """Outputs in eval mode, less the members' `offsets` at the points where there are some."""
    outputs = ensemble.outputs(problem.seen(problem.images(points)))
    return outputs if offsets is None else outputs - offsets.gather(1, points)[..., None]


def evaluate(
    ensemble: Ensemble,
    problem: Problem,
    lists: Sequence[Indices],
    offsets: Offsets | None = None,
) -> tuple[ByMember, ByMember]:
    """The mean loss and the accuracy of each member over its list of points."""
    points, weights = _padded(lists)
    points = points.to(ensemble.device)
    loss = torch.zeros(ensemble.size, dtype=torch.float64)
    accuracy = loss.clone()
    block = max(1, _POINTS // ensemble.size)
    for start in range(0, points.shape[1], block):
        here = points[:, start : start + block]
        weight = weights[:, start : start + block]
        outputs = predictions(ensemble, problem, here, offsets)
        targets = problem.targets[here]
        # Summed on the CPU, in double precision, which not every device has.
        by_point = losses(outputs, targets, problem.loss).cpu().double()
        # A diverged network's padding is as infinite as its points, and 0 times infinity is NaN.
        loss += torch.where(weight > 0, by_point, 0.0).sum(dim=1)
        accuracy += (right(outputs, targets, problem.loss).cpu() * weight).sum(dim=1)
    counts = weights.sum(dim=1)
    return loss / counts, accuracy / counts


def _padded(
    lists: Sequence[Indices],
) -> tuple[Int[torch.Tensor, "member item"], Float[torch.Tensor, "member item"]]:
    """Lists of unequal length as one matrix, and the weight 1 for what is in them."""
    longest = max(len(items) for items in lists)
    points = torch.zeros(len(lists), longest, dtype=torch.int64)
    weights = torch.zeros(len(lists), longest, dtype=torch.float64)
    for row, items in enumerate(lists):
        points[row, : len(items)] = items
        weights[row, : len(items)] = 1.0
    return points, weights
