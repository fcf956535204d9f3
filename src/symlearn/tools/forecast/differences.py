"""What changed in the config between a figure's last run and now, in the config's own keys."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from symlearn import wings
from symlearn.config import Config
from symlearn.errors import StoreError
from symlearn.pipeline.specs import Cell, read_spec

# Where a setting of a spec comes from, if not from the key of that name in the study's part of
# the config or in `dataset`.
_KEYS = {"task.seed": "seed", "context.seed": "seed", "labels.rank": "architectures"}


def changes(config: Config, results: Path, then: Mapping[str, Any], now: Cell) -> list[str]:
    """Sentences on what differs between an earlier spec and a cell, settings and inputs."""
    found = dict.fromkeys(_changes(config, results, then, (now,)))
    return list(found) or [f"the spec of {now.slug}"]


def _changes(
    config: Config, results: Path, then: Mapping[str, Any], path: tuple[Cell, ...]
) -> Iterator[str]:
    """As `changes`; `path` leads from the target to the cell in question."""
    now = path[-1]
    before, after = dict(_leaves(then)), dict(_leaves(now.spec))
    for setting in sorted(before.keys() | after.keys()):
        old, new = before.get(setting), after.get(setting)
        if old != new:
            yield f"{_config_key(config, setting, path)}: {old} -> {new}"
    read = then.get("inputs", ())
    gone = {_slug(name): name for name in read if name not in now.spec["inputs"]}
    fresh = [cell for cell in now.inputs if f"{cell.stage}/{cell.name}" not in read]
    for cell in fresh:
        earlier = gone.pop(f"{cell.stage}/{cell.slug}", None)
        if earlier is not None:
            spec = _read(results, earlier)
            yield from () if spec is None else _changes(config, results, spec, (*path, cell))
            fresh = [other for other in fresh if other is not cell]
    yield from _grids(config, results, list(gone.values()), fresh)


def _grids(config: Config, results: Path, gone: list[str], fresh: list[Cell]) -> Iterator[str]:
    """Grid points that came and went, by study."""
    came: dict[str, list[Mapping[str, Any]]] = {}
    for cell in fresh:
        came.setdefault(_study_key(config, cell), []).append(cell.spec.get("labels", {}))
    for study, labels in came.items():
        yield f"{study}: {_values(labels) or len(labels)} added"
    left = [spec for spec in (_read(results, name) for name in gone) if spec is not None]
    for name in dict.fromkeys(spec.get("study", "") for spec in left):
        labels = [spec.get("labels", {}) for spec in left if spec.get("study", "") == name]
        yield f"study {name}: {_values(labels) or len(labels)} removed"


def _values(labels: list[Mapping[str, Any]]) -> str:
    """The distinct labels of grid points: n 8, 16; architecture mlp-1."""
    names = dict.fromkeys(chain.from_iterable(labels))
    parts = []
    for name in names:
        values = dict.fromkeys(str(label[name]) for label in labels if name in label)
        parts.append(f"{name} {', '.join(values)}")
    return "; ".join(parts)


def _config_key(config: Config, setting: str, path: tuple[Cell, ...]) -> str:
    """The config key that a setting comes from; the setting's own name where that is not known."""
    leaf = setting.rsplit(".", 1)[-1]
    if path[-1].stage == "kernels" and setting.startswith("architecture"):
        return f"architectures.{path[-1].labels['architecture']}.{leaf}"
    if setting in _KEYS:
        return config.values.path(_KEYS[setting])
    if setting.startswith(("preparation.", "context.dataset.")) or path[-1].stage == "datasets":
        return config.values.path(f"dataset.{leaf}")
    study = next((cell for cell in path if cell.stage == "studies"), None)
    if study is None:
        return f"{path[-1].stage}: {setting}"
    if leaf in ("start", "stop"):
        return f"{_study_key(config, study)} (its size or chunk), {leaf}"
    key = study.settings["study"].replace("-", "_")
    known = key in wings.settings()
    return config.values.path(f"{key}.{leaf}") if known else f"{_study_key(config, study)}.{leaf}"


def _study_key(config: Config, cell: Cell) -> str:
    """The part of the config that a study's cell is made from."""
    name = str(cell.settings.get("study", cell.stage))
    key = name.replace("-", "_")
    return config.values.path(key) if key in wings.settings() else f"the study {name}"


def _leaves(spec: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in spec.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        elif f"{prefix}{name}" != "inputs":
            yield f"{prefix}{name}", value


def _slug(name: str) -> str:
    """The stage and slug of an input's name, without its hash."""
    return name.rsplit("-", 1)[0]


def _read(results: Path, name: str) -> dict[str, Any] | None:
    try:
        return read_spec(results / "specs" / f"{name}.json")
    except StoreError:
        return None
