"""How many poses are enough: the error on a missing pose by the number of poses, from one row.

See docs/science/orbits.md#how-many-poses-are-enough.
"""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from symlearn.datasets.orbits import make_orbits
from symlearn.errors import IllConditionedWarning
from symlearn.groups import action_of
from symlearn.kernels import first_rows
from symlearn.theory import one_row_errors, rows_of_every


class Curve(NamedTuple):
    """Of a pair of images: the predicted error of each orbit by n, and whether it is reliable.

    It is not where the rows belong to no positive semi-definite kernel at some n.
    """

    errors: Float[np.ndarray, "n orbit"]
    reliable: bool


def divisors(most: int) -> Int[np.ndarray, " n"]:
    """The numbers of poses that one row at `most` poses holds, from 2 on."""
    return np.array([n for n in range(2, most + 1) if most % n == 0])


def curve(
    pair: Float[np.ndarray, "2 row col"],
    architecture: str | Mapping[str, Any],
    group: str,
    most: int,
) -> Curve:
    """The error y (y - prediction) on a missing pose, averaged over poses, at each divisor.

    Images are in [0, 1], `group` is a cyclic family. Cost: 4 `most` entries of the kernel.
    """
    rows = first_rows(architecture, make_orbits(pair, group, most))
    labels = np.array([1.0, -1.0])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", IllConditionedWarning)
        errors = [
            one_row_errors(rows_of_every(rows, int(n)), action_of(group).group(int(n)), labels)
            for n in divisors(most)
        ]
    return Curve(np.array(errors) * labels, not told)
