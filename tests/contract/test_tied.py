"""Weight-tied networks: invariant for every input, and the tied matrices written out."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from symlearn.groups import action_of
from symlearn.groups.tensors import image_action
from symlearn.measures.invariance import (
    divergences,
    logit_errors,
    logits_of_poses,
    saliency_of_poses,
    saliency_similarities,
)
from symlearn.networks.ensemble import Ensemble
from symlearn.networks.invariance import invariance_loss
from symlearn.networks.perceptron import perceptron
from symlearn.networks.tied import orbit_averaged, orbit_pooled

SHAPE, CLASSES = (2, 6, 6), 4
TOLERANCE = {"error": 1e-12, "saliency": 1e-6}
GROUPS = [("cyclic-rotation", 4), ("dihedral", 4), ("cyclic-shift", 3), ("product-shift", 2)]
every_group = pytest.mark.parametrize(("group", "n"), GROUPS)


def _free(shape, classes, dropout=0.0):
    return perceptron(shape, classes, widths=[12, 8], dropout=dropout)


def _convolutions(shape, classes):
    return torch.nn.Sequential(
        torch.nn.Conv2d(shape[0], 5, 3), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(5 * (shape[1] - 2) * (shape[2] - 2), classes),
    )  # fmt: skip


def _build(kind, group, n, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if kind == "pooled":
            network = orbit_pooled(SHAPE, CLASSES, widths=[12, 8], group=group, n=n)
        else:
            free = {"averaged": _free, "averaged-cnn": _convolutions}[kind]
            network = orbit_averaged(SHAPE, CLASSES, network=free, group=group, n=n)
    return network.double()


every_kind = pytest.mark.parametrize("kind", ["pooled", "averaged", "averaged-cnn"])
pixels = st.one_of(st.floats(-10, 10), st.floats(0, 1, width=16))
any_images = arrays.arrays(np.float64, (2, *SHAPE), elements=pixels).map(torch.from_numpy)


def _worst(network, images, action):
    """The largest KL and logit error and the least similarity of all pairs."""
    logits = logits_of_poses(network, images, action)
    maps = saliency_of_poses(network, images, action)
    similarity = [saliency_similarities(maps, action, signed=s).min() for s in (True, False)]
    return divergences(logits).max(), logit_errors(logits).max(), min(similarity)


@every_kind
@every_group
@settings(max_examples=15)
@given(images=any_images)
def test_invariance_is_genuine_on_any_image(kind, group, n, images):
    network, action = _build(kind, group, n), image_action(group, n, SHAPE[1:])
    divergence, error, similarity = _worst(network, images, action)
    assert divergence < TOLERANCE["error"]
    assert error < TOLERANCE["error"]
    assert similarity > 1 - TOLERANCE["saliency"]


def test_a_free_network_is_not_invariant():
    images = torch.rand(4, *SHAPE, generator=_generator(), dtype=torch.float64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _free(SHAPE, CLASSES).double()
    divergence, error, similarity = _worst(
        network, images, image_action("cyclic-rotation", 4, SHAPE[1:])
    )
    assert divergence > 1e-6
    assert error > 1e-6
    assert similarity < 0.9


@every_kind
@every_group
def test_training_does_not_undo_the_tie(kind, group, n):
    network, action = _build(kind, group, n), image_action(group, n, SHAPE[1:])
    images = torch.rand(16, *SHAPE, generator=_generator(), dtype=torch.float64)
    labels = torch.arange(16) % CLASSES
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    before = network(images)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    assert (network(images) - before).abs().max() > 1e-3
    _, error, _ = _worst(network, images, action)
    assert error < TOLERANCE["error"]


@every_group
def test_pooling_is_a_dense_layer_of_moved_weights(group, n):
    network = _build("pooled", group, n)
    images = torch.rand(3, *SHAPE, generator=_generator(), dtype=torch.float64)
    pool = network[0]
    weights = pool.dense.weight.detach().numpy().reshape(-1, *SHAPE)
    moved = [action_of(group).apply(weights[:, c], n) for c in range(SHAPE[0])]
    tied = np.stack(moved, axis=2).reshape(len(weights), -1, np.prod(SHAPE))
    inputs = images.numpy().reshape(3, -1)
    lifted = np.einsum("fgp,ip->igf", tied, inputs) + pool.dense.bias.detach().numpy()
    expected = np.maximum(lifted, 0).mean(axis=1)
    np.testing.assert_allclose(pool(images).detach().numpy(), expected, rtol=0, atol=1e-14)


@every_group
def test_averaging_is_the_mean_of_the_free_network_over_poses(group, n):
    network = _build("averaged", group, n)
    images = torch.rand(3, *SHAPE, generator=_generator(), dtype=torch.float64)
    moved = [action_of(group).apply(images[:, c].numpy(), n) for c in range(SHAPE[0])]
    poses = torch.from_numpy(np.stack(moved, axis=2))
    expected = torch.stack([network.network(image) for image in poses]).mean(dim=1)
    torch.testing.assert_close(network(images), expected, rtol=0, atol=1e-14)


@every_kind
def test_the_invariance_loss_of_a_tied_network_is_zero(kind):
    action = image_action("cyclic-rotation", 4, SHAPE[1:])
    images = torch.rand(5, *SHAPE, generator=_generator(), dtype=torch.float64)
    logits = logits_of_poses(_build(kind, "cyclic-rotation", 4), images, action)
    assert invariance_loss(logits[:, :1], logits[:, 1:], strength=1.0).max() < TOLERANCE["error"]


@every_kind
def test_in_an_ensemble_each_is_as_it_would_be_alone(kind):
    members = [_build(kind, "cyclic-rotation", 4, seed) for seed in range(3)]
    images = torch.rand(3, 5, *SHAPE, generator=_generator(), dtype=torch.float64)
    expected = torch.stack([m(own).detach() for m, own in zip(members, images, strict=True)])
    ensemble = Ensemble(members, torch.device("cpu"))
    torch.testing.assert_close(ensemble.outputs(images), expected, rtol=0, atol=1e-13)


def test_one_dropout_mask_holds_for_all_poses():
    network = orbit_averaged(
        SHAPE, CLASSES, network=lambda shape, classes: _free(shape, classes, dropout=0.5)
    )
    images = torch.rand(5, *SHAPE, generator=_generator())
    for layer in network.modules():
        if hasattr(layer, "mask"):
            layer.mask = layer.draw(5, _generator())
    action = image_action("cyclic-rotation", 4, SHAPE[1:])
    turned = action.move(images, torch.ones(5, dtype=torch.int64))
    torch.testing.assert_close(network(turned), network(images), rtol=0, atol=1e-6)


def test_interpolated_rotations_are_refused():
    with pytest.raises(
        ValueError, match=r"^cyclic-rotation with n = 8 interpolates, so no [^\n]*$"
    ):
        orbit_pooled(SHAPE, CLASSES, widths=[4], n=8)


def test_a_group_that_does_not_act_on_the_shape_is_refused():
    with pytest.raises(ValueError, match="n = 4 does not act on 6 x 8 pixels"):
        orbit_averaged((1, 6, 8), CLASSES, network=_free)


def _generator():
    return torch.Generator().manual_seed(0)
