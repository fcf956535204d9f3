"""Finite groups, their irreps and their actions on images."""

from symlearn.groups.actions import ACTIONS, Action
from symlearn.groups.families import cyclic, dihedral, from_table, product
from symlearn.groups.finite import FiniteGroup, Irrep
from symlearn.groups.subgroups import Subgroup

__all__ = [
    "ACTIONS",
    "Action",
    "FiniteGroup",
    "Irrep",
    "Subgroup",
    "cyclic",
    "dihedral",
    "from_table",
    "product",
]
