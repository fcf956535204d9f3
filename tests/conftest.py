"""What all tests share: folders with data, named by environment variables, and small helpers."""

import os
from pathlib import Path

# The machine and its user are the same for all tests, for the workers that pytest starts and for
# what tests start. One thread each, as is read when NumPy and torch are imported: there is a worker
# for each core, and threads that share a core wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["LC_ALL"] = "C.UTF-8"
os.environ["PYTHONUTF8"] = "1"
os.environ["MATPLOTLIBRC"] = os.devnull
# These would come before OMP_NUM_THREADS, or change a precision or the options of a run.
os.environ.pop("OPENBLAS_NUM_THREADS", None)
os.environ.pop("MKL_NUM_THREADS", None)
os.environ.pop("JAX_ENABLE_X64", None)
os.environ.pop("SNAKEMAKE_PROFILE", None)

import pytest
import yaml
from hypothesis import settings

from symlearn.config import Config, parse
from symlearn.pipeline.specs import Cell, write_spec
from symlearn.stages.studies import main as studies

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


# A small figure 2 and the study that it reads.
_RINGS = Cell(
    "studies",
    "rings",
    {
        "study": "rings", "module": "orbits.rings", "labels": {}, "n": [4, 8],
        "separations": [0, 1], "ridge_factor": 1e-5,
    },
)  # fmt: skip
_FIG2 = Cell(
    "figures",
    "fig2",
    {"figure": "fig2", "module": "orbits.figures.fig2", "preset": "quick", "context": None},
    (_RINGS,),
)


@pytest.fixture(scope="session")
def make_rings():
    """Makes the study of a small figure 2 in a folder of results; returns its file."""

    def make(results: Path) -> Path:
        study = results / "studies" / f"{_RINGS.name}.nc"
        assert studies(["--spec", str(write_spec(results, _RINGS)), "--out", str(study)]) == 0
        return study

    return make


@pytest.fixture(scope="session")
def write_fig2():
    """Writes the spec of a small figure 2 in a folder of results; returns its file."""
    return lambda results: write_spec(results, _FIG2)
