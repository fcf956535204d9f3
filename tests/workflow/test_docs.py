"""The examples of docs/, each applied to a copy of the project: run as written, and planned."""

import csv
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from symlearn import plan, wings
from symlearn.config import load, overlaid
from symlearn.pipeline.outputs import benchmark_path, output_files
from symlearn.pipeline.specs import Cell

from .project import COPIED, ROOT, Project, job_counts

pytestmark = pytest.mark.workflow

PAGES = sorted((ROOT / "docs").glob("add-*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A row of the table of the files that a page touches.
ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
SCHEMA = "symlearn schema > workflow/config.schema.json"
# What stands in the names of a page's own results.
OWN = {
    "add-a-data-set": ["photographs", "mine"],
    "add-a-figure": ["error-histogram"],
    "add-a-group": ["vertical-shift"],
    "add-a-study": ["neighbours"],
    "add-an-architecture": ["mlp-2", "bias-free-2"],
}
# How many files of code a page adds, and how many it edits.
CODE = {
    "add-a-data-set": (1, 1),
    "add-a-figure": (1, 1),
    "add-a-group": (1, 1),
    "add-a-study": (2, 4),
    "add-an-architecture": (1, 0),
}
MOST_BESIDE = 5  # jobs that an addition may remake beside its own
WING = "src/symlearn/papers/orbits/"
OF_A_STUDY = {
    "config.yaml",
    "workflow/config.schema.json",
    "src/symlearn/pipeline/vocabulary.py",
}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def blocks(page, *kinds):
    """The code blocks of a page, with their kinds."""
    found = BLOCK.findall(page.read_text())
    assert {kind for kind, _ in found} <= {"diff", "yaml", "shell"}
    return [(kind, text) for kind, text in found if kind in kinds]


def figures_of(page):
    """The figures that draw the studies whose settings a page changes in a preset."""
    changed = [yaml.safe_load(text).get("presets", {}).values() for _, text in blocks(page, "yaml")]
    studies = {key.replace("_", "-") for one in changed for preset in one for key in preset}
    return {name for name in plan.figure_names() if studies & wings.needs_of(name).keys()}


def lines_of(page):
    """The lines of a page's shell blocks."""
    return [line for _, text in blocks(page, "shell") for line in text.splitlines()]


def target_of(line):
    """What a line of a page asks Snakemake for: the figure, its preset, and all arguments."""
    command, option, cores, figure, *more = line.split()
    assert (command, option, cores) == ("snakemake", "--cores", "all"), line
    preset = more[-1].removeprefix("preset=") if more else "quick"
    assert more in ([], ["--config", f"preset={preset}"]), line
    return figure, preset, [figure, *more]


def targets_of(page):
    """What a page asks Snakemake for."""
    return [target_of(line) for line in lines_of(page) if line.startswith("snakemake")]


def apply_diff(project, text):
    done = subprocess.run(
        ["git", "apply", "-p1", "--verbose", "-"],
        cwd=project.folder, input=text, capture_output=True, text=True, check=False,
        env={**project.environment, "GIT_CEILING_DIRECTORIES": str(project.folder.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def apply_yaml(project, text):
    project.edit(lambda config: config.update(overlaid(config, yaml.safe_load(text))))


def apply_python(project, page):
    """Run the blocks of a page that make files for its example."""
    for kind, text in blocks(page, "shell"):
        if text.startswith("python"):
            apply(project, kind, text)


def apply(project, kind, text):
    """Do what a block of a page says."""
    if kind == "diff":
        apply_diff(project, text)
    elif kind == "yaml":
        apply_yaml(project, text)
    else:
        done = project.shell(text.replace("--cores all", "--cores 2"))
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pages
def test_an_example_does_what_its_page_says(project, page):
    for kind, text in blocks(page, "diff", "yaml", "shell"):
        apply(project, kind, text)
    targets = targets_of(page)
    assert targets
    for figure, preset, _ in targets:
        assert (project.folder / f"figures/{preset}/{figure}.pdf").is_file()
        assert set(outcomes(project, figure, preset)) <= {"holds", "not run", "not judged"}


def outcomes(project, figure, preset):
    """How the claims about a figure are judged that a page has added."""
    if figure in plan.figure_names():
        return []
    table = project.folder / "claims-of-the-page.csv"
    claims = sorted(project.folder.glob("src/symlearn/papers/*/claims.yaml"))
    done = project.python(
        "-m", "symlearn", "claims", "--claims", *map(str, claims), "--preset", preset,
        "--out", str(table), f"figures/{preset}/{figure}.nc",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    with table.open(newline="", encoding="utf-8") as stream:
        own = [row["outcome"] for row in csv.DictReader(stream) if row["figure"] == figure]
    assert own
    return own


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the project as it is shipped that Snakemake takes for finished.

    Nothing was computed: results are placeholders, which Snakemake was told to take as they are.
    """
    copy = Project(tmp_path_factory.mktemp("finished") / "project")
    config = load(copy.folder / "config.yaml")
    results = copy.folder / "results" / config.preset
    cells = plan.all_jobs(plan.figures(config).values())
    for cell in [*cells, Cell("claims", "claims", {})]:
        for path in [*output_files(results, cell), benchmark_path(results, cell)]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("a placeholder\n")
    copy.run("--touch")
    assert copy.planned() == {}
    return copy


def remade(project, *targets):
    """The files that Snakemake would make."""
    done = project.snakemake("-n", "--printshellcmds", *targets)
    assert done.returncode == 0, done.stdout
    made = re.findall(r"--out (\S+)", done.stdout)
    counts = job_counts(done.stdout)
    assert len(made) == sum(counts.values()) - counts.get("all", 0), done.stdout
    return made


def sources(project):
    """The bytes of the files that are not built, by path."""
    tops = [project.folder / name for name in COPIED]
    files = [file for top in tops for file in ([top] if top.is_file() else top.rglob("*"))]
    kept = [file for file in files if file.is_file() and "__pycache__" not in file.parts]
    return {file.relative_to(project.folder).as_posix(): file.read_bytes() for file in kept}


@pytest.fixture
def copy(finished, tmp_path):
    """A finished project that a test may change."""
    folder = tmp_path / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    fresh = object.__new__(Project)
    fresh.folder = folder
    return fresh


def test_placeholders_are_remade_where_their_code_changes(copy):
    module = copy.folder / "src/symlearn/papers/orbits/pairs.py"
    module.write_text(module.read_text() + "\nUNUSED = 1\n")
    jobs = plan.all_jobs(plan.figures(load(copy.folder / "config.yaml")).values())
    cells = [(job, cell) for job in jobs for cell in job.makes]
    pairs = [job for job, cell in cells if cell.settings.get("module") == "orbits.pairs"]
    made = [Path(file) for file in remade(copy)]
    assert {file.stem for file in made if file.parts[0] == "results"} == {j.name for j in pairs}
    assert len(pairs) > 30


@pages
def test_an_addition_remakes_its_own_results_alone(copy, page):
    own = OWN[page.stem]

    def beside(*targets):
        return [file for file in remade(copy, *targets) if not any(word in file for word in own)]

    for _, text in blocks(page, "diff"):
        apply_diff(copy, text)
    # The config does not ask for it yet, and the figures that there were are up to date.
    by_code = remade(copy, *plan.figure_names())
    assert not by_code, f"{page.stem}: the code alone remakes {len(by_code)} jobs: {by_code}"
    apply_python(copy, page)
    for _, text in blocks(page, "yaml"):
        apply_yaml(copy, text)
    for figure, _, arguments in targets_of(page):
        made = remade(copy, *arguments)
        assert any(word in file for file in made for word in own), made
        others = [file for file in beside(*arguments) if Path(file).stem != figure]
        assert not others, f"{page.stem}: {figure} remakes {len(others)} others: {others}"
    drawn = figures_of(page)
    others = [file for file in beside() if Path(file).stem not in drawn]
    number = f"{page.stem}: {len(others)} jobs beside its own, of all: {others}"
    assert len(others) <= MOST_BESIDE, number
    # Figures that read them are drawn again, but nothing else is computed.
    assert all(file.startswith("figures/") for file in others), others


@pages
def test_an_addition_touches_the_files_that_its_page_lists(copy, page):
    before = sources(copy)
    for kind, text in blocks(page, "diff", "yaml"):
        apply(copy, kind, text)
    if SCHEMA in lines_of(page):
        apply(copy, "shell", SCHEMA)
    after = sources(copy)
    touched = {name for name in after if after[name] != before.get(name)}
    assert touched == set(ROW.findall(page.read_text()))
    code = {name for name in touched if name.startswith("src/")}
    assert (len(code - before.keys()), len(code & before.keys())) == CODE[page.stem], code
    assert copy.shell("symlearn schema | cmp - workflow/config.schema.json").returncode == 0
    if page.stem == "add-a-study":
        outside = {name for name in touched if not name.startswith((WING, "tests/"))}
        assert outside == OF_A_STUDY


def test_every_page_is_linked_from_the_readme():
    readme = (ROOT / "README.md").read_text()
    assert PAGES
    assert all(f"docs/{page.name}" in readme for page in PAGES)
