"""The terms of a Lie derivative: they add up, and each is what the chain rule says."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from symlearn.measures.layers import decompose
from symlearn.measures.lie import GENERATORS, Image, Tokens, Vector, lie_derivative
from symlearn.measures.lie_action import act
from symlearn.networks.vision_transformer import VisionTransformer

from .lie_networks import CLASSES, NETWORKS, PIXELS, images, network

SIZE = (PIXELS, PIXELS)


def vision_transformer():
    torch.manual_seed(0)
    net = VisionTransformer(
        (3, PIXELS, PIXELS), CLASSES, patch=4, width=8, depth=2, heads=2, head_width=4, mlp_width=16
    )
    return net.double().eval()


def chosen(name):
    return vision_transformer() if name == "vision-transformer" else network(name)


every_network = pytest.mark.parametrize("name", [*NETWORKS, "vision-transformer"])


@every_network
@pytest.mark.parametrize("generator", ["translate_x", "rotate", "saturate"])
@pytest.mark.parametrize("stencil", ["forward", "spectral"])
def test_the_terms_add_up_to_the_whole(name, generator, stencil):
    net, points = chosen(name), images(2)
    parts = decompose(net, points, generator, stencil)
    assert torch.equal(parts.whole, lie_derivative(net, points, generator, stencil))
    assert parts.closure.abs().max() <= 1e-10 * max(1.0, float(parts.whole.abs().max()))
    # Not because one term holds it all.
    assert (parts.squared_norms.mean(dim=1) > 1e-16).sum() >= 3
    norms = parts.squared_norms.sqrt()
    whole = parts.whole.square().sum(dim=1).sqrt()
    assert (norms.sum(dim=0) >= whole * (1 - 1e-12)).all()


def test_each_term_is_its_operations_derivative_pushed_on():
    torch.manual_seed(1)
    conv, readout = nn.Conv2d(3, 4, 3, stride=2).double(), nn.Linear(4, CLASSES).double()

    def after_conv(h):
        return readout(torch.tanh(h).mean(dim=(2, 3)))

    points = images(2)
    parts = decompose(lambda x: after_conv(conv(x)), points, "rotate", "central")
    assert [o.function for o in parts.operations] == ["conv2d", "tanh", "mean", "linear"]

    def x_of(values):
        return act(values, Image(), GENERATORS["rotate"], "central", SIZE)

    h = conv(points).detach()
    s = torch.tanh(h)
    local_conv = torch.func.jvp(conv, (points,), (x_of(points),))[1] - x_of(h)
    local_tanh = (1 - s**2) * x_of(h) - x_of(s)
    expected = [
        torch.func.jvp(after_conv, (h,), (local_conv,))[1],
        local_tanh.mean(dim=(2, 3)) @ readout.weight.T,
        x_of(s).mean(dim=(2, 3)) @ readout.weight.T,
        torch.zeros(2, CLASSES, dtype=torch.float64),
    ]
    for found, term in zip(parts.terms, expected, strict=True):
        assert (found - term).abs().max() <= 1e-13


def test_additions_count_and_belong_to_the_module_that_makes_them():
    parts = decompose(network("attending"), images(2), "translate_x")
    found = {
        (o.module, o.kind, o.function): float(norm)
        for o, norm in zip(parts.operations, parts.squared_norms.mean(dim=1), strict=True)
    }
    assert found["patches", "Conv2d", "conv2d"] > 1e-6
    assert found["block.norm1", "LayerNorm", "layer_norm"] > 1e-6
    attention = ("block.self_attn", "MultiheadAttention", "multi_head_attention_forward")
    assert found[attention] > 1e-6
    assert found["", "Attending", "scaled_dot_product_attention"] > 1e-6
    additions = [
        float(norm)
        for o, norm in zip(parts.operations, parts.squared_norms.mean(dim=1), strict=True)
        if (o.module, o.function) == ("", "add")
    ]
    assert additions[0] > 1e-6  # positions do not move with the image
    assert additions[1] <= 1e-20  # both sides of a residual do
    pointwise = ("patches", "flatten"), ("", "transpose"), ("", "cat"), ("qkv", "linear")
    for operation, norm in zip(parts.operations, parts.squared_norms, strict=True):
        if (operation.module, operation.function) in pointwise:
            assert norm.max() <= 1e-20


class Turned(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


class Attention(nn.Module):
    def __init__(self, fused):
        super().__init__()
        self.qkv = nn.Linear(6, 18)
        self.fused = fused

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        if self.fused:
            return F.scaled_dot_product_attention(q, k, v)
        return (q @ k.mT / 6**0.5).softmax(-1) @ v


@pytest.mark.parametrize("fused", [True, False])
def test_a_group_is_one_operation_however_it_is_written(fused):
    torch.manual_seed(2)
    attention, patches = Attention(fused), nn.Conv2d(3, 6, 4, stride=4)
    net = nn.Sequential(patches, nn.Flatten(2), Turned(), attention, Turned(), nn.Flatten(1))
    net.double().eval()
    parts = decompose(net, images(2), "rotate")
    grouped = parts.grouped(lambda operation: operation.module.split(".")[0])
    assert [operation.module for operation in grouped.operations] == list("012345")
    assert (grouped.closure - parts.closure).abs().max() <= 1e-12

    tokens = net[:3](images(2)).detach()
    tangent = act(tokens, Tokens(), GENERATORS["rotate"], "forward", SIZE)
    attention.fused = False
    after, pushed = torch.autograd.functional.jvp(attention, tokens, tangent)
    local = pushed - act(after.detach(), Tokens(), GENERATORS["rotate"], "forward", SIZE)
    assert (grouped.terms[3] - local.mT.flatten(1)).abs().max() <= 1e-12


def test_writing_in_place_is_the_same_operation():
    def outside(x):
        y = F.relu(x * 2) + x
        return torch.cat([y[:, :1].tanh(), y[:, 1:]], dim=1).mean(dim=(2, 3))

    def inside(x):
        y = x * 2
        F.relu(y, inplace=True)
        y += x
        y[:, :1] = y[:, :1].tanh()
        return y.mean(dim=(2, 3))

    points = images(2)
    one, other = (decompose(net, points, "rotate") for net in (outside, inside))
    assert one.closure.abs().max() <= 1e-13
    assert other.closure.abs().max() <= 1e-13
    for function in ("relu", "tanh", "mean"):
        terms = [
            sum(t for o, t in zip(p.operations, p.terms, strict=True) if o.function == function)
            for p in (one, other)
        ]
        assert (terms[0] - terms[1]).abs().max() <= 1e-13


LAYOUTS = {
    "rows last": (lambda x: x.permute(0, 1, 3, 2), Image(3, 2)),
    "channels last": (lambda x: x.permute(0, 2, 3, 1), Image(1, 2)),
    "tokens": (lambda x: x.flatten(2), Tokens(2)),
    "class token": (
        lambda x: torch.cat([x.new_zeros(len(x), 3, 1), x.flatten(2)], 2),
        Tokens(2, 1),
    ),
    "rows alone": (lambda x: x.mean(dim=3), Vector()),
    "every other pixel": (lambda x: x[:, :, ::2, ::2], Image(2, 3)),
    "a channel": (lambda x: x[:, 0], Image(1, 2)),
    "patches": (
        lambda x: x.reshape(-1, 3, 4, 4, 4, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, 16, 48),
        Tokens(1),
    ),
    "columns first": (lambda x: x.mT.flatten(2), Vector()),
    "all": (lambda x: x.flatten(1), Vector()),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_layouts_are_followed(case):
    net, layout = LAYOUTS[case]
    parts = decompose(net, images(1), "rotate", output=layout)
    # An output that does not have the layout that was stated is an operation of its own.
    assert all(operation.function != "output" for operation in parts.operations)
    if case not in ("patches", "every other pixel"):
        moves_only = isinstance(layout, Image | Tokens)
        assert (parts.terms.abs().max() <= 1e-12) == moves_only


@pytest.mark.parametrize(
    "net",
    [lambda x: x, lambda x: x.detach() * 2, lambda x: x.tanh() + x.relu().detach()],
    ids=["nothing", "detached", "partly detached"],
)
def test_terms_add_up_where_nothing_is_done_or_derivatives_are_stopped(net):
    parts = decompose(net, images(1), "rotate", output=Image())
    assert parts.closure.abs().max() <= 1e-13


def test_a_stated_output_of_another_layout_is_an_operation_of_its_own():
    points = images(1)
    parts = decompose(lambda x: x * 1.0, points, "rotate", output=Vector())
    assert parts.operations[-1].function == "output"
    assert parts.closure.abs().max() <= 1e-12
    moved = act(points, Image(), GENERATORS["rotate"], "forward", SIZE)
    assert (parts.terms[-1] - moved.flatten(1)).abs().max() <= 1e-12


def test_circular_convolutions_do_nothing_to_spectral_translations():
    torch.manual_seed(0)
    circular = nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular")
    strided = nn.Conv2d(4, 4, 3, stride=2, padding=1, padding_mode="circular")
    net = nn.Sequential(circular, nn.GELU(), strided, nn.Flatten()).double().eval()
    # Circular padding alone is no symmetry of the torus: it belongs to its convolution.
    parts = decompose(net, images(2), "translate_x", "spectral").grouped(lambda o: o.module)
    assert parts.closure.abs().max() <= 1e-12
    conv, gelu, down, flat = parts.squared_norms
    assert conv.max() <= 1e-24
    assert gelu.min() > 1e-2
    assert down.min() > 1e-2
    assert flat.max() > 1e-2  # it forgets where pixels are


PROBES = 200


@pytest.mark.parametrize("name", ["residual", "vision-transformer"])
def test_random_probes_are_unbiased_with_their_standard_error(name):
    net, points = chosen(name), images(2)
    exact = decompose(net, points, "rotate")
    rng = torch.Generator().manual_seed(5)
    probed = decompose(net, points, "rotate", probes=PROBES, rng=rng)
    assert probed.closure.abs().max() <= 1e-10 * probed.whole.abs().max()
    assert probed.operations == exact.operations
    assert exact.standard_errors.abs().max() == 0
    large = exact.squared_norms > 1e-16
    ratio = (probed.squared_norms / exact.squared_norms)[large]
    # Gaussian probes of one direction: z . v is normal, its square has relative variance 2.
    assert (ratio - 1).abs().max() <= 4.5 * (2 / PROBES) ** 0.5
    relative = (probed.standard_errors / exact.squared_norms)[large] * PROBES**0.5
    assert relative.mean() == pytest.approx(2**0.5, rel=0.2)


def test_one_image_does_not_change_the_terms_of_another():
    net, points = network("attending"), images(3)
    whole = decompose(net, points, "rotate").terms
    for i in range(3):
        alone = decompose(net, points[i : i + 1], "rotate").terms[:, 0]
        assert (whole[:, i] - alone).abs().max() <= 1e-13
