"""Figures that are kept in the repository, and the command that keeps them."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from PIL import Image, ImageChops
from PIL.PngImagePlugin import PngInfo

from symlearn.pipeline import provenance, store
from symlearn.tools.account.kept import FOLDER, LIST
from symlearn.tools.account.verdicts import PRESET
from symlearn.tools.publish import main

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / FOLDER


RECORD = {
    "spec": {"stage": "figures", "inputs": []}, "inputs": {}, "code": {}, "commit": "0123456789ab",
    "device": "cpu", "precision": "float64", "versions": {"python": "3.11.7"}, "seconds": 2.0,
    "peak_memory_mib": 200, "finished": "2026-01-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Two figures of a preset, in a folder of one's own."""
    folder = tmp_path / "figures" / "standard"
    folder.mkdir(parents=True)
    measured = xr.Dataset(
        {"value": ("quantity", [0.9]), "uncertainty": ("quantity", [0.01])},
        coords={"quantity": ["spectral"]},
    )
    for name in ("fig2", "lie-aliasing"):
        (folder / f"{name}.pdf").write_bytes(b"%PDF")
        about = PngInfo()
        about.add_text("Title", f"{name}: of a test")
        _picture().save(folder / f"{name}.png", dpi=(200, 200), pnginfo=about)
        (folder / f"{name}.txt").write_text("A caption.")
        store.write_groups({"measured": measured}, folder / f"{name}.nc", RECORD["spec"])
        own = {"file": f"{name}.pdf", "sha256": hashlib.sha256(b"%PDF").hexdigest()}
        (folder / f"{name}.pdf.json").write_text(json.dumps(RECORD | own))
    monkeypatch.chdir(tmp_path)
    return folder


def test_figures_are_kept_with_a_list_of_their_hashes(drawn, capsys):
    assert main(["fig2"]) == 0
    kept = {file.name for file in Path(FOLDER).iterdir()}
    assert kept == {
        "fig2.png", "fig2.nc", "fig2.txt", "fig2.pdf.json", "claims.csv", "claims.md", LIST,
    }  # fmt: skip
    assert "1 figures of standard in figures/published" in capsys.readouterr().out
    assert "`fig2`" in Path("figures/README.md").read_text(encoding="utf-8")
    _holds(Path(FOLDER))


def test_a_kept_picture_is_small_and_the_same_to_the_eye(drawn):
    assert main(["fig2"]) == 0
    with Image.open(Path(FOLDER, "fig2.png")) as kept:
        assert kept.mode == "P"
        assert kept.info["Title"] == "fig2: of a test"
        assert kept.info["dpi"] == pytest.approx((200, 200), rel=1e-4)
        off = ImageChops.difference(kept.convert("RGB"), _picture().convert("RGB"))
    assert max(high for _, high in off.getextrema()) <= 8
    assert Path(FOLDER, "fig2.png").stat().st_size < (drawn / "fig2.png").stat().st_size / 2


def test_all_that_is_drawn_is_kept(drawn):
    assert main([]) == 0
    assert {file.stem for file in Path(FOLDER).glob("*.png")} == {"fig2", "lie-aliasing"}


def test_what_is_no_longer_what_its_sidecar_says_is_refused(drawn, capsys):
    (drawn / "fig2.pdf").write_bytes(b"%PDF other")
    assert main(["fig2"]) == 1
    assert "fig2.pdf" in capsys.readouterr().err
    assert not Path(FOLDER).exists()


@pytest.mark.parametrize("missing", ["fig2.png", "fig2.txt"])
def test_a_file_that_is_missing_is_one_line(drawn, capsys, missing):
    (drawn / missing).unlink()
    assert main(["fig2"]) == 1
    err = capsys.readouterr().err
    assert f"{missing}: is missing; draw fig2 again" in err
    assert err.count("\n") == 1


def test_a_preset_without_figures_is_one_line(drawn, capsys):
    assert main(["--preset", "paper"]) == 1
    assert "figures/paper: has no figures" in capsys.readouterr().err


def test_what_is_kept_here_is_what_its_list_says():
    if not PUBLISHED.exists():
        pytest.skip("no figures are kept yet: `make results` does it")
    _holds(PUBLISHED)
    captions = {file.stem: file.read_text(encoding="utf-8") for file in PUBLISHED.glob("*.txt")}
    assert [name for name, said in captions.items() if f"Preset: {PRESET}." not in said] == []


def _picture():
    """A picture of 256 levels in no order, with transparency, as figures have it."""
    red = np.random.default_rng(1).integers(0, 256, (64, 256), dtype=np.uint8)
    return Image.fromarray(np.stack([red, 255 - red, red // 4, np.full_like(red, 255)], axis=-1))


def _holds(folder):
    lines = (folder / LIST).read_text().splitlines()
    listed = dict(reversed(line.split("  ")) for line in lines)
    files = {file.name for file in folder.iterdir()} - {LIST}
    assert listed.keys() == files
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    for picture in folder.glob("*.png"):
        record = provenance.read_record(picture.with_suffix(".pdf"))
        assert record is not None
        assert record["file"] == f"{picture.stem}.pdf"
        # The data say by themselves which figure they are of, as the sidecar does.
        assert store.spec_of(store.read(picture.with_suffix(".nc"))) == record["spec"]
