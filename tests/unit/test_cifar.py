import gzip
import hashlib
import io
import os
import tarfile

import numpy as np
import pytest

from symlearn.config import parse
from symlearn.datasets import cifar
from symlearn.datasets.images import load_images
from symlearn.datasets.sets import cifar10_test_part
from symlearn.datasets.sets.cifar10 import BATCHES
from symlearn.datasets.sources import RemoteFile
from symlearn.errors import ConfigError, DataError
from symlearn.plan import figures
from symlearn.stages.datasets import compute

COUNT = 4  # records in a file of these tests


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(cifar, "_RECORDS", COUNT)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(file, mirrors, folder, looked_into):
        raise DataError(f"{file.name}: could not be downloaded")

    monkeypatch.setattr(cifar, "download", refuse)


def batch(number=0):
    """A file's bytes: labels 0, 3, 6, 9 and images that differ by file, record, plane and pixel."""
    images = (np.arange(COUNT * 3072).reshape(COUNT, 3072) // 7 + 50 * number).astype(np.uint8)
    labels = 3 * np.arange(COUNT, dtype=np.uint8)
    return np.concatenate([labels[:, None], images], axis=1).tobytes()


def files(folder, names=BATCHES):
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        (folder / name).write_bytes(batch(number))
    return folder


def archive(path, monkeypatch, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as packed:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(cifar, "ARCHIVE", RemoteFile(path.name, packed=digest))


def published(names=BATCHES):
    return {f"cifar-10-batches-bin/{name}": batch(n) for n, name in enumerate(names)}


def test_planes_rows_and_columns_are_in_their_order():
    levels, labels = cifar.parse_batch(batch(), "file")
    assert levels.shape == (COUNT, 3, 32, 32)
    assert labels.tolist() == [0, 3, 6, 9]
    raw = batch()
    assert levels[2, 1, 5, 7] == raw[2 * 3073 + 1 + 1024 + 5 * 32 + 7]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "file: has 0 bytes, not 12292"),
        (batch()[:-1], "file: has 12291 bytes, not 12292"),
        (batch() + b"\0", "file: has more than 12292 bytes"),
        (batch()[:3073] + b"\x0a" + batch()[3074:], "file: record 1 has the label 10"),
    ],
)
def test_files_of_the_wrong_length_or_with_wrong_labels_are_one_line(content, message):
    with pytest.raises(DataError, match=message) as caught:
        cifar.parse_batch(content, "file")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("inner", ["", "cifar10", "cifar10/cifar-10-batches-bin"])
def test_all_five_files_are_found_in_a_folder(tmp_path, inner):
    files(tmp_path / "root" / inner)
    data = load_images("cifar10", tmp_path / "root", tmp_path / "cache")
    assert data.levels.shape == (5 * COUNT, 3, 32, 32)
    assert data.levels[COUNT, 0, 0, 0] == 50
    assert data.maximum == 255


def test_packed_files_are_read_and_a_part_is_the_first_of_them(tmp_path):
    folder = tmp_path / "cifar10"
    folder.mkdir()
    (folder / "data_batch_1.bin.gz").write_bytes(gzip.compress(batch()))
    data = load_images("cifar10-part", tmp_path, tmp_path / "cache")
    assert data.labels.tolist() == [0, 3, 6, 9]
    with pytest.raises(DataError, match="could not be downloaded"):
        load_images("cifar10", tmp_path, tmp_path / "cache")


def test_the_first_of_the_test_batch_are_read_however_long_the_file_is(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10_test_part, "_IMAGES", 3)
    for number, content in enumerate((batch(), batch()[: 3 * 3073])):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "test_batch.bin").write_bytes(content)
        data = load_images("cifar10-test-part", folder, tmp_path / "cache")
        assert data.labels.tolist() == [0, 3, 6]
        levels, _ = cifar.parse_batch(batch(), "whole")
        np.testing.assert_array_equal(data.levels, levels[:3])
    assert len(load_images("cifar10-test", tmp_path / "0", tmp_path / "cache").labels) == COUNT
    with pytest.raises(DataError, match=r"test_batch\.bin: has 9219 bytes, not 12292"):
        load_images("cifar10-test", tmp_path / "1", tmp_path / "cache")
    (tmp_path / "1/test_batch.bin").write_bytes(batch()[: 2 * 3073])
    with pytest.raises(DataError, match=r"has 6146 bytes, not 9219 \(3 records of 3073\)"):
        load_images("cifar10-test-part", tmp_path / "1", tmp_path / "cache")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(batch())[:-20], "data_batch_1.bin.gz: cannot be read"),
        (b"no gzip", "data_batch_1.bin.gz: cannot be read"),
        (gzip.compress(batch()[:3073]), "has 3073 bytes, not 12292"),
        (gzip.compress(bytes(10**7)), "has more than 12292 bytes"),  # no more is unpacked
    ],
)
def test_packed_files_that_are_truncated_are_one_line(tmp_path, content, message):
    (tmp_path / "data_batch_1.bin.gz").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_images("cifar10-part", tmp_path, tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_the_archive_s_files_are_read_by_their_names_and_nothing_is_written(tmp_path, monkeypatch):
    path = tmp_path / "cache/cifar10/small.tar.gz"
    archive(path, monkeypatch, {"../escaped.bin": batch(), **published()})
    data = load_images("cifar10", None, tmp_path / "cache")
    assert data.levels[COUNT, 0, 0, 0] == 50
    kept = [file for _, _, found in os.walk(tmp_path) for file in found]
    assert kept == [path.name]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"data_batch_1.bin": batch()}, "has no cifar-10-batches-bin/data_batch_1.bin"),
        ({"cifar-10-batches-bin/data_batch_1.bin": batch()[:99]}, "has 99 bytes"),
    ],
)
def test_archives_without_whole_files_are_refused(tmp_path, monkeypatch, members, message):
    archive(tmp_path / "small.tar.gz", monkeypatch, members)
    with pytest.raises(DataError, match=message):
        load_images("cifar10-part", tmp_path, tmp_path / "cache")


def test_another_archive_is_refused_before_it_is_opened(tmp_path, monkeypatch):
    archive(tmp_path / "small.tar.gz", monkeypatch, published())
    (tmp_path / "small.tar.gz").write_bytes(b"another")
    with pytest.raises(DataError, match=r"small.tar.gz: wrong checksum"):
        load_images("cifar10", tmp_path, tmp_path / "cache")


def test_colours_have_an_axis_of_their_own(tmp_path):
    files(tmp_path / "cifar10")
    found = compute({"name": "cifar10"}, [], tmp_path)
    assert found["levels"].dims == ("image", "channel", "row", "col")
    assert compute({"name": "digits"}, [], None)["levels"].dims == ("image", "row", "col")


def test_kernels_of_colour_images_are_refused(shipped):
    shipped["presets"]["quick"]["dataset"]["name"] = "cifar10-part"
    with pytest.raises(ConfigError, match=r"dataset.name: 'cifar10-part' has colours") as caught:
        parse(shipped)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": [10, 4500]}, r"tasks.0.points: 4500 training and 1000 test images are more"),
        ({"networks": ["lnet"]}, r"tasks.0.networks: 'lnet' is unknown; did you mean 'lenet'"),
        ({"dataset": "cifar"}, r"'cifar' is unknown; did you mean 'cifar10'"),
        ({"test": 100}, r"stability.images: 300 is more than the 100 test images"),
    ],
)
def test_tasks_of_stability_that_cannot_be_are_one_line(shipped, change, message):
    shipped["presets"]["quick"]["stability"]["tasks"][0] |= change
    with pytest.raises(ConfigError, match=message) as caught:
        figures(parse(shipped))
    assert "\n" not in str(caught.value)
