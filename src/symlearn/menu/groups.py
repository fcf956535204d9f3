"""The families of groups by name, which studies can be drawn for them, and how large they are.

How `cyclic-shift` acts on images is in the module `symlearn.groups.actions.cyclic_shift`; the
others likewise.
"""

from collections.abc import Callable, Mapping
from math import gcd
from typing import Any, Literal, NamedTuple


class Family(NamedTuple):
    """A family of groups, indexed by n: what its elements do, and whether its groups are cyclic.

    `order(n)` counts the elements of a group, and `exact(n)` those that only permute pixels; a
    group itself takes arrays, which what plans a run does without.
    """

    moves: Literal["rotations", "shifts", "rotations and reflections"]
    cyclic: bool
    order: Callable[[int], int]
    exact: Callable[[int], int]


GROUPS: Mapping[str, Family] = {
    "cyclic-rotation": Family("rotations", True, lambda n: n, lambda n: gcd(n, 4)),
    "cyclic-shift": Family("shifts", True, lambda n: n, lambda n: n),
    "product-shift": Family("shifts", False, lambda n: n**2, lambda n: n**2),
    "dihedral": Family(
        "rotations and reflections", False, lambda n: 2 * n, lambda n: 2 * gcd(n, 4)
    ),
}


def _named(moves: str, *, cyclic: bool = False) -> Any:
    """The names of the families that move images so, only the cyclic ones if asked for."""
    found = (name for name, family in GROUPS.items() if moves in ("", family.moves))
    return Literal[tuple(name for name in found if GROUPS[name].cyclic or not cyclic)]


RotationName = _named("rotations")
ShiftGroupName = _named("shifts")
DihedralName = _named("rotations and reflections")
CyclicGroupName = _named("", cyclic=True)
