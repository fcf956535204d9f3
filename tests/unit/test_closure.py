import ast
from pathlib import Path

import pytest

from symlearn import plan
from symlearn.config import load
from symlearn.menu.kinds import kinds
from symlearn.menu.lookup import modules_used, uses_of
from symlearn.menu.registry import BUILDERS
from symlearn.pipeline import closure as module
from symlearn.pipeline.closure import ROOT, closure
from symlearn.pipeline.specs import IN_PLACE, STAGES, Cell, modules_of

CONFIG = Path(__file__).parents[2] / "config.yaml"


def names(*modules):
    return {path.relative_to(ROOT).as_posix() for path in closure(*modules)}


SPECS = "symlearn.pipeline.specs"


def test_a_module_brings_what_it_imports():
    assert names(SPECS) == {
        "errors.py", "menu/__init__.py", "menu/lookup.py", "pipeline/__init__.py",
        "pipeline/specs.py",
    }  # fmt: skip


def test_an_indirect_import_is_found():
    indirect = {"randomness", "groups.finite", "pipeline.store"}
    source = (ROOT / "stages" / "kernels.py").read_text()
    assert not [name for name in indirect if f"symlearn.{name}" in source]
    assert {name.replace(".", "/") + ".py" for name in indirect} <= names("symlearn.stages.kernels")


def test_packages_on_the_way_are_part_of_it():
    assert {"groups/__init__.py", "groups/finite.py"} <= names("symlearn.groups.finite")


def test_modules_that_are_not_imported_are_absent():
    found = names("symlearn.stages.orbits")
    others = ("kernels", "theory", "networks", "papers", "plots", "tools")
    assert not [name for name in found if name.startswith(others)]


def test_closures_of_several_modules_are_joined_without_repetition():
    assert names(SPECS, "symlearn.progress") == {*names(SPECS), *names("symlearn.progress")}
    assert len(closure(SPECS, SPECS)) == len(closure(SPECS))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of modules that must not run."""
    monkeypatch.setattr(module, "ROOT", tmp_path)

    def write(**sources):
        for name, source in {"__init__": "", **sources}.items():
            (tmp_path / f"{name}.py").write_text(f"{source}\nraise RuntimeError('imported')\n")

    return write


@pytest.mark.parametrize(
    "statement",
    [
        "import symlearn.b",
        "import os, symlearn.b as other",
        "from symlearn import b",
        "from symlearn.b import name",
        "def later():\n    from symlearn.b import name",
        "try:\n    import symlearn.b\nexcept ImportError:\n    pass",
        "from symlearn import (\n    b as other,\n)",
        "from symlearn import \\\n    b",
        "import os, \\\n    symlearn.b",
        "if True: import symlearn.b",
        "x = 1; import symlearn.b",
        "from symlearn import b  # not (only this",
        "'''\nfrom symlearn one takes b, and\n'''\nfrom symlearn import b",
    ],
)
def test_every_kind_of_import_is_found_and_none_runs(package, tmp_path, statement):
    package(a=statement, b="import symlearn.c", c="import symlearn.a", d="")
    found = [path.relative_to(tmp_path).as_posix() for path in closure("symlearn.a")]
    assert found == ["a.py", "b.py", "c.py"]


def test_the_imports_of_this_package_are_those_of_the_whole_parsed_source():
    for file in sorted(ROOT.rglob("*.py")):
        found: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        files = {module._file_of(ROOT, name) for name in found if name.startswith("symlearn.")}
        assert files - {None} <= set(module.imports_of(file)), file


def test_other_packages_are_left_out(package, tmp_path):
    package(a="import numpy, symlearner.b\nfrom yaml import b", b="")
    assert closure("symlearn.a") == [tmp_path / "a.py"]


def test_the_package_imports_in_ways_that_closures_see():
    relative = [
        f"{path.name}:{node.lineno}"
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


@pytest.mark.parametrize("kind", BUILDERS)
def test_trained_networks_depend_on_their_own_kind_and_not_on_the_list_of_kinds(kind):
    spec = {
        "stage": "networks",
        "network": {"kind": kind},
        "problem": {"kind": "classification"},
    }
    found = names(*modules_of(spec))
    module = BUILDERS[kind].module.removeprefix("symlearn.").replace(".", "/")
    assert f"{module}.py" in found
    assert "networks/train_and_test.py" in found
    assert "menu/registry.py" not in found
    assert "networks/on_orbits.py" not in found
    assert not [name for name in found if name.startswith("papers/")]


def test_studies_of_trained_networks_depend_on_how_these_are_built():
    uses = {"networks": ["lenet", "perceptron"]}
    modules = modules_of({"stage": "studies", "module": "lie.models", "uses": uses})
    assert "symlearn.networks.convolutional" in modules
    assert "symlearn.networks.perceptron" in modules


def test_kinds_inside_kinds_are_found():
    inner = {"kind": "orbit-averaged", "network": {"kind": "perceptron", "widths": [3]}}
    found = uses_of({"network": inner})
    assert found == {("networks", "orbit-averaged"), ("networks", "perceptron")}


def test_lists_of_what_is_chosen_by_name_and_descriptions_are_left_out():
    indexes = {"symlearn", "symlearn.menu.registry", "symlearn.pipeline.vocabulary"}
    assert indexes == module.INDEXES
    for index in module.INDEXES:
        assert module._file_of(ROOT, index) is not None


# What makes specs, and what people run beside the jobs: no result depends on any of it.
_ABOVE = ("__main__", "wings", "config", "plan", "pipeline/frame", "pipeline/outputs")
_MENU = ("kinds", "groups", "datasets", "networks", "values", "registry")
UNWANTED = {f"{name}.py" for name in (*_ABOVE, *(f"menu/{name}" for name in _MENU))}


@pytest.fixture(scope="module")
def specs():
    """A spec of a cell for each set of modules that the shipped presets run."""
    chosen = load(CONFIG)
    found = {}
    for preset in chosen.presets:
        jobs = plan.all_jobs(plan.figures(chosen.choosing(preset)).values())
        cells = [cell for job in jobs for cell in job.makes]
        found |= {tuple(modules_of(cell.spec)): cell.spec for cell in cells}
    return list(found.values())


def test_no_result_depends_on_what_chooses_and_plans_the_work(specs):
    assert {spec["stage"] for spec in specs} == set(STAGES)
    for spec in specs:
        found = names(*modules_of(spec))
        chosen = {name for name in found if name.endswith(("/settings.py", "/cells.py"))}
        assert not found & UNWANTED | chosen, spec
        assert not [name for name in found if name.startswith("tools/")], spec


def test_a_result_depends_on_its_own_stage_and_on_those_of_what_is_made_for_it(specs):
    made_in_place = set()
    for spec in specs:
        stages = {name for name in names(*modules_of(spec)) if name.startswith("stages/")}
        read = {other["stage"] for other in spec["inputs"] if isinstance(other, dict)}
        assert stages == {"stages/__init__.py", *(f"stages/{s}.py" for s in {spec["stage"], *read})}
        made_in_place |= read
    assert made_in_place == set(IN_PLACE)


def test_a_job_depends_on_what_its_parts_do():
    parts = tuple(
        Cell("kernels", kind, {"architecture": {"kind": kind}, "group": "dihedral"}, ())
        for kind in ("mlp", "rbf")
    )
    job = Cell("kernels", "both", {}, parts=parts)
    assert names(*modules_of(job.spec)) == {n for p in parts for n in names(*modules_of(p.spec))}


# Of figure 1, which other papers measure again.
_FIGURE_1 = {"papers/orbits/partial_rotations.py", "papers/orbits/shares.py"}


def test_a_result_depends_on_its_own_wing_and_on_figure_1s_networks(specs):
    for spec in specs:
        if spec["stage"] in ("studies", "figures"):
            wing = spec["module"].split(".")[0]
            found = {name for name in names(*modules_of(spec)) if name.startswith("papers/")}
            own = {name for name in found if name.startswith(f"papers/{wing}/")}
            assert own
            others = {name for name in found - own if not name.endswith("/__init__.py")}
            assert others <= _FIGURE_1, spec


def test_a_figure_depends_on_no_computation(specs):
    """On plots and on theory of its own paper alone: other numbers come from files."""
    floors = ("datasets/", "groups/", "kernels/", "measures/", "networks/")
    for spec in specs:
        if spec["stage"] == "figures":
            found = names(*modules_of(spec))
            assert not [name for name in found if name.startswith(floors)], spec


def kinds_in(source):
    """The kinds of architectures and networks that a source writes out: `{"kind": "rbf", ...}`."""
    named = {"architectures": kinds(), "networks": BUILDERS}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "kind":
                    kind = getattr(value, "value", None)
                    yield from ((what, kind) for what, there in named.items() if kind in there)


def test_what_a_computation_builds_by_name_is_among_its_modules(specs):
    for spec in specs:
        if spec["stage"] == "studies":
            modules = modules_of(spec)
            own = [file for file in closure(*modules) if "papers" in file.parts]
            built = frozenset(use for file in own for use in kinds_in(file.read_text()))
            assert modules_used(built) <= set(modules), spec["module"]
