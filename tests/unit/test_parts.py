"""Parts of the quick preset: each is planned, or refused in one line that names a key."""

import copy
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symlearn import plan, wings
from symlearn.config import load, parse
from symlearn.errors import ConfigError
from symlearn.pipeline.specs import canonical

ROOT = Path(__file__).parents[2]
QUICK = load(ROOT / "config.yaml")
RAW = QUICK.file.model_dump()
KEY = re.compile(rf"(presets\.quick|base)\.({'|'.join(wings.settings())})\b")


def lists_of(node, path=()):
    """The key paths of all lists, those in lists too."""
    if isinstance(node, list):
        yield path
    parts = enumerate(node) if isinstance(node, list) else getattr(node, "items", tuple)()
    for key, value in parts:
        yield from lists_of(value, (*path, key))


def held(node, path):
    """What lies at a key path."""
    for key in path:
        node = node[key]
    return node


# Of an empty list there is no part.
LISTS = [path for path in lists_of(QUICK.values.merged) if held(QUICK.values.merged, path)]


@st.composite
def parts(draw):
    """The quick preset, of each list a part that is not empty: often all of it, in any order."""
    preset = copy.deepcopy(QUICK.values.merged)
    for path in reversed(LISTS):  # those in lists before these
        *parents, last = path
        node = held(preset, parents)
        if draw(st.booleans()):
            values = draw(st.permutations(node[last]))
            node[last] = values[: draw(st.integers(1, len(values)))]
    return {**RAW, "presets": {"quick": preset}}


@settings(max_examples=30)
@given(raw=parts())
def test_a_part_of_quick_is_planned_or_refused_in_one_line_that_names_a_key(raw):
    config = parse(raw)
    sound = plan.figures(config, [])  # those that have no fault
    if len(sound) < len(plan.figure_names()):
        with pytest.raises(ConfigError) as raised:
            plan.figures(config)
        assert "\n" not in str(raised.value)
        assert KEY.match(str(raised.value).removeprefix("config.yaml: ")), raised.value
    else:
        assert plan.figures(config).keys() == sound.keys()
    for cell in plan.all_jobs(sound.values()):
        assert canonical(cell.spec)


def test_parts_are_taken_of_lists_of_all_depths():
    paths = {".".join(map(str, path)) for path in LISTS}
    assert {"rotations.n", "stripe_training.feature", "invariance.families.0.strengths"} <= paths
