"""Pretrained networks on photographs, against numbers computed by the authors' own code."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import symlearn
from symlearn.datasets.pictures import opened
from symlearn.measures.class_probabilities import classifier_errors
from symlearn.networks.timm_models import PACKAGES, timm_model, transform_of
from symlearn.papers.lie import pretrained

needs_timm = pytest.mark.skipif(
    find_spec("timm") is None, reason="the extra `published` is not installed (make published)"
)
GENERATORS = ("translate_x", "translate_y", "rotate", "shear_x")


@pytest.fixture(scope="module")
def numbers():
    root = os.environ.get("SYMLEARN_REFERENCE")
    path = Path(root or "", "pretrained_lie_derivative.npz")
    if root is None or not path.is_file():
        pytest.skip("needs the reference numbers; set SYMLEARN_REFERENCE to their folder")
    with np.load(path) as file:
        return dict(file)


@pytest.fixture(scope="module")
def photographs():
    folder = Path(os.environ.get("SYMLEARN_DATA", "data"), "imagenet-sample")
    if not folder.is_dir():
        pytest.skip("needs imagenet-sample below SYMLEARN_DATA")
    return folder


def errors(name, numbers, photographs, count, generators):
    """Ours and theirs, (kind, generator, picture), of the first few pictures of the file."""
    network = timm_model(name, "package").double()
    prepare = transform_of(network)
    files = [photographs / str(picture) for picture in numbers["pictures"][:count]]
    images = torch.stack([prepare(opened(file)) for file in files])
    found = classifier_errors(network, images, generators, "forward", batch=2)
    theirs = [
        [numbers[f"{name}/{generator}/{kind}"][:count] for generator in generators]
        for kind in ("mean_absolute", "mean_square")
    ]
    return np.stack([found.absolute.numpy(), found.square.numpy()]), np.array(theirs)


@needs_timm
@pytest.mark.parametrize("name", PACKAGES)
def test_lie_derivatives_of_a_pretrained_network_are_the_authors(name, numbers, photographs):
    ours, theirs = errors(name, numbers, photographs, 2, GENERATORS)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


@needs_timm
@pytest.mark.slow
def test_lie_derivatives_are_the_authors_on_every_photograph(numbers, photographs):
    ours, theirs = errors("tf_efficientnet_lite0", numbers, photographs, 20, GENERATORS[:3:2])
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


@needs_timm
def test_the_networks_know_what_is_on_the_photographs(photographs):
    """The names begin with the class's number, and the tensors' order is their names' order."""
    network = timm_model("tf_efficientnet_lite0", "package")
    prepare = transform_of(network)
    files = sorted(photographs.glob("*.jpg"))[:40]
    images = torch.stack([prepare(opened(file)).float() for file in files])
    with torch.no_grad():
        found = network(images).argmax(dim=1).tolist()
    right = [guess == int(file.name[:3]) for guess, file in zip(found, files, strict=True)]
    assert np.mean(right) > 0.75


SPEC = {
    "labels": {"model": "small", "accuracy": 70.0}, "weights": {"from": "package"}, "seed": 3,
    "images": 4, "layer_images": 2, "directions": 500, "draws": 2,
}  # fmt: skip


def as_tensor(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).double() / 255


def small(name, weights="random"):
    """A network that stands for a pretrained one, or, with random weights, for its start."""
    torch.manual_seed(0 if weights == "package" else 1)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(4 * 64, 5),
    ).eval()  # fmt: skip


@pytest.fixture
def study(tmp_path, monkeypatch):
    """The study on six pictures of 16 pixels, and its network."""
    rng = np.random.default_rng(0)
    for i in range(6):
        levels = rng.integers(0, 256, size=(16, 16, 3)).astype(np.uint8)
        Image.fromarray(levels).save(tmp_path / f"{i}_n0000000{i % 3}.png")
    monkeypatch.setattr(pretrained, "timm_model", small)
    monkeypatch.setattr(pretrained, "transform_of", lambda _: as_tensor)
    monkeypatch.setattr(pretrained, "imagenet_synsets", lambda: [f"n0000000{i}" for i in range(3)])
    return pretrained.compute(SPEC, [], tmp_path), small("small", "package").double(), tmp_path


def test_the_study_of_a_network_is_what_the_functions_give(study):
    found, network, folder = study
    files = pretrained.pictures(folder, 4, 3)
    images = torch.stack([as_tensor(opened(file)) for file in files])
    errors = symlearn.lie_error(network, images, list(found["generator"].values))
    np.testing.assert_allclose(found["lie_absolute"], errors["mean_absolute"])
    np.testing.assert_allclose(found["lie_logits_error"], errors["logits_se"])
    stable = symlearn.relative_stability(network, images, draws=2, seed=3)
    after = found.sel(moment="after")
    assert after["block"].values.tolist() == stable["layer"].values.tolist()
    np.testing.assert_allclose(after["relative_stability"], stable["R"])
    turns = symlearn.invariance(network, images, seed=3)
    here = found.sel(action="quarter turns", measure="selectivity")
    assert float(here["invariance"]) == pytest.approx(float(turns["selectivity"]))
    exact = symlearn.layer_errors(network, images[:2])
    seen = found["contribution"].mean("image").values
    np.testing.assert_allclose(seen, exact["contribution"], rtol=0.5, atol=1e-30)
    assert float(found["closure"]) < 1e-12
    # The names say the classes: 0, 1, 2, 0, 1, 2.
    labels = [int(file.stem[-1]) for file in files]
    guesses = network(images).argmax(dim=1)
    right = np.mean([guess == label for guess, label in zip(guesses, labels, strict=True)])
    assert float(found["accuracy"]) == pytest.approx(right)


def test_before_training_weights_are_random_and_each_batch_has_its_statistics(study):
    found, _, folder = study
    files = pretrained.pictures(folder, 4, 3)
    images = torch.stack([as_tensor(opened(file)) for file in files])
    start = small("small").double()
    expected = symlearn.relative_stability(start, images, draws=2, seed=3, batch_statistics=True)
    np.testing.assert_allclose(found.sel(moment="before")["relative_stability"], expected["R"])
