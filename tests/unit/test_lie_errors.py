"""Standard errors of a classifier's Lie derivative over images."""

import numpy as np
import pytest
import torch
from torch import nn

from symlearn.measures.class_probabilities import classifier_errors, noise_responses


def _classifier():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.Tanh(), nn.Linear(24, 5))
    return network.double().eval().requires_grad_(False)


def _images(count, seed):
    """Of sizes that differ, so that the logits' variance does from set to set."""
    rng = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 1, 8, 8, generator=rng, dtype=torch.float64)
    return images * (0.3 + 2 * torch.rand(count, 1, 1, 1, generator=rng, dtype=torch.float64) ** 3)


def test_the_error_of_the_logits_ratio_is_its_spread_over_sets_of_images():
    network = _classifier()
    found = [
        classifier_errors(network, _images(40, seed), ["rotate"]).summary()["logits"][0]
        for seed in range(200)
    ]
    values, errors = np.array(found).T
    assert errors.mean() == pytest.approx(values.std(ddof=1), rel=0.15)


def test_the_logits_ratio_is_the_mean_over_images():
    found = classifier_errors(_classifier(), _images(30, 0), ["translate_x", "rotate"])
    for row, one in enumerate(found.summary()["logits"]):
        assert one.value == pytest.approx(float(found.logits[row].mean()))
    assert float(found.spread.mean()) == pytest.approx(1)


def test_responses_to_noise_are_those_to_drawn_noise():
    network, images = _classifier(), _images(3, 1)
    (expected,) = noise_responses(network, images, ["saturate"])  # X x is x itself
    rng = torch.Generator().manual_seed(2)
    noise = torch.randn(20_000, *images.shape, generator=rng, dtype=torch.float64)
    noise *= images.flatten(1).norm(dim=1)[:, None, None, None]
    noise /= (
        noise.flatten(2).norm(dim=2)[..., None, None, None]
        / images.flatten(1).norm(dim=1)[:, None, None, None]
    )
    probabilities = nn.Sequential(network, nn.Softmax(dim=1))
    for number, image in enumerate(images):
        jacobian = torch.autograd.functional.jacobian(probabilities, image[None])[0].flatten(1)
        drawn = (noise[:, number].flatten(1) @ jacobian.T).square().mean()
        assert float(expected[number]) == pytest.approx(float(drawn), rel=0.03)
