"""Which symmetries do deep networks learn from data? Kernels, theory, measures and figures.

What is here by name is imported when it is asked for, so that `import symlearn` stays light
(docs/python.md).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symlearn.measures.any_model import (
        invariance,
        layer_errors,
        lie_error,
        relative_stability,
    )
    from symlearn.plots.any_model import draw
    from symlearn.theory.missing_pose import missing_pose_errors
    from symlearn.tools.opened import open

_HOME: Mapping[str, str] = {
    "lie_error": "symlearn.measures.any_model",
    "layer_errors": "symlearn.measures.any_model",
    "relative_stability": "symlearn.measures.any_model",
    "invariance": "symlearn.measures.any_model",
    "missing_pose_errors": "symlearn.theory.missing_pose",
    "draw": "symlearn.plots.any_model",
    "open": "symlearn.tools.opened",
}

__all__ = [
    "draw",
    "invariance",
    "layer_errors",
    "lie_error",
    "missing_pose_errors",
    "open",
    "relative_stability",
]


def __getattr__(name: str) -> Any:
    """What the package offers by name, and `__version__`, read from the installed package."""
    from importlib import import_module, metadata

    if name == "__version__":
        return metadata.version("symlearn")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOME, "__version__"]
