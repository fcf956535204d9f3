"""Images of one's own, from a file or a folder, through the whole workflow."""

import json
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

from symlearn.config import overlaid
from symlearn.pipeline import store

from .project import SMALL, Project

pytestmark = pytest.mark.workflow

# What cannot be met by 200 images of 20 x 20 in five classes, and sizes that have no power of two.
OF_FIVE_CLASSES = {
    "dataset": {"name": "mine", "path": "images.npz"},
    "portrait": {"classes": [0, 3]},
    "rotations": {"n": [3, 5], "architectures": ["mlp-1", "cnn-gap-3"]},
    "dihedral": {"n": [3, 5], "pairs": 2},
    "precision": {"n": [3], "pairs": 2},
    "shifts": {"n": [2, 5], "pairs": 2},
    "seeds": {"n": [3, 7]},
    "classes": {"n": [3, 12]},
    "partial": {"n": [3, 7], "images": 50, "left_out": [1, 4]},
    "long_training": {"n": 5, "images": 50, "left_out": [0, 4]},
    "trained_pairs": {"n": 5},
    "trained_classes": {"n": [3, 12]},
    "widths": {"n": [3]},
    "stability_samples": {"class_": 4},
    "invariance": {"class_": 2, "train": 100, "test": 60},
}
FIGURES = [
    "fig1", "fig4", "fig5", "fig6", "fig7", "fig8", "fig10", "fig11", "fig12", "stability-samples",
    "invariance-regulariser", "invariance-saliency", "invariance-partial", "lie-models",
    "lie-layers", "lie-partial",
]  # fmt: skip


def draw(seed=0, classes=5):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (200, 20, 20), dtype=np.uint8)
    return images, np.arange(200) % classes


def own(project):
    """A preset of one's own beside a small `quick`, on 200 random images."""
    images, labels = draw()
    np.savez(project.folder / "images.npz", images=images, labels=labels)
    preset = overlaid(SMALL, OF_FIVE_CLASSES) | {"extends": "quick"}
    project.edit(lambda config: config["presets"].update(mine=preset))
    project.edit(lambda config: config.update(preset="mine"))
    return project


@pytest.fixture(scope="module")
def drawn_from_a_file(tmp_path_factory):
    """A copy of the project whose figures were drawn from a file of images; not to be edited."""
    project = own(Project(tmp_path_factory.mktemp("own") / "project"))
    project.run(*FIGURES)
    return project


def figure(project, name):
    return project.folder / f"figures/mine/{name}"


def test_figures_are_drawn_from_two_hundred_images_in_five_classes(drawn_from_a_file):
    for name in FIGURES:
        assert figure(drawn_from_a_file, f"{name}.pdf").stat().st_size > 0
    shares = store.read_group(figure(drawn_from_a_file, "fig6.nc"), "classes")
    assert sorted(set(shares["class_"].values.tolist())) == [0, 1, 2, 3, 4]
    assert "(C) 5 classes, 2 seeds each" in figure(drawn_from_a_file, "fig6.txt").read_text()
    trained = store.read_group(figure(drawn_from_a_file, "fig1.nc"), "partial")
    assert trained.attrs["classes"] == 5
    assert "Images: mine;" in figure(drawn_from_a_file, "fig1.txt").read_text()
    assert drawn_from_a_file.planned(*FIGURES) == {}
