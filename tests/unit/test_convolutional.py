import copy

import pytest
import torch

from symlearn.networks.convolutional import (
    alexnet,
    efficientnet_b0,
    lenet,
    normalise_by_batch,
    resnet,
    vgg,
)
from symlearn.networks.dropout import Dropout

CIFAR, MNIST = (3, 32, 32), (1, 28, 28)
# Of a width at which a test takes a moment.
NARROW = [
    (lenet, {"width": 3}),
    (alexnet, {"width": 4}),
    (vgg, {"depth": 11, "width": 4}),
    (vgg, {"depth": 11, "width": 4, "norm": True}),
    (vgg, {"depth": 16, "width": 4}),
    (vgg, {"depth": 16, "width": 4, "norm": True}),
    (resnet, {"width": 4}),
    (efficientnet_b0, {"width": 8}),
]
SMALL = [
    (lenet, {}),
    (vgg, {"depth": 11, "width": 4, "norm": True}),
    (resnet, {"width": 4, "blocks": (1, 1, 1)}),
]


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


# As counted by the authors of the networks, or on the repositories that brought them to CIFAR-10.
@pytest.mark.parametrize(
    ("builder", "settings", "shape", "classes", "published"),
    [
        (lenet, {}, MNIST, 10, 44_426),
        (lenet, {}, CIFAR, 10, 62_006),
        (vgg, {"depth": 11}, CIFAR, 10, 9_225_610),
        (vgg, {"depth": 11, "norm": True}, CIFAR, 10, 9_231_114),
        (vgg, {"depth": 16}, CIFAR, 10, 14_719_818),
        (vgg, {"depth": 16, "norm": True}, CIFAR, 10, 14_728_266),
        (vgg, {"depth": 19}, CIFAR, 10, 20_029_514),
        (vgg, {"depth": 19, "norm": True}, CIFAR, 10, 20_040_522),
        (alexnet, {}, CIFAR, 10, 23_272_266),
        (resnet, {}, CIFAR, 10, 11_173_962),
        (resnet, {"blocks": [3, 4, 6, 3]}, CIFAR, 10, 21_282_122),
        (efficientnet_b0, {"stem_stride": 2}, (3, 224, 224), 1000, 5_288_548),
    ],
)
def test_networks_have_the_published_number_of_parameters(
    builder, settings, shape, classes, published
):
    assert parameters(builder(shape, classes, **settings)) == published


@pytest.mark.parametrize(("builder", "settings"), NARROW)
@pytest.mark.parametrize("shape", [CIFAR, MNIST])
def test_every_network_maps_images_to_logits(builder, settings, shape):
    torch.manual_seed(0)
    images = torch.rand(3, *shape, dtype=torch.float64)
    network = builder(shape, 7, **settings).double()
    normalise_by_batch(network)
    logits = network.eval()(images)
    assert logits.shape == (3, 7)
    assert logits.std(dim=0).min() > 0


@pytest.mark.parametrize(("builder", "settings"), SMALL)
@pytest.mark.parametrize("side", [12, 13, 16, 20])
def test_some_take_the_images_of_the_quick_preset(builder, settings, side):
    network = builder((1, side, side), 10, **settings)
    assert network.eval()(torch.rand(2, 1, side, side)).shape == (2, 10)


@pytest.mark.parametrize(("builder", "settings"), NARROW)
def test_every_parameter_learns(builder, settings):
    torch.manual_seed(0)
    network = builder(MNIST, 10, **settings)
    for module in network.modules():
        if isinstance(module, Dropout):
            module.mask = module.draw(4, torch.default_generator)
    network(torch.rand(4, *MNIST)).square().sum().backward()
    silent = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert silent == []


def test_twice_the_width_is_four_times_the_parameters():
    ratio = parameters(resnet(CIFAR, 10, width=64)) / parameters(resnet(CIFAR, 10, width=32))
    assert ratio == pytest.approx(4.0, rel=0.01)


@pytest.mark.parametrize(("builder", "least"), [(lenet, 12), (alexnet, 16), (resnet, 8)])
def test_images_that_are_too_small_or_not_square_are_refused(builder, least):
    builder((1, least, least), 10)
    for shape in [(1, least - 1, least - 1), (1, 32, 28)]:
        with pytest.raises(ValueError, match=f"needs square images of {least} pixels or more"):
            builder(shape, 10)


def test_norms_of_untrained_networks_use_each_batch_in_evaluation_as_in_training():
    torch.manual_seed(0)
    network = vgg(MNIST, 10, width=4, norm=True).double()
    images = torch.rand(50, *MNIST, dtype=torch.float64)
    expected = [copy.deepcopy(network).train()(batch) for batch in (images, 3 * images + 1)]
    normalise_by_batch(network)
    for batch, logits in zip((images, 3 * images + 1), expected, strict=True):
        torch.testing.assert_close(network.eval()(batch), logits)
