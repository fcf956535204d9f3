import pytest
import torch
from torch import nn

from symlearn.errors import SymlearnError
from symlearn.measures.layers import decompose
from symlearn.measures.lie import Image, Tokens, lie_derivative

IMAGES = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
FLAT = nn.Flatten().eval()


def same(x):
    return x


class Fused(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x.flatten(1)

    @staticmethod
    def setup_context(ctx, inputs, output): ...

    @staticmethod
    def backward(ctx, gradient):
        return gradient.reshape(-1, 1, 8, 8)


def grid_sample(x):
    grid = torch.zeros(len(x), 2, 2, 2)
    return nn.functional.grid_sample(x, grid, align_corners=True).flatten(1)


CASES = {
    "integers": (FLAT, (255 * IMAGES).byte(), "rotate", {}, "torch.uint8 have no derivative"),
    "axes": (FLAT, IMAGES[0], "rotate", {}, r"axes \(image, channel, row, col\)"),
    "not square": (FLAT, IMAGES[..., :5], "rotate", {}, "rotate needs square images, not 8 x 5"),
    "hyperbolic": (FLAT, IMAGES[..., :5, :], "hyperbolic", {}, "needs square images, not 5 x 8"),
    "thin": (FLAT, IMAGES[..., :1], "shear_x", {}, "two pixels along each axis, not 8 x 1"),
    "generator": (FLAT, IMAGES, "turn", {}, "no generator is called 'turn'; there are translate_x"),
    "stencil": (FLAT, IMAGES, "rotate", {"stencil": "five"}, "no stencil is called 'five'"),
    "training": (nn.Flatten(), IMAGES, "rotate", {}, "evaluation mode, but it is in training"),
    "a part in training": (
        nn.Sequential(FLAT, nn.Dropout()).train(False).append(nn.Dropout()),
        IMAGES,
        "rotate",
        {},
        "its module '2' is in training",
    ),
    "unknown layout": (
        same,
        IMAGES,
        "rotate",
        {},
        r"shape \(2, 1, 8, 8\) is unknown: state output",
    ),
    "layout name": (same, IMAGES, "rotate", {"output": "map"}, "no layout is called 'map'"),
    "no image": (FLAT, IMAGES, "rotate", {"output": "image"}, "has no rows and columns"),
    "no rows": (same, IMAGES, "rotate", {"output": Image(1, 3)}, r"as axes \(1, 3\)"),
    "no tokens": (FLAT, IMAGES, "rotate", {"output": Tokens(1, extra=1)}, "after 1 extra ones"),
    "one for all": (torch.sum, IMAGES, "rotate", {}, "its first axis must be the image"),
    "several": (lambda x: {"out": x}, IMAGES, "rotate", {}, "must return one tensor"),
    "a number": (lambda x: (x, 3), IMAGES, "rotate", {}, "one tensor, and nothing else"),
    "units": (FLAT, IMAGES, "rotate", {"units": "mile"}, "'normalised' or 'pixel', not 'mile'"),
    "no forward mode": (grid_sample, IMAGES, "rotate", {}, "without a forward-mode derivative"),
    "fused": (Fused.apply, IMAGES, "rotate", {}, "if it is fused attention, choose the unfused"),
    "pixels of intensities": (FLAT, IMAGES, "saturate", {"units": "pixel"}, "no size in pixels"),
    "pixels": (FLAT, IMAGES[..., :5], "scale", {"units": "pixel"}, "scale of 8 x 5 images has no"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_it_cannot_be_taken_of_is_refused_in_one_line(case):
    model, images, generator, options, message = CASES[case]
    with pytest.raises(SymlearnError, match=message) as raised:
        lie_derivative(model, images, generator, **options)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("case", [case for case in CASES if "units" not in CASES[case][3]])
def test_layers_are_refused_in_the_same_words(case):
    model, images, generator, options, message = CASES[case]
    with pytest.raises(SymlearnError, match=message):
        decompose(model, images, generator, **options)


def test_errors_of_the_model_itself_are_left_alone():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        lie_derivative(nn.Sequential(FLAT, nn.Linear(3, 2)).eval(), IMAGES, "rotate")


def test_random_probes_need_a_generator():
    with pytest.raises(ValueError, match=r"at least 2 and a torch\.Generator"):
        decompose(FLAT, IMAGES, "rotate", probes=10)


def test_operations_that_depend_on_the_image_are_refused():
    def by_mean(x):
        return x.flatten(1).relu() if x.mean() > IMAGES.mean() else x.flatten(1)

    with pytest.raises(SymlearnError, match="same operations for every image"):
        decompose(by_mean, IMAGES, "rotate")


def test_attention_is_left_as_it_was_set():
    before = torch.backends.mha.get_fastpath_enabled()
    lie_derivative(FLAT, IMAGES, "rotate")
    assert torch.backends.mha.get_fastpath_enabled() == before
    assert torch.backends.cuda.flash_sdp_enabled()
