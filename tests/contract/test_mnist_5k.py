"""The small part of MNIST against the whole."""

import numpy as np
import pytest

from symlearn.datasets import load_images


@pytest.fixture(scope="module")
def part():
    return load_images("mnist-5k")


def _rows(images):
    """Each image with its label, as bytes."""
    labels = images.labels.astype(np.uint8)[:, None]
    rows = np.concatenate([images.levels.reshape(len(labels), -1), labels], axis=1)
    return [row.tobytes() for row in rows]


def test_all_images_are_training_images_of_mnist_with_their_labels(mnist, part):
    rows = set(_rows(part))
    assert len(rows) == 5000
    assert rows <= set(_rows(mnist))
    assert np.bincount(part.labels).tolist() == [500] * 10


def test_they_are_the_first_of_each_digit(mnist, part):
    for digit in range(10):
        first = np.flatnonzero(mnist.labels == digit)[:500]
        np.testing.assert_array_equal(part.levels[part.labels == digit], mnist.levels[first])
