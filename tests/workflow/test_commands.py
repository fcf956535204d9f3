"""The commands of the README, on small grids: targets, presets, profiles, bad input."""

import json
import re
import subprocess
import sys

import pytest
from docutils.core import publish_doctree

from symlearn import plan, wings
from symlearn.__main__ import COMMANDS
from symlearn.tools.claims.form import load_claims

from .project import ROOT, Project, copied, shrink

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def sketched(tmp_path_factory):
    """A copy of the project whose figure 2 was asked for by its file; not to be edited."""
    copy = Project(tmp_path_factory.mktemp("sketched") / "project")
    copy.edit(shrink)
    copy.run("figures/quick/fig2.pdf")
    return copy


def test_lint_finds_nothing(project):
    done = project.snakemake("--lint")
    assert done.returncode == 0, done.stdout


def test_snakefmt_would_change_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "workflow"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_snakefile_is_short_and_rules_only_declare():
    assert len((ROOT / "Snakefile").read_text().splitlines()) < 60
    for rules in (ROOT / "workflow" / "rules").glob("*.smk"):
        text = rules.read_text()
        assert not re.search(r"^\s*(run|script|notebook):", text, re.MULTILINE), rules
        assert "lambda" not in text, rules


def test_every_rule_has_log_benchmark_threads_and_resources():
    for rules in (ROOT / "workflow" / "rules").glob("*.smk"):
        for text in re.split(r"^\s*rule\b", rules.read_text(), flags=re.MULTILINE)[1:]:
            if "shell:" in text:
                for part in ("log:", "benchmark:", "threads:", "mem_mb=", "runtime=", "gpu="):
                    assert part in text, f"{rules}: {part} is missing in rule{text[:30]}"


@pytest.mark.parametrize(
    ("preset", "profile"),
    [
        ("quick", "default"), ("quick", "gpus"), ("quick", "cluster-generic"),
        ("standard", "default"), ("paper", "slurm"),
    ],
)  # fmt: skip
def test_dry_run_of_every_preset_and_profile(project, preset, profile):
    (project.folder / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    done = project.snakemake(
        "-n", "--quiet", "--workflow-profile", f"workflow/profiles/{profile}",
        "--config", f"preset={preset}",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_default_profile_is_found_without_being_named(project):
    (project.folder / "workflow/profiles/default/config.yaml").write_text("no-such-option: 1\n")
    assert project.snakemake("-n").returncode != 0


def test_a_figure_can_be_asked_for_by_its_file(sketched):
    folder = sketched.folder / "figures/quick"
    written = sorted(path.name for path in folder.iterdir())
    assert written == ["fig2.nc", "fig2.pdf", "fig2.pdf.json", "fig2.png", "fig2.txt"]


# The chains of all figures, as `symlearn provenance` prints them, in one process.
CHAINS = """
import sys
from symlearn.__main__ import main
sys.exit(max(main(["provenance", figure, "--verify"]) for figure in sys.argv[1:]))
"""


@pytest.mark.slow
def test_every_figure_is_drawn_and_its_chain_is_intact(project):
    """By Snakemake, a process for each job; in one process test_figures.py does the same."""
    project.run("figures")
    assert project.planned("figures") == {}
    figures = [f"figures/quick/{name}.pdf" for name in plan.figure_names()]
    for figure in figures:
        for suffix in (".pdf", ".png", ".nc", ".txt", ".pdf.json"):
            assert (project.folder / figure).with_suffix(suffix).stat().st_size > 0
        # The report reads captions as reStructuredText; what is malformed raises here.
        text = (project.folder / figure).with_suffix(".txt").read_text()
        publish_doctree(text, settings_overrides={"halt_level": 2, "report_level": 5})
    done = project.python("-c", CHAINS, *figures)
    assert done.returncode == 0, done.stdout


def test_a_figure_of_trained_networks_is_drawn(project):
    """Through the rule that trains, which no other figure here needs."""
    project.run("fig11")
    assert (project.folder / "figures/quick/fig11.pdf").stat().st_size > 0


def test_a_misspelt_key_stops_before_any_job_in_one_message(project):
    project.edit(lambda config: config["presets"]["quick"]["rotations"].update(architecture=["x"]))
    done = project.snakemake("--cores", "2")
    assert done.returncode != 0
    assert "presets.quick.rotations.architecture" in done.stdout
    assert "did you mean 'architectures'?" in done.stdout
    assert not (project.folder / "results").exists()
    assert "Traceback" not in done.stdout


def test_every_input_is_made_by_a_rule_or_is_source(sketched):
    done = sketched.snakemake("--filegraph")
    assert done.returncode == 0, done.stdout
    done = sketched.snakemake("--cores", "1", "--detailed-summary", "fig2")
    assert done.returncode == 0, done.stdout
    for line in done.stdout.splitlines():
        for name in re.findall(r"[\w./-]+\.(?:nc|json|py|yaml)", line):
            assert name.startswith(("results/", "figures/", "src/", "logs/")), name


@pytest.mark.parametrize("damage", ["truncated", "one byte changed"])
def test_a_damaged_result_is_named_set_aside_and_remade(sketched, tmp_path, damage):
    project = copied(sketched, tmp_path / "project")
    (rings,) = project.folder.glob("results/quick/studies/rings-*.nc")
    whole = rings.read_bytes()
    middle = len(whole) // 2
    changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    rings.write_bytes(whole[:middle] if damage == "truncated" else changed)
    done = project.snakemake("--cores", "1", "--forcerun", "fig2", "--", "fig2")
    assert done.returncode != 0
    log = (project.folder / "logs/quick/figures/fig2.log").read_text()
    assert f"{rings.name}: is damaged, and now lies in {rings.name}.damaged; run again" in log
    project.run("fig2")
    assert rings.read_bytes() == whole


def test_a_figure_carries_its_spec_and_commit(sketched):
    (spec,) = sketched.folder.glob("results/quick/specs/figures/fig2-*.json")
    text = (sketched.folder / "figures/quick/fig2.pdf").read_bytes()
    assert b"/Subject" in text
    sidecar = json.loads((sketched.folder / "figures/quick/fig2.pdf.json").read_text())
    assert sidecar["spec"] == json.loads(spec.read_text())


# What every command prints with --help, and symlearn itself, in one process.
HELP = """
import contextlib, io, json
from symlearn.__main__ import COMMANDS, main
said = {}
for command in ("", *COMMANDS):
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        try:
            main([*command.split(), "--help"])
        except SystemExit as end:
            assert end.code == 0, command
    said[command] = stream.getvalue()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said():
    done = subprocess.run(
        [sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "stage", ["datasets", "kernels", "networks", "studies", "figures", "claims"]
)
def test_each_stage_has_help(said, stage):
    assert "--out" in said[stage]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_and_is_listed(said, command):
    assert f"usage: symlearn {command}" in said[command]
    assert f"\n  {command} " in said[""]


def test_the_profiles_link_leads_to_the_profiles():
    assert (ROOT / "profiles" / "default" / "config.yaml").is_file()


def test_claims_have_figures_that_exist():
    for wing in wings.wings():
        for claim in load_claims(wing.claims):
            module = f"{claim.figure.replace('-', '_')}.py"
            assert (wing.claims.parent / "figures" / module).is_file(), claim.id
            assert claim.figure in wing.figures, claim.id
