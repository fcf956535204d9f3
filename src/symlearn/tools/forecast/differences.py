"""What changed in the config between a figure's last run and now, in the config's own keys."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from symlearn import wings
from symlearn.config import Config
from symlearn.errors import StoreError
from symlearn.pipeline.specs import Cell, Reference, parts_of, read_spec

# Where specs have the seed of a preset.
_SEEDS = ("seed", "task.seed", "context.seed")


def changes(config: Config, results: Path, then: Mapping[str, Any], now: Cell) -> list[str]:
    """Sentences on what differs between an earlier spec and a cell, settings and inputs.

    A cell that is what it was reads another file where other cells came into a job or went: these
    are told only if nothing else is.
    """
    for company in (False, True):
        found = dict.fromkeys(_changes(_Place(config, results, company), then, (now,)))
        if found:
            return list(found)
    return [f"the spec of {now.slug}"]


class _Place(NamedTuple):
    """Whose changes are told, where the earlier specs lie, and whether the company counts."""

    config: Config
    results: Path
    company: bool


def _changes(place: _Place, then: Mapping[str, Any], path: tuple[Cell, ...]) -> Iterator[str]:
    """As `changes`; `path` leads from the target to the cell in question."""
    now = path[-1]
    if now.parts:
        yield from _parts(place, parts_of(then), path)
        return
    before, after = dict(_leaves(then)), dict(_leaves(now.spec))
    for setting in sorted(before.keys() | after.keys()):
        old, new = before.get(setting), after.get(setting)
        if old != new:
            yield f"{_config_key(place.config, setting, path)}: {old} -> {new}"
    read = then.get("inputs", ())
    gone = {_slug(name): name for name in read if name not in now.spec["inputs"]}
    fresh = [cell for cell in now.inputs if cell.reference not in read]
    for cell in fresh:
        slug = cell.stage if cell.in_place else f"{cell.stage}/{cell.slug}"
        earlier = gone.pop(slug, None)
        if earlier is not None:
            spec = _read(place.results, earlier)
            found = [] if spec is None else list(_changes(place, spec, (*path, cell)))
            yield from found or _company(place, earlier, (*path, cell))
            fresh = [other for other in fresh if other is not cell]
    left = {slug: _read(place.results, name) for slug, name in gone.items()}
    yield from _grids(
        place.config, {s: spec for s, spec in left.items() if spec is not None}, fresh
    )


def _company(place: _Place, then: Reference, path: tuple[Cell, ...]) -> Iterator[str]:
    """What differs in the job of a cell that itself is what it was: its file is the job's."""
    if not place.company or not isinstance(then, str):
        return
    job = _read_job(place.results, then.partition("#")[0])
    if job is not None:
        cells = {name or path[-1].slug: spec for name, spec in parts_of(job).items()}
        yield from _parts(place, cells, (*path[:-1], path[-1].job))


def _parts(
    place: _Place, then: Mapping[str, Mapping[str, Any]], path: tuple[Cell, ...]
) -> Iterator[str]:
    """What differs in the parts of a job, and which came and went."""
    parts = {part.slug: part for part in path[-1].makes}
    for slug in (slug for slug in parts if slug in then):
        yield from _changes(place, then[slug], (*path[:-1], parts[slug]))
    fresh = [part for slug, part in parts.items() if slug not in then]
    yield from _grids(place.config, {s: spec for s, spec in then.items() if s not in parts}, fresh)


def _grids(
    config: Config, left: Mapping[str, Mapping[str, Any]], fresh: list[Cell]
) -> Iterator[str]:
    """Grid points that came and went, by study; by stage where a cell is of no one study."""
    came: dict[str, list[Mapping[str, Any]]] = {}
    for cell in fresh:
        labels = cell.spec.get("labels", {"cells": cell.slug})
        came.setdefault(_study_key(config, cell), []).append(labels)
    went: dict[str, list[Mapping[str, Any]]] = {}
    for slug, spec in left.items():
        name = f"study {spec['study']}" if "study" in spec else _shared(spec["stage"])
        went.setdefault(name, []).append(spec.get("labels", {"cells": slug.split("/")[-1]}))
    for change, grids in (("added", came), ("removed", went)):
        for name, points in grids.items():
            yield f"{name}: {_values(points) or len(points)} {change}"


def _shared(stage: str) -> str:
    """What is said of cells that several studies read."""
    return f"{stage} in one job"


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
    cell, parts = path[-1], setting.split(".")
    for kind in ("architecture", "network"):
        if kind in parts[:-1] and kind in cell.labels:
            return f"{kind}s.{cell.labels[kind]}.{parts[-1]}"
    if setting in _SEEDS:
        return config.values.path("seed")
    # What a study reads belongs to it, but for networks, which may be another study's.
    study = next((one for one in reversed(path) if "study" in one.settings), None)
    known = None if study is None else _field(_keys(study), parts)
    if "sha256" in cell.settings and cell.stage == "datasets":
        return f"{config.values.path('dataset.path')} ({parts[-1]})"  # what lies there
    if cell.stage == "datasets" or (not known and {"preparation", "dataset"} & {*parts}):
        return config.values.path(f"dataset.{parts[-1]}")
    if study is None:
        return f"{cell.stage}: {setting}"
    if parts[-1] in ("start", "stop"):
        return f"{_study_key(config, study)} (its size or chunk), {parts[-1]}"
    return config.values.path(known) if known else f"{_study_key(config, study)}.{parts[-1]}"


def _field(keys: Iterable[str], parts: list[str]) -> str | None:
    """The key path below the settings of these keys that has the name of a spec's setting.

    That may be in the plural there: a cell has one of several networks.
    """
    for key in keys:
        fields = wings.settings()[key].model_fields
        for number, part in enumerate(parts):
            for name in (part, f"{part}s"):
                if name in fields:
                    return ".".join([key, name, *parts[number + 1 :]])
    return None


def _study_key(config: Config, cell: Cell) -> str:
    """The part of the config that a study's cell is made from."""
    key, *_ = [*_keys(cell), None]
    if key is None:
        study = cell.settings.get("study")
        return _shared(cell.stage) if study is None else f"the study {study}"
    return config.values.path(key)


def _keys(cell: Cell) -> list[str]:
    """The keys of a preset that the study of a cell reads, its own first."""
    study = wings.studies().get(cell.settings.get("study", ""))
    return [] if study is None else wings.reads(study)


def _leaves(spec: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The settings of a spec by their paths; not those that follow from its inputs."""
    for name, value in spec.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        elif f"{prefix}{name}" != "inputs" and not prefix.startswith("uses."):
            yield f"{prefix}{name}", value


def _slug(reference: Reference) -> str:
    """The stage and slug of what a spec reads, without its hash."""
    if not isinstance(reference, str):
        return str(reference["stage"])  # made in place
    job, _, part = reference.partition("#")
    return f"{job.split('/')[0]}/{part}" if part else job.rsplit("-", 1)[0]


def _read(results: Path, reference: Reference) -> Mapping[str, Any] | None:
    """The spec of what an earlier spec read; None where its file is gone."""
    if not isinstance(reference, str):
        return reference
    job, _, part = reference.partition("#")
    found = _read_job(results, job)
    return None if found is None else parts_of(found).get(part)


def _read_job(results: Path, job: str) -> Mapping[str, Any] | None:
    try:
        return read_spec(results / "specs" / f"{job}.json")
    except StoreError:
        return None
