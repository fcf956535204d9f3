"""The missing pose beyond supervision: unlabelled orbits, self-supervised and frozen features.

Orbits have N poses each, and the kernel is invariant under their group, or averaged over it. One
pose of one orbit is missing; all else is seen. `averages` are those of
`symlearn.theory.average_over_subgroup` over all orbits. Derivations:
docs/science/orbits.md#beyond-supervision. Leading axes are a batch of draws.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from symlearn.groups import FiniteGroup
from symlearn.theory.orbit_block import Averages, Labels, Ridge, identity_block


class Features(NamedTuple):
    """Features with one value on each orbit's seen poses, and the partial orbit's missing pose."""

    seen: Float[np.ndarray, "*batch orbit feature"]
    missing: Float[np.ndarray, "*batch feature"]


def semi_supervised_errors(
    averages: Averages,
    group: FiniteGroup,
    labels: Labels,
    labelled: Sequence[int],
    ridge: Ridge = 0.0,
) -> Float[np.ndarray, "..."]:
    """Each labelled orbit's residual at a pose that is missing from it alone.

    The regressor of minimum norm fits `labels` on the orbits `labelled`, in their order, and is
    constant on every other orbit, at whatever value. Labels act in the trivial irrep alone and
    unlabelled orbits in all others alone. With no unlabelled orbit this is `averaged_errors` for
    orbits of different labels. The result's axes: (*batch, labelled, *output). See
    docs/science/orbits.md#unlabelled-orbits.
    """
    own = np.asarray(labelled)
    targets = np.asarray(labels, dtype=float).reshape(len(own), -1)
    among = (..., own[:, None], own[None, :])
    trivial = averages.sum(axis=-1)
    ridges = np.asarray(ridge, dtype=float)[..., None, None]
    labelled_alone = np.linalg.inv(trivial[among] + ridges * np.eye(len(own)))
    all_orbits = np.linalg.inv(trivial + ridges * np.eye(trivial.shape[-1]))
    swapped = (labelled_alone - all_orbits[among]) / averages.shape[-1]
    weights = identity_block(averages, group, ridge)[among] + swapped
    diagonal = np.diagonal(weights, axis1=-2, axis2=-1)
    errors = (labelled_alone @ targets) / diagonal[..., None]
    return errors[..., 0] if np.ndim(labels) == 1 else errors


def contrastive_features(
    averages: Averages, group: FiniteGroup, partial: int, dimensions: int
) -> Features:
    """Features of VICReg or the spectral contrastive loss at vanishing ridge.

    Of all functions that are constant on the seen poses of each orbit, those of the largest
    variance for their norm in the kernel's space, orthonormal over the seen poses. One pose of the
    orbit `partial` is not seen. Which poses are paired, and how far apart they are, does not
    matter. See docs/science/orbits.md#contrastive-features.
    """
    poses = averages.shape[-1]
    inverse = np.linalg.inv(averages.sum(axis=-1))
    weight = identity_block(averages, group)[..., partial, partial]
    column = inverse[..., partial]
    free = column[..., :, None] * column[..., None, :] / weight[..., None, None]
    masses = _masses(averages, partial)
    norms = (poses * inverse - free) / np.sqrt(np.multiply.outer(masses, masses))
    # The smallest norm at unit variance comes first.
    vectors = np.linalg.eigh(norms)[1][..., :dimensions]
    seen = vectors / np.sqrt(masses)[:, None]
    drop = np.einsum("...q,...qi->...i", column, seen) / weight[..., None]
    return Features(seen, seen[..., partial, :] - drop)


def barlow_twins_features(averages: Averages, partial: int, dimensions: int) -> Features:
    """Features of the minimum-norm solution of kernel Barlow Twins, uncentred.

    Pairs are two seen poses of one orbit, drawn independently. A feature of the partial orbit is
    not constant on its seen poses; `seen` holds the mean of them. See
    docs/science/orbits.md#barlow-twins-features.
    """
    order = averages.shape[-1]
    masses = _masses(averages, partial)
    own = averages[..., partial, partial, 0]
    trivial = averages.sum(axis=-1)
    total = trivial[..., partial, partial]
    means = trivial / order
    means[..., partial, partial] = ((order - 2) * total + own) / (order - 1) ** 2
    values, vectors = np.linalg.eigh(means * np.sqrt(np.multiply.outer(masses, masses)))
    values, vectors = values[..., ::-1][..., :dimensions], vectors[..., ::-1][..., :dimensions]
    seen = vectors / np.sqrt(masses)[:, None]
    others = (order * own - total) / (order - 1)
    deviation = -seen[..., partial, :] * others[..., None] / values
    return Features(seen, seen[..., partial, :] + deviation)


def frozen_features(
    averages: Averages, full: Sequence[int], dimensions: int
) -> Float[np.ndarray, "*batch orbit feature"]:
    """Features learned on the full orbits alone, at all orbits: exactly invariant at every pose.

    They are the leading features of `contrastive_features` without a missing pose, sums of the
    kernel over whole orbits. See docs/science/orbits.md#the-invariant-template.
    """
    trivial = averages.sum(axis=-1)
    own = np.asarray(full)
    values, vectors = np.linalg.eigh(trivial[..., own[:, None], own])
    values, vectors = values[..., ::-1][..., :dimensions], vectors[..., ::-1][..., :dimensions]
    return trivial[..., own] @ vectors / (values * np.sqrt(averages.shape[-1]))[..., None, :]


def _masses(averages: Averages, partial: int) -> Float[np.ndarray, " orbit"]:
    """How many poses of each orbit are seen."""
    masses = np.full(averages.shape[-2], float(averages.shape[-1]))
    masses[partial] -= 1
    return masses
