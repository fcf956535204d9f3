"""The examples of docs/, each applied to a copy of the project and run as written."""

import re
import subprocess

import pytest
import yaml

from .project import ROOT

pytestmark = pytest.mark.workflow

PAGES = sorted((ROOT / "docs").glob("add-*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def merged(into, more):
    """Nested mappings merged, all else replaced."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merged(into[key], value)
        else:
            into[key] = value


def apply_diff(project, text):
    done = subprocess.run(
        ["git", "apply", "-p1", "--verbose", "-"],
        cwd=project.folder, input=text, capture_output=True, text=True, check=False,
        env={**project.environment, "GIT_CEILING_DIRECTORIES": str(project.folder.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def run(project, line):
    command, *arguments = line.split()
    assert command == "snakemake", line
    done = project.snakemake(*["2" if word == "all" else word for word in arguments])
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_example_does_what_its_page_says(project, page):
    targets = []
    for kind, text in BLOCK.findall(page.read_text()):
        if kind == "diff":
            apply_diff(project, text)
        elif kind == "yaml":
            project.edit(lambda config, text=text: merged(config, yaml.safe_load(text)))
        else:
            assert kind == "shell"
            run(project, text.strip())
            targets.append(text.split()[-1])
    assert targets
    assert all((project.folder / f"figures/quick/{name}.pdf").is_file() for name in targets)


def test_every_page_is_linked_from_the_readme():
    readme = (ROOT / "README.md").read_text()
    assert PAGES
    assert all(f"docs/{page.name}" in readme for page in PAGES)
