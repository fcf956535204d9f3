import base64
import csv
import io
import json
import struct
import zlib

import pytest
from PIL import Image

from symlearn.errors import StoreError
from symlearn.tools.claims.verdicts import COLUMNS
from symlearn.tools.gallery.command import main
from symlearn.tools.gallery.content import counted, picture


def png(width, height):
    """A grey PNG."""

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


RECORD = {
    "sha256": "0" * 64,
    "spec": {"stage": "figures", "inputs": ["studies/rings-0123456789"]},
    "inputs": {"studies/rings-0123456789.nc": "a" * 64},
    "code": {},
    "commit": "0123456789ab",
    "device": "cpu",
    "precision": "float64",
    "versions": {"python": "3.11.7"},
    "seconds": 2.0,
    "peak_memory_mib": 200,
    "finished": "2026-01-01T00:00:00Z",
}
# Columns from the claim on: sentence, source, note, whether it is central.
ORBITS, LIE = "docs/science/orbits.md#two-rings", "docs/science/lie.md#what-aliases"
MORE = ("More than <one> & all.", ORBITS, "", "yes")
MOST = ("At most one.", ORBITS, "Not now.", "yes")
CLAIMS = [
    ("first", "fig2", "holds", "≥ 1", "2", "0.1", *MORE),
    ("second", "fig2", "fails", "≤ 1", "1.5", "", *MOST),
    ("third", "lie-aliasing", "not run", "", "", "", "Later.", LIE, ""),
]


def make(folder):
    """Two figures as the stage leaves them, as far as the gallery looks, and claims."""
    folder.mkdir(parents=True)
    for name, title in (("fig2", "Two rings, and an error < 1"), ("lie-aliasing", "Precision")):
        (folder / f"{name}.pdf").write_bytes(b"%PDF")
        (folder / f"{name}.png").write_bytes(png(640, 320))
        (folder / f"{name}.txt").write_text(f"{title}. (A) Points & lines. Preset: quick.\n")
        record = {**RECORD, "file": f"{name}.pdf"}
        (folder / f"{name}.pdf.json").write_text(json.dumps(record))
    with (folder / "claims.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *CLAIMS])


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "figures" / "quick"
    make(path)
    return path


def build(folder, *figures):
    files = [str(folder / f"{name}.pdf") for name in figures or ("lie-aliasing", "fig2")]
    claims, out = folder / "claims.csv", folder / "gallery.html"
    status = main([*files, "--preset", "quick", "--claims", str(claims), "--out", str(out)])
    return status, out


def test_the_page_holds_pictures_captions_claims_and_provenance(folder):
    status, out = build(folder)
    assert status == 0
    text = out.read_text()
    assert text.index('id="fig2"') < text.index('id="lie-aliasing"')
    for part in (
        "data:image/webp;base64,", 'width="640" height="320"', 'width="320" height="160"',
        "(A) Points &amp; lines.",
        "Two rings, and an error &lt; 1", "More than &lt;one&gt; &amp; all.", "0123456789ab",
        "studies/rings-0123456789.nc", "python 3.11.7", "snakemake --cores all fig2",
        "Not now.",
    ):  # fmt: skip
        assert part in text, part


def test_equal_files_give_equal_bytes(folder):
    first = build(folder, "fig2", "lie-aliasing")[1].read_bytes()
    assert build(folder, "lie-aliasing", "fig2")[1].read_bytes() == first


def test_another_preset_is_named_in_the_commands(folder):
    claims, out = folder / "claims.csv", folder / "gallery.html"
    arguments = [str(folder / "fig2.pdf"), "--preset", "paper", "--claims", str(claims)]
    assert main([*arguments, "--out", str(out)]) == 0
    assert "snakemake --cores all --config preset=paper -- fig2" in out.read_text()


def test_a_figure_leads_to_its_files_its_code_and_its_derivations(folder):
    text = build(folder)[1].read_text()
    for link in (
        'href="fig2.pdf"', 'href="../../src/symlearn/papers/orbits/figures/fig2.py"',
        'href="../../docs/science/orbits.md"', 'href="../../docs/science/lie.md#what-aliases"',
    ):  # fmt: skip
        assert link in text, link
    assert 'href="fig2.nc"' not in text, "there is none"


def test_a_subset_of_figures_is_shown_with_its_claims_alone(folder):
    text = build(folder, "lie-aliasing")[1].read_text()
    assert "Later." in text
    assert "At most one." not in text
    assert text.count("data:image/webp;base64,") == 2  # the picture and its thumbnail


def test_pictures_that_are_kept_without_a_pdf_make_a_page(folder):
    (folder / "fig2.pdf").unlink()
    claims, out = folder / "claims.csv", folder / "gallery.html"
    arguments = ["--preset", "standard", "--claims", str(claims), "--out", str(out)]
    assert main([str(folder / "fig2.png"), *arguments]) == 0
    assert 'href="fig2.pdf"' not in out.read_text()


def test_it_opens_on_the_account(folder):
    rows = [
        ("sketch-error", "fig2", "holds", "0.57", "0.5685", "", "One.", "derived", ""),
        ("sketch-exact", "fig2", "fails", "0.57", "0.5685", "", "Two.", "derived", ""),
    ]
    with (folder / "claims.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    text = build(folder, "fig2")[1].read_text()
    account = text.partition('id="account"')[2].partition('id="thumbnails"')[0]
    assert '<span class="badge partly">partly</span>' in account
    assert "0.5685 by the formula" in account
    assert '<a href="#fig2">fig2</a>' in account
    assert "Relative stability" not in account, "its figures are not shown"


@pytest.mark.parametrize("name", ["fig2.png", "fig2.txt", "fig2.pdf.json", "claims.csv"])
def test_a_missing_file_is_one_line_that_names_it(folder, capsys, name):
    (folder / name).unlink()
    status, out = build(folder)
    assert status == 1
    assert not out.exists()
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert name in err


def test_what_is_no_picture_is_refused(tmp_path):
    path = tmp_path / "fig2.png"
    path.write_bytes(b"nothing of the kind, but long enough")
    with pytest.raises(StoreError, match=r"fig2\.png: is no PNG"):
        picture(path)


def test_a_picture_keeps_every_pixel(tmp_path):
    path = tmp_path / "fig2.png"
    noise = Image.effect_noise((40, 30), 80).convert("RGB")
    noise.save(path)
    shown = picture(path)
    content = base64.b64decode(shown.uri.partition("base64,")[2])
    assert (shown.width, shown.height) == (40, 30)
    assert Image.open(io.BytesIO(content)).convert("RGB").tobytes() == noise.tobytes()


def test_outcomes_are_counted_without_zeros():
    assert counted([{"outcome": "fails"}, {"outcome": "fails"}]) == {"fails": 2}
