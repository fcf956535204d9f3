"""What all tests share: folders with data, named by environment variables, and small helpers."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import settings

from symlearn.config import Config, parse

ROOT = Path(__file__).parents[1]

settings.register_profile("ring", deadline=None, derandomize=True, database=None)
settings.load_profile("ring")


def _folder(variable, what):
    if variable not in os.environ:
        pytest.skip(f"set {variable} to a folder that holds {what}")
    return Path(os.environ[variable])


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    return _folder("SYMLEARN_DATA", "mnist/")


@pytest.fixture(scope="session")
def reference() -> Path:
    return _folder("SYMLEARN_REFERENCE", "perin_deny_pairs.npz")


@pytest.fixture(scope="session")
def shipped_text() -> str:
    return (ROOT / "config.yaml").read_text()


@pytest.fixture
def shipped(shipped_text) -> dict:
    return yaml.safe_load(shipped_text)


@pytest.fixture
def config(shipped) -> Config:
    return parse(shipped)
