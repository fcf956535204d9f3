"""Data that the contract tests share."""

from pathlib import Path

import pytest

from symlearn.datasets import load_images
from symlearn.datasets.images import LabelledImages


@pytest.fixture(scope="session")
def mnist(mnist_root: Path) -> LabelledImages:
    return load_images("mnist", mnist_root)
