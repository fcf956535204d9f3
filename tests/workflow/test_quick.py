"""The quick preset as it is shipped, end to end: `make test-quick`, a quarter of an hour."""

import csv
import html

import pytest

from symlearn import plan
from symlearn.config import load
from symlearn.pipeline import store

from .project import ROOT, Project

pytestmark = [pytest.mark.workflow, pytest.mark.quick]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the project after `snakemake --cores all`."""
    copy = Project(tmp_path_factory.mktemp("quick") / "project")
    done = copy.snakemake("--cores", "all")
    assert done.returncode == 0, done.stdout
    copy.output = done.stdout
    return copy


def test_every_figure_is_there_in_all_its_forms(finished):
    for name in plan.figure_names():
        for suffix in (".pdf", ".png", ".nc", ".txt", ".pdf.json"):
            assert (finished.folder / f"figures/quick/{name}{suffix}").stat().st_size > 0


def test_the_claims_are_printed_and_turn_out_as_they_are_listed(finished):
    assert "Preset quick:" in finished.output
    finished.run("claims")
    assert (finished.folder / "figures/quick/claims.txt").read_text().startswith("Preset quick:")
    with (finished.folder / "figures/quick/claims.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows if row["surprise"]] == []
    # What is expected of the shipped grid is measured there, on the data that it is expected of.
    unjudged = [row["id"] for row in rows if row["outcome"].startswith("not") and row["expected"]]
    assert unjudged == []


def test_afterwards_there_is_nothing_to_do(finished):
    assert finished.planned() == {}


def test_every_result_is_readable_and_names_its_spec(finished):
    for job in plan.all_jobs(plan.figures(load(ROOT / "config.yaml")).values()):
        if job.stage != "figures":
            path = finished.folder / f"results/quick/{job.stage}/{job.name}.nc"
            assert store.spec_of(store.read(path, job.stage)) == job.spec
            for part in job.parts:
                assert store.spec_of(store.read_group(path, part.slug)) == part.spec


def test_drawing_a_figure_again_gives_the_same_data(finished):
    before = (finished.folder / "figures/quick/fig5.nc").read_bytes()
    finished.run("--forcerun", "fig5", "--", "fig5")
    assert (finished.folder / "figures/quick/fig5.nc").read_bytes() == before


@pytest.mark.parametrize("name", plan.figure_names())
def test_the_chain_of_every_figure_is_intact(finished, name):
    figure = f"figures/quick/{name}.pdf"
    done = finished.python("-m", "symlearn", "provenance", figure, "--verify")
    assert done.returncode == 0, done.stdout
    assert figure.rsplit("/", 1)[1] in done.stdout


def test_the_report_holds_every_figure_with_its_caption(finished):
    finished.run("--report", "report.html")
    report = (finished.folder / "report.html").read_text()
    for name in plan.figure_names():
        caption = (finished.folder / f"figures/quick/{name}.txt").read_text()
        assert html.escape(caption.split(".")[0], quote=False) in report
        assert f'"figures/quick/{name}.png"' in report
    assert "system-message" not in report


def test_the_gallery_and_the_bundle_are_made_and_made_once(finished):
    finished.run("gallery", "bundle")
    page = (finished.folder / "figures/quick/gallery.html").read_text()
    assert page.count("data:image/webp;base64,") == 2 * len(plan.figure_names())
    assert finished.planned("gallery", "bundle") == {}


def test_the_bundle_redraws_a_figure_with_the_same_data(finished, tmp_path):
    finished.run("bundle")
    bundle = "figures/quick/bundle.zip"
    into = str(tmp_path / "restored")
    done = finished.python("-m", "symlearn", "bundle", "restore", bundle, "--into", into)
    assert done.returncode == 0, done.stdout
    done = finished.python("-m", "symlearn", "bundle", "redraw", into, "fig8")
    assert done.returncode == 0, done.stdout
    assert "the same data" in done.stdout
