"""A subgroup, as a group of its own and with the cosets that it cuts its parent into."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int

from symlearn.groups.families import from_table
from symlearn.groups.finite import FiniteGroup


@dataclass(frozen=True)
class Subgroup:
    """A subgroup H of a group G, with the right cosets H t into which it cuts G."""

    parent: FiniteGroup
    elements: Int[np.ndarray, " member"]

    @classmethod
    def whole(cls, group: FiniteGroup) -> "Subgroup":
        """The group as a subgroup of itself."""
        return cls(group, np.arange(len(group)))

    def __post_init__(self) -> None:
        if len(self) == 0 or self.elements[0] != 0:
            raise ValueError("a subgroup lists the identity, element 0, first")
        if len(np.unique(self.elements)) != len(self):
            raise ValueError(f"the elements {self.elements.tolist()} name one element twice")
        if not np.isin(self.elements, np.arange(len(self.parent))).all():
            raise ValueError(f"{self.elements.tolist()} are no elements of {self.parent.name}")
        products = self.parent.table[np.ix_(self.elements, self.elements)]
        if not np.isin(products, self.elements).all():
            raise ValueError(f"the elements {self.elements.tolist()} are not closed under products")

    def __len__(self) -> int:
        return len(self.elements)

    @cached_property
    def group(self) -> FiniteGroup:
        """The subgroup as a group of its own, its elements in the order of `elements`."""
        if np.array_equal(self.elements, np.arange(len(self.parent))):
            return self.parent
        position = np.full(len(self.parent), -1)
        position[self.elements] = np.arange(len(self))
        products = self.parent.table[np.ix_(self.elements, self.elements)]
        return from_table(position[products], name=f"subgroup-{len(self)}-of-{self.parent.name}")

    @cached_property
    def cosets(self) -> Int[np.ndarray, "coset member"]:
        """`cosets[t, h]` is the element h t of G; row 0 is the subgroup itself."""
        seen: Bool[np.ndarray, " element"] = np.zeros(len(self.parent), dtype=bool)
        rows = []
        for element in range(len(self.parent)):
            if not seen[element]:
                row = self.parent.table[self.elements, element]
                seen[row] = True
                rows.append(row)
        return np.stack(rows)

    @cached_property
    def coset_of(self) -> Int[np.ndarray, " element"]:
        """For each element of the parent, the row of `cosets` that holds it."""
        row = np.empty(len(self.parent), dtype=int)
        for number, members in enumerate(self.cosets):
            row[members] = number
        return row
