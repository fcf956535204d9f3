"""The wings, one for each paper: that their parts fit together, and are found without libraries."""

import ast
import inspect
import subprocess
import sys

import pytest

from symlearn import plan, wings
from symlearn.config import overlaid, parse
from symlearn.papers.lie.cells import lie_pretrained
from symlearn.pipeline.paths import path_of, write_path
from symlearn.tools.claims.form import load_claims

WINGS = {wing.name: wing for wing in wings.wings()}
FIGURES = [figure for wing in WINGS.values() for figure in wing.figures]
HEAVY = {"torch", "jax", "matplotlib", "xarray", "numpy", "scipy", "sklearn", "tensorflow"}
LIGHT = (
    "wings", "config", "plan", "pipeline.specs", "pipeline.closure", "pipeline.manifests",
    "pipeline.outputs", "tools.bundle.contents",
)  # fmt: skip

of_wings = pytest.mark.parametrize("wing", WINGS.values(), ids=WINGS)
of_figures = pytest.mark.parametrize("figure", FIGURES)


def defined(path):
    """The names that a module gives values or functions at its top."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        yield getattr(node, "name", None)
        yield from (getattr(target, "id", None) for target in targets)


def modules(wing, folder=""):
    return sorted((wings.PAPERS / wing.name / folder).glob("[!_]*.py"))


def named(path):
    return path.stem.replace("_", "-")


@pytest.mark.parametrize("light", LIGHT)
def test_what_the_snakefile_imports_is_light(light):
    """And so are the wings that it finds, with their settings and cells."""
    call = "symlearn.wings.wings()" if light == "wings" else "None"
    code = f"import sys, symlearn.{light}; {call}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    found = set(result.stdout.split())
    assert f"symlearn.{light}" in found
    assert not found & HEAVY


def test_there_is_a_wing_for_each_folder_of_papers():
    assert set(WINGS) == {path.parent.name for path in wings.PAPERS.glob("*/__init__.py")}


def test_no_two_wings_share_a_name_a_rank_a_title_a_key_or_a_figure():
    every = list(WINGS.values())
    assert len({wing.rank for wing in every}) == len({wing.title for wing in every}) == len(every)
    for part in ("settings", "studies", "figures"):
        names = [name for wing in every for name in getattr(wing, part)]
        assert len(set(names)) == len(names) > 0, part
    assert [wing.rank for wing in wings.wings()] == sorted(wing.rank for wing in every)


@of_wings
def test_studies_and_checks_take_the_context_and_the_settings_that_they_name(wing):
    keys = wings.settings()
    assert wing.studies
    for function in [*wing.studies.values(), *wing.checks]:
        first, *others = inspect.signature(function).parameters.values()
        assert first.name == "context", function
        for argument in others:
            assert argument.annotation is keys[argument.name], function
            assert argument.default is argument.empty, function


@of_wings
def test_the_settings_of_a_wing_are_read_by_its_own_studies(wing):
    read = {key for study in wing.studies.values() for key in wings.reads(study)}
    assert wing.settings.keys() <= read


@of_figures
def test_a_figure_needs_studies_that_there_are(figure):
    needs = wings.needs_of(figure)
    assert needs
    assert needs.keys() <= wings.studies().keys()


def test_every_study_is_asked_for_by_a_figure():
    asked = {study for figure in FIGURES for study in wings.needs_of(figure)}
    assert asked == wings.studies().keys()


@of_figures
def test_a_figure_belongs_to_the_wing_whose_folder_it_lies_in(figure):
    wing = wings.wing_of(figure)
    assert figure in wing.figures
    module = wings.module_of(figure)
    assert module.startswith(f"{wing.name}.figures.")
    path = wings.PAPERS.joinpath(*module.split(".")).with_suffix(".py")
    assert {"TITLE", "NEEDS", "gather", "measure", "draw", "caption"} <= set(defined(path))


@of_wings
def test_modules_that_figures_share_are_no_figures_and_none_is_overlooked(wing):
    titled = [named(path) for path in modules(wing, "figures") if "TITLE" in defined(path)]
    assert titled == sorted(wing.figures)


def test_a_name_that_is_no_figure_is_refused():
    with pytest.raises(ValueError, match=r"^quantities is no figure"):
        wings.wing_of("quantities")


@of_wings
def test_the_claims_of_a_wing_are_about_its_own_figures(wing):
    assert wing.claims.is_file()
    claimed = {claim.figure for claim in load_claims(wing.claims)}
    assert claimed <= set(wing.figures)


def test_the_claims_of_all_wings_have_ids_of_their_own():
    assert load_claims(*(wing.claims for wing in wings.wings()))


def with_photographs(shipped, folder):
    """The shipped config with a pretrained model, and a folder that has one photograph."""
    (folder / "imagenet-sample").mkdir()
    (folder / "imagenet-sample" / "a.jpg").write_bytes(b"a")
    models = {"lie_pretrained": {"models": [{"name": "resnet18", "accuracy": 70.0}]}}
    presets = overlaid(shipped["presets"], {"quick": models})
    return parse({**shipped, "presets": presets, "data_root": str(folder)})


def test_every_computation_is_run_by_a_study_and_every_study_runs_one(shipped, tmp_path):
    config = with_photographs(shipped, tmp_path)
    jobs = plan.all_jobs(plan.figures(config).values())
    run = {cell.settings["module"] for job in jobs if job.stage == "studies" for cell in job.makes}
    there = {
        f"{wing.name}.{path.stem}"
        for wing in WINGS.values()
        for path in modules(wing)
        if "compute" in defined(path)
    }
    assert run == there


def test_models_are_measured_where_there_are_photographs_and_know_where_these_lie(
    shipped, tmp_path
):
    config = with_photographs(shipped, tmp_path)
    (cell,) = config.call(lie_pretrained)
    folder = tmp_path / "imagenet-sample"
    assert cell.labels["path"] == str(folder)
    assert str(tmp_path) not in str(cell.spec)  # a folder that moved changes no number
    write_path(tmp_path, cell)
    assert path_of(tmp_path, "studies", cell.name) == str(folder)
    (folder / "b.jpg").write_bytes(b"b")
    assert config.call(lie_pretrained)[0].name != cell.name
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert config.call(lie_pretrained) == []
