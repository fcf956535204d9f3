"""The orbit-block error: kernels averaged over a group, one small matrix per irrep.

For a kernel invariant under a finite group G and orbits x_(c,g), the Gram matrix is block-diagonal
in the irreps of G. Where it is only nearly invariant, the average over G of each pair of orbits is
taken instead. The same works over a subgroup H, for which each orbit splits into |G| / |H| orbits.
Derivations: docs/science/orbits.md#the-orbit-block-error and, for H,
docs/science/orbits.md#the-coset-refinement.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np
from jaxtyping import Complex, Float, Int, Shaped
from numpy.lib.stride_tricks import as_strided
from threadpoolctl import threadpool_limits

from symlearn.groups import FiniteGroup, Subgroup
from symlearn.theory.exact import same_label

# Leading axes are a batch of kernels, all with the same labels, with a ridge each or one for all.
Gram = Float[np.ndarray, "*batch point point"]
Averages = Float[np.ndarray, "*batch row row element"]
Rows = Float[np.ndarray, "*batch orbit pose orbit pose"]
# Of an orbit and its poses h u: the sums over h of the rows, by each later orbit's (t, u).
Sums = Callable[[int, Int[np.ndarray, " member"]], Float[np.ndarray, "*batch orbit pose"]]
Ridge = float | Float[np.ndarray, "*batch"]
IrrepMatrices = Float[np.ndarray, "irrep element d d"] | Complex[np.ndarray, "irrep element d d"]
Labels = Float[np.ndarray, "orbit *output"] | Sequence[float]


def orbit_block_errors(
    gram: Gram,
    orbits: int | np.integer | Int[np.ndarray, " point"],
    group: FiniteGroup,
    labels: Labels,
    ridge: Ridge = 0.0,
) -> Float[np.ndarray, "..."]:
    """Each orbit's residual at a pose that is missing from all orbits with the same label.

    Points are ordered (orbit, pose), poses as the group's elements, with one label (or one row of
    outputs) per orbit; `orbits` is their number, or each point's orbit. Exact if the kernel is
    invariant under the group; the same for every pose. `ridge` is added to the Gram matrix's
    diagonal as it is. The result's axes: (*batch, orbit, *output). Cost: one pass through half of
    the Gram matrix, then orbits^3 times the sum of d^3 over the irreps, d the dimension of an
    irrep. This is at most d_max |G| orbits^3, instead of (|G| orbits)^3
    (docs/science/orbits.md#costs).
    """
    count = int(orbits) if np.ndim(orbits) == 0 else len(np.unique(orbits))
    averages = average_over_subgroup(gram, count, Subgroup.whole(group))
    return averaged_errors(averages, group, labels, ridge)


def averaged_errors(
    averages: Averages, group: FiniteGroup, labels: Labels, ridge: Ridge = 0.0
) -> Float[np.ndarray, "..."]:
    """As `orbit_block_errors`, from the averages of the kernel over the group."""
    targets = _targets(labels, averages.shape[-2])
    missing = [members[None] for members in same_label(targets)]
    errors = _residuals(averages, group, targets, missing, ridge)
    return errors[..., 0] if np.ndim(labels) == 1 else errors


def softened(averages: Averages, share: float | Float[np.ndarray, "*batch"]) -> Averages:
    """The averages of the kernel (1 - share) k(x, y) + share <k(x, g y)>_g.

    It lies between an augmented network's (share 0) and a tied one's (share 1), and scales all
    irreps but the trivial one by 1 - share (docs/science/orbits.md#soft-equivariance).
    """
    softness = np.asarray(share, dtype=float)[..., None, None, None]
    return (1 - softness) * averages + softness * averages.mean(axis=-1, keepdims=True)


def coset_block_errors(
    gram: Gram, orbits: int, subgroup: Subgroup, labels: Labels, ridge: Ridge = 0.0
) -> Float[np.ndarray, "..."]:
    """As `orbit_block_errors`, with the kernel averaged over a subgroup only.

    Each orbit of the whole group splits into one orbit per coset H t; entry [orbit, t] is the
    residual at the poses in H t. Exact if the kernel is invariant under the subgroup. The
    result's axes: (*batch, orbit, coset, *output). See docs/science/orbits.md#the-coset-refinement.
    """
    targets, cosets = _targets(labels, orbits), len(subgroup.cosets)
    averages = average_over_subgroup(gram, orbits, subgroup)
    each = np.arange(cosets)[:, None]
    missing = [members * cosets + each for members in same_label(targets)]
    by_coset = np.repeat(targets, cosets, axis=0)
    errors = _residuals(averages, subgroup.group, by_coset, missing, ridge)
    errors = errors.reshape(*errors.shape[:-2], orbits, cosets, -1)
    return errors[..., 0] if np.ndim(labels) == 1 else errors


def average_over_subgroup(gram: Gram, orbits: int, subgroup: Subgroup) -> Averages:
    """k_qq'(u): the mean over h in H of the Gram entry of (q, h) and (q', h u).

    q runs over the orbits of H: (orbit, coset), coset fastest. The Gram matrix is symmetric, so
    k_q'q(u) = k_qq'(u^-1) and only half of it is read, row by row; beside the averages, a few
    rows are held. See docs/science/orbits.md#averages-over-a-group.
    """
    poses, members = len(subgroup.parent), len(subgroup)
    if gram.shape[-1] != orbits * poses:
        raise ValueError(
            f"{orbits} orbits of {poses} poses make {orbits * poses} points, but the Gram matrix "
            f"has {gram.shape[-1]}"
        )
    cosets = subgroup.cosets
    rows = gram.reshape(*gram.shape[:-2], orbits, poses, orbits, poses)
    cyclic = subgroup.parent.is_cyclic and members == poses
    sums = _by_shifts(rows) if cyclic else _by_gathers(rows, subgroup)
    size = orbits * len(cosets)
    averages = np.empty((*gram.shape[:-2], size, size, members))
    for orbit, (t, own) in product(range(orbits), enumerate(cosets)):
        # Sums are from the orbit's first coset on; its cosets before t are there by symmetry.
        mean = sums(orbit, own).reshape(*gram.shape[:-2], -1, members)[..., t:, :] / members
        q = orbit * len(cosets) + t
        averages[..., q, q:, :] = mean
        averages[..., q:, q, :] = mean[..., subgroup.group.inverse]
    return averages


def _by_gathers(rows: Rows, subgroup: Subgroup) -> Sums:
    """Row by row in the order of h u t."""
    # Of each h, (t, u) -> h u t within an orbit; the copy is in the order in which it is read.
    moved = [subgroup.cosets[:, row].ravel() for row in subgroup.group.table]

    def sums(orbit: int, own: Int[np.ndarray, " member"]) -> Float[np.ndarray, "..."]:
        later = rows[..., orbit, :, orbit:, :]
        total = np.zeros((*later.shape[:-3], *later.shape[-2:]))
        for pose, index in zip(own, moved, strict=True):
            # "clip" spares a check of the indices
            total += later[..., pose, :, :].take(index, axis=-1, mode="clip")
        return total

    return sums


def _by_shifts(rows: Rows) -> Sums:
    """All rows of an orbit by one product with ones, for a cyclic group.

    Row h is moved back by h entries, so that a column holds what belongs to one u. For that, rows
    are spread out: before and after each orbit lies a gap of zeros as long as the orbit.
    """
    *batch, orbits, poses, _, _ = rows.shape
    spread = np.zeros((*batch, poses, 2 * orbits + 1, poses))
    item = spread.itemsize
    # From one row to the next is one entry more than a row: moved[h, j] = spread[h, j + h], a view.
    # The last gap keeps it within the row. BLAS takes rows at any distance: nothing is copied.
    along = (*spread.strides[:-3], spread.strides[-3] + item, item)

    def sums(orbit: int, _: Int[np.ndarray, " member"]) -> Float[np.ndarray, "..."]:
        spread[..., 2 * orbit + 1 :: 2, :] = rows[..., orbit, :, orbit:, :]
        later = 2 * (orbits - orbit)
        moved = as_strided(spread[..., 2 * orbit :, :], (*batch, poses, later * poses), along)
        # Where h + u < |G|, entry u of an orbit's own place is the pose h + u, and that of the gap
        # before is zero. Where h + u wraps around, the gap before has the pose h + u - |G|, and the
        # own place reaches into the zeros behind, not into the next orbit. So the sum of both
        # places has each h once.
        total = np.ones(poses) @ moved
        return total.reshape(*batch, orbits - orbit, 2, poses).sum(axis=-2)

    return sums


def scalar_error(
    gram: Gram, group: FiniteGroup, ridge: Ridge = 0.0
) -> float | Float[np.ndarray, "*batch"]:
    """The scalar counterpart, for any group, of the spectral error of two orbits.

    lambda^-1 / <lambda^-1> with lambda half the sum of all within-class averages less the
    between-class ones, and <lambda^-1> the mean reciprocal eigenvalue of the averaged kernel
    (docs/science/orbits.md#the-scalar-error).
    """
    averages = average_over_subgroup(gram, 2, Subgroup.whole(group))
    sums = averages.sum(axis=-1)
    label_eigenvalue = 0.5 * (sums[..., 0, 0] + sums[..., 1, 1]) - sums[..., 0, 1] + ridge
    identity = identity_block(averages, group, ridge)
    return 1.0 / (label_eigenvalue * np.trace(identity, axis1=-2, axis2=-1) / 2)


def _targets(labels: Labels, orbits: int) -> Float[np.ndarray, "orbit output"]:
    targets = np.asarray(labels, dtype=float)
    if len(targets) != orbits:
        raise ValueError(f"{orbits} orbits need {orbits} labels, not {len(targets)}")
    return targets.reshape(orbits, -1)


def _residuals(
    averages: Averages,
    group: FiniteGroup,
    targets: Float[np.ndarray, "orbit output"],
    missing: Sequence[Int[np.ndarray, "_ _"]],
    ridge: Ridge,
) -> Float[np.ndarray, "*batch orbit output"]:
    """W_MM^-1 v_M for the sets M of orbits, the rows of `missing`."""
    identity = identity_block(averages, group, ridge)
    weighted = _trivial(averages, ridge, targets)
    errors = np.empty(weighted.shape)
    for holes in missing:
        block = identity[..., holes[:, :, None], holes[:, None, :]]
        errors[..., holes, :] = np.linalg.solve(block, weighted[..., holes, :])
    return errors


def identity_block(
    averages: Averages, group: FiniteGroup, ridge: Ridge = 0.0
) -> Float[np.ndarray, "*batch orbit orbit"]:
    """W of docs/science/orbits.md#the-orbit-block-error: K^-1 at the identity of each orbit.

    (1 / |G|) sum_rho d_rho Tr_rho (sum_u k(u) (x) rho(u))^-1.
    """
    *batch, orbits, _, order = averages.shape
    block = np.zeros((*batch, orbits, orbits))
    for d, weights, matrices in irrep_blocks(averages, group):
        with threadpool_limits(1):  # threads that wait for each other cost more than they bring
            inverse = np.linalg.inv(matrices + _diagonal(ridge, orbits * d)[..., None, :, :]).real
        inverse = inverse.reshape(*batch, len(weights), orbits, d, orbits, d)
        block += d * np.einsum("...rqipi,r->...qp", inverse, weights)
    return block / order


def irrep_blocks(
    averages: Averages, group: FiniteGroup
) -> Iterator[tuple[int, Float[np.ndarray, " irrep"], Shaped[np.ndarray, "*batch irrep row row"]]]:
    """For each dimension d of irreps: d, how many each stands for, and sum_u k(u) (x) rho(u).

    Each is one matrix of side d times the number of orbits, rows in the order (orbit, index).
    """
    *batch, orbits, _, order = averages.shape
    for d, weights, matrices in _irreps_by_dimension(group):
        transform = _transform(averages.reshape(-1, order), matrices)
        transform = transform.reshape(-1, orbits, orbits, len(matrices), d, d)
        square = transform.transpose(0, 3, 1, 4, 2, 5)
        yield d, weights, square.reshape(*batch, len(matrices), orbits * d, orbits * d)


def _transform(
    averages: Float[np.ndarray, "entry element"], matrices: IrrepMatrices
) -> Shaped[np.ndarray, "entry coefficient"]:
    """sum_u k(u) rho(u) of real k by one real matrix product."""
    flat = np.ascontiguousarray(np.moveaxis(matrices, 0, 1)).reshape(averages.shape[1], -1)
    return (averages @ flat.view(float)).view(flat.dtype)


def _irreps_by_dimension(
    group: FiniteGroup,
) -> Iterator[tuple[int, Float[np.ndarray, " irrep"], IrrepMatrices]]:
    """The irreps stacked by dimension, the real ones apart, with the number that each stands for.

    The transform of a real kernel at the conjugate irrep is the conjugate one, so that two irreps
    conjugate to each other give the same real part: one is left out.
    """
    characters = np.stack([irrep.character for irrep in group.irreps])
    conjugate = (characters @ characters.T).real.argmax(axis=1)
    groups: dict[tuple[int, bool], list[tuple[float, IrrepMatrices]]] = {}
    for number, (irrep, other) in enumerate(zip(group.irreps, conjugate, strict=True)):
        if number <= other:
            key = irrep.dimension, np.isrealobj(irrep.matrices)
            groups.setdefault(key, []).append((2.0 if number < other else 1.0, irrep.matrices))
    for (d, _), kept in groups.items():
        yield d, np.array([weight for weight, _ in kept]), np.stack([m for _, m in kept])


def _trivial(
    averages: Averages, ridge: Ridge, labels: Float[np.ndarray, "orbit output"]
) -> Float[np.ndarray, "*batch orbit output"]:
    """K^-1 y at any pose: labels are constant on orbits, so only the trivial irrep acts."""
    return np.linalg.solve(averages.sum(axis=-1) + _diagonal(ridge, len(labels)), labels)


def _diagonal(ridge: Ridge, size: int) -> Float[np.ndarray, "*batch size size"]:
    return np.multiply.outer(ridge, np.eye(size))
