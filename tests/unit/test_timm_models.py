"""Models of timm: the lines that say what is wrong, and, where timm is there, the models."""

import sys
from collections import Counter
from importlib.util import find_spec
from itertools import groupby
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from symlearn.errors import ConfigError, DataError, SymlearnError
from symlearn.measures.layer_kinds import layers_of
from symlearn.measures.layers import operations_of
from symlearn.measures.lie import lie_derivative
from symlearn.networks import timm_models
from symlearn.networks.timm_models import load_weights, timm_model

needs_timm = pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")


def create_model(name, pretrained=False):
    if pretrained:
        raise OSError("no route to host\nand more")
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    model.num_classes = 2
    return model.train()


@pytest.fixture
def fake(monkeypatch):
    """A timm with two models and no network."""
    known = SimpleNamespace(list_models=lambda: ["resnet18", "vgg11"], create_model=create_model)
    monkeypatch.setitem(sys.modules, "timm", known)


def one_line(raised):
    return "\n" not in str(raised.value)


def test_without_timm_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(SymlearnError, match=r"pip install 'symlearn\[published\]'") as raised:
        timm_model("resnet18")
    assert one_line(raised)


@pytest.mark.usefixtures("fake")
def test_an_unknown_name_shows_the_nearest():
    with pytest.raises(ConfigError, match=r"no model 'resnet19'; the nearest names are resnet18$"):
        timm_model("resnet19")
    with pytest.raises(ConfigError, match="no model 'xyz'; see timm"):
        timm_model("xyz")


@pytest.mark.usefixtures("fake")
def test_random_weights_follow_the_seed_and_models_are_in_evaluation_mode():
    before = torch.get_rng_state()
    one, same, other = (timm_model("resnet18", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)
    assert not any(module.training for module in one.modules())
    assert not any(parameter.requires_grad for parameter in one.parameters())


@pytest.mark.usefixtures("fake")
def test_without_a_network_the_hub_is_one_line():
    with pytest.raises(DataError, match=r"from the hub \(no route to host\)") as raised:
        timm_model("resnet18", "hub")
    assert one_line(raised)


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_weights_come_from_pytorch_files(tmp_path, wrapper):
    given = {key: value + 1 for key, value in create_model("resnet18").state_dict().items()}
    content = {f"module.{key}": value for key, value in given.items()}
    torch.save(content if wrapper is None else {wrapper: content}, tmp_path / "w.pth")
    model = timm_model("resnet18", str(tmp_path / "w.pth"))
    assert all(torch.equal(model.state_dict()[key], value) for key, value in given.items())


@pytest.mark.usefixtures("fake")
def test_weights_come_from_safetensors(tmp_path):
    given = create_model("resnet18").state_dict()
    save_file(given, tmp_path / "w.safetensors")
    model = timm_model("resnet18", str(tmp_path / "w.safetensors"), seed=5)
    assert all(torch.equal(model.state_dict()[key], value) for key, value in given.items())


def test_weights_of_another_architecture_are_refused(tmp_path):
    model = create_model("resnet18")
    state = model.state_dict()
    state["new.weight"] = state.pop("0.bias")
    state["3.weight"] = torch.zeros(2, 5)
    torch.save(state, tmp_path / "w.pt")
    message = (
        r"another architecture than resnet18; of the 9 tensors: 1 missing \(first 0\.bias\), "
        r"1 unknown \(first new\.weight\), 1 of another shape \(first 3\.weight\)$"
    )
    with pytest.raises(DataError, match=message) as raised:
        load_weights(model, tmp_path / "w.pt", "resnet18")
    assert one_line(raised)


class Sneaky:
    """What would run when it is unpickled."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('ran')",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (Sneaky(), "cannot be read as weights alone"),
        ([torch.zeros(2)], "holds no named tensors"),
        (b"no weights at all", "cannot be read as weights alone"),
        (None, "no such file of weights"),
    ],
)
def test_files_without_weights_are_one_line_and_run_nothing(tmp_path, content, message):
    path = tmp_path / "w.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(DataError, match=message) as raised:
        load_weights(create_model("resnet18"), path, "resnet18")
    assert one_line(raised)


def test_a_damaged_safetensors_file_is_one_line(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="missing or damaged"):
        load_weights(create_model("resnet18"), path, "resnet18")


@needs_timm
@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224"])
def test_models_of_timm_have_lie_derivatives(name):
    """The transformer's attention is fused as timm makes it."""
    model = timm_model(name)
    images = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    found = lie_derivative(model, images, "rotate")
    assert found.shape == (1, 1000)
    assert found.isfinite().all()
    assert found.any()
    picture = Image.new("RGB", (300, 260))
    assert timm_models.transform_of(model)(picture).shape == (3, 224, 224)


# Counted by hand from the models' descriptions: blocks, their norms and activations, and so on.
# Successive operations of one layer are one.
FAMILIES = {
    "resnet18": (64, {"convolution": 13, "strided convolution": 7, "norm": 20, "nonlinearity": 17,
                      "pooling": 2, "addition": 8, "dense": 1}),
    "vgg11": (64, {"convolution": 10, "nonlinearity": 10, "pooling": 7, "dense": 1}),
    "densenet121": (64, {"convolution": 119, "strided convolution": 1, "norm": 121, "pooling": 5,
                         "nonlinearity": 121}),
    "regnetx_002": (64, {"convolution": 35, "strided convolution": 9, "norm": 44, "addition": 13}),
    "tf_efficientnet_lite0": (64, {"strided convolution": 5, "convolution": 44, "norm": 49,
                                   "nonlinearity": 33, "pooling": 1}),
    "mobilenetv3_small_050": (64, {"strided convolution": 5, "pooling": 10, "scaling": 9}),
    "convnext_atto": (64, {"patch embedding": 1, "strided convolution": 3, "convolution": 36,
                           "nonlinearity": 12, "norm": 16}),
    "convmixer_768_32": (64, {"patch embedding": 1, "convolution": 64, "norm": 64, "addition": 32}),
    "poolformer_s12": (64, {"strided convolution": 4, "nonlinearity": 12, "addition": 24}),
    "vit_tiny_patch16_224": (64, {"patch embedding": 1, "attention": 12, "norm": 25,
                                  "nonlinearity": 12, "addition": 25}),
    "cait_xxs24_224": (64, {"patch embedding": 1, "attention": 26, "nonlinearity": 26}),
    "swin_tiny_patch4_window7_224": (56, {"patch embedding": 1, "attention": 12, "norm": 25,
                                          "strided convolution": 3, "nonlinearity": 12}),
    "pvt_v2_b0": (64, {"patch embedding": 4, "convolution": 8, "nonlinearity": 8}),
    "xcit_nano_12_p16_224": (64, {"patch embedding": 1, "convolution": 24}),
    "mixer_s32_224": (64, {"patch embedding": 1, "token mixing": 8, "norm": 17, "nonlinearity": 8,
                           "pooling": 1}),
    "resmlp_12_224": (64, {"patch embedding": 1, "token mixing": 12, "nonlinearity": 12}),
    "gmlp_ti16_224": (64, {"patch embedding": 1, "token mixing": 30, "norm": 61}),
}  # fmt: skip
OF_A_SIZE = ("vit", "cait", "swin", "xcit", "mixer", "resmlp", "gmlp")


@needs_timm
@pytest.mark.parametrize("name", FAMILIES)
def test_layers_of_a_family_have_their_true_types(name):
    pixels, expected = FAMILIES[name]
    size = {"img_size": pixels} if name.startswith(OF_A_SIZE) else {}
    model = timm_models._timm().create_model(name, **size).eval().requires_grad_(False)
    operations = operations_of(model, torch.rand(1, 3, pixels, pixels))
    layers = [layer for layer, _ in groupby(layers_of(model, operations))]
    counts = Counter(layer.kind for layer in layers)
    assert {kind: counts[kind] for kind in expected} == expected
    if "patch embedding" in expected:
        assert layers[0].kind == "patch embedding"
