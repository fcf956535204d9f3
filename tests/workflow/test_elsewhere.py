"""All figures of a small copy; from there the workflow is run elsewhere, and used as a module."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml
from docutils.core import publish_doctree

from symlearn import plan

from .project import Project, job_counts, shrink

# Every figure by Snakemake, which `make test` draws in one process (test_figures.py).
pytestmark = [pytest.mark.workflow, pytest.mark.slow]

MODULE = """
import yaml

module symlearn:
    snakefile: "{snakefile}"
    config: yaml.safe_load(open("{config}"))
    prefix: "sym"

use rule * from symlearn as other_*

rule own:
    default_target: True
    input: rules.other_judge_claims.output.csv, rules.other_fig2.output.pdf
    output: "own.txt"
    shell: "cat {{input}} > {{output}}"
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small copy with all figures; its results are not to be changed."""
    copy = Project(tmp_path_factory.mktemp("whole") / "project")
    copy.edit(shrink)
    copy.run("figures")
    return copy


def carried(whole, folder, *names):
    """Results and figures in another folder, as they are."""
    for name in names:
        shutil.copytree(whole.folder / name, folder / name)


def run(whole, folder, *words):
    """Run Python with the package of the copy in another folder."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder, env=whole.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def assert_redraws(whole, bundle, folder):
    run(whole, folder, "symlearn", "bundle", "restore", str(bundle), "--into", "restored")
    for name in ("Snakefile", "config.yaml", "src/symlearn/__main__.py", "workflow/rules/data.smk"):
        assert (folder / "restored" / name).read_bytes() == (whole.folder / name).read_bytes()
    told = run(whole, folder, "symlearn", "bundle", "redraw", "restored", "fig2")
    assert "fig2.pdf: the same data" in told


def test_every_figure_is_drawn_and_its_chain_is_intact(whole):
    assert whole.planned("figures") == {}
    for name in plan.figure_names():
        figure = f"figures/quick/{name}.pdf"
        for suffix in (".pdf", ".png", ".nc", ".txt", ".pdf.json"):
            assert (whole.folder / figure).with_suffix(suffix).stat().st_size > 0
        # The report reads captions as reStructuredText; what is malformed raises here.
        text = (whole.folder / figure).with_suffix(".txt").read_text()
        publish_doctree(text, settings_overrides={"halt_level": 2, "report_level": 5})
        done = whole.python("-m", "symlearn", "provenance", figure, "--verify")
        assert done.returncode == 0, done.stdout


def test_run_from_elsewhere(whole, tmp_path):
    carried(whole, tmp_path, "results", "figures", ".snakemake")
    here = ("-s", str(whole.folder / "Snakefile"), "-d", str(tmp_path))
    here += ("--configfile", str(whole.folder / "config.yaml"), "--cores", "2", "--quiet", "host")
    made = ("gallery", "bundle")
    printed = run(whole, tmp_path.parent, "snakemake", *made, *here)
    assert job_counts(printed) == dict.fromkeys(["judge_claims", *made], 1)
    assert "Nothing to be done" in run(whole, tmp_path.parent, "snakemake", *made, *here, "-n")
    told = run(
        whole, tmp_path, "symlearn", "plan", *made, "--configfile", here[5]
    )  # without a config.yaml
    assert "Nothing to be done" in told
    assert_redraws(whole, "figures/quick/bundle.zip", tmp_path)


def test_used_as_a_module_with_other_names_and_a_prefix(whole, tmp_path):
    carried(whole, tmp_path / "sym", "results", "figures")  # as old as they were, without records
    text = MODULE.format(snakefile=whole.folder / "Snakefile", config=whole.folder / "config.yaml")
    (tmp_path / "Snakefile").write_text(text)
    words = ("snakemake", "own", "other_gallery", "other_bundle", "--cores", "2")
    printed = run(whole, tmp_path, *words)
    expected = dict.fromkeys(["other_judge_claims", "other_gallery", "other_bundle", "own"], 1)
    assert job_counts(printed) == expected
    assert (tmp_path / "own.txt").is_file()
    assert "Nothing to be done" in run(whole, tmp_path, *words, "-n")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != ".snakemake") == [
        "Snakefile", "own.txt", "sym",
    ]  # fmt: skip
    assert_redraws(whole, "figures/quick/bundle.zip", tmp_path / "sym")


def test_used_as_a_module_under_its_own_names(whole, tmp_path):
    text = MODULE.format(snakefile=whole.folder / "Snakefile", config=whole.folder / "config.yaml")
    text = text.replace('    prefix: "sym"\n', "").replace(" as other_*", "").replace("other_", "")
    (tmp_path / "Snakefile").write_text(text)
    printed = run(whole, tmp_path, "snakemake", "fig2", "--cores", "2")
    assert job_counts(printed) == {"compute_study": 1, "fig2": 1}
    assert (tmp_path / "figures/quick/fig2.pdf").is_file()
    printed = run(whole, tmp_path, "snakemake", "-n", "gallery", "bundle")
    assert job_counts(printed)["bundle"] == 1


def age(folder, *patterns):
    """Make files old, those of the first pattern the oldest."""
    for number, pattern in enumerate(patterns):
        for path in folder.glob(pattern):
            os.utime(path, (1e9 + number, 1e9 + number))


@pytest.mark.parametrize(
    "targets", [("all",), ("figures",), ("claims",), ("gallery",), ("bundle", "fig4")]
)
@pytest.mark.parametrize("state", ["as it is", "no records", "no records, old claims"])
def test_the_forecast_of_what_comes_after_all_figures_is_snakemakes(
    whole, tmp_path, targets, state
):
    folder = tmp_path / "project"
    shutil.copytree(whole.folder, folder, symlinks=True)
    copy = object.__new__(Project)
    copy.folder = folder
    if "no records" in state:
        shutil.rmtree(folder / ".snakemake")
    if "old" in state:
        for name in ("claims.csv", "claims.md", "claims.html", "gallery.html", "bundle.zip"):
            (folder / "figures/quick" / name).touch()
        age(folder, "figures/quick/claims.*", "figures/quick/gallery.html")
    done = copy.python("-m", "symlearn", "plan", *targets)
    assert done.returncode == 0, done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    (total,) = (int(row[1]) for row in rows if row[0] == "total")
    planned = copy.planned(*targets)
    assert total == sum(n for rule, n in planned.items() if rule not in ("all", "figures"))


def test_a_configuration_within_that_of_another_workflow_is_refused_in_one_line(whole, tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"preset": "quick"}))
    text = MODULE.format(snakefile=whole.folder / "Snakefile", config="mine.yaml")
    (tmp_path / "Snakefile").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n"],
        cwd=tmp_path, env=whole.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "config: config_version: this key is missing" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
