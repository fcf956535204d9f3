import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest

from symlearn.randomness import generator

PATHS = [(), ("pairs",), ("seeds",), ("pairs", 0), ("pairs", 1), (0, "pairs"), ("pairs", "1")]


def draws(root, *names):
    return generator(root, *names).random(8)


def test_the_same_path_gives_the_same_draws():
    first = draws(3, "pairs", 5)
    generator(3, "pairs", 4).random(100)
    np.random.default_rng(0).random()
    np.testing.assert_array_equal(first, draws(3, "pairs", 5))


@pytest.mark.parametrize(("one", "other"), list(combinations(PATHS, 2)), ids=str)
def test_different_paths_give_different_draws(one, other):
    assert (draws(3, *one) != draws(3, *other)).all()


def test_different_roots_give_different_draws():
    assert (draws(3, "pairs") != draws(4, "pairs")).all()


def test_the_global_generator_is_not_touched():
    before = np.random.get_state()[1].copy()
    draws(3, "pairs")
    np.testing.assert_array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_draws_do_not_depend_on_the_process(hash_seed):
    code = (
        "from symlearn.randomness import generator; print(generator(3, 'pairs', 5).random().hex())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
    )
    assert result.stdout.strip() == draws(3, "pairs", 5)[0].hex()
