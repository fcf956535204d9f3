"""What a user's machine brings along changes no picture and no number, and ends in one line."""

import os
import shlex
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

from symlearn.__main__ import main
from symlearn.datasets.files import download
from symlearn.datasets.pictures import opened, pictures
from symlearn.datasets.sources import RemoteFile
from symlearn.errors import ConfigError, DataError, StoreError
from symlearn.networks import timm_models
from symlearn.pipeline import store
from symlearn.pipeline.chain import chain, state_of
from symlearn.stages.figures import main as figures

PACKAGE = Path(store.__file__).parents[1]


def python(*arguments, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), **environment},
    )  # fmt: skip


SETTINGS = """
text.usetex: True
font.size: 30
font.family: serif
axes.facecolor: red
savefig.bbox: tight
lines.linestyle: --
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, make_rings, write_fig2):
    """Draws figure 2 as a job does, with variables in the environment; returns PDF and PNG."""
    results = tmp_path_factory.mktemp("drawn") / "results/quick"
    make_rings(results)
    spec, out = write_fig2(results), results / "fig2.pdf"

    def draw(cwd=results, **environment):
        done = python(
            "-m", "symlearn", "figures", "--spec", str(spec), "--out", str(out),
            cwd=cwd, **environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [out.with_suffix(ending).read_bytes() for ending in (".pdf", ".png")]

    return draw


@pytest.fixture(scope="module")
def plain(drawn):
    return drawn()


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "svg", "TkAgg"])
def test_a_notebooks_backend_changes_no_picture(drawn, plain, backend):
    assert drawn(MPLBACKEND=backend) == plain


def test_a_users_settings_change_no_picture(tmp_path, drawn, plain):
    (tmp_path / "matplotlibrc").write_text(SETTINGS)
    assert drawn(cwd=tmp_path) == plain
    assert drawn(MATPLOTLIBRC=str(tmp_path / "matplotlibrc")) == plain


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
        ["bash", "-c", line.format(python=f"{shlex.quote(sys.executable)} -m symlearn")],
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


@pytest.fixture
def writer():
    """Starts a process that has a file open for writing; it ends when its input does."""
    started = []

    def start(path):
        started.append(subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ))  # fmt: skip
        assert started[-1].stdout.readline() == b"held\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_file_that_another_process_has_locked_is_not_called_damaged(
    writer, tmp_path, monkeypatch
):
    path = tmp_path / "mine.nc"
    store.write(xr.Dataset({"value": 1.0}), path, {"stage": "studies", "inputs": []})
    monkeypatch.setattr(store, "_PATIENCE", (0.01, 0.01))
    process = writer(path)
    with pytest.raises(StoreError, match="is locked by another process") as raised:
        store.read(path)
    assert "damaged" not in str(raised.value)
    assert "delete" not in str(raised.value)
    process.communicate(b"\n")
    assert store.read(path)["value"] == 1.0


def test_a_job_calls_no_file_damaged_that_another_process_writes(
    make_rings, write_fig2, writer, tmp_path, monkeypatch, capsys
):
    results = tmp_path / "results" / "mine"
    study, out = make_rings(results), tmp_path / "fig2.pdf"
    draw = ["figures", "--spec", str(write_fig2(results)), "--out", str(out)]
    before = study.read_bytes()
    process = writer(study)
    assert study.read_bytes() != before, "HDF5 does not mark the file; this test tests nothing"
    monkeypatch.setattr(store, "_PATIENCE", (0.01, 0.01))
    capsys.readouterr()
    assert main(draw) == 1
    assert capsys.readouterr().err == (
        f"symlearn figures: error: {study}: is locked by another process, perhaps one that writes "
        "it; end that process or wait for it, and run again\n"
    )
    assert [path.name for path in study.parent.glob("*.damaged")] == []
    # Where the other process ends while the job waits, the job goes on.
    monkeypatch.setattr(store, "_PATIENCE", (1.0,))
    monkeypatch.setattr(store.time, "sleep", lambda _: process.communicate(b"\n"))
    assert main(draw) == 0
    assert out.is_file()


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
@pytest.mark.parametrize("name", ["My Drive", "Ann's (old) drive; #2 & 3", "100%, $HOME"])
def test_make_works_in_a_folder_whose_name_has_a_blank_or_a_sign(tmp_path, name):
    root, folder = PACKAGE.parents[1], tmp_path / name
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
    done = make(folder, "figures")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "drawn with --logger symlearn --cores all\n"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("sign", ["$HOME", "`date`", '"x"', "\\"])
def test_make_installs_nothing_where_pips_commands_could_not_run(tmp_path, sign):
    root, folder = PACKAGE.parents[1], tmp_path / f"a {sign}"
    folder.mkdir()
    shutil.copy(root / "Makefile", folder)
    shutil.copy(root / "pyproject.toml", folder)
    shutil.copytree(root / "envs", folder / "envs")
    done = make(folder, "env")
    assert done.returncode == 2
    assert "pip installs no commands below a folder" in done.stderr
    assert done.stdout == ""
    assert not (folder / ".venv").exists()


def make(folder, target):
    """Make a target, without what `make test` hands on to the make that it runs."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return subprocess.run(
        ["make", "--no-print-directory", target],
        cwd=folder, env=plain, capture_output=True, text=True, check=False,
    )  # fmt: skip


# Root reads everything but for this capability.
NO_PRIVILEGE = """
import ctypes, os, sys
dac_override, dac_read_search, drop = 1, 2, 24  # linux/capability.h, linux/prctl.h
if os.getuid() == 0:
    for capability in (dac_override, dac_read_search):
        ctypes.CDLL(None).prctl(drop, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def unprivileged(folder, *arguments):
    return python("-c", NO_PRIVILEGE, "-m", "symlearn", *arguments, cwd=folder)


@pytest.fixture
def result(tmp_path, make_rings):
    """A result with its sidecar, in the folder of a project."""
    (tmp_path / "config.yaml").write_text((PACKAGE.parents[1] / "config.yaml").read_text())
    return make_rings(tmp_path / "results/quick")


@pytest.mark.parametrize("locked", ["{}", "{}.json", "{.parent}"])
def test_a_result_that_may_not_be_read_is_one_line(tmp_path, result, locked):
    path = Path(locked.format(result))
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        done = unprivileged(tmp_path, "provenance", str(result), "--verify")
    finally:
        path.chmod(mode)
    assert done.returncode == 1
    assert done.stderr.startswith("symlearn provenance: error: ")
    assert "Permission denied" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_result_that_may_not_be_read_is_not_called_damaged(result, monkeypatch):
    def refused(*_):
        raise PermissionError(13, f"Unable to synchronously open file '{result}'")

    monkeypatch.setattr(store.h5py, "File", refused)
    with pytest.raises(StoreError, match=f"{result}: cannot be read: Permission denied"):
        store.read(result)


def test_a_folder_of_data_that_may_not_be_read_is_one_line(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    shipped = (PACKAGE.parents[1] / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(shipped)
    (tmp_path / "mine.yaml").write_text(f"data_root: {data}/mine\n")
    (data / "mine").mkdir()
    for path in (data / "mine", data):
        path.chmod(0)
        done = unprivileged(tmp_path, "plan", "fig2", "--configfile", "mine.yaml")
        path.chmod(0o755)
        assert done.returncode == 1
        assert f"data_root: '{data}/mine': {data}/mine cannot be read: Permission" in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("linked", ["results", "results/quick", "results/quick/studies", "figures"])
def test_a_folder_that_is_a_link_to_another_disk_keeps_its_neighbours(
    tmp_path, result, write_fig2, linked
):
    folder = tmp_path
    (folder / "figures/quick").mkdir(parents=True)
    disk = folder / "disk"
    disk.mkdir()
    (folder / linked).rename(disk / "moved")
    (folder / linked).symlink_to(disk / "moved")
    spec = write_fig2(folder / "results/quick")
    figure = folder / "figures/quick/fig2.pdf"
    assert figures(["--spec", str(spec), "--out", str(figure)]) == 0
    assert [state_of(link)[0] for link in chain(figure)] == ["intact"] * 2
    done = subprocess.run(
        ["sh", "-c", 'cd figures/quick && exec "$0" -m symlearn provenance fig2.pdf --verify',
         sys.executable],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_pictures_are_files_in_folders_or_in_links_to_folders(tmp_path):
    disk, folder = tmp_path / "disk", tmp_path / "pictures"
    for path in (disk, folder, folder / "album.png"):
        path.mkdir()
    for path in (disk / "one.png", folder / "album.png" / "two.png"):
        Image.new("RGB", (4, 4)).save(path)
    (folder / "class").symlink_to(disk)
    (folder / "again").symlink_to(folder)  # a circle
    found = pictures(folder, 2, 0)
    assert [path.name for path in found] == ["two.png", "one.png"]
    with pytest.raises(DataError, match="holds 2 pictures, and 3 are asked for"):
        pictures(folder, 3, 0)
    with pytest.raises(DataError, match="nowhere: cannot be read: No such file or directory"):
        pictures(tmp_path / "nowhere", 2, 0)
