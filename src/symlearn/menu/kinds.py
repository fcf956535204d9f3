"""The kinds of architectures that there are, their models in the config, and the papers' own."""

import inspect
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, create_model

from symlearn.errors import ConfigError
from symlearn.menu import architectures
from symlearn.menu.lookup import module_of

# The architectures of the papers, and a transformer, known by these names everywhere.
STANDARD: Mapping[str, Mapping[str, Any]] = {
    "mlp-1": {"kind": "mlp", "hidden_layers": 1},
    "mlp-5": {"kind": "mlp", "hidden_layers": 5},
    "cnn-fc-3": {"kind": "cnn", "readout": "flatten", "filter_size": 3},
    "cnn-gap-3": {"kind": "cnn", "readout": "gap", "filter_size": 3},
    "transformer-7": {"kind": "transformer", "patch": 7},
}


def kinds() -> list[str]:
    """The kinds of architectures: the modules of `symlearn.menu.architectures`."""
    stems = (path.stem for path in Path(architectures.__path__[0]).glob("[!_]*.py"))
    return sorted(stem.replace("_", "-") for stem in stems)


def models() -> dict[str, type[BaseModel]]:
    """The config's model of each kind."""
    return {kind: _model_of(kind) for kind in kinds()}


def standard_architecture(name: str) -> dict[str, Any]:
    """The entry of a standard architecture, its defaults filled in; raises ConfigError."""
    if name not in STANDARD:
        raise ConfigError(f"{name!r} is unknown; allowed: {', '.join(STANDARD)}")
    entry = STANDARD[name]
    return _model_of(entry["kind"]).model_validate(entry).model_dump()


@cache
def _model_of(kind: str) -> type[BaseModel]:
    function = import_module(module_of(architectures.__name__, kind)).layers
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for name, parameter in inspect.signature(function).parameters.items():
        required = parameter.default is inspect.Parameter.empty
        fields[name] = (parameter.annotation, ... if required else parameter.default)
    config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    return create_model(kind, __config__=config, __doc__=inspect.getdoc(function), **fields)
