"""The ridge conventions of the authors' code, as this project's ridge on the diagonal.

Their multi-seed and multi-class scripts add an absolute number, which needs no mapping. See
docs/science/orbits.md#precision-and-the-authors-ridges.
"""

import numpy as np
from jaxtyping import Float


def authors_regression(
    gram: Float[np.ndarray, "point point"], factor: float, missing: int
) -> float:
    """Their kernel regression: `factor` times the trace of the training points' Gram matrix."""
    return factor * float(np.trace(gram) - gram[missing, missing])


def authors_spectral(gram: Float[np.ndarray, "point point"], factor: float) -> float:
    """Their spectral error: `factor` times the number of points and the mean diagonal entry."""
    return factor * float(np.trace(gram))
