"""The stability of trained networks to smooth deformations, before and after their training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from symlearn.measures.stability import (
    OUTPUT,
    Perturbation,
    Stability,
    mean_stability,
    measure,
    median_stability,
)
from symlearn.networks.convolutional import InvertedResidual, Residual, normalise_by_batch
from symlearn.networks.held_out import held_out
from symlearn.networks.trained import Trained, split_inputs
from symlearn.networks.vision_transformer import Attention, VisionTransformer
from symlearn.randomness import seed_of

_BLOCKS = (Residual, InvertedResidual, Attention)
_STOPS = (nn.ReLU, nn.SiLU, nn.GELU, nn.MaxPool2d, nn.AdaptiveAvgPool2d)
MOMENTS = ("before", "after")


def precision(_: Mapping[str, Any]) -> torch.dtype:
    """That of the networks as they were trained."""
    return torch.float32


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """R, D and G by layer (moment, train_size, member, layer), and the outputs' errors.

    Those of the output also on the way through the training on most images (snapshot, member). All
    networks see the same images, deformations and noise. Before training a network's weights do not
    depend on the number of training images, so it is measured once; its batch norms use the
    statistics of each batch: of the plain, the deformed and the noisy images.
    """
    networks, (dataset,) = split_inputs(inputs, weights)
    cells = sorted(networks, key=_train_size)
    images, _ = held_out(cells[0], dataset, spec["images"], precision(spec))
    before = _members(networks_at(cells[0], "before"), images, spec)
    sizes = []
    for cell in cells:
        after = _members(networks_at(cell, "after"), images, spec)
        sizes.append(xr.concat([before, after], dim="moment").assign(_errors(cell)))
    found = xr.concat(sizes, dim="train_size").merge(_on_the_way(cells[-1], images, spec))
    return (
        found.assign_coords(
            moment=list(MOMENTS),
            train_size=[_train_size(cell) for cell in cells],
            seed=("member", cells[0].history["seed"].values),
        )
        .assign(test_images=cells[0].spec["problem"]["test"])
        .assign_attrs(spec["labels"])
    )


def networks_at(cell: Trained, moment: str) -> list[nn.Module]:
    """The networks of a cell before or after their training, as they are measured.

    Untrained ones normalise by each batch's own statistics
    (docs/science/stability.md#before-training).
    """
    if moment == "after":
        return cell.networks()
    networks = cell.networks(0)
    for network in networks:
        normalise_by_batch(network)
    return networks


def _train_size(cell: Trained) -> int:
    return int(cell.spec["problem"]["train"])


def _errors(cell: Trained) -> dict[str, tuple[tuple[str, str], np.ndarray]]:
    found = {}
    for part in ("test", "train"):
        accuracy = cell.history[f"{part}_accuracy"].transpose("epoch", "member").values
        found[f"{part}_error"] = (("moment", "member"), 1 - accuracy[[0, -1]])
    return found


def _on_the_way(cell: Trained, images: torch.Tensor, spec: Mapping[str, Any]) -> xr.Dataset:
    """R, D and G of the outputs of a cell's snapshots, by the share of the training done."""
    epochs = [epoch for epoch in cell.snapshots if epoch]
    if not epochs:
        return xr.Dataset()
    found = [
        xr.concat([_one(net, images, spec, []) for net in cell.networks(epoch)], dim="member")
        for epoch in epochs
    ]
    outputs = xr.concat(found, dim="snapshot").isel(layer=0, drop=True)
    named = {f"{name}_stability": f"{name}_on_the_way" for name in Stability._fields}
    shares = np.array(epochs) / cell.spec["recipe"]["epochs"]
    return outputs[list(named)].rename(named).assign_coords(snapshot=shares)


def _members(
    networks: list[nn.Module], images: torch.Tensor, spec: Mapping[str, Any]
) -> xr.Dataset:
    return xr.concat([_one(network, images, spec) for network in networks], dim="member")


def _one(
    network: nn.Module,
    images: torch.Tensor,
    spec: Mapping[str, Any],
    layers: Sequence[str] | None = None,
) -> xr.Dataset:
    """R, D and G of one network by layer (all, if None), and R of its output by medians."""
    perturbation = Perturbation.of_displacement(
        spec["displacement"], images.shape[-1], spec["cutoff"], spec["draws"]
    )
    stream = torch.Generator().manual_seed(seed_of(spec["seed"], "deformations"))
    layers = layer_names(network) if layers is None else layers
    found = measure(network, images, perturbation, stream, layers)
    values = np.array([mean_stability(found.layers[name]) for name in (*layers, OUTPUT)])
    by_layer = {
        f"{name}_stability": ("layer", column)
        for name, column in zip(Stability._fields, values.T, strict=True)
    }
    median = median_stability(found.outputs).relative
    return xr.Dataset({**by_layer, "relative_median": median}, {"layer": [*layers, OUTPUT]})


def layer_names(network: nn.Module) -> list[str]:
    """The layers at which a network is looked at: after nonlinearities, blocks and poolings.

    In the order in which they act.
    """
    blocks = [name for name, module in network.named_modules() if isinstance(module, _BLOCKS)]
    found = [
        name
        for name, module in network.named_modules()
        if isinstance(module, (*_BLOCKS, *_STOPS))
        and not any(name.startswith(f"{block}.") for block in blocks)
    ]
    # A transformer names all its attentions before its MLPs, and they act by turns.
    return sorted(found, key=_turn) if isinstance(network, VisionTransformer) else found


def _turn(name: str) -> int:
    """The number of a transformer's block, of `attention.1` or of `mlp.1.2`."""
    return int(name.split(".")[1])
