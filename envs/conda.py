"""Writes symlearn.yaml, the conda environment, from the pins of requirements.lock.

Run by `make lock`; a test says when the two differ.
"""

import re
from pathlib import Path

ENVS = Path(__file__).parent
LOCK = ENVS / "requirements.lock"
ENVIRONMENT = ENVS / "symlearn.yaml"
PYTHON = "3.11"

HEAD = f"""\
# For conda users; made from requirements.lock by conda.py (`make lock`), and kept equal to it by a
# test. No test creates it: what the tests run in is the lock, installed by pip (`make env`).
#
# conda hands the pins to pip, which must not look for what they depend on (neural-tangents
# declares TensorFlow, which is not used):
#
#     PIP_NO_DEPS=1 conda env create --file envs/symlearn.yaml
#     conda activate symlearn
#     pip install --requirement envs/torch.txt
#     pip install --no-deps --no-build-isolation --editable .
name: symlearn
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python={PYTHON}
  - pip
  - pip:
"""


def pins(lock: str) -> list[str]:
    """The lines `name==version` of a lock, without hashes and comments."""
    return re.findall(r"^[\w.-]+==[^\s;]+", lock, flags=re.MULTILINE)


def environment(lock: str) -> str:
    """The text of the conda environment for a lock."""
    return HEAD + "".join(f"      - {pin}\n" for pin in pins(lock))


if __name__ == "__main__":
    ENVIRONMENT.write_text(environment(LOCK.read_text()))
