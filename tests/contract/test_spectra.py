"""Gains of layers against dense algebra and closed forms; gradients and noise on linear maps."""

import numpy as np
import pytest
import torch
from torch import nn

from symlearn.measures import spectra
from symlearn.measures.spectra import (
    input_gradient_norms,
    jacobian_singular_values,
    largest_singular_values,
    noise_sensitivities,
    singular_values,
)

TOLERANCE = {"dense": 1e-13, "fft": 1e-12, "lanczos": 1e-9}
# channels in, channels out, keywords
CIRCULAR = {
    "3x3": (3, 4, {"kernel_size": 3, "padding": 1}),
    "wide": (2, 2, {"kernel_size": 7, "padding": 3}),
    "even": (2, 3, {"kernel_size": 4, "padding": "same"}),
    "dilated": (2, 3, {"kernel_size": 3, "padding": 2, "dilation": 2}),
    "grouped": (4, 6, {"kernel_size": 3, "padding": 1, "groups": 2}),
    "oblong": (1, 2, {"kernel_size": (1, 5), "padding": (0, 2)}),
}
OTHERS = {
    "zeros": (3, 4, {"kernel_size": 3, "padding": 1}),
    "valid": (2, 5, {"kernel_size": 5}),
    "strided": (3, 4, {"kernel_size": 3, "padding": 1, "stride": 2}),
    "reflected": (2, 3, {"kernel_size": 3, "padding": 1, "padding_mode": "reflect"}),
    "strided-circular": (
        2, 3, {"kernel_size": 3, "padding": 1, "stride": 2, "padding_mode": "circular"}
    ),
    "larger-circular": (2, 3, {"kernel_size": 1, "padding": 1, "padding_mode": "circular"}),
    "grouped": (4, 4, {"kernel_size": 3, "padding": 1, "groups": 4}),
}  # fmt: skip
SIDE = (13, 11)  # more pixels, with two channels, than are made a matrix


def _generator():
    return torch.Generator().manual_seed(0)


def _convolution(inside, outside, **keywords):
    layer = nn.Conv2d(inside, outside, dtype=torch.float64, **keywords)
    nn.init.normal_(layer.weight, generator=_generator())
    return layer


def _dense(layer, shape):
    """The layer as a matrix, from its values on single pixels."""
    basis = torch.eye(int(np.prod(shape)), dtype=torch.float64).reshape(-1, *shape)
    with torch.no_grad():
        return (layer(basis) - layer(torch.zeros_like(basis))).flatten(1).numpy().T


def _norm(layer, shape, tolerance=1e-10):
    return largest_singular_values(layer, shape, tolerance).product


@pytest.mark.parametrize(("inside", "outside", "keywords"), CIRCULAR.values(), ids=CIRCULAR)
def test_circular_convolutions_are_exact(inside, outside, keywords, monkeypatch):
    monkeypatch.delattr(spectra, "_by_lanczos")
    monkeypatch.setattr(spectra, "_DENSE", 0)
    shape = (inside, *SIDE)
    layer = _convolution(inside, outside, padding_mode="circular", **keywords)
    expected = np.linalg.norm(_dense(layer, shape), 2)
    assert _norm(layer, shape) == pytest.approx(expected, rel=TOLERANCE["fft"])


@pytest.mark.parametrize(("inside", "outside", "keywords"), OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize(("side", "method"), [(SIDE, "lanczos"), ((6, 7), "dense")])
def test_other_convolutions_agree_with_their_matrix(inside, outside, keywords, side, method):
    shape = (inside, *side)
    layer = _convolution(inside, outside, **keywords)
    expected = np.linalg.norm(_dense(layer, shape), 2)
    assert _norm(layer, shape) == pytest.approx(expected, rel=TOLERANCE[method])


@pytest.mark.parametrize("keywords", [{"padding": 1}, {"padding": 1, "padding_mode": "circular"}])
@pytest.mark.parametrize("side", [SIDE, (4, 5)])
def test_singular_values_are_those_of_the_matrix(keywords, side):
    shape, count = (3, *side), 12
    layer = _convolution(3, 4, kernel_size=3, **keywords)
    expected = np.linalg.svd(_dense(layer, shape), compute_uv=False)[:count]
    (found,) = singular_values(layer, shape, count).values()
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_singular_values_of_a_dense_layer_are_all_of_its_weights():
    layer = nn.Linear(12, 5).double()
    (found,) = singular_values(nn.Sequential(nn.Flatten(), layer), (1, 3, 4), 256).values()
    weights = layer.weight.detach().numpy()
    np.testing.assert_allclose(found, np.linalg.svd(weights, compute_uv=False), rtol=1e-12)


def test_the_jacobian_s_singular_values_are_those_of_its_matrix():
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 7), nn.Tanh(), nn.Linear(7, 4)).double()
    images = torch.randn(3, 1, 3, 4, generator=_generator()).double()
    found = jacobian_singular_values(network, images)
    for image, values in zip(images, found, strict=True):
        jacobian = torch.autograd.functional.jacobian(network, image[None]).reshape(4, 12)
        expected = np.linalg.svd(jacobian.numpy(), compute_uv=False)
        np.testing.assert_allclose(values.detach(), expected, rtol=1e-10)
    norms = input_gradient_norms(network, images)
    torch.testing.assert_close(found.square().sum(dim=1).sqrt(), norms)


def test_a_looser_tolerance_is_met():
    layer = _convolution(3, 4, kernel_size=3, padding=1)
    shape = (3, *SIDE)
    expected = np.linalg.norm(_dense(layer, shape), 2)
    assert _norm(layer, shape, tolerance=1e-3) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("rows", [4, 20])
def test_a_box_filter_has_the_gain_of_its_closed_form(rows):
    """Zero-padded ones over 3 x 3 pixels: a product of tridiagonal Toeplitz matrices."""
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.ones_(layer.weight)
    gain = 1 + 2 * np.cos(np.pi / (rows + 1))
    assert _norm(layer, (1, rows, rows)) == pytest.approx(gain**2, rel=TOLERANCE["lanczos"])


def test_a_circular_box_filter_passes_the_mean():
    layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")
    nn.init.ones_(layer.weight)
    assert _norm(layer, (1, 9, 9)) == pytest.approx(9, rel=TOLERANCE["fft"])


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("side", [4, 20])
def test_a_layer_of_zeros_has_no_gain(mode, side):
    layer = nn.Conv2d(1, 2, 3, padding=1, padding_mode=mode)
    nn.init.zeros_(layer.weight)
    assert _norm(layer, (1, side, side)) == 0


def test_a_dense_layer_has_the_largest_of_its_singular_values():
    left, right = (torch.linalg.qr(torch.randn(5, 5, generator=_generator()).double())[0],) * 2
    layer = nn.Linear(5, 5).double()
    layer.weight.data = left @ torch.diag(torch.tensor([0.1, 3.0, 2.0, 0.5, 1.0])).double() @ right
    assert _norm(nn.Sequential(nn.Flatten(), layer), (1, 1, 5)) == pytest.approx(
        3.0, rel=TOLERANCE["dense"]
    )


def _network():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(3, 2, 3), nn.Dropout(0.5), nn.ReLU(), nn.Flatten(), nn.Linear(8, 4),
    )  # fmt: skip


def test_each_layer_is_measured_on_what_reaches_it():
    network = _network()
    found = largest_singular_values(network, (1, 8, 8))
    expected = {
        "0": np.linalg.norm(_dense(network[0].double(), (1, 8, 8)), 2),
        "4": np.linalg.norm(_dense(network[4].double(), (3, 4, 4)), 2),
        "8": np.linalg.norm(network[8].double().weight.detach(), 2),
    }
    assert found.by_layer == pytest.approx(expected, rel=1e-12)
    assert list(found.by_layer) == list(expected)
    assert found.product == pytest.approx(np.prod(list(expected.values())), rel=1e-12)


def test_the_network_and_the_global_random_numbers_are_left_alone():
    network, state = _network(), torch.random.get_rng_state()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    largest_singular_values(network, (1, 8, 8))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network[0].bias.requires_grad
    assert not network[0]._forward_pre_hooks
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_product_bounds_how_far_outputs_move():
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(4 * 64, 16), nn.ReLU(), nn.Linear(16, 4),
    ).double()  # fmt: skip
    bound = largest_singular_values(network, (1, 8, 8)).product
    x, y = torch.randn(2, 50, 1, 8, 8, generator=_generator(), dtype=torch.float64)
    moved = (network(x) - network(y)).norm(dim=1) / (x - y).flatten(1).norm(dim=1)
    assert 0.01 * bound < moved.max() <= bound


def test_gradient_norms_are_those_of_the_jacobian():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 9), nn.Tanh(), nn.Linear(9, 3)).double()
    images = torch.randn(5, 1, 4, 4, generator=_generator(), dtype=torch.float64)
    jacobians = torch.func.vmap(torch.func.jacrev(lambda x: network(x[None])[0]))(images)
    expected = jacobians.flatten(1).norm(dim=1)
    torch.testing.assert_close(input_gradient_norms(network, images), expected.detach())


def test_small_noise_moves_outputs_as_the_gradient_says():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 9), nn.Tanh(), nn.Linear(9, 3)).double()
    image = torch.randn(1, 1, 4, 4, generator=_generator(), dtype=torch.float64)
    norms = torch.full((20_000,), 1e-3, dtype=torch.float64)
    found = noise_sensitivities(network, image.repeat(20_000, 1, 1, 1), norms, _generator())
    expected = 0.5 * input_gradient_norms(network, image)[0] ** 2 * 1e-6 / 16
    error = found.std() / len(found) ** 0.5
    assert abs(found.mean() - expected) < 4 * error
    assert error < 0.02 * expected


def test_noise_has_the_norm_asked_for_in_every_image():
    images = torch.randn(6, 2, 4, 4, generator=_generator(), dtype=torch.float64)
    norms = torch.tensor([0.0, 0.5, 1.0, 2.0, 3.0, 10.0], dtype=torch.float64)
    found = noise_sensitivities(lambda x: x.flatten(1), images, norms, _generator())
    torch.testing.assert_close(found, 0.5 * norms**2, rtol=1e-12, atol=0)


def test_the_same_generator_draws_the_same_noise():
    images = torch.zeros(3, 1, 4, 4)
    first, again = (
        noise_sensitivities(lambda x: x.flatten(1)[:, :2], images, torch.ones(3), _generator())
        for _ in range(2)
    )
    assert torch.equal(first, again)
    assert len(first.unique()) == 3
