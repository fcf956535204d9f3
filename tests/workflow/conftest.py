"""Copies of the project, small and finished."""

from pathlib import Path

import pytest

from .project import Project, shrink


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of the project with small grids."""
    copy = Project(tmp_path / "project")
    copy.edit(shrink)
    return copy


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with small grids whose figure 9 has been drawn; not to be edited."""
    copy = Project(tmp_path_factory.mktemp("drawn") / "project")
    copy.edit(shrink)
    copy.run("fig9")
    return copy
