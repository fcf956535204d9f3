"""How the points of figure 1's task are shared out between training and test.

Without arrays, so that what a training costs can be told before any images are read.
"""

from collections.abc import Iterable

_TEST_SHARE = 0.1  # of all points but those left out
_EXAMPLE = 5  # a digit that looks like no other one when it is turned


def example_class(left_out: Iterable[int]) -> int:
    """Which of the classes left out is drawn as the example: 5, or the first."""
    classes = list(left_out)
    return _EXAMPLE if _EXAMPLE in classes else classes[0]


def test_points(points: int) -> int:
    """How many of a network's points test it in distribution."""
    return int(points * _TEST_SHARE)


def epoch_points(images: int, n: int, largest_class: int) -> int:
    """How many points of `images` in `n` poses every network trains on in an epoch, at most.

    Each network leaves out the upright images of one class. The largest class leaves the fewest
    points to train on, and these set the epoch of all.
    """
    points = images * n - largest_class
    return points - test_points(points) - 1
