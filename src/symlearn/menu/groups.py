"""The families of groups by name, and which studies can be drawn for them.

How `cyclic-shift` acts on images is in the module `symlearn.groups.actions.cyclic_shift`; the
others likewise.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple


class Family(NamedTuple):
    """A family of groups, indexed by n: what its elements do, and whether its groups are cyclic."""

    moves: Literal["rotations", "shifts", "rotations and reflections"]
    cyclic: bool


GROUPS: Mapping[str, Family] = {
    "cyclic-rotation": Family("rotations", cyclic=True),
    "cyclic-shift": Family("shifts", cyclic=True),
    "product-shift": Family("shifts", cyclic=False),
    "dihedral": Family("rotations and reflections", cyclic=False),
}


def _named(moves: str, *, cyclic: bool = False) -> Any:
    """The names of the families that move images so, only the cyclic ones if asked for."""
    found = (name for name, family in GROUPS.items() if moves in ("", family.moves))
    return Literal[tuple(name for name in found if GROUPS[name].cyclic or not cyclic)]


RotationName = _named("rotations")
ShiftGroupName = _named("shifts")
DihedralName = _named("rotations and reflections")
CyclicGroupName = _named("", cyclic=True)
