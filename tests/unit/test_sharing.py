"""The files that others find the project by: citation, catalog, container."""

import re
import runpy
import tomllib
from pathlib import Path

import yaml

from symlearn.wings import wings

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_citation_has_what_the_format_asks_for_and_the_package_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["version"] == PROJECT["version"]
    assert all({"type", "title", "authors"} <= work.keys() for work in citation["references"])


def test_the_papers_of_the_readme_are_cited():
    readme = (ROOT / "README.md").read_text()
    cited = (ROOT / "CITATION.cff").read_text()
    for number in set(re.findall(r"arxiv\.org/abs/([\d.]+)", readme)):
        assert f"arXiv:{number}" in cited


def test_the_licence_is_one():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["license"] == PROJECT["license"] == "BSD-3-Clause"
    assert (ROOT / "LICENSE").read_text().startswith("BSD 3-Clause License\n")
    assert PROJECT["license-files"] == ["LICENSE"]


def test_what_the_package_reads_beside_its_modules_is_installed_with_it():
    package = ROOT / "src" / "symlearn"
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]["symlearn"]
    installed = {path for pattern in patterns for path in package.glob(pattern)}
    files = {path.relative_to(package) for path in package.rglob("*") if path.is_file()}
    built = {path for path in files if any(p.startswith((".", "__pycache__")) for p in path.parts)}
    read = {package / path for path in files - built if path.suffix != ".py"}
    assert read <= installed
    assert {wing.claims for wing in wings()} <= read


def test_the_catalog_says_what_there_is():
    catalog = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())
    usage = catalog["usage"]
    assert usage["report"] == ("report:" in (ROOT / "Snakefile").read_text())
    assert usage["software-stack-deployment"]["conda"] == (ROOT / "envs/symlearn.yaml").is_file()


def test_the_image_installs_the_lock_and_nothing_else():
    commands = re.findall(r"^(?:RUN|&&) .*?(?=^[A-Z]|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert "RUN make env" in DOCKERFILE
    assert not any("pip" in command or "conda" in command for command in commands)
    needed = {"Makefile", "pyproject.toml", "envs", "src"}
    before = DOCKERFILE.split("RUN make env")[0]
    assert needed <= set(" ".join(re.findall(r"^COPY (.*)$", before, re.MULTILINE)).split())


def test_the_image_has_the_python_of_the_lock():
    python = runpy.run_path(str(ROOT / "envs" / "conda.py"))["PYTHON"]
    assert re.search(r"^FROM python:([\d.]+)-", DOCKERFILE, re.MULTILINE)[1] == python


def test_what_is_built_stays_out_of_the_image():
    ignored = set((ROOT / ".dockerignore").read_text().split())
    built = re.findall(r"^/(.+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE)
    assert set(built) <= ignored
