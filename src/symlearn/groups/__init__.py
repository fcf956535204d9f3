"""Finite groups, their irreps and their actions on images."""

from symlearn.groups.actions import Action, action_of
from symlearn.groups.families import cyclic, dihedral, from_table, product
from symlearn.groups.finite import FiniteGroup, Irrep
from symlearn.groups.subgroups import Subgroup

__all__ = [
    "Action",
    "FiniteGroup",
    "Irrep",
    "Subgroup",
    "action_of",
    "cyclic",
    "dihedral",
    "from_table",
    "product",
]
