"""The command that measures a published model on a folder of pictures, with a small model."""

import csv
import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from symlearn.errors import DataError
from symlearn.measures.lie import lie_derivative as derivative
from symlearn.measures.lie import mean_absolute, mean_square
from symlearn.tools import measure


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(4):
        place = tmp_path / f"class{i % 2}"
        place.mkdir(exist_ok=True)
        levels = rng.integers(0, 256, size=(9, 9, 3)).astype(np.uint8)
        Image.fromarray(levels).save(place / f"{i}.png")
    (tmp_path / "readme.txt").write_text("no picture")
    return tmp_path


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 81, 5)).eval()


def as_tensor(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


@pytest.fixture
def network(monkeypatch):
    made = model()
    monkeypatch.setattr(measure, "timm_model", lambda name, weights: made)
    monkeypatch.setattr(measure, "transform_of", lambda _: as_tensor)
    return made


def test_it_prints_errors_with_standard_errors(folder, network, capsys):
    arguments = ["any", "--pictures", str(folder), "--count", "4", "--batch", "3"]
    assert measure.main([*arguments, "--generators", "rotate", "translate_x"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out), delimiter="\t"))
    assert [row["generator"] for row in rows] == ["rotate", "translate_x"]
    files = measure.pictures(folder, 4, 0)
    images = torch.stack([as_tensor(Image.open(file)) for file in files]).double()
    shares = nn.Sequential(network, nn.Softmax(dim=1)).eval()
    for row in rows:
        found = derivative(shares, images, row["generator"], "forward")
        for kind, reduce in (("square", mean_square), ("absolute", mean_absolute)):
            expected = reduce(found).double()
            assert float(row[kind]) == pytest.approx(float(expected.mean()), rel=1e-4)
            error = float(expected.std() / 4**0.5)
            assert float(row[f"{kind}_se"]) == pytest.approx(error, rel=1e-4)


def test_pictures_are_drawn_from_all_folders_by_the_seed(folder):
    drawn = [measure.pictures(folder, 3, seed) for seed in (0, 0, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len({tuple(each) for each in drawn}) > 1
    assert all(len(set(each)) == 3 for each in drawn)


def test_too_few_pictures_are_one_line(folder, network, capsys):
    assert measure.main(["any", "--pictures", str(folder)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("symlearn measure: error: ")
    assert "holds 4 pictures, and 100 are asked for" in line
    with pytest.raises(DataError, match="at least two pictures"):
        measure.pictures(folder, 1, 0)


def test_what_is_no_picture_is_named(folder, network, capsys):
    (folder / "class0" / "0.png").write_text("text")
    assert measure.main(["any", "--pictures", str(folder), "--count", "4"]) == 1
    assert "0.png: cannot be read as a picture" in capsys.readouterr().err


def test_an_unknown_generator_is_named(folder, network, capsys):
    assert measure.main(["any", "--pictures", str(folder), "--generators", "turn"]) == 1
    assert "no generator is called 'turn'" in capsys.readouterr().err
