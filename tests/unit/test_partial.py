import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from symlearn.groups.nearest import nearest_rotations
from symlearn.papers.orbits import partial_rotations as partial

CLASSES, IMAGES, SIDE = 3, 30, 6


def dataset(seed=0):
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, size=(IMAGES, SIDE, SIDE), dtype=np.uint8)
    labels = np.arange(IMAGES) % CLASSES
    return xr.Dataset(
        {"levels": (("image", "row", "col"), levels), "label": ("image", labels)},
        attrs={"maximum": 255},
    )


def spec(n=4, images=None, members=((0, 0), (2, 0), (2, 1)), batch=7):
    preparation = {"upsampling": 1, "padding": 0}
    return {
        "seed": 1,
        "problem": {
            "n": n, "images": images, "members": [list(m) for m in members],
            "preparation": preparation,
        },
        "recipe": {"batch": batch},
    }  # fmt: skip


def sets(problem, member):
    lists = {name: lists[member] for name, lists in problem.tests.items() if name != "train"}
    return {**lists, "train": problem.train[member]}


@given(n=st.integers(2, 9), batch=st.integers(1, 200))
def test_the_upright_pose_of_the_class_left_out_is_never_trained_on(n, batch):
    given_spec = spec(n=n, batch=batch)
    problem = partial.problem(dataset(), given_spec)
    for number, (left_out, _) in enumerate(given_spec["problem"]["members"]):
        parts = sets(problem, number)
        points = torch.cat(list(parts.values()))
        assert sorted(points.tolist()) == list(range(IMAGES * n))  # each point in one set
        out = parts["out"].numpy()
        assert (out < IMAGES).all()  # pose 0
        assert (problem.targets[out] == left_out).all()
        assert len(out) == IMAGES // CLASSES
        assert len(parts["in"]) == int((IMAGES * n - len(out)) * 0.1)
        assert problem.batch * problem.steps <= min(len(items) for items in problem.train)
    assert problem.steps >= 1


def test_the_measured_part_of_the_training_points_is_trained_on():
    problem = partial.problem(dataset(), spec())
    for member in range(problem.members):
        shown, tested = problem.tests["train"][member], problem.tests["in"][member]
        assert len(shown) == len(tested)
        assert set(shown.tolist()) <= set(problem.train[member].tolist())


def test_points_are_the_turned_images_at_unit_norm():
    data = dataset()
    problem = partial.problem(data, spec(n=4))
    found = problem.to(torch.device("cpu"), torch.float64).images(torch.arange(4 * IMAGES)[None])
    levels = data["levels"].values.astype(float)
    unit = levels / np.sqrt((levels**2).sum(axis=(1, 2), keepdims=True))
    for pose in range(4):
        expected = np.rot90(unit, pose, axes=(1, 2))
        here = found[0, pose * IMAGES : (pose + 1) * IMAGES, 0].numpy()
        np.testing.assert_allclose(here, expected, rtol=1e-12)


def test_an_epoch_is_as_long_whichever_classes_are_trained_together():
    alone = [partial.problem(dataset(), spec(members=[(c, 0)])).steps for c in range(CLASSES)]
    together = partial.problem(dataset(), spec(members=[(c, 0) for c in range(CLASSES)])).steps
    assert set(alone) == {together}


def test_a_member_draws_the_same_split_in_any_company():
    alone = partial.problem(dataset(), spec(members=[(2, 1)]))
    together = partial.problem(dataset(), spec())
    assert torch.equal(alone.train[0], together.train[2])
    assert not torch.equal(together.train[1], together.train[2])


@pytest.mark.parametrize("count", [3, 12])
def test_images_are_drawn_evenly_by_class(count):
    labels = dataset()["label"].values
    chosen = partial.choose_images(labels, count, root=1)
    assert np.bincount(labels[chosen]).tolist() == [count // CLASSES] * CLASSES
    more = partial.choose_images(labels, count + CLASSES, root=1)
    assert set(chosen) <= set(more)


def test_the_example_shows_the_class_left_out():
    data = dataset()
    example = partial.example(data, spec(n=4, members=[(2, 0)]))
    first = data["levels"].values[data["label"].values == 2][0]
    np.testing.assert_array_equal(example[1], np.rot90(first))


@pytest.mark.parametrize("side", [8, 9, 28])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 12])
def test_nearest_rotations_are_those_of_scipy(side, n):
    from scipy.ndimage import rotate

    images = np.random.default_rng(side).integers(1, 256, size=(3, side, side), dtype=np.uint8)
    found = nearest_rotations(images, n)
    for pose in range(n):
        expected = rotate(
            images, 360 / n * pose, axes=(1, 2), order=0, reshape=False, mode="grid-constant"
        )
        # The two may round a pixel half-way between two others differently.
        assert (found[pose] != expected).mean() < 0.08
    np.testing.assert_array_equal(found[0], images)


@pytest.mark.parametrize("n", [4, 8, 12])
def test_nearest_rotations_compose_with_quarter_turns(n):
    images = np.random.default_rng(n).integers(256, size=(2, 7, 7), dtype=np.uint8)
    poses = nearest_rotations(images, n)
    quarter = np.rot90(poses, axes=(2, 3))
    np.testing.assert_array_equal(np.roll(poses, -n // 4, axis=0), quarter)
