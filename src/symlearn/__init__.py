"""Which symmetries do deep networks learn from data? Kernels, theory, measures and figures."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`__version__`, read from the installed package."""
    if name == "__version__":
        from importlib.metadata import version

        return version("symlearn")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
