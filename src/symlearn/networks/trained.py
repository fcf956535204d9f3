"""Networks as the stage `networks` left them, taken up again by the studies that measure them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from torch import nn

from symlearn import store
from symlearn.errors import StoreError
from symlearn.networks.build import build
from symlearn.networks.checkpoints import read_tensors


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


def trained(history: xr.Dataset) -> Trained:
    """The networks of a NetCDF file of the stage, from the safetensors beside it.

    Raises StoreError where that is missing, damaged or of other networks.
    """
    path = Path(history.encoding["source"]).with_suffix(".safetensors")
    spec = store.spec_of(history)
    tensors, metadata = read_tensors(path)
    about = json.loads(metadata.get("about", "{}"))
    if about.get("spec") != spec:
        raise StoreError(f"{path}: holds the weights of other networks; delete it")
    channels, rows, cols = about["shape"]
    return Trained(spec, history, (channels, rows, cols), about["outputs"], tensors)
