"""What tells the networks of a family from each other."""

from typing import Any

from symlearn.networks.trained import Trained


def model_coordinates(network: Trained) -> dict[str, Any]:
    """What tells networks of one family from each other, as coordinates of a single model."""
    labels = network.labels
    return {
        "model": labels["model"],
        "strength": labels.get("strength", 0.0),
        "weight_decay": labels.get("weight_decay", 0.0),
    }
