"""Lie derivatives against the authors' numbers, analytic derivatives, and double backward."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from symlearn.measures.equivariance import resample
from symlearn.measures.lie import (
    GENERATORS,
    Generator,
    Image,
    Tokens,
    Vector,
    lie_derivative,
    mean_absolute,
    mean_square,
    unfused_attention,
)
from symlearn.measures.lie_action import act

from .lie_networks import NETWORKS, PIXELS, images, network

STENCILS = ["forward", "forward-exact", "central", "spectral"]
GEOMETRIC = [name for name, generator in GENERATORS.items() if any(generator.moves)]
every_generator = pytest.mark.parametrize("generator", GENERATORS)
every_stencil = pytest.mark.parametrize("stencil", STENCILS)


def off(found, expected):
    """The largest difference, relative to the largest expected value."""
    return float((found - expected).abs().max() / expected.abs().max())


def authors_network(numbers):
    circular = {"padding": "same", "padding_mode": "circular"}
    net = nn.Sequential(
        nn.Conv2d(1, 6, 3, **circular),
        nn.GELU(),
        nn.Conv2d(6, 5, 3, **circular),
        nn.Tanh(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(80, 7),
        nn.Softmax(dim=-1),
    )
    weights = {key[2:]: torch.tensor(numbers[key]) for key in numbers if key.startswith("w/")}
    net.double().load_state_dict(weights)
    return net.eval()


@pytest.mark.parametrize("generator", [g for g in GENERATORS if not g.startswith("stretch")])
def test_it_is_the_authors_derivative(reference, generator):
    with np.load(reference / "lie_derivative_and_diffeo.npz") as numbers:
        net, points = authors_network(numbers), torch.tensor(numbers["images"])
        expected = torch.tensor(numbers[f"lie/{generator}"])
    found = lie_derivative(net, points, generator)
    assert (found - expected).abs().max() <= 1e-12
    # The reference is of 16 pixels, where two columns are backward differences by rounding.
    if generator != "saturate":
        assert off(lie_derivative(net, points, generator, "forward-exact"), expected) > 1e-2


@pytest.mark.parametrize(
    ("pixels", "dtype", "backward"),
    [
        (224, torch.float32, 36),
        (64, torch.float32, 25),
        (14, torch.float32, 5),
        (16, torch.float64, 2),
        (64, torch.float64, 0),
    ],
)
def test_the_forward_stencil_is_rounded_where_the_authors_is(pixels, dtype, backward):
    line = torch.arange(pixels, dtype=dtype).square().reshape(1, 1, 1, pixels)
    difference = act(line, Image(), GENERATORS["translate_x"], "forward", (1, pixels)).flatten()
    steps = torch.round(difference / ((pixels - 1) / 2)).long()
    j = torch.arange(pixels)
    rounded = steps[1:-1] == 2 * j[1:-1] - 1  # j^2 - (j - 1)^2
    assert int(rounded.sum()) == backward
    assert torch.equal(steps[1:-1][~rounded], 2 * j[1:-1][~rounded] + 1)


@every_generator
@pytest.mark.parametrize("name", NETWORKS)
def test_forward_mode_is_double_backward(name, generator):
    net, points = network(name), images()
    tangent = act(points, Image(), GENERATORS[generator], "forward", (PIXELS, PIXELS))
    with unfused_attention():
        _, expected = torch.autograd.functional.jvp(net, points, tangent)
    assert off(lie_derivative(net, points, generator), expected) <= 1e-10


def band_limited(pixels, shift=0.3):
    """An image of three waves on the torus and its derivatives by pixel along x and y."""
    y, x = torch.meshgrid(*[torch.arange(pixels, dtype=torch.float64)] * 2, indexing="ij")
    value, by_x, by_y = torch.zeros(3, pixels, pixels, dtype=torch.float64)
    for m, n, amplitude in ((1, 0, 1.0), (2, -3, 0.5), (3, 1, -0.7)):
        phase = 2 * math.pi * (m * x + n * y) / pixels + shift
        value = value + amplitude * phase.cos()
        by_x = by_x - amplitude * phase.sin() * 2 * math.pi * m / pixels
        by_y = by_y - amplitude * phase.sin() * 2 * math.pi * n / pixels
    return value, by_x, by_y


def analytic(generator, pixels):
    value, by_x, by_y = band_limited(pixels)
    v, u = torch.meshgrid(*[torch.linspace(-1, 1, pixels, dtype=torch.float64)] * 2, indexing="ij")
    velocity = {
        "translate_x": (1, 0),
        "translate_y": (0, 1),
        "rotate": (v, -u),
        "hyperbolic": (v, u),
        "scale": (-u, -v),
        "shear_x": (v, 0),
        "shear_y": (0, u),
        "stretch_x": (u, 0),
        "stretch_y": (0, v),
    }[generator]
    per_unit = (pixels - 1) / 2
    return value, per_unit * (velocity[0] * by_x + velocity[1] * by_y)


def stencil_error(generator, stencil, pixels):
    value, expected = analytic(generator, pixels)
    found = lie_derivative(nn.Flatten().eval(), value[None, None], generator, stencil)
    inner = slice(1, -1)
    return off(found.reshape(pixels, pixels)[inner, inner], expected[inner, inner])


@pytest.mark.parametrize("generator", GEOMETRIC)
@pytest.mark.parametrize("pixels", [15, 16])
def test_the_spectral_stencil_is_exact_for_band_limited_images(generator, pixels):
    assert stencil_error(generator, "spectral", pixels) <= 1e-12


@pytest.mark.parametrize("generator", GEOMETRIC)
@pytest.mark.parametrize(("stencil", "order"), [("forward-exact", 1), ("central", 2)])
def test_stencils_converge_at_their_order(generator, stencil, order):
    coarse, fine = (stencil_error(generator, stencil, pixels) for pixels in (64, 128))
    assert coarse / fine == pytest.approx(2**order, rel=0.1)


@pytest.mark.parametrize("generator", GENERATORS)
def test_finite_differences_of_the_resampling_converge_to_the_central_stencil(generator):
    points, step = images(2), 1e-7
    moved = [resample(points, generator, sign * step) for sign in (1, -1)]
    expected = lie_derivative(nn.Flatten().eval(), points, generator, "central")
    assert off((moved[0] - moved[1]).flatten(1) / (2 * step), expected) <= 2e-6


@pytest.mark.parametrize("generator", GEOMETRIC)
def test_from_above_the_resampling_takes_the_pixel_that_the_coordinate_moves_to(generator):
    points, step = images(2), 1e-7
    found = (resample(points, generator, step) - points) / step
    v, u = (torch.linspace(-1, 1, count).double() for count in points.shape[-2:])
    expected = torch.zeros_like(points)
    for (by_u, by_v, constant), axis in zip(GENERATORS[generator].field, (-1, -2), strict=True):
        speed = (points.shape[axis] - 1) / 2 * (by_u * u + by_v * v[:, None] + constant)
        ahead, behind = (reflected(points, axis, offset) for offset in (1, -1))
        expected += (ahead - points) * speed.clamp(min=0) + (points - behind) * speed.clamp(max=0)
    assert off(found, expected) <= 2e-6
    forward = lie_derivative(nn.Flatten().eval(), points, generator, "forward-exact")
    falls = not generator.startswith("translate")  # some pixels' coordinates
    assert (off(found.flatten(1), forward) > 0.1) == falls


def reflected(points, axis, offset):
    """The neighbour of each pixel along an axis; beyond the border images are reflected."""
    last = points.shape[axis] - 1
    where = (torch.arange(last + 1) + offset).abs()
    return points.index_select(axis, last - (last - where).abs())


coefficient = st.floats(-3, 3)


@settings(max_examples=20)
@given(
    a=coefficient, b=coefficient, one=st.sampled_from(GEOMETRIC), other=st.sampled_from(GEOMETRIC)
)
def test_it_is_linear_in_the_generator(a, b, one, other):
    fields = np.array([GENERATORS[name].field for name in (one, other)])
    sum_field = tuple(map(tuple, (a * fields[0] + b * fields[1]).tolist()))
    combined = Generator("combined", sum_field)
    net, points = network("mixing"), images(2)
    one, other = (lie_derivative(net, points, name) for name in (one, other))
    found = lie_derivative(net, points, combined)
    assert (found - a * one - b * other).abs().max() <= 1e-11 * (one.abs() + other.abs()).max()


@settings(max_examples=10)
@given(a=coefficient, b=coefficient, stencil=st.sampled_from(STENCILS))
def test_it_is_linear_in_the_network(a, b, stencil):
    one, other, points = network("mixing"), network("residual"), images(2)
    found = lie_derivative(lambda x: a * one(x) + b * other(x), points, "rotate", stencil)
    parts = [lie_derivative(net, points, "rotate", stencil) for net in (one, other)]
    expected = a * parts[0] + b * parts[1]
    assert (found - expected).abs().max() <= 1e-12 * max(p.abs().max() for p in parts)


@given(c=coefficient)
def test_reductions_scale_as_they_should_and_do_not_see_copies(c):
    values = images(4)
    assert torch.allclose(mean_square(c * values), c**2 * mean_square(values))
    assert torch.allclose(mean_absolute(c * values), abs(c) * mean_absolute(values))
    twice = torch.cat([values, values], dim=1)
    assert torch.allclose(mean_square(twice), mean_square(values))
    assert torch.allclose(mean_absolute(twice), mean_absolute(values))


def test_reductions_are_equation_4_and_the_released_code():
    derivative = torch.tensor([[3.0, -4.0], [0.0, 2.0]])
    assert mean_square(derivative).tolist() == [12.5, 2.0]
    assert mean_absolute(derivative).tolist() == [3.5, 1.0]


@every_generator
@every_stencil
def test_the_identity_is_equivariant(generator, stencil):
    points = images(2)
    assert lie_derivative(lambda x: x, points, generator, stencil, output="image").abs().max() == 0
    assert lie_derivative(lambda x: 0 * x[:, 0, 0], points, generator, stencil).abs().max() == 0


@every_generator
@every_stencil
def test_tokens_and_other_axes_are_images_in_another_order(generator, stencil):
    net = nn.Conv2d(3, 4, 3, stride=2, padding=1).double().eval()
    points = images(2)[:, :, :, :12] if not GENERATORS[generator].square else images(2)
    expected = lie_derivative(net, points, generator, stencil, output="image")
    rows, cols = expected.shape[2:]

    def last(x):
        return net(x).movedim(1, 3)

    def tokens(x):
        flat = last(x).flatten(1, 2)
        return torch.cat([flat[:, :2], flat], dim=1)

    by_axes = lie_derivative(last, points, generator, stencil, output=Image(1, 2))
    assert (by_axes.movedim(3, 1) - expected).abs().max() <= 1e-12
    layout = Tokens(axis=1, extra=2, size=(rows, cols))
    by_token = lie_derivative(tokens, points, generator, stencil, output=layout)
    found = by_token[:, 2:].unflatten(1, (rows, cols)).movedim(3, 1)
    assert (found - expected).abs().max() <= 1e-12
    invariant = lie_derivative(last, points, generator, stencil, output=Vector())
    assert (by_token[:, :2] - invariant.flatten(1, 2)[:, :2]).abs().max() <= 1e-12


def test_a_network_of_the_centre_alone_is_invariant_under_rotations():
    points, centre = images(2, pixels=15), lambda x: x[:, :, 7, 7]
    assert lie_derivative(centre, points, "rotate").abs().max() <= 1e-14
    assert lie_derivative(centre, points, "translate_x").abs().max() > 1


def test_a_network_of_degree_one_is_equivariant_under_saturation():
    net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.ReLU()).double().eval()
    points = images(2)
    assert lie_derivative(net, points, "saturate", output="image").abs().max() <= 1e-14
    assert lie_derivative(net, points, "saturate", output=Vector()).abs().max() > 0.1

    def direction(x):
        return nn.functional.normalize(x.flatten(1))

    assert lie_derivative(direction, points, "saturate").abs().max() <= 1e-15


@pytest.mark.parametrize("activation", [nn.Identity, nn.ReLU, nn.GELU, nn.Tanh])
def test_circular_convolutions_are_equivariant_under_spectral_translation(activation):
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), activation(), nn.Flatten(2)
    )
    net.double().eval()
    points, pooled = images(2), lambda x: net(x).mean(-1)
    found = lie_derivative(pooled, points, "translate_x", "spectral").abs().max()
    assert found <= 1e-13 if activation is nn.Identity else found > 1e-3


def test_images_do_not_see_each_other_and_precision_is_theirs():
    net, points = network("attending"), images(3)
    whole = lie_derivative(net, points, "rotate", "central")
    one_by_one = torch.cat([lie_derivative(net, x[None], "rotate", "central") for x in points])
    assert off(one_by_one, whole) <= 1e-12
    single = lie_derivative(net.float(), points.float(), "rotate", "central")
    assert single.dtype == torch.float32
    assert off(single.double(), whole) <= 1e-4


def test_images_that_share_memory_and_need_gradients_are_taken():
    net, points = network("mixing"), images(1)
    expected = lie_derivative(net, points, "rotate")
    shared = points.requires_grad_().expand(3, -1, -1, -1)
    assert off(lie_derivative(net, shared, "rotate"), expected.expand(3, -1)) <= 1e-12


def test_pixel_units_are_those_of_the_border():
    points = images(2)[:, :, :, :9]
    flat = nn.Flatten().eval()
    by_pixel = lie_derivative(flat, points, "translate_x", "forward-exact", units="pixel")
    found = by_pixel.reshape(points.shape)[..., :-1]
    assert off(found, points.diff(dim=3)) <= 1e-14
    rows = lie_derivative(flat, points, "shear_y", units="pixel")
    assert off(rows * 7.5, lie_derivative(flat, points, "shear_y")) <= 1e-14
