"""How many pairs of poses networks without labels learn from, told without any images."""

from math import comb


def pairs_of_poses(classes: int, seeds: int, n: int, *, joint: bool) -> int:
    """The pairs of seen poses of the same orbit.

    Of each class but the partial orbit's, all orbits but the labelled one are full and have no
    label. With `joint` the labelled orbits come too, of which one lacks a pose.
    """
    full = (classes - 1) * (seeds - 1)
    return (full + classes) * comb(n, 2) - (n - 1) if joint else full * comb(n, 2)
