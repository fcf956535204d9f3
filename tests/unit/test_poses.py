"""The command that says how many poses are enough, on images of one's own."""

import csv

import numpy as np
import pytest
from PIL import Image

from symlearn.datasets.orbits import make_orbits
from symlearn.kernels import first_rows, gram
from symlearn.papers.orbits.poses import curve, divisors
from symlearn.tools.poses import disc, draw_pairs, main, read_images


@pytest.fixture
def folder(tmp_path):
    """Two classes of three pictures, of two sizes, one in colours."""
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for number in range(3):
            side = 16 if number else 8
            shape = (side, side, 3) if number == 2 else (side, side)
            picture = Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8))
            picture.save(tmp_path / "mine" / name / f"{number}.png")
    return tmp_path / "mine"


def run(folder, *more):
    out = folder.parent / "out"
    usual = ["--architecture", "mlp-1", "--images", str(folder), "--out", str(out)]
    return main([*usual, *more])


def test_a_table_and_a_picture_are_written(folder, capsys):
    assert run(folder, "--side", "8", "--most", "8", "--pairs", "4") == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["2", "4", "8"]
    assert "mlp-1 needs" in out
    with (folder.parent / "out/poses.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["n"] for row in rows] == ["2", "4", "8"]
    assert float(rows[0]["p10"]) <= float(rows[0]["median"]) <= float(rows[0]["p90"])
    with (folder.parent / "out/pairs.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 4
    with Image.open(folder.parent / "out/poses.png") as picture:
        assert picture.size[0] > 100


def test_images_are_grey_of_one_size_and_know_their_class(folder):
    images, classes = read_images(folder, 8)
    assert images.shape == (6, 8, 8)
    assert images.min() >= 0
    assert images.max() <= 1
    assert len(set(classes)) == 2
    pairs = draw_pairs(classes, 100, 0)
    assert len(pairs) == 9
    assert all(classes[a] != classes[b] for a, b in pairs)


def test_a_flat_folder_pairs_any_two(folder):
    images, classes = read_images(folder / "cats", 8)
    assert len(set(classes)) == len(images) == 3


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--group", "dihedral"], "--group: 'dihedral' is unknown; allowed: cyclic-rotation"),
        (["--most", "1"], "--most: at least 2, not 1"),
        (["--pairs", "0"], "--pairs: at least 1, not 0"),
        (["--error", "-1"], "--error: larger than 0, not -1"),
        ([], "has images of several sizes; give --side"),
        (["--architecture", "mlp-9"], "'mlp-9' is unknown"),
        (
            [
                "--side",
                "8",
                "--architecture",
                "transformer-7",
                "--group",
                "cyclic-shift",
                "--most",
                "2",
            ],
            "a transformer is not invariant under shifts",
        ),
        (["--side", "8", "--group", "cyclic-shift", "--most", "3"], "3 shifts do not divide 8"),
    ],
)
def test_bad_options_are_one_line(folder, capsys, more, says):
    assert run(folder, *more) == 1
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
    assert not (folder.parent / "out").exists()


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"images": np.zeros((1, 4, 4))}, "has 1 images, and a pair takes two"),
        ({"images": np.zeros((2, 4, 5))}, "image 0: has 4 x 5 pixels; images are square"),
        ({"images": np.full((2, 4, 4), 2.0)}, "intensities are from 0 to 1"),
        ({"images": np.zeros((2, 4, 4)), "labels": [1, 1]}, "images of one class alone"),
        ({"images": np.zeros((2, 4, 4)), "labels": [1]}, "with a label each or none"),
        ({"other": np.zeros(3)}, "is neither a folder nor an .npz file with images"),
    ],
)
def test_bad_files_are_one_line(tmp_path, capsys, arrays, says):
    np.savez(tmp_path / "x.npz", **arrays)
    assert run(tmp_path / "x.npz") == 1
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_what_is_no_file_of_arrays_is_one_line(tmp_path, capsys):
    (tmp_path / "x.npz").write_text("none")
    assert run(tmp_path / "x.npz") == 1
    assert run(tmp_path / "nowhere") == 1
    err = capsys.readouterr().err
    assert "neither a folder nor an .npz" in err
    assert "No such file" in err
    assert err.count("\n") == 2


@pytest.mark.parametrize("architecture", ["mlp-1", "cnn-gap-3"])
def test_first_rows_are_those_of_the_gram_matrix(architecture):
    images = np.random.default_rng(1).random((2, 6, 6))
    orbits = make_orbits(images, "cyclic-rotation", 6)
    whole = gram(architecture, orbits.reshape(-1, 6, 6)).reshape(2, 6, 2, 6)
    found = first_rows(architecture, orbits)
    assert np.abs(found - whole[:, 0]).max() <= 1e-12 * np.abs(whole).max()


def test_quarter_turns_are_predicted_exactly():
    """Of the divisors of 4 all kernels are invariant: the error is that of regression."""
    images = np.random.default_rng(2).random((2, 6, 6))
    orbits = make_orbits(images, "cyclic-rotation", 4).reshape(-1, 6, 6)
    matrix, labels = gram("mlp-1", orbits), np.repeat([1.0, -1.0], 4)
    found = curve(images, "mlp-1", "cyclic-rotation", 4)
    predicted = matrix[0, 1:] @ np.linalg.solve(matrix[1:, 1:], labels[1:])
    assert found.errors[1, 0] == pytest.approx(1 - predicted, abs=1e-10)
    assert found.reliable
    assert divisors(12).tolist() == [2, 3, 4, 6, 12]


def test_the_disc_is_what_quarter_turns_keep():
    mask = disc(5)
    assert mask[0, 0] == 0
    assert mask[0, 2] == mask[2, 2] == 1
    assert np.array_equal(mask, np.rot90(mask))
