"""A finite group as its multiplication table and its irreps."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Complex, Float, Int


@dataclass(frozen=True)
class Irrep:
    """One irreducible unitary representation: a matrix for every element."""

    name: str
    matrices: Float[np.ndarray, "element d d"] | Complex[np.ndarray, "element d d"]

    @property
    def dimension(self) -> int:
        """The size of its matrices."""
        return self.matrices.shape[-1]

    @property
    def character(self) -> Complex[np.ndarray, " element"]:
        """The trace of every element's matrix."""
        return np.trace(self.matrices, axis1=-2, axis2=-1).astype(complex)


@dataclass(frozen=True)
class FiniteGroup:
    """A finite group; element 0 is the identity and `table[g, h]` is the index of g h.

    `irreps` holds every irreducible representation over the complex numbers once, up to
    equivalence (real matrices where the representation is real).
    """

    name: str
    table: Int[np.ndarray, "element element"]
    irreps: tuple[Irrep, ...]

    def __len__(self) -> int:
        return self.table.shape[0]

    @property
    def is_cyclic(self) -> bool:
        """Whether the elements are the powers of element 1, in their order."""
        powers = np.arange(len(self))
        return bool((self.table == (powers[:, None] + powers) % len(self)).all())

    @cached_property
    def inverse(self) -> Int[np.ndarray, " element"]:
        """The index of each element's inverse."""
        return np.argmax(self.table == 0, axis=1)

    @cached_property
    def left_division(self) -> Int[np.ndarray, "element element"]:
        """The index of g^-1 h for all g and h."""
        return self.table[self.inverse]
