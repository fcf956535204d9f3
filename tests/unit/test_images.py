import gzip

import numpy as np
import pytest

from symlearn.datasets import idx_pairs
from symlearn.datasets.idx_pairs import check_pair
from symlearn.datasets.images import load_images
from symlearn.datasets.sets import mnist
from symlearn.datasets.sources import RemoteFile, Source
from symlearn.errors import DataError
from symlearn.menu.datasets import DATASETS

LEVELS = np.zeros((5, 3, 3), dtype=np.uint8)
LABELS = np.arange(5, dtype=np.uint8)


def test_digits_are_whole_levels_up_to_their_maximum():
    digits = load_images("digits")
    assert digits.levels.shape == (1797, 8, 8)
    assert digits.levels.dtype == np.uint8
    assert digits.levels.max() == digits.maximum == 16
    counts = np.bincount(digits.labels)
    assert len(counts) == 10
    assert counts.min() == DATASETS["digits"].smallest_class


def test_images_and_labels_become_one_data_set():
    data = check_pair(LEVELS, LABELS, "set")
    assert data.maximum == 255
    assert data.labels.dtype == np.int64
    np.testing.assert_array_equal(data.labels, LABELS)


def test_counts_that_differ_are_refused():
    with pytest.raises(DataError, match="set: 5 images but 4 labels"):
        check_pair(LEVELS, LABELS[:-1], "set")


def test_images_and_labels_exchanged_are_refused():
    with pytest.raises(DataError, match=r"set: images have 1 axes and labels 3.*exchanged"):
        check_pair(LABELS, LEVELS, "set")


def test_a_file_that_is_no_idx_file_is_named_although_its_checksum_fits(tmp_path, monkeypatch):
    file = RemoteFile("images.gz", packed="")
    monkeypatch.setattr(mnist, "SOURCE", Source((), file, file))
    monkeypatch.setattr(idx_pairs, "find_file", lambda *_: b"no idx file")
    with pytest.raises(DataError, match=r"images\.gz: is no idx file"):
        load_images("mnist", tmp_path)


def test_mnist_is_whole(mnist_root, tmp_path):
    data = load_images("mnist", mnist_root, tmp_path)
    assert data.levels.shape == (60000, 28, 28)
    assert data.maximum == data.levels.max() == 255
    counts = np.bincount(data.labels)
    assert len(counts) == 10
    assert counts.sum() == 60000
    assert counts.min() == DATASETS["mnist"].smallest_class == 5421
    assert not list(tmp_path.iterdir())


def test_mnist_unpacked_is_the_same_data_set(mnist_root, tmp_path):
    for packed in (mnist_root / "mnist").glob("train-*.gz"):
        (tmp_path / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    packed = load_images("mnist", mnist_root, tmp_path)
    unpacked = load_images("mnist", tmp_path, tmp_path)
    np.testing.assert_array_equal(packed.levels, unpacked.levels)
    np.testing.assert_array_equal(packed.labels, unpacked.labels)
