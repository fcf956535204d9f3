"""Errors of classifiers against derivatives taken one by one, and what confidence does to them."""

import pytest
import torch
from torch import nn

from symlearn.measures.class_probabilities import classifier_errors, decisions, probabilities
from symlearn.measures.lie import MeasureError, lie_derivative, mean_absolute, mean_square

IMAGES = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def network(scale=1.0):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.GELU(), nn.Flatten(), nn.Linear(144, 6)).double()
    with torch.no_grad():
        net[3].weight *= scale
        net[3].bias *= scale
    return net.eval()


@pytest.mark.parametrize("batch", [2, 5])
def test_they_are_the_derivatives_of_logits_and_of_probabilities(batch):
    net, names = network(), ["rotate", "translate_x", "saturate"]
    found = classifier_errors(net, IMAGES, names, batch=batch)
    variance = net(IMAGES).detach().var(dim=0, correction=0).mean()
    for row, name in enumerate(names):
        shares = lie_derivative(probabilities(net), IMAGES, name, "forward")
        logits = lie_derivative(net, IMAGES, name, "forward")
        torch.testing.assert_close(found.square[row], mean_square(shares))
        torch.testing.assert_close(found.absolute[row], mean_absolute(shares))
        torch.testing.assert_close(found.logits[row], mean_square(logits) / variance)


def test_confidence_changes_the_error_of_probabilities_and_not_that_of_logits():
    timid, plain, sure = (
        classifier_errors(network(scale), IMAGES, ["rotate"]) for scale in (1e-3, 1, 1e4)
    )
    torch.testing.assert_close(timid.logits, plain.logits)
    torch.testing.assert_close(sure.logits, plain.logits)
    assert (timid.square < 1e-4 * plain.square).all()
    assert (sure.square < 1e-4 * plain.square).all()


def test_a_network_in_training_mode_is_refused():
    with pytest.raises(MeasureError, match="evaluation mode"):
        classifier_errors(network().train(), IMAGES, ["rotate"])


def test_decisions_are_taken_in_blocks_and_are_those_of_all_images_at_once():
    net = network(scale=10.0)
    sizes = []
    net.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    whole, parts = decisions(net, IMAGES), decisions(net, IMAGES, batch=2)
    assert sizes == [5, 2, 2, 1]
    assert torch.equal(parts.classes, whole.classes)
    torch.testing.assert_close(parts.confidence, whole.confidence, rtol=1e-12, atol=0)
    assert torch.equal(whole.classes, net(IMAGES).argmax(dim=1))
