"""Networks as training left them, taken up again by the computations that measure them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from torch import nn

from symlearn.errors import StoreError
from symlearn.networks.build import build
from symlearn.networks.checkpoints import read_metadata, read_tensors


@dataclass(frozen=True)
class Trained:
    """The networks of one cell: their spec, what was recorded of them, and their weights."""

    spec: Mapping[str, Any]
    history: xr.Dataset
    shape: tuple[int, int, int]
    outputs: int
    _tensors: Mapping[str, torch.Tensor]

    @property
    def labels(self) -> Mapping[str, Any]:
        """What tells the cell from the others of its study."""
        return self.spec["labels"]

    @property
    def snapshots(self) -> list[int]:
        """The epochs whose weights were kept, beside those at the end."""
        return sorted(set(self.spec["recipe"].get("snapshots", ())))

    def networks(
        self, epoch: int | None = None, dtype: torch.dtype = torch.float32
    ) -> list[nn.Module]:
        """The networks, one for each member, in evaluation mode: at the end, or after `epoch`.

        Raises StoreError for an epoch whose weights were not kept.
        """
        prefix = "" if epoch is None else f"epoch{epoch}/"
        if epoch is not None and epoch not in self.snapshots:
            raise StoreError(
                f"the weights after epoch {epoch} were not kept, only those after {self.snapshots}"
            )
        members = []
        for member in range(self.history.sizes["member"]):
            network = build(self.spec["network"], self.shape, self.outputs, seed=0)
            names = network.state_dict()
            network.load_state_dict({n: self._tensors[prefix + n][member] for n in names})
            members.append(network.to(dtype).eval().requires_grad_(False))
        return members


def trained(history: xr.Dataset, weights: Path) -> Trained:
    """The networks of a history and of the safetensors file with their weights.

    Raises StoreError where that is missing, damaged or of other networks.
    """
    spec = json.loads(history.attrs["spec"])
    entries = json.loads(read_metadata(weights).get("about", "{}"))
    own = [part for part, about in entries.items() if _is_of(about, spec)]
    if not own:
        raise StoreError(f"{weights}: holds the weights of other networks; delete it")
    channels, rows, cols = entries[own[0]]["shape"]
    tensors, _ = read_tensors(weights, own[0])
    return Trained(spec, history, (channels, rows, cols), entries[own[0]]["outputs"], tensors)


def _is_of(about: Any, spec: Mapping[str, Any]) -> bool:
    """Whether an entry of a file of weights, which may be of an earlier version, is of a spec."""
    return isinstance(about, Mapping) and about.get("spec") == spec


def split_inputs(
    inputs: Sequence[xr.Dataset], weights: Sequence[Path]
) -> tuple[list[Trained], list[xr.Dataset]]:
    """The trained networks, which come first among a computation's inputs, and the other files."""
    count = len(weights)
    return [trained(*pair) for pair in zip(inputs[:count], weights, strict=True)], list(
        inputs[count:]
    )
