"""Errors on missing poses from one row of the kernel: one pose of each orbit against all poses.

An invariant kernel is known from the rows of the identity poses, which are 4 N entries of a pair
instead of (2 N)^2. Derivation: docs/science/orbits.md#one-row-of-the-kernel.
"""

import warnings

import numpy as np
from jaxtyping import Float

from symlearn.errors import IllConditionedWarning
from symlearn.groups import FiniteGroup
from symlearn.theory.orbit_block import Averages, Labels, Ridge, averaged_errors, irrep_blocks


def one_row_errors(
    rows: Averages, group: FiniteGroup, labels: Labels, ridge: Ridge = 0.0
) -> Float[np.ndarray, "..."]:
    """As `averaged_errors`, from rows[c, d, u] = k(x_(c,e), x_(d,u)) in place of averages.

    Exact for a kernel that is invariant under the group. Interpolation makes it only nearly so;
    then the rows may belong to no positive semi-definite kernel, which is an IllConditionedWarning.
    The result's axes: (*batch, orbit, *output). Cost: orbits^2 |G| entries of the kernel.
    """
    averages = hermitian(rows, group)
    least = least_eigenvalues(averages, group) + np.asarray(ridge)
    if negative := int((least < 0).sum()):
        warnings.warn(
            f"{negative} of {least.size} sets of rows have a negative eigenvalue, down to "
            f"{least.min():.2g}: the kernel is too far from invariant, or needs a ridge",
            IllConditionedWarning,
            stacklevel=2,
        )
    return averaged_errors(averages, group, labels, ridge)


def hermitian(rows: Averages, group: FiniteGroup) -> Averages:
    """(k_cd(u) + k_dc(u^-1)) / 2: what both rows of a pair of orbits say of the same entry."""
    return (rows + np.swapaxes(rows, -3, -2)[..., group.inverse]) / 2


def least_eigenvalues(
    averages: Averages, group: FiniteGroup
) -> Float[np.ndarray, "*batch"] | np.float64:
    """The smallest eigenvalue of the invariant Gram matrix with these averages."""
    spectra = (np.linalg.eigvalsh(block) for *_, block in irrep_blocks(averages, group))
    return np.min([spectrum.min(axis=(-2, -1)) for spectrum in spectra], axis=0)


def rows_of_every(rows: Averages, n: int) -> Float[np.ndarray, "*batch row row member"]:
    """The rows of the cyclic subgroup of order n: one row at N poses holds those of N's divisors.

    Raises ValueError where n does not divide the number of poses.
    """
    poses = rows.shape[-1]
    if poses % n:
        raise ValueError(f"{n} does not divide {poses} poses")
    return rows[..., :: poses // n]
