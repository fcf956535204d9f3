import re
import runpy
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENVS = ROOT / "envs"
CONDA = runpy.run_path(str(ENVS / "conda.py"))
LOCK = (ENVS / "requirements.lock").read_text()


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(pins: list[str]) -> dict[str, str]:
    pairs = (pin.split("==") for pin in pins)
    return {normalised(name): version for name, version in pairs}


LOCKED = versions(CONDA["pins"](LOCK))


def requirements(name: str = "requirements.in") -> list[str]:
    lines = (ENVS / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


TORCH = versions(requirements("torch.txt"))


def dependencies() -> list[str]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


def name_of(requirement: str) -> str:
    return normalised(re.match(r"[\w.-]+", requirement)[0])


def test_every_pin_has_a_hash() -> None:
    blocks = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(LOCKED)
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_conda_environment_is_made_from_the_lock() -> None:
    text = (ENVS / "symlearn.yaml").read_text()
    assert text == CONDA["environment"](LOCK), "envs/symlearn.yaml is stale: run `make lock`"
    *_, last = yaml.safe_load(text)["dependencies"]
    assert versions(last["pip"]) == LOCKED


@pytest.mark.parametrize("requirement", requirements())
def test_requirement_is_locked(requirement: str) -> None:
    assert name_of(requirement) in LOCKED, "requirements.lock is stale: run `make lock`"
    _, _, version = requirement.partition("==")
    assert version in ("", LOCKED[name_of(requirement)])


@pytest.mark.parametrize("dependency", dependencies())
def test_dependency_of_the_package_is_required_and_locked(dependency: str) -> None:
    required = {name_of(requirement) for requirement in requirements()}
    assert name_of(dependency) in required | set(TORCH)
    assert name_of(dependency) in LOCKED | TORCH


def test_torch_is_pinned_and_what_it_needs_is_locked() -> None:
    assert list(TORCH) == ["torch"]
    assert "torch" not in LOCKED
    declared = [line for line in metadata.requires("torch") or () if "extra ==" not in line]
    shared = {
        name_of(line) for line in declared if not name_of(line).startswith(("nvidia", "cuda"))
    }
    assert shared - {"triton"} <= set(LOCKED)


@pytest.mark.parametrize("name", ["tensorflow", "tf2jax", "tensorflow-cpu", "keras"])
def test_lock_is_free_of_tensorflow(name: str) -> None:
    assert name not in LOCKED


@pytest.mark.parametrize("name", ["requirements.in", "requirements.lock", "symlearn.yaml"])
def test_no_index_is_written_down(name: str) -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links", (ENVS / name).read_text())
