import os
import time

import numpy as np
import pytest
from PIL import Image

from symlearn import plan
from symlearn.config import parse
from symlearn.datasets.sets import own_images
from symlearn.errors import ConfigError, DataError
from symlearn.menu import own_images as menu
from symlearn.menu.own_images import found_at
from symlearn.pipeline.paths import path_of, write_path
from symlearn.pipeline.specs import canonical

QUICK = "presets.quick"


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """Where what was found is kept, apart from the package's."""
    monkeypatch.setattr(menu, "_KEPT", tmp_path / "kept.json")
    return tmp_path / "kept.json"


def images(count=30, side=20, channels=()):
    rng = np.random.default_rng(3)
    return rng.integers(0, 256, (count, side, side, *channels), dtype=np.uint8)


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.fixture
def file(tmp_path):
    return saved(tmp_path / "images.npz", images=images(), labels=np.arange(30) % 4 + 7)


@pytest.fixture
def folder(tmp_path):
    for number, image in enumerate(images()):
        place = tmp_path / "pictures" / ("cat", "ant", "bee")[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number:02}.png")
    (tmp_path / "pictures/ant/notes.txt").write_text("no picture")
    (tmp_path / "pictures/.cache").mkdir()
    return tmp_path / "pictures"


def test_a_file_says_its_side_its_classes_and_the_smallest(file):
    facts, digest = found_at(file)
    assert (facts.side, facts.images, facts.smallest_class, facts.channels) == (20, 30, 7, 1)
    assert (facts.classes, facts.names) == (4, ("7", "8", "9", "10"))
    assert len(digest) == 64


def test_labels_are_numbered_in_their_order(file):
    data = own_images.load(file, file.parent)
    assert np.array_equal(data.levels, images())
    assert np.array_equal(data.labels, np.arange(30) % 4)
    assert data.maximum == 255


def test_words_may_stand_for_classes(tmp_path):
    words = np.array(["pear", "fig"])[np.arange(30) % 2]
    path = saved(tmp_path / "x.npz", images=images(), labels=words)
    assert found_at(path).facts.names == ("fig", "pear")
    assert own_images.load(path, tmp_path).labels[:3].tolist() == [1, 0, 1]


def test_fractions_become_whole_levels_and_channels_come_first(tmp_path):
    colours = images(channels=(3,))
    path = saved(tmp_path / "x.npz", images=colours / 255, labels=np.arange(30) % 2)
    assert found_at(path).facts.channels == 3
    data = own_images.load(path, tmp_path)
    assert np.array_equal(data.levels, np.moveaxis(colours, 3, 1))
    grey = saved(tmp_path / "y.npz", images=images(channels=(1,)), labels=np.arange(30) % 2)
    assert own_images.load(grey, tmp_path).levels.shape == (30, 20, 20)


def test_a_folder_holds_a_class_in_each_of_its_folders(folder):
    facts, _ = found_at(folder)
    assert (facts.side, facts.images, facts.smallest_class) == (20, 30, 10)
    assert facts.names == ("ant", "bee", "cat")
    data = own_images.load(folder, folder)
    assert np.array_equal(data.labels, np.arange(30) % 3)
    assert np.array_equal(data.levels[::3], images()[1::3])


def test_pictures_may_be_in_colours_or_in_black_and_white(tmp_path):
    for mode, channels in {"RGB": 3, "1": 1}.items():
        for name in "ab":
            place = tmp_path / mode / name
            place.mkdir(parents=True)
            Image.fromarray(images(1)[0]).convert(mode).save(place / "1.png")
        assert found_at(tmp_path / mode).facts.channels == channels
        levels = own_images.load(tmp_path / mode, tmp_path).levels
        assert levels.shape == ((2, 3, 20, 20) if channels == 3 else (2, 20, 20))
        assert levels.max() == 255 or channels == 3


LABELS = np.arange(30) % 3
FAULTS = {
    "a key": ({"x": LABELS, "labels": LABELS}, "lacks images or labels: .*images.npy"),
    "no labels": ({"images": images()}, "lacks images or labels: .*labels.npy"),
    "whole numbers": ({"images": images().astype(int)}, "images of type int64; uint8"),
    "objects": ({"labels": np.array([None] * 30)}, "cannot be read as .npz: Object"),
    "lengths": ({"labels": LABELS[1:]}, r"30 images and labels of shape \(29,\)"),
    "fractions for labels": ({"labels": LABELS / 2}, "labels of type float64"),
    "one class": ({"labels": LABELS * 0}, "has one class alone"),
    "nothing": ({"images": images()[:0], "labels": LABELS[:0]}, "has no images"),
    "not square": ({"images": images()[:, 1:]}, "images of 19 x 20 pixels; images are square"),
    "axes": ({"images": images()[..., 0]}, r"images of shape \(30, 20\); their axes"),
    "channels": ({"images": images(channels=(2,))}, "images of 2 channels; one or three"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_of_other_arrays_is_refused(tmp_path, fault):
    arrays, reason = FAULTS[fault]
    if "x" not in arrays and fault != "no labels":
        arrays = {"images": images(), "labels": LABELS} | arrays
    path = saved(tmp_path / "x.npz", **arrays)
    with pytest.raises(ValueError, match=rf"^{path} .*{reason}"):
        found_at(path)
    with pytest.raises(DataError, match=reason):
        own_images.load(path, tmp_path)


def test_a_damaged_file_is_refused_and_so_is_none(tmp_path, file):
    whole = file.read_bytes()
    for content in (b"", b"text", whole[:3000], whole[:-30]):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"cannot be read as \.npz"):
            found_at(file)
    with pytest.raises(ValueError, match="nowhere does not exist"):
        found_at(tmp_path / "nowhere")
    with pytest.raises(DataError, match="--data-root"):
        own_images.load(None, tmp_path)


def test_damaged_pixels_are_told_by_the_job(tmp_path):
    path = saved(tmp_path / "x.npz", images=images(), labels=LABELS)
    content = bytearray(path.read_bytes())
    content[5000] ^= 255  # among the pixels, which are not read before
    path.write_bytes(content)
    assert found_at(path).facts.images == 30
    with pytest.raises(DataError, match=r"cannot be read as \.npz: Bad CRC"):
        own_images.load(path, tmp_path)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, np.inf])
def test_numbers_beyond_0_and_1_are_refused(tmp_path, value):
    numbers = images() / 255
    numbers[3, 2, 1] = value
    path = saved(tmp_path / "x.npz", images=numbers, labels=LABELS)
    with pytest.raises(DataError, match="intensities are from 0 to 1"):
        own_images.load(path, tmp_path)


def picture(shape, mode=None):
    return Image.fromarray(np.zeros(shape, dtype=np.uint8), mode)


def test_a_folder_of_other_pictures_is_refused(folder):
    odd = folder / "bee/00.png"
    for other, reason in [
        (picture((20, 10)), r"bee/00.png has 10 x 20 pixels and .* 20 x 20; all have one size"),
        (picture((20, 20, 3)), "one is grey and one in colours"),
        (picture((20, 20, 4)), "of mode RGBA; grey pictures"),
    ]:
        other.save(odd)
        with pytest.raises(ValueError, match=reason):
            found_at(folder)
    odd.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"bee/00.png cannot be read as a picture"):
        found_at(folder)
    odd.unlink()
    (folder / "dog").mkdir()
    with pytest.raises(ValueError, match="dog has no picture"):
        found_at(folder)
    with pytest.raises(ValueError, match="no folder of a class"):
        found_at(folder / "ant")


def test_what_was_found_is_kept_until_a_file_changes(file, kept, monkeypatch):
    first = found_at(file)
    assert not kept.exists()  # the file may still be written, at the same time to the clock's tick
    os.utime(file, (time.time() - 60, time.time() - 60))
    assert found_at(file) == first
    monkeypatch.setattr(menu, "_of_file", lambda path: pytest.fail("read again"))
    assert found_at(file) == first
    monkeypatch.undo()
    kept.write_text("{")
    assert found_at(file) == first
    saved(file, images=images()[::-1], labels=np.arange(30) % 4)
    assert found_at(file).sha256 != first.sha256


def test_where_nothing_can_be_kept_it_is_found_anew(file, monkeypatch):
    monkeypatch.setattr(menu, "_KEPT", file / "below-a-file" / "kept.json")
    os.utime(file, (0, 0))
    assert found_at(file) == found_at(file)


def test_other_images_than_planned_are_refused_by_the_job(file):
    with pytest.raises(DataError, match="has other images than the run was planned with"):
        own_images.load(file, file.parent, "0" * 64)


def with_images(shipped, path, **more):
    shipped["presets"]["quick"]["dataset"] = {"name": "mine", "path": str(path), **more}
    return shipped


def cells(shipped, path):
    found = plan.figures(parse(with_images(shipped, path)), ["fig9"])
    return plan.all_jobs([found["fig9"]])


def test_specs_know_images_by_their_bytes_and_not_by_their_path(shipped, file, tmp_path):
    before = cells(shipped, file)
    (data, *_) = before
    assert data.name.startswith("mine-")
    assert data.spec["sha256"] == found_at(file).sha256
    assert data.spec["facts"]["classes"] == 4
    moved = file.rename(tmp_path / "moved.npz")
    after = cells(shipped, moved)
    assert [job.name for job in after] == [job.name for job in before]
    assert not any(str(tmp_path) in canonical(job.spec) for job in after)
    write_path(tmp_path / "results", after[0])
    assert path_of(tmp_path / "results", "datasets", data.name) == str(moved)
    assert path_of(tmp_path / "results", "datasets", "mnist-0123456789") is None
    saved(moved, images=images()[::-1], labels=np.arange(30) % 4)
    assert cells(shipped, moved)[0].name != data.name


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        ({"name": "mine"}, "dataset.name: 'mine' is unknown; .*or your own with its path"),
        ({"name": "mnist", "path": "x.npz"}, "dataset.name: 'mnist' is a published data set"),
        ({"name": "mine", "path": "x.npz"}, "dataset.path: .*/x.npz does not exist"),
        ({"name": "mine", "path": "a\nb\0"}, "dataset.path: .*a.b. does not exist"),
        ({"name": "Mine", "path": "x.npz"}, "dataset.name: 'Mine'"),
        ({"name": "mine", "path": 3}, "dataset.path: 3"),
    ],
)
def test_a_fault_of_ones_own_images_is_one_line_with_its_key(shipped, dataset, reason):
    shipped["presets"]["quick"]["dataset"] = dataset
    with pytest.raises(ConfigError, match=rf"^config.yaml: {QUICK}\.{reason}") as raised:
        parse(shipped)
    assert "\n" not in str(raised.value)


def test_colours_are_for_the_tasks_of_the_stability_study(shipped, tmp_path):
    path = saved(tmp_path / "x.npz", images=images(60, 12, (3,)), labels=np.arange(60) % 3)
    task = shipped["presets"]["quick"]["stability"]["tasks"][0]
    task |= {"dataset": "mine", "path": str(path), "points": [10, 20], "test": 40}
    shipped["presets"]["quick"]["stability"]["images"] = 20
    found = plan.figures(parse(shipped), ["stability-training"])
    (data,) = {job.name for job in plan.all_jobs(found.values()) if job.slug == "mine"}
    assert data
    task["points"] = [10, 21]
    with pytest.raises(ConfigError, match=r"tasks\.0\.points: 21 .* more than the 60 of mine"):
        plan.figures(parse(shipped), ["stability-training"])
    with pytest.raises(ConfigError, match=r"dataset\.name: 'mine' has colours, .* grey images"):
        parse(with_images(shipped, path))


def test_what_few_images_cannot_give_is_refused_by_its_key(shipped, tmp_path):
    few = saved(tmp_path / "x.npz", images=images(4), labels=np.arange(4) % 2)
    raw = with_images(shipped, few)
    raw["presets"]["quick"]["partial"] |= {"images": None, "n": [2], "left_out": [0, 1]}
    raw["presets"]["quick"]["partial"]["networks"] = ["mlp"]
    with pytest.raises(ConfigError, match=r"partial\.images: 4 images in 2 poses are too few"):
        plan.figures(parse(raw), ["fig1"])
    with pytest.raises(ConfigError, match=r"rotations\.pairs: 64 is more than the pairs .*, 4"):
        plan.figures(parse(raw), ["fig9"])
    one = saved(tmp_path / "x.npz", images=images(3), labels=np.arange(3) % 2)
    assert found_at(one).facts.smallest_class == 1
    with pytest.raises(ConfigError, match=r"partial\.images: None is less than two of each"):
        plan.figures(parse(raw), ["fig1"])


def test_a_network_that_needs_larger_images_is_refused(shipped, tmp_path):
    small = saved(tmp_path / "x.npz", images=images(60, 10), labels=np.arange(60) % 3)
    raw = with_images(shipped, small)
    with pytest.raises(ConfigError, match=r"networks: 'cnn' needs images of 12 .*, not 10"):
        plan.figures(parse(raw), ["fig1"])
