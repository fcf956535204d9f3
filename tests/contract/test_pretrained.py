"""Pretrained networks on photographs, against numbers computed by the authors' own code."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from symlearn.datasets.pictures import opened
from symlearn.measures.class_probabilities import classifier_errors
from symlearn.networks.timm_models import PACKAGES, timm_model, transform_of

pytestmark = pytest.mark.skipif(
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


@pytest.mark.parametrize("name", PACKAGES)
def test_lie_derivatives_of_a_pretrained_network_are_the_authors(name, numbers, photographs):
    ours, theirs = errors(name, numbers, photographs, 2, GENERATORS)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


@pytest.mark.slow
def test_lie_derivatives_are_the_authors_on_every_photograph(numbers, photographs):
    ours, theirs = errors("tf_efficientnet_lite0", numbers, photographs, 20, GENERATORS[:3:2])
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


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
