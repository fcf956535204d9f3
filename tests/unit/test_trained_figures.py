import json

import numpy as np
import xarray as xr

from symlearn.papers.orbits.figures.trained import histories, pair_errors


def job(tasks, errors, n=4, first=0):
    """A job's networks: two for each of its tasks, with their numbers in the study."""
    members = np.arange(2 * tasks)
    squares = np.stack([np.ones(2 * tasks), np.square(errors)], axis=1)
    return xr.Dataset(
        {
            "out_loss": (("member", "epoch"), squares),
            "source_task": ("member", first + members // 2),
            "missing_orbit": ("member", members % 2),
            "seed": ("member", np.zeros(2 * tasks, dtype=int)),
        },
        attrs={"spec": json.dumps({"labels": {"n": n}})},
    )


def test_pairs_of_several_jobs_keep_their_own_errors():
    """The second job's first task is the third of all; another n starts from the first again."""
    jobs = [job(2, [1, 2, 3, 4]), job(1, [5, 6], first=2), job(3, np.arange(7, 13), n=8)]
    cells = histories(jobs, "n")
    found = [pair_errors(cells.isel(cell=i))[:, :, 0] for i in (0, 1)]
    np.testing.assert_allclose(found[0], [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_allclose(found[1], [[7, 8], [9, 10], [11, 12]])
