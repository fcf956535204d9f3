import ast
import subprocess
import sys

import pytest

from symlearn.menu.registry import BUILDERS, kinds_of
from symlearn.pipeline import closure as module
from symlearn.pipeline.closure import ROOT, closure
from symlearn.pipeline.specs import modules_of


def names(*modules):
    return {path.relative_to(ROOT).as_posix() for path in closure(*modules)}


def test_a_module_brings_what_it_imports():
    assert names("symlearn.specs") == {
        "__init__.py", "errors.py", "networks/__init__.py", "specs.py",
    }  # fmt: skip


def test_an_indirect_import_is_found():
    indirect = {"randomness", "groups.actions", "datasets.idx"}
    source = (ROOT / "orbits.py").read_text()
    assert not [name for name in indirect if f"symlearn.{name}" in source]
    assert {name.replace(".", "/") + ".py" for name in indirect} <= names("symlearn.orbits")


def test_packages_on_the_way_are_part_of_it():
    assert {"__init__.py", "groups/__init__.py"} <= names("symlearn.groups.finite")


def test_modules_that_are_not_imported_are_absent():
    found = names("symlearn.orbits")
    assert not [name for name in found if name.startswith(("kernels", "theory", "figures"))]


def test_closures_of_several_modules_are_joined_without_repetition():
    assert names("symlearn.specs", "symlearn.progress") == {
        *names("symlearn.specs"),
        *names("symlearn.progress"),
    }
    assert len(closure("symlearn.specs", "symlearn.specs")) == 4


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
    assert found == ["__init__.py", "a.py", "b.py", "c.py"]


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
    assert closure("symlearn.a") == [tmp_path / "__init__.py", tmp_path / "a.py"]


def test_the_package_imports_in_ways_that_closures_see():
    relative = [
        f"{path.name}:{node.lineno}"
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


HEAVY = {"torch", "jax", "matplotlib", "xarray", "numpy", "scipy", "sklearn", "tensorflow"}


@pytest.mark.parametrize("light", ["config", "plan", "specs", "closure", "manifests"])
def test_what_the_snakefile_imports_is_light(light):
    code = f"import sys, symlearn.{light}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = set(result.stdout.split())
    assert f"symlearn.{light}" in modules
    assert not modules & HEAVY


@pytest.mark.parametrize("kind", BUILDERS)
def test_trained_networks_depend_on_their_own_kind_and_not_on_the_list_of_kinds(kind):
    spec = {
        "stage": "networks",
        "network": {"kind": kind},
        "problem": {"kind": "classification"},
    }
    names = {file.relative_to(ROOT).as_posix() for file in closure(*modules_of(spec))}
    module = BUILDERS[kind].module.removeprefix("symlearn.").replace(".", "/")
    assert f"{module}.py" in names
    assert "networks/classification.py" in names
    assert "networks/registry.py" not in names
    others = {"networks/stripe.py", "networks/on_orbits.py", "networks/partial.py"}
    assert not others & names


def test_studies_of_trained_networks_depend_on_how_these_are_built():
    spec = {"stage": "studies", "study": "lie-aliasing", "builds": ["lenet", "perceptron"]}
    modules = modules_of(spec)
    assert "symlearn.networks.convolutional" in modules
    assert "symlearn.networks.perceptron" in modules


def test_kinds_inside_kinds_are_found():
    inner = {"kind": "orbit-averaged", "network": {"kind": "perceptron", "widths": [3]}}
    assert kinds_of(inner) == ["orbit-averaged", "perceptron"]
