"""Rotating a batch at all angles against one scipy call per angle and image."""

import numpy as np
import scipy.ndimage
from common import blobs, machine, seconds

from symlearn.groups import action_of

IMAGES = 128
ORDERS = (3, 8, 16, 64)


def main() -> None:
    """Print the ratio and the largest difference for several group orders."""
    print(machine())
    images = blobs(IMAGES)
    rotate = action_of("cyclic-rotation").apply
    for n in ORDERS:
        ours, found = seconds(lambda n=n: rotate(images, n))
        theirs, expected = seconds(lambda n=n: one_call_each(images, n), repeats=1)
        difference = np.abs(found - expected).max()
        print(
            f"{IMAGES} images, N = {n}: {ours:.4f} s, {theirs / ours:.0f} times faster, "
            f"difference at most {difference:.1e}"
        )


def one_call_each(images: np.ndarray, n: int) -> np.ndarray:
    """All poses, a call of scipy.ndimage.rotate for each but the first."""
    poses = [
        [image, *(scipy.ndimage.rotate(image, 360 * i / n, reshape=False) for i in range(1, n))]
        for image in images
    ]
    return np.array(poses)


if __name__ == "__main__":
    main()
