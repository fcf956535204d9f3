"""Networks back from the weights that the stage of training left beside its histories."""

from pathlib import Path

import torch
import xarray as xr
from torch import nn

from symlearn import store
from symlearn.networks.build import Shape, build
from symlearn.networks.checkpoints import read_tensors


def trained_members(cell: xr.Dataset, shape: Shape, outputs: int) -> list[nn.Module]:
    """The networks of a cell that `store.read` read, in eval mode and 64 bits, in its order.

    `shape` is (channel, row, col) of their images. Raises StoreError where the weights are missing
    or damaged.
    """
    weights, _ = read_tensors(Path(cell.encoding["source"]).with_suffix(".safetensors"))
    entry = store.spec_of(cell)["network"]
    return [
        _member(build(entry, shape, outputs, seed=0), weights, member)
        for member in range(cell.sizes["member"])
    ]


def _member(network: nn.Module, weights: dict[str, torch.Tensor], member: int) -> nn.Module:
    network.load_state_dict({name: values[member] for name, values in weights.items()})
    return network.double().eval()
