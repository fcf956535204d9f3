"""`make test-gpu`: what needs a GPU, with whatever Python, PyTorch and JAX a machine has.

A machine with a GPU often has its own PyTorch and JAX, where the pinned environment cannot be
installed. So this runs from the sources, without Snakemake, and names what is missing:

    python tests/gpu/run.py [options of pytest]
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What the tests import, as it is imported and as it is installed.
NEEDED = {
    "einops": "einops", "h5netcdf": "h5netcdf", "h5py": "h5py", "jaxtyping": "jaxtyping",
    "numpy": "numpy", "PIL": "pillow", "pydantic": "pydantic", "pytest": "pytest",
    "safetensors": "safetensors", "scipy": "scipy", "sklearn": "scikit-learn",
    "threadpoolctl": "threadpoolctl", "torch": "torch", "tqdm": "tqdm", "xarray": "xarray",
    "yaml": "pyyaml",
}  # fmt: skip


def main() -> int:
    """Run the tests; returns their exit status, or 1 where something is missing."""
    missing = [package for name, package in NEEDED.items() if find_spec(name) is None]
    if missing:
        print(f"make test-gpu: missing: {', '.join(missing)}; pip install {' '.join(missing)}")
        return 1
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    # Of its own: the project's options need plugins that a foreign environment lacks.
    options = ["-c", os.devnull, "--rootdir", str(ROOT), "-p", "no:cacheprovider", "-ra"]
    command = [sys.executable, "-m", "pytest", *options, str(Path(__file__).parent), *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
