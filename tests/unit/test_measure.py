"""`symlearn measure`: a table, pictures and a page of a model on a folder, with a small model."""

import csv

import numpy as np
import pytest
import torch
import xarray as xr
from PIL import Image
from torch import nn

from symlearn.datasets import pictures
from symlearn.errors import ConfigError, DataError
from symlearn.measures import any_model
from symlearn.tools.measure import command

OUTPUTS = {"measured.csv", "measured.md", "measured.nc", "parts"}


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(4):
        place = tmp_path / "pictures" / f"class{i % 2}"
        place.mkdir(exist_ok=True, parents=True)
        levels = rng.integers(0, 256, size=(16, 16, 3)).astype(np.uint8)
        Image.fromarray(levels).save(place / f"{i}.png")
    (tmp_path / "pictures" / "readme.txt").write_text("no picture")
    return tmp_path / "pictures"


def model(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 256, 5)
    ).eval()


def as_tensor(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).double() / 255


@pytest.fixture
def asked(monkeypatch):
    """The models that the command made, by name, in the order in which it asked for them."""
    made = {}

    def make(name, weights):
        return made.setdefault(name, model(len(made)))

    monkeypatch.setattr(command, "timm_model", make)
    monkeypatch.setattr(command, "transform_of", lambda _: as_tensor)
    return made


def run(folder, tmp_path, *arguments):
    """The exit status; the group is that of quarter turns."""
    where = ["--pictures", str(folder), "--out", str(tmp_path / "out")]
    return command.main([*arguments, *where])


def table(tmp_path):
    with (tmp_path / "out" / "measured.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_every_measure_is_written_as_the_functions_give_it(folder, tmp_path, asked, capsys):
    arguments = ["any", "--count", "4", "--generators", "rotate", "translate_x", "--n", "2"]
    assert run(folder, tmp_path, *arguments, "--batch", "3") == 0
    images = torch.stack([as_tensor(Image.open(f)) for f in pictures.pictures(folder, 4, 0)])
    network = asked["any"].double()
    expected = {
        "lie": any_model.lie_error(network, images, ["rotate", "translate_x"]),
        "layers": any_model.layer_errors(network, images, "rotate"),
        "stability": any_model.relative_stability(network, images),
        "invariance": any_model.invariance(network, images, n=2),
    }
    rows = table(tmp_path)
    assert {row["measure"] for row in rows} == set(expected)
    for measure, found in expected.items():
        own = [row for row in rows if row["measure"] == measure]
        for name in {row["quantity"] for row in own}:
            values = [float(row["value"]) for row in own if row["quantity"] == name]
            errors = [float(row["se"]) for row in own if row["quantity"] == name]
            assert values == pytest.approx(np.ravel(found[name]), rel=1e-9), name
            assert errors == pytest.approx(np.ravel(found[f"{name}_se"]), rel=1e-9, nan_ok=True)
        with xr.open_dataset(tmp_path / "out" / "measured.nc", group=f"any/{measure}") as kept:
            assert set(kept.data_vars) == set(found.data_vars)
    files = {file.name for file in (tmp_path / "out").iterdir()}
    assert files == OUTPUTS | {f"{measure}.png" for measure in expected}
    page = (tmp_path / "out" / "measured.md").read_text()
    assert "4 of" in page
    assert "stencil forward" in page
    assert "](layers.png)" in page
    assert "R of the output" in capsys.readouterr().out


def test_several_models_stand_side_by_side_and_a_stopped_run_goes_on(
    folder, tmp_path, asked, capsys, monkeypatch
):
    assert run(folder, tmp_path, "one", "--measures", "lie") == 0
    asked.clear()
    assert run(folder, tmp_path, "one", "--models", "two", "--measures", "lie") == 0
    assert list(asked) == ["two"]  # the first was kept
    assert "| | one | two |" in capsys.readouterr().out
    assert {row["model"] for row in table(tmp_path)} == {"one", "two"}
    asked.clear()
    assert run(folder, tmp_path, "one", "--measures", "lie", "--seed", "1") == 0
    assert list(asked) == ["one"]  # another seed is another number


def test_a_damaged_part_is_computed_anew(folder, tmp_path, asked, capsys):
    assert run(folder, tmp_path, "any", "--measures", "invariance", "--n", "2") == 0
    (part,) = (tmp_path / "out" / "parts").iterdir()
    whole = part.read_bytes()
    part.write_bytes(whole[:100])
    asked.clear()
    assert run(folder, tmp_path, "any", "--measures", "invariance", "--n", "2") == 0
    assert list(asked) == ["any"]
    assert part.read_bytes() == whole


def test_accuracies_come_from_a_table_and_published_errors_stand_beside(
    folder, tmp_path, asked, capsys
):
    files = pictures.pictures(folder, 4, 0)
    network = model()
    images = torch.stack([as_tensor(Image.open(file)) for file in files])
    classes = network.double()(images).argmax(dim=1)
    rows = [f"{file.name},{int(c)}" for file, c in zip(files, classes, strict=True)]
    labels, published = tmp_path / "labels.csv", tmp_path / "published.csv"
    labels.write_text("\n".join(["picture,class", *rows]))
    published.write_text("model,error\nany,0.0625\n")
    more = ["--n", "2", "--labels", str(labels), "--published", str(published)]
    assert run(folder, tmp_path, "any", "--measures", "invariance", *more) == 0
    out = capsys.readouterr().out
    assert "| accuracy | 1 ± 0 |" in out
    assert "| published error | 0.0625 |" in out
    labels.write_text("\n".join(["picture,class", *rows[1:]]))
    assert run(folder, tmp_path, "any", "--measures", "invariance", *more) == 1
    assert "lacks the class of class0/0.png" in capsys.readouterr().err


def test_classes_are_known_from_imagenets_names(tmp_path):
    files = [tmp_path / "n01440764" / "x.jpg", tmp_path / "000_n01443537.jpg"]
    synsets = ["n01440764", "n01443537"]
    assert pictures.labels_of(files, tmp_path, None, synsets) == [0, 1]
    assert pictures.labels_of([*files, tmp_path / "cat.jpg"], tmp_path, None, synsets) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a model is missing"),
        (["any", "--batch", "0"], "--batch: at least 1, not 0"),
        (["any", "--seed", "-1"], "--seed: at least 0, not -1"),
        (["any", "--generators", "turn"], "no generator is called 'turn'"),
        (["any", "--stencil", "best"], "--stencil: 'best' is none of forward"),
        (["any", "--group", "turns"], "--group: 'turns' is none of cyclic-rotation"),
        (["any", "--n", "3", "--group", "cyclic-shift"], "any: cyclic-shift with n = 3"),
        (["any", "--count", "9"], "holds 4 pictures, and 9 are asked for"),
        (["any", "--count", "1"], "at least two pictures are needed"),
        (["any", "--labels", "nowhere.csv"], "nowhere.csv: cannot be read"),
        (["any", "--published", "nowhere.csv"], "nowhere.csv: cannot be read"),
        (["one", "two", "--weights", "file.pt"], "a file holds the weights of one model"),
    ],
)
def test_bad_input_is_one_line(folder, tmp_path, asked, capsys, arguments, message):
    assert run(folder, tmp_path, *arguments, "--measures", "invariance") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("symlearn measure: error: ")
    assert message in line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: nn.init.zeros_(m[3].weight), "any: the model gives the same output"),
        (lambda m: nn.init.constant_(m[3].bias, float("nan")), "any: the model's outputs are not"),
    ],
)
def test_models_that_cannot_be_measured_are_named(
    folder, tmp_path, monkeypatch, capsys, change, message
):
    network = model()
    change(network)
    monkeypatch.setattr(command, "timm_model", lambda *_: network)
    monkeypatch.setattr(command, "transform_of", lambda _: as_tensor)
    assert run(folder, tmp_path, "any") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_pictures_are_drawn_from_all_folders_by_the_seed(folder):
    drawn = [pictures.pictures(folder, 3, seed) for seed in (0, 0, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len({tuple(each) for each in drawn}) > 1
    assert all(len(set(each)) == 3 for each in drawn)
    assert len(pictures.pictures(folder, None, 0)) == 4


def test_what_is_no_picture_is_named(folder, tmp_path, asked, capsys):
    (folder / "class0" / "0.png").write_text("text")
    assert run(folder, tmp_path, "any", "--count", "4") == 1
    assert "0.png: cannot be read as a picture" in capsys.readouterr().err


def test_an_animated_picture_is_refused(folder):
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    path = folder / "moving.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=r"moving\.webp: is animated"):
        pictures.opened(path)


def test_grey_and_cmyk_pictures_are_turned_into_colours(folder):
    for mode, name in (("L", "grey.png"), ("CMYK", "print.jpg")):
        Image.new(mode, (9, 9)).save(folder / name)
        assert pictures.opened(folder / name).mode == "RGB"


def test_a_package_that_is_not_there_is_named():
    from symlearn.networks.timm_models import _from_package

    with pytest.raises(ConfigError, match="no package has weights of resnet18"):
        _from_package(model(), "resnet18")
