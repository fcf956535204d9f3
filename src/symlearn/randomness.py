"""Random numbers from one root seed and a path of names; nothing global, nothing drawn twice."""

import hashlib

import numpy as np


def generator(root: int, *names: str | int) -> np.random.Generator:
    """The generator of the child `names` of the root seed `root`.

    Children are told apart by their whole path, so `generator(0, "pairs", 3)` gives the same
    draws however many other children exist or in which order they are made.
    """
    plain = [name if isinstance(name, str) else int(name) for name in names]
    words = [int.from_bytes(hashlib.sha256(repr(name).encode()).digest()[:8]) for name in plain]
    return np.random.default_rng(np.random.SeedSequence(root, spawn_key=tuple(words)))


def seed_of(root: int, *names: str | int) -> int:
    """A seed below 2^63 for libraries with generators of their own, from the same children."""
    return int(generator(root, *names).integers(2**63))
