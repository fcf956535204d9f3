"""From the names in a spec to the modules that they lead to: by convention, or by `registry`."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from symlearn.menu.registry import BUILDERS

# What a spec names: ("networks", "convnet"), ("architectures", "mlp"), ("groups", "dihedral").
Uses = frozenset[tuple[str, str]]


def found(module: str, name: str) -> Callable[..., Any]:
    """What a module calls `name`."""
    return getattr(importlib.import_module(module), name)


def builder(network: Mapping[str, Any]) -> Callable[..., Any]:
    """What builds the network of an entry for images of a shape and a number of outputs."""
    settings = dict(network)
    return partial(found(*BUILDERS[settings.pop("kind")]), **settings)


def module_of(package: str, name: str) -> str:
    """The module of a package that has a name of the config: `-` is `_` there."""
    return f"{package}.{name.replace('-', '_')}"


def uses_of(node: Any) -> Uses:
    """The networks, architectures and groups that a spec, or a part of one, names."""
    if isinstance(node, list | tuple):
        return frozenset().union(*map(uses_of, node))
    if not isinstance(node, Mapping):
        return frozenset()
    found: set[tuple[str, str]] = set()
    for key, value in node.items():
        if key in ("network", "architecture") and isinstance(value, Mapping):
            found.add((f"{key}s", value["kind"]))
        elif key == "group":
            found.add(("groups", value))
        found |= uses_of(value)
    return frozenset(found)


def as_lists(uses: Uses) -> dict[str, list[str]]:
    """Uses as a spec has them: sorted names by what they are."""
    return {kind: sorted(n for k, n in uses if k == kind) for kind in sorted({k for k, _ in uses})}


def as_uses(lists: Mapping[str, Iterable[str]]) -> Uses:
    """What `as_lists` has made, back."""
    return frozenset((kind, name) for kind, names in lists.items() for name in names)


def modules_used(uses: Uses) -> set[str]:
    """The modules of networks, architectures and groups."""
    packages = {
        "architectures": "symlearn.menu.architectures",
        "groups": "symlearn.groups.actions",
    }
    return {
        BUILDERS[name].module if kind == "networks" else module_of(packages[kind], name)
        for kind, name in uses
    }
