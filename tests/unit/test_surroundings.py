"""What a user's machine brings along changes no picture and no number, and ends in one line."""

import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import h5py
import pytest
import torch
import xarray as xr
from PIL import Image

from symlearn.datasets.files import download
from symlearn.datasets.sources import RemoteFile
from symlearn.errors import ConfigError, DataError, StoreError
from symlearn.networks import timm_models
from symlearn.pipeline import store
from symlearn.tools.measure import opened

PACKAGE = Path(store.__file__).parents[1]


def python(*arguments, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), **environment},
    )  # fmt: skip


DRAWN = """
import hashlib, sys
from symlearn.plots import style
from matplotlib import pyplot as plt
with style.applied():
    figure, axes = plt.subplots(figsize=(style.ONE_COLUMN, 2))
    axes.plot([1, 2, 4], [1, 0.5, 0.1], label="N = 4")
    axes.set(xlabel="poses", ylabel="error", yscale="log")
    axes.legend()
    figure.savefig(sys.argv[1] + ".pdf", metadata={"CreationDate": None})
    figure.savefig(sys.argv[1] + ".png")
"""
SETTINGS = """
text.usetex: True
font.size: 30
font.family: serif
axes.facecolor: red
savefig.bbox: tight
lines.linestyle: --
"""


def drawn(folder, **environment):
    done = python("-c", DRAWN, str(folder / "drawn"), cwd=folder, **environment)
    assert done.returncode == 0, done.stderr
    return [(folder / f"drawn{ending}").read_bytes() for ending in (".pdf", ".png")]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return drawn(tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "svg", "TkAgg"])
def test_a_notebooks_backend_changes_no_picture(tmp_path, plain, backend):
    assert drawn(tmp_path, MPLBACKEND=backend) == plain


def test_a_users_settings_change_no_picture(tmp_path, plain):
    (tmp_path / "matplotlibrc").write_text(SETTINGS)
    assert drawn(tmp_path) == plain
    assert drawn(tmp_path, MATPLOTLIBRC=str(tmp_path / "matplotlibrc")) == plain


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_of_another_repository_is_not_the_packages(tmp_path):
    def commit():
        code = "from symlearn.pipeline.provenance import commit; print(commit())"
        return python("-c", code, PYTHONPATH=str(tmp_path)).stdout.strip()

    def git(*arguments):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True
        )

    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "symlearn", ignore=ignored)
    assert commit() == "unknown"
    (tmp_path / "README").write_text("another project\n")
    git("init", "--quiet")
    git("add", "README")
    git("commit", "--quiet", "--message", "another project")
    assert commit() == "unknown"
    git("add", "symlearn/__init__.py")
    git("commit", "--quiet", "--message", "and the package")
    assert len(commit().removesuffix("-dirty")) == 12


def shell(line):
    return subprocess.run(
        ["bash", "-c", line.format(python=f"{sys.executable} -m symlearn")],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )  # fmt: skip


def test_a_reader_that_has_seen_enough_ends_a_command_quietly():
    done = shell("{python} schema | head -2; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line():
    done = shell("{python} schema > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "symlearn schema: error: No space left on device\n"


def test_letters_that_a_locale_lacks_end_no_command():
    code = (
        "import sys; from symlearn.__main__ import main; main(['schema']); print('\u2265 \u2016')"
    )
    done = python("-c", code, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\\u2265 \\u2016\n")


HOLD = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('held', flush=True); input()"


def test_a_file_that_another_process_has_locked_is_not_called_damaged(tmp_path, monkeypatch):
    path = tmp_path / "mine.nc"
    store.write(xr.Dataset({"value": 1.0}), path, {"stage": "studies", "inputs": []})
    monkeypatch.setattr(store, "_PATIENCE", (0.01, 0.01))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match="is locked by another process") as raised:
            store.read(path)
        assert "damaged" not in str(raised.value)
        assert "delete" not in str(raised.value)
    finally:
        holder.communicate(b"\n")
    assert store.read(path)["value"] == 1.0


def test_a_lock_that_is_given_back_is_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "mine.nc"
    store.write(xr.Dataset({"value": 1.0}), path, {"stage": "studies", "inputs": []})
    real, refusals = h5py.File, [BlockingIOError(11, "unable to lock file")] * 2

    def opened_later(*arguments, **options):
        if refusals:
            raise refusals.pop()
        return real(*arguments, **options)

    monkeypatch.setattr(store, "_PATIENCE", (0.0, 0.0, 0.0))
    monkeypatch.setattr(store.h5py, "File", opened_later)
    assert store.read(path)["value"] == 1.0


def test_a_missing_bundle_of_certificates_is_no_folder_that_cannot_be_written(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    file = RemoteFile("images.gz", packed="0" * 64)
    with pytest.raises(DataError, match=r"images\.gz: cannot be downloaded: .*/nowhere\.pem"):
        download(file, ["https://127.0.0.1:9/"], tmp_path)


def test_a_picture_of_16_bits_is_refused(tmp_path):
    Image.new("I;16", (4, 4), 40_000).save(tmp_path / "grey.png")
    with pytest.raises(DataError, match=r"grey\.png: has more than 8 bits a colour"):
        opened(tmp_path / "grey.png")


def test_a_picture_is_turned_as_its_orientation_says(tmp_path):
    picture = Image.new("RGB", (6, 4), "red")
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert opened(tmp_path / "turned.jpg").size == (4, 6)


@pytest.mark.parametrize("kept", [0, 8, 30, 45, 60])
@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "bmp"])
def test_a_picture_that_is_cut_short_is_one_line(tmp_path, ending, kept):
    path = tmp_path / f"cut.{ending}"
    Image.effect_noise((40, 40), 50).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match="cannot be read as a picture") as raised:
        opened(path)
    assert "\n" not in str(raised.value)


def test_a_model_without_classes_is_refused(monkeypatch):
    features = torch.nn.Linear(3, 192)
    features.num_classes = 0
    fake = types.SimpleNamespace(
        list_models=lambda: ["eva02"], create_model=lambda name, **_: features
    )
    monkeypatch.setattr(timm_models, "_timm", lambda: fake)
    with pytest.raises(ConfigError, match="eva02 is no classifier: its outputs are features"):
        timm_models.timm_model("eva02")
    features.num_classes = 192
    assert timm_models.timm_model("eva02") is features


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_works_in_a_folder_whose_name_has_a_blank(tmp_path):
    root, folder = PACKAGE.parents[1], tmp_path / "My Drive"
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(root / name, folder)
    shutil.copytree(root / "envs", folder / "envs")
    pins = [(folder / "envs" / name).read_text() for name in ("requirements.lock", "torch.txt")]
    for name, text in (("locked", f"{''.join(pins)}# {folder}\n"), ("installed", "")):
        (folder / ".venv" / name).write_text(text)
    snakemake = folder / ".venv/bin/snakemake"
    snakemake.write_text('#!/bin/sh\necho "drawn with $*"\n')
    snakemake.chmod(0o755)
    plain = {
        k: v for k, v in os.environ.items() if not k.startswith("MAKE")
    }  # `make test` has some
    done = subprocess.run(
        ["make", "--no-print-directory", "figures"],
        cwd=folder, env=plain, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "drawn with --cores all\n"), done.stderr
