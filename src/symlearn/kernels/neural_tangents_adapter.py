"""The one door to neural-tangents, whose `__init__` no longer imports on current jax.

The library's last release imports TensorFlow and removed jax internals on `import
neural_tangents`; its submodule `stax`, all that is used here, still works. So an empty package
module with the installed folder as its path is registered first. When this breaks (a test says
so), pin jax back to the version in the lock, or port the few layers used here.
"""

import importlib
import importlib.util
import sys
import types
from typing import Any

from symlearn.errors import SymlearnError


def load_stax() -> Any:
    """The module `neural_tangents.stax`; raises SymlearnError where it is not installed."""
    if "neural_tangents" not in sys.modules:
        spec = importlib.util.find_spec("neural_tangents")
        if spec is None or spec.submodule_search_locations is None:
            raise SymlearnError("neural-tangents is not installed: run `make env`")
        package = types.ModuleType("neural_tangents")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["neural_tangents"] = package
    return importlib.import_module("neural_tangents.stax")
