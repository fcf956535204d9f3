"""The orbit-block error: kernels averaged over a group, one small matrix per irrep (note 2.11).

For a kernel invariant under a finite group G and orbits x_(c,g), the Gram matrix is block-diagonal
in the irreps of G. Where it is only nearly invariant, the average over G of each pair of orbits is
taken instead. The same over a subgroup H, for which each orbit splits into |G| / |H| orbits.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Complex, Float, Int

from symlearn.groups import FiniteGroup, Subgroup
from symlearn.theory.exact import same_label

Gram = Float[np.ndarray, "point point"]
Averages = Float[np.ndarray, "orbit orbit element"]


def orbit_block_errors(
    gram: Gram,
    orbits: int | np.integer | Int[np.ndarray, " point"],
    group: FiniteGroup,
    labels: Float[np.ndarray, "orbit *output"] | Sequence[float],
    ridge: float = 0.0,
) -> Float[np.ndarray, "orbit *output"]:
    """Each orbit's residual at a pose that is missing from all orbits with the same label.

    Points are ordered (orbit, pose), poses as the group's elements, with one label (or one row of
    outputs) per orbit; `orbits` is their number, or each point's orbit. Exact if the kernel is
    invariant under the group; the same for every pose. `ridge` is added to the Gram matrix's
    diagonal as it is. Cost: |G| (d orbits)^3 instead of (|G| orbits)^3, d the irreps' dimension.
    """
    everything = Subgroup(group, np.arange(len(group)))
    count = int(orbits) if np.ndim(orbits) == 0 else len(np.unique(orbits))
    return coset_block_errors(gram, count, everything, labels, ridge)[:, 0]


def coset_block_errors(
    gram: Gram,
    orbits: int,
    subgroup: Subgroup,
    labels: Float[np.ndarray, "orbit *output"] | Sequence[float],
    ridge: float = 0.0,
) -> Float[np.ndarray, "orbit coset *output"]:
    """As `orbit_block_errors`, with the kernel averaged over a subgroup only.

    Each orbit of the whole group splits into one orbit per coset H t; entry [orbit, t] is the
    residual at the poses in H t. Exact if the kernel is invariant under the subgroup.
    """
    targets = np.asarray(labels, dtype=float)
    if len(targets) != orbits:
        raise ValueError(f"{orbits} orbits need {orbits} labels, not {len(targets)}")
    single = targets.ndim == 1
    if single:
        targets = targets[:, None]
    cosets = len(subgroup.cosets)
    averages = average_over_subgroup(gram, orbits, subgroup)
    identity = _identity_block(averages, subgroup.group, ridge)
    weighted = _trivial(averages, ridge, np.repeat(targets, cosets, axis=0))
    errors = np.empty((orbits, cosets, targets.shape[1]))
    for members in same_label(targets):
        for coset in range(cosets):
            holes = members * cosets + coset
            errors[members, coset] = np.linalg.solve(
                identity[np.ix_(holes, holes)], weighted[holes]
            )
    return errors[..., 0] if single else errors


def average_over_subgroup(gram: Gram, orbits: int, subgroup: Subgroup) -> Averages:
    """k_qq'(u): the mean over h in H of the Gram entry of (q, h) and (q', h u).

    q runs over the orbits of H: (orbit, coset), coset fastest.
    """
    poses = len(subgroup.parent)
    if gram.shape[0] != orbits * poses:
        raise ValueError(
            f"{orbits} orbits of {poses} poses make {orbits * poses} points, but the Gram matrix "
            f"has {gram.shape[0]}"
        )
    order = (np.arange(orbits)[:, None, None] * poses + subgroup.cosets).reshape(-1, len(subgroup))
    table = subgroup.group.table
    averages = np.zeros((len(order), len(order), len(subgroup)))
    for h in range(len(subgroup)):  # one element at a time keeps the copies small
        averages += gram[order[:, h][:, None, None], order[:, table[h]][None, :, :]]
    return averages / len(subgroup)


def scalar_error(gram: Gram, group: FiniteGroup, ridge: float = 0.0) -> float:
    """The scalar counterpart, for any group, of the spectral error of two orbits (note 2.11).

    lambda^-1 / <lambda^-1> with lambda half the sum of all within-class averages less the
    between-class ones, and <lambda^-1> the mean reciprocal eigenvalue of the averaged kernel.
    """
    averages = average_over_subgroup(gram, 2, Subgroup(group, np.arange(len(group))))
    sums = averages.sum(axis=-1)
    label_eigenvalue = 0.5 * (sums[0, 0] + sums[1, 1]) - sums[0, 1] + ridge
    mean_reciprocal = np.trace(_identity_block(averages, group, ridge)) / 2
    return float(1.0 / (label_eigenvalue * mean_reciprocal))


def _identity_block(
    averages: Averages, group: FiniteGroup, ridge: float
) -> Float[np.ndarray, "orbit orbit"]:
    """W of the note: the rows and columns of K^-1 at the identity of each orbit.

    (1 / |G|) sum_rho d_rho Tr_rho (sum_u k(u) (x) rho(u))^-1, all irreps of one dimension d at
    once: each is one matrix of side d times the number of orbits.
    """
    orbits, order = averages.shape[0], averages.shape[-1]
    block = np.zeros((orbits, orbits))
    for d, matrices in _irreps_by_dimension(group):
        transform = averages.reshape(-1, order) @ matrices.transpose(1, 0, 2, 3).reshape(order, -1)
        transform = transform.reshape(orbits, orbits, -1, d, d).transpose(2, 0, 3, 1, 4)
        square = transform.reshape(-1, orbits * d, orbits * d) + ridge * np.eye(orbits * d)
        inverse = np.linalg.inv(square).reshape(-1, orbits, d, orbits, d)
        block += d * np.einsum("rqipi->qp", inverse).real
    return block / order


def _irreps_by_dimension(
    group: FiniteGroup,
) -> Iterator[tuple[int, Complex[np.ndarray, "irrep element d d"]]]:
    """The group's irreps stacked by dimension."""
    for d in sorted({irrep.dimension for irrep in group.irreps}):
        yield d, np.stack([r.matrices.astype(complex) for r in group.irreps if r.dimension == d])


def _trivial(
    averages: Averages, ridge: float, labels: Float[np.ndarray, "orbit output"]
) -> Float[np.ndarray, "orbit output"]:
    """K^-1 y at any pose: labels are constant on orbits, so only the trivial irrep acts."""
    return np.linalg.solve(averages.sum(axis=-1) + ridge * np.eye(len(labels)), labels)
