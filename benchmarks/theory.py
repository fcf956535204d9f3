"""Orbit-block errors of 10 classes x 13 seeds x 64 poses against the dense solve."""

import numpy as np
from common import machine, seconds

from symlearn.groups import FiniteGroup, Subgroup, cyclic, dihedral
from symlearn.theory import (
    average_over_subgroup,
    averaged_errors,
    exact_errors_by_pose,
    orbit_block_errors,
    solve_gram,
)

CLASSES, SEEDS, POSES = 10, 13, 64
PAIRS = 64
LABELS = [1.0, -1.0]


def main() -> None:
    """Print the ratios, with the averages from the Gram matrix and with the averages given."""
    print(machine())
    group, orbits = cyclic(POSES), CLASSES * SEEDS
    labels = 2.0 * np.eye(CLASSES)[np.repeat(np.arange(CLASSES), SEEDS)] - 1.0
    gram = invariant_gram(orbits, POSES)
    averages = average_over_subgroup(gram, orbits, Subgroup(group, np.arange(POSES)))
    whole, found = seconds(lambda: orbit_block_errors(gram, orbits, group, labels), repeats=5)
    blocks, _ = seconds(lambda: averaged_errors(averages, group, labels), repeats=5)
    dense, exact = seconds(lambda: exact_errors_by_pose(solve_gram(gram), labels), repeats=1)
    difference = np.abs(found[:, None] - exact).max() / np.abs(exact).max()
    print(f"{CLASSES} classes x {SEEDS} seeds x {POSES} poses, dense solve {dense:.2f} s")
    print(f"from the Gram matrix: {whole:.4f} s, {dense / whole:.0f} times faster")
    print(f"from the averages: {blocks:.4f} s, {dense / blocks:.0f} times faster")
    print(f"largest difference, relative to the largest error: {difference:.1e}")
    pairs = np.stack([invariant_gram(2, POSES, seed) for seed in range(PAIRS)])
    for group in (cyclic(POSES), dihedral(POSES // 2)):
        compare_pairs(pairs, group)


def compare_pairs(grams: np.ndarray, group: FiniteGroup) -> None:
    """Print the ratio of all pairs at once to one by one."""
    together, found = seconds(lambda: orbit_block_errors(grams, 2, group, LABELS))
    each, expected = seconds(lambda: [orbit_block_errors(g, 2, group, LABELS) for g in grams])
    print(
        f"{len(grams)} pairs, {group.name}: {together:.4f} s, {each / together:.0f} times faster "
        f"than one by one, difference at most {np.abs(found - np.array(expected)).max():.1e}"
    )


def invariant_gram(orbits: int, poses: int, seed: int = 0) -> np.ndarray:
    """A random kernel, well conditioned and invariant under cyclic shifts of the poses."""
    rng = np.random.default_rng(seed)
    features = np.fft.rfft(rng.normal(size=(2 * orbits, orbits, poses)), axis=-1)
    spectra = np.einsum("fqw,fpw->qpw", features.conj(), features, optimize=True)
    rows = np.fft.irfft(spectra, n=poses, axis=-1) / (2 * orbits * poses)  # k(u), (q, q', u)
    rows[np.arange(orbits), np.arange(orbits), 0] += 0.1
    shift = (np.arange(poses) - np.arange(poses)[:, None]) % poses  # h^-1 g
    gram = np.empty((orbits, poses, orbits, poses))
    for q in range(orbits):
        gram[q] = rows[q][:, shift].transpose(1, 0, 2)
    return gram.reshape(orbits * poses, orbits * poses)


if __name__ == "__main__":
    main()
