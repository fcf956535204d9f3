"""The 8 x 8 digits that come with scikit-learn."""

from pathlib import Path

import numpy as np

from symlearn.datasets.images import LabelledImages


def load(data_root: Path | None, cache: Path) -> LabelledImages:
    """All of its 1 797 images; nothing is looked for in a folder."""
    from sklearn.datasets import load_digits  # slow to import

    bunch = load_digits()
    return LabelledImages(bunch.images.astype(np.uint8), bunch.target.astype(np.int64), maximum=16)
