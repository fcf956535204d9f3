"""The groups: cyclic, dihedral, direct products, and any other one from its table."""

import numpy as np
from jaxtyping import Complex, Shaped

from symlearn.groups.finite import FiniteGroup, Irrep
from symlearn.randomness import generator


def cyclic(n: int) -> FiniteGroup:
    """The cyclic group of order `n`; element g is the g-th power of the generator.

    Its n irreps are the characters exp(2 pi i k g / n).
    """
    if n < 1:
        raise ValueError(f"a cyclic group needs n >= 1, not {n}")
    g = np.arange(n)
    # The product k g is reduced before the exponential, so that large n loses no digits.
    irreps = tuple(
        Irrep(f"character-{k}", np.exp(2j * np.pi * ((k * g) % n) / n)[:, None, None])
        for k in range(n)
    )
    return FiniteGroup(f"cyclic-{n}", (g[:, None] + g[None, :]) % n, irreps)


def dihedral(n: int) -> FiniteGroup:
    """The symmetries of an n-gon, of order 2 n.

    Element i < n is the rotation r^i, element n + i is r^i s with the reflection s, and
    s r = r^-1 s. Irreps: two or four signs and the real two-dimensional ones.
    """
    if n < 1:
        raise ValueError(f"a dihedral group needs n >= 1, not {n}")
    power = np.tile(np.arange(n), 2)
    flip = np.repeat([0, 1], n)
    sign = 1 - 2 * flip
    # (r^a s^f)(r^b s^e) = r^(a + (-1)^f b) s^(f + e)
    powers = (power[:, None] + sign[:, None] * power[None, :]) % n
    table = powers + n * (flip[:, None] ^ flip[None, :])
    alternate = 1 - 2 * (power % 2)
    signs = {"trivial": np.ones(2 * n), "sign": sign}
    if n % 2 == 0:
        signs |= {"alternating": alternate, "alternating-sign": alternate * sign}
    irreps = [Irrep(name, values[:, None, None].astype(float)) for name, values in signs.items()]
    for k in range(1, (n + 1) // 2):
        angle = 2 * np.pi * ((k * power) % n) / n
        cos, sin = np.cos(angle), np.sin(angle)
        # rotation by `angle` after a reflection (x, y) -> (x, -y) where flip is set
        matrices = np.stack([np.stack([cos, -sin * sign], -1), np.stack([sin, cos * sign], -1)], -2)
        irreps.append(Irrep(f"rotation-{k}", matrices))
    return FiniteGroup(f"dihedral-{n}", table, tuple(irreps))


def product(first: FiniteGroup, second: FiniteGroup) -> FiniteGroup:
    """The direct product; element (g, h) has index g * len(second) + h."""
    size = len(second)
    order = len(first) * size
    table = first.table[:, None, :, None] * size + second.table[None, :, None, :]
    irreps = tuple(
        Irrep(f"{a.name}*{b.name}", _kronecker(a.matrices, b.matrices))
        for a in first.irreps
        for b in second.irreps
    )
    return FiniteGroup(f"{first.name}*{second.name}", table.reshape(order, order), irreps)


def from_table(table: Shaped[np.ndarray, "..."], name: str = "group") -> FiniteGroup:
    """The group with this multiplication table (element 0 the identity), its irreps computed.

    A random Hermitian matrix that commutes with the regular representation has, with
    probability one, one irreducible subspace per eigenvalue. Its draws are fixed, so the same
    table gives the same irreps. Raises ValueError for a table that is no group. Cost: one
    eigendecomposition of the order of the group.
    """
    table = np.asarray(table)
    _check_group(table)
    order = len(table)
    left = np.zeros((order, order, order))  # left[g] maps the basis vector h to g h
    g, h = np.indices((order, order))
    left[g, table, h] = 1.0
    right = np.zeros((order, order, order))
    right[g, table.T, h] = 1.0  # right[g] maps h to h g
    rng = generator(0, "irreps", order)
    weights = rng.normal(size=order) + 1j * rng.normal(size=order)
    commuting = np.einsum("g,gab->ab", weights, right)
    values, vectors = np.linalg.eigh(commuting + commuting.conj().T)
    irreps: list[Irrep] = []
    for basis in _eigenspaces(values, vectors):
        matrices = np.einsum("ai,gab,bj->gij", basis.conj(), left, basis)
        irrep = Irrep(f"irrep-{len(irreps)}", matrices)
        if not any(np.allclose(irrep.character, other.character) for other in irreps):
            irreps.append(irrep)
    if sum(irrep.dimension**2 for irrep in irreps) != order:
        raise ValueError(f"the irreps of {name} (order {order}) could not be separated")
    return FiniteGroup(name, table, tuple(irreps))


def _kronecker(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """All Kronecker products of the matrices of `a` with those of `b`, a's index slowest."""
    size = a.shape[-1] * b.shape[-1]
    return np.einsum("gij,hkl->ghikjl", a, b).reshape(-1, size, size)


def _check_group(table: Shaped[np.ndarray, "..."]) -> None:
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.size == 0:
        raise ValueError(f"a multiplication table is square, not {table.shape}")
    if table.dtype.kind not in "iu":
        raise ValueError(f"a multiplication table holds whole numbers, not {table.dtype}")
    elements = np.arange(len(table))
    if (table[0] != elements).any() or (table[:, 0] != elements).any():
        raise ValueError("element 0 of a multiplication table must be the identity")
    rows, columns = np.sort(table, axis=1), np.sort(table, axis=0)
    if (rows != elements).any() or (columns != elements[:, None]).any():
        raise ValueError("each row and column of a multiplication table holds each element once")
    if (table[table] != table[:, table]).any():
        raise ValueError("the multiplication table is not associative")


def _eigenspaces(
    values: np.ndarray, vectors: Complex[np.ndarray, "n n"]
) -> list[Complex[np.ndarray, "n d"]]:
    """The eigenvectors, split where neighbouring eigenvalues differ by more than rounding."""
    gaps = np.diff(values) > 1e-8 * np.abs(values).max()
    return np.split(vectors, np.flatnonzero(gaps) + 1, axis=1)
