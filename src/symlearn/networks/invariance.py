"""The regulariser that asks a network for invariance while it is trained.

See docs/science/invariance.md#the-regulariser.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float

from symlearn.errors import TrainingError

Logits = Float[torch.Tensor, "*#batch class_"]


def invariance_loss(
    upright: Logits, moved: Logits, strength: float
) -> Float[torch.Tensor, "*#batch"]:
    """`strength` times 1/2 |f(x) - f(gx)|^2, to be added to a loss; gradients flow through both."""
    return strength * 0.5 * (upright - moved).square().sum(dim=-1)


def poses(invariance: Mapping[str, Any]) -> dict[str, Any]:
    """The augmentation that draws gx: an entry of `augmentation`, g uniform in the group.

    Raises TrainingError for a strength that is no finite number from 0 up.
    """
    strength = invariance["strength"]
    if not math.isfinite(strength) or strength < 0:
        raise TrainingError(
            f"the strength of the invariance loss is a finite number from 0 up, not {strength}"
        )
    return {"kind": "group", "group": invariance["group"], "n": invariance["n"]}
