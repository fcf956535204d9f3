"""Measures of invariance against their formulas, bounds and laws, and on linear classifiers."""

from dataclasses import fields

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import scipy.spatial
import scipy.special
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from symlearn.datasets.distribution_shift import shifted_sets
from symlearn.errors import TrainingError
from symlearn.groups import action_of
from symlearn.groups.tensors import image_action
from symlearn.measures import invariance
from symlearn.measures.invariance import (
    agreements,
    divergences,
    jensen_shannon,
    logit_errors,
    logits_of_poses,
    measure_invariance,
    noise_errors,
    saliency_of_poses,
    saliency_similarities,
    spreads,
)
from symlearn.networks.invariance import invariance_loss, poses

TOLERANCE = {"formula": 1e-12, "scale": 1e-10, "linear limit": 1e-10}
SIDE = 6
GROUPS = [("cyclic-rotation", 4), ("cyclic-rotation", 8), ("dihedral", 3), ("cyclic-shift", 6)]
every_group = pytest.mark.parametrize(("group", "n"), GROUPS)

any_logits = arrays.arrays(
    np.float64, st.tuples(st.just(2), st.integers(2, 4), st.integers(1, 5)),
    elements=st.floats(-50, 50),
).map(torch.from_numpy)  # fmt: skip


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _images(count=5, channels=2):
    return torch.rand(count, channels, SIDE, SIDE, generator=_generator(1), dtype=torch.float64)


def _action(group="cyclic-rotation", n=4, side=SIDE):
    return image_action(group, n, (side, side))


def _perceptron(outputs=4, inputs=2 * SIDE**2, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Flatten(), nn.Linear(inputs, 20), nn.ReLU(), nn.Linear(20, outputs)]
        return nn.Sequential(*layers).double()


def _linear(outputs=3, inputs=2 * SIDE**2):
    layer = nn.Linear(inputs, outputs, bias=False, dtype=torch.float64)
    nn.init.normal_(layer.weight, generator=_generator(2))
    return nn.Sequential(nn.Flatten(), layer)


def _summary(network, group="cyclic-rotation", n=4, images=None):
    images = _images() if images is None else images
    return measure_invariance(network, images, _action(group, n), generator=_generator())


# Formulas on logits.


@settings(max_examples=50)
@given(logits=any_logits)
def test_divergences_are_those_of_scipy(logits):
    p = scipy.special.softmax(logits.numpy(), axis=-1)
    upright, moved = p[:, :1], p[:, 1:]
    kl = scipy.special.rel_entr(upright, moved).sum(axis=-1)
    np.testing.assert_allclose(divergences(logits), kl, rtol=1e-9, atol=TOLERANCE["formula"])
    js = sum(scipy.special.rel_entr(q, (upright + moved) / 2) for q in (upright, moved)) / 2
    np.testing.assert_allclose(
        jensen_shannon(logits), js.sum(axis=-1), rtol=1e-9, atol=TOLERANCE["formula"]
    )


@given(logits=any_logits)
def test_the_divergence_is_at_most_half_the_logit_error(logits):
    assert (divergences(logits) <= 0.5 * logit_errors(logits) + TOLERANCE["formula"]).all()


def test_no_smaller_constant_bounds_the_divergence():
    logits = torch.tensor([[[0.0, 0.0], [1e-3, -1e-3]]], dtype=torch.float64)
    assert divergences(logits)[0, 0] > 0.49999 * logit_errors(logits)[0, 0]


@given(logits=any_logits)
def test_jensen_shannon_is_symmetric_and_bounded(logits):
    found = jensen_shannon(logits)
    assert (found >= 0).all()
    assert (found <= np.log(2) + TOLERANCE["formula"]).all()
    swapped = jensen_shannon(logits[:, [1, 0]])
    torch.testing.assert_close(swapped[:, 0], found[:, 0], rtol=1e-9, atol=1e-12)


def test_a_shift_of_all_logits_changes_the_logit_error_only():
    upright = torch.randn(3, 1, 4, generator=_generator(), dtype=torch.float64)
    logits = torch.cat([upright, upright + 0.5], dim=1)
    assert divergences(logits).max() < TOLERANCE["formula"]
    assert jensen_shannon(logits).max() < TOLERANCE["formula"]
    expected = torch.full((3, 1), 0.5 * 4 * 0.5**2, dtype=torch.float64)
    torch.testing.assert_close(logit_errors(logits), expected)
    assert (agreements(logits) == 1).all()


def test_decisions_agree_where_the_largest_logit_is_the_same():
    logits = torch.tensor([[[1.0, 0.0], [2.0, 1.5], [0.0, 1.0]]])
    assert agreements(logits).tolist() == [[1.0, 0.0]]


def test_the_mean_spread_is_that_over_pairs_of_images():
    logits = torch.randn(7, 3, generator=_generator(), dtype=torch.float64)
    pairs = [0.5 * (a - b).square().sum() for i, a in enumerate(logits) for b in logits[:i]]
    torch.testing.assert_close(spreads(logits).mean(), torch.stack(pairs).mean())


# Classifiers.


@every_group
def test_logits_are_those_of_the_poses(group, n):
    network, images = _perceptron(), _images()
    poses = [action_of(group).apply(images[:, c].numpy(), n) for c in range(2)]
    by_pose = torch.from_numpy(np.stack(poses, axis=2))
    expected = torch.stack([network(image) for image in by_pose]).detach()
    found = logits_of_poses(network, images, _action(group, n))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_the_fields_are_means_over_the_pairs_of_an_image():
    network, images, action = _perceptron(), _images(), _action("dihedral", 4)
    found = measure_invariance(network, images, action, generator=_generator())
    logits = logits_of_poses(network, images, action)
    maps = saliency_of_poses(network, images, action)
    expected = {
        "divergence": divergences(logits).mean(dim=1),
        "jensen_shannon": jensen_shannon(logits).mean(dim=1),
        "logit_error": logit_errors(logits).mean(dim=1),
        "agreement": agreements(logits).mean(dim=1),
        "saliency_absolute": saliency_similarities(maps, action, signed=False).mean(dim=1),
        "saliency_signed": saliency_similarities(maps, action, signed=True).mean(dim=1),
        "noise_error": noise_errors(network, images, action, _generator()).mean(dim=1),
        "spread": spreads(logits[:, 0]),
    }
    assert {field.name for field in fields(found)} == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-12, err_msg=name)


def test_images_in_several_passes_give_the_same(monkeypatch):
    images, labels = _images(count=7), torch.arange(7) % 4

    def measure():
        arguments = {"generator": _generator(), "saliency_class": "label", "labels": labels}
        return measure_invariance(_perceptron(), images, _action(), **arguments)

    whole = measure()
    monkeypatch.setattr(invariance, "_INPUTS", 12)
    parts = measure()
    for field in fields(whole):
        if field.name != "noise_error":  # drawn pass by pass
            found, expected = getattr(parts, field.name), getattr(whole, field.name)
            np.testing.assert_allclose(found, expected, rtol=1e-10, err_msg=field.name)


@every_group
@pytest.mark.parametrize("scale", [0.1, 3.0])
def test_scaling_the_logits_scales_the_errors_and_nothing_else(group, n, scale):
    network = _perceptron()
    plain = _summary(network, group, n)
    scaled = _summary(lambda images: scale * network(images), group, n)
    for name in ("logit_error", "noise_error", "spread"):
        np.testing.assert_allclose(
            getattr(scaled, name), scale**2 * getattr(plain, name), rtol=TOLERANCE["scale"]
        )
    before, after = plain.summary(), scaled.summary()
    unchanged = ["relative_logit_error", "selectivity", "agreement"]
    for name in [*unchanged, "saliency_absolute", "saliency_signed"]:
        assert after[name] == pytest.approx(before[name], rel=TOLERANCE["scale"]), name
    assert after["divergence"] != pytest.approx(before["divergence"], rel=0.01)


@every_group
def test_the_identity_map_is_as_sensitive_to_the_group_as_to_noise(group, n):
    summary = _summary(lambda images: images.flatten(1), group, n).summary()
    assert summary["selectivity"].value == pytest.approx(1, abs=1e-12)
    assert summary["selectivity"].uncertainty < 1e-12


def test_noise_of_a_linear_classifier_has_its_closed_form():
    network, images, action = _linear(), _images(count=1), _action()
    found = noise_errors(network, images.expand(4000, -1, -1, -1), action, _generator())
    moved = action.poses(images)[0]
    norms = (moved[1:] - moved[:1]).flatten(1).square().sum(dim=1)
    expected = 0.5 * network[1].weight.square().sum() * norms / images[0].numel()
    error = found.std(dim=0) / len(found) ** 0.5
    assert ((found.mean(dim=0) - expected).abs() < 4 * error).all()
    assert (error < 0.02 * expected).all()


def test_maps_of_a_linear_classifier_are_its_weights_at_every_pose():
    network, images, action = _linear(), _images() - 0.5, _action()
    maps = saliency_of_poses(network, images, action)
    weights = network[1].weight.detach()[network(images).argmax(dim=1)]
    assert len(weights.unique(dim=0)) > 1
    expected = weights.reshape(-1, 1, 2, SIDE, SIDE).expand(-1, 4, -1, -1, -1)
    torch.testing.assert_close(maps, expected, rtol=0, atol=0)
    back = [np.rot90(expected[:, 0].numpy(), -k, axes=(2, 3)).reshape(5, -1) for k in range(4)]
    for signed in (True, False):
        kept = back if signed else [np.abs(rows) for rows in back]
        cosines = [
            1 - scipy.spatial.distance.cosine(kept[0][i], kept[k][i])
            for i in range(5)
            for k in range(1, 4)
        ]
        found = saliency_similarities(maps, action, signed=signed).ravel()
        np.testing.assert_allclose(found, cosines, rtol=0, atol=1e-13)


def test_the_class_is_that_of_the_upright_image_or_its_label():
    network, images, action = _perceptron(), _images(), _action()
    predicted = network(images).argmax(dim=1)
    by_default = saliency_of_poses(network, images, action)
    labels = (predicted + 1) % 4
    for classes, maps in (
        (predicted, by_default),
        (labels, saliency_of_poses(network, images, action, "label", labels)),
    ):
        for pose in range(4):
            inputs = action.poses(images)[:, pose].requires_grad_()
            chosen = network(inputs)[range(5), classes].sum()
            (expected,) = torch.autograd.grad(chosen, inputs)
            torch.testing.assert_close(maps[:, pose], expected)


def test_similarity_of_maps_that_vanish():
    maps = torch.zeros(4, 2, 1, SIDE, SIDE, dtype=torch.float64)
    maps[1, 0] = maps[2, 1] = 1e-100
    maps[3] = float("nan")
    action = _action(n=2)
    for signed in (True, False):
        found = saliency_similarities(maps, action, signed=signed)[:, 0]
        assert found[:3].tolist() == [1.0, 0.0, 0.0]
        assert found[3].isnan()


def test_tiny_maps_are_compared_as_well_as_large_ones():
    maps = torch.full((1, 2, 1, SIDE, SIDE), 1e-100, dtype=torch.float64)
    assert saliency_similarities(maps, _action(n=2), signed=True).item() == pytest.approx(1)


@pytest.mark.parametrize("n", [3, 6, 8, 16])
def test_a_round_filter_is_nearly_invariant_under_interpolated_rotations(n):
    """The saliency of a round spot is a round spot: turned back, the same up to interpolation."""
    y, x = np.indices((16, 16)) - 7.5
    spot = torch.from_numpy(np.exp(-(x**2 + y**2) / 18))
    images = torch.rand(4, 1, 16, 16, generator=_generator(), dtype=torch.float64)
    images *= (spot > 0.1) * 1.0  # nothing is turned out of the frame

    def network(images):
        response = (images * spot).sum(dim=(1, 2, 3))
        return torch.stack([response, -response], dim=1)

    found = measure_invariance(
        network, images, _action("cyclic-rotation", n, 16), generator=_generator()
    )
    assert (found.saliency_signed > 0.999).all()
    assert found.summary()["selectivity"].value < 1e-2


def test_a_constant_classifier_has_no_ratio():
    network = nn.Sequential(nn.Flatten(), nn.Linear(2 * SIDE**2, 3)).double()
    nn.init.zeros_(network[1].weight)
    summary = _summary(network).summary()
    assert summary["logit_error"].value == 0
    assert summary["saliency_signed"].value == 1
    assert np.isnan(summary["selectivity"].value)
    assert np.isnan(summary["relative_logit_error"].value)


def test_shifted_images_are_measured_like_any_others():
    network = _perceptron().float()
    shifted = shifted_sets(_images().float().numpy(), ["inversion", "noise"], 1.0, seed=0)
    for images in shifted.values():
        found = _summary(network, images=torch.from_numpy(images))
        assert all(np.isfinite(getattr(found, field.name)).all() for field in fields(found))


# The regulariser.


def _seen_by(group, n, images):
    """The second moment of gx - x over images and pairs, and the mean of all poses, as matrices."""
    pixels = images[0].numel()
    side = images.shape[-1]
    basis = action_of(group).apply(np.eye(pixels).reshape(pixels, side, side), n)
    maps = basis.reshape(pixels, -1, pixels).transpose(1, 2, 0)  # (element, to pixel, from pixel)
    flat = images.flatten(1).numpy()
    differences = np.einsum("gpq,iq->igp", maps[1:], flat) - flat[:, None]
    moment = np.einsum("igp,igq->pq", differences, differences) / np.prod(differences.shape[:2])
    return moment, maps.mean(axis=0)


@pytest.mark.parametrize(("group", "n"), [("cyclic-rotation", 4), ("cyclic-shift", 4)])
def test_alone_it_takes_a_linear_network_to_its_invariant_part(group, n):
    images = torch.randn(64, 1, 4, 4, generator=_generator(), dtype=torch.float64)
    moment, projection = _seen_by(group, n, images)
    network, action = _linear(inputs=16), _action(group, n, 4)
    weight = network[1].weight
    start = weight.detach().clone()
    orbits = action.poses(images)

    def loss():
        logits = network(orbits.flatten(0, 1)).unflatten(0, orbits.shape[:2])
        return invariance_loss(logits[:, :1], logits[:, 1:], strength=1.0).mean()

    quadratic = 0.5 * np.trace(start.numpy() @ moment @ start.numpy().T)
    assert loss().item() == pytest.approx(quadratic, rel=TOLERANCE["formula"])
    optimizer = torch.optim.SGD(network.parameters(), lr=1 / np.linalg.norm(moment, 2))
    gains = [np.linalg.norm(start, 2)]
    for _ in range(300):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        gains.append(np.linalg.norm(weight.detach(), 2))
    expected = start.numpy() @ projection
    np.testing.assert_allclose(weight.detach(), expected, rtol=0, atol=TOLERANCE["linear limit"])
    assert (np.diff(gains) <= TOLERANCE["formula"]).all()
    assert gains[-1] == pytest.approx(np.linalg.norm(expected, 2), rel=TOLERANCE["linear limit"])
    assert gains[-1] < 0.9 * gains[0]


def test_its_gradient_flows_through_both_branches():
    logits = torch.randn(2, 3, 4, generator=_generator(), dtype=torch.float64).requires_grad_()
    loss = invariance_loss(logits[:, :1], logits[:, 1:], strength=0.5)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    differences = (logits[:, 1:] - logits[:, :1]).detach() / 2
    torch.testing.assert_close(gradient[:, 1:], differences)
    torch.testing.assert_close(gradient[:, 0], -differences.sum(dim=1))


@pytest.mark.parametrize("strength", [0.0, 0.1, 10.0])
def test_the_strength_multiplies_the_logit_error(strength):
    logits = torch.randn(3, 2, 4, generator=_generator(), dtype=torch.float64)
    expected = strength * logit_errors(logits)
    torch.testing.assert_close(invariance_loss(logits[:, :1], logits[:, 1:], strength), expected)


@pytest.mark.parametrize("strength", [float("nan"), float("inf"), -float("inf"), -1.0])
def test_a_strength_that_is_no_finite_number_from_0_up_is_refused(strength):
    with pytest.raises(TrainingError, match=f"a finite number from 0 up, not {strength}$"):
        poses({"group": "cyclic-rotation", "n": 4, "strength": strength})


# Bad input.


def test_missing_labels_are_refused():
    with pytest.raises(ValueError, match="needs the labels of the images"):
        measure_invariance(
            _perceptron(), _images(), _action(), generator=_generator(), saliency_class="label"
        )


def test_images_that_the_group_does_not_act_on_are_refused():
    with pytest.raises(ValueError, match="set up for 8 x 8 pixels, not 6 x 6"):
        measure_invariance(_perceptron(), _images(), _action(side=8), generator=_generator())


def test_a_group_of_one_element_is_refused():
    with pytest.raises(ValueError, match="between two poses or more, not one"):
        _summary(_perceptron(), n=1)


def test_a_single_image_is_refused():
    with pytest.raises(ValueError, match="needs at least two images"):
        _summary(_perceptron(), images=_images(count=1))
