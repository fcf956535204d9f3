import json
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from symlearn.errors import StoreError
from symlearn.stages.figures import main as figures
from symlearn.tools.bundle.archive import MANIFEST, pack, unpack
from symlearn.tools.bundle.command import main
from symlearn.tools.bundle.contents import project_files

ROOT = Path(__file__).parents[2]
MEMBERS = {"b/two.txt": b"two", "a.txt": b"one" * 1000}
ABOUT = {"preset": "quick"}


def rewrite(path, change):
    """The archive at `path` with its members, as (ZipInfo, bytes), changed."""
    with zipfile.ZipFile(path) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in change(members):
            archive.writestr(info, content)


def added(name, mode=stat.S_IFREG | 0o644):
    """A change that adds a member and lists it in the manifest as any other."""

    def change(members):
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        content = b"two"
        manifest = json.loads({info.filename: c for info, c in members}[MANIFEST])
        manifest["files"][name] = manifest["files"]["b/two.txt"]
        rest = [(i, c) for i, c in members if i.filename != MANIFEST]
        return [(MANIFEST, json.dumps(manifest).encode()), *rest, (info, content)]

    return change


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "bundle.zip"
    pack(MEMBERS, path, ABOUT)
    return path


def test_what_is_packed_is_unpacked(archive, tmp_path):
    manifest = unpack(archive, tmp_path / "out")
    assert manifest["preset"] == "quick"
    for name, content in MEMBERS.items():
        assert (tmp_path / "out" / name).read_bytes() == content


def test_equal_members_give_equal_bytes_in_any_order_at_any_time(archive, tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 0.0)
    other = tmp_path / "other.zip"
    pack(dict(reversed(MEMBERS.items())), other, ABOUT)
    assert other.read_bytes() == archive.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        added("../outside.txt"),
        added("/outside.txt"),
        added("a/../../outside.txt"),
        added("..\\outside.txt"),
        added("C:outside.txt"),
        added("folder/"),
        added("link", stat.S_IFLNK | 0o777),
        lambda members: [*members, ("a.txt", b"again")],
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_no_plain_file_inside_the_folder_is_refused(archive, tmp_path, change):
    rewrite(archive, change)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StoreError, match="refuses to unpack"):
        unpack(archive, tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda members: members[1:], "no manifest"),
        (lambda members: members[:-1], "other files than"),
        (lambda members: [*members, ("new.txt", b"")], "other files than"),
        (lambda members: [*members[:-1], ("b/two.txt", b"three")], "is not what"),
    ],
)
def test_an_archive_unlike_its_manifest_is_refused(archive, tmp_path, change, message):
    rewrite(archive, change)
    with pytest.raises(StoreError, match=message):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_archive_is_one_line(tmp_path, capsys):
    path = tmp_path / "bundle.zip"
    path.write_bytes(b"nothing")
    assert main(["restore", str(path), "--into", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_that_holds_something_is_left_alone(archive, tmp_path):
    with pytest.raises(StoreError, match="is not empty"):
        unpack(archive, tmp_path)


def test_the_project_goes_in_as_it_runs_and_nothing_built():
    names = {path.relative_to(ROOT).as_posix() for path in project_files(ROOT)}
    assert {
        "CITATION.cff", "LICENSE", "envs/requirements.lock", "config.yaml", "Snakefile",
        "src/symlearn/plan.py", "src/symlearn/tools/gallery/gallery.html",
        "src/symlearn/tools/forecast/reference.tsv", "src/symlearn/papers/orbits/claims.yaml",
        "src/symlearn/papers/lie/data/lie_title_figure.tsv", "workflow/rules/figures.smk",
    } <= names  # fmt: skip
    assert not any(name.endswith(".pyc") or name.startswith(("tests", "results")) for name in names)


@pytest.fixture(scope="module")
def made(tmp_path_factory, make_rings, write_fig2):
    """A folder with a small figure 2, as Snakemake leaves it."""
    folder = tmp_path_factory.mktemp("made")
    results = folder / "results" / "quick"
    make_rings(results)
    figure = folder / "figures" / "quick" / "fig2.pdf"
    assert figures(["--spec", str(write_fig2(results)), "--out", str(figure)]) == 0
    for suffix in ("csv", "md", "html"):
        figure.with_name(f"claims.{suffix}").write_text("claims\n")
    return folder


@pytest.fixture
def drawn(made, tmp_path, monkeypatch):
    """A copy of it to work in, with the project's source."""
    folder = tmp_path / "project"
    shutil.copytree(made, folder)
    (folder / "src").symlink_to(ROOT / "src")
    monkeypatch.chdir(folder)
    return folder


def pack_figure_2():
    status = main(["pack", "figures/quick/fig2.pdf", "--preset", "quick", "--out", "bundle.zip"])
    assert status == 0
    return Path("bundle.zip")


def test_a_figure_is_redrawn_from_the_bundle_alone(drawn, tmp_path, capsys):
    bundle = pack_figure_2()
    restored = tmp_path / "restored"
    assert main(["restore", str(bundle), "--into", str(restored)]) == 0
    (drawn / "results").rename(drawn / "gone")
    assert main(["redraw", str(restored), "fig2"]) == 0
    assert "the same data" in capsys.readouterr().out
    assert (restored / "redrawn/quick/fig2.pdf").read_bytes().startswith(b"%PDF")


def test_packing_twice_gives_equal_bytes(drawn):
    first = pack_figure_2().read_bytes()
    for path in drawn.rglob("*.nc"):
        path.touch()
    assert pack_figure_2().read_bytes() == first


@pytest.mark.parametrize(
    "name", ["figures/quick/fig2.png", "figures/quick/fig2.pdf.json", "figures/quick/claims.csv"]
)
def test_a_missing_file_is_named_in_one_line(drawn, capsys, name):
    (drawn / name).unlink()
    arguments = ["pack", "figures/quick/fig2.pdf", "--preset", "quick", "--out", "bundle.zip"]
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert Path(name).name in err
    assert not Path("bundle.zip").exists()


def test_an_unknown_figure_is_one_line(drawn, tmp_path, capsys):
    assert main(["restore", str(pack_figure_2()), "--into", str(tmp_path / "restored")]) == 0
    assert main(["redraw", str(tmp_path / "restored"), "fig44"]) == 1
    assert "holds no fig44" in capsys.readouterr().err
