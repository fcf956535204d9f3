"""Images of one's own through the whole pipeline: 200 of 20 x 20 pixels in five classes."""

import numpy as np
import pytest
from PIL import Image

from symlearn.config import overlaid
from symlearn.pipeline import store

from .project import SMALL, Project

pytestmark = pytest.mark.workflow

# What 200 such images allow, and sizes that are no powers of two.
ALLOWED = {
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
    "invariance": {"class_": 2, "train": 100, "test": 60},
}
FIGURES = [
    "fig1", "fig4", "fig5", "fig6", "fig7", "fig8", "fig10-supplement", "fig11", "fig12",
    "fig4-supplement", "stability-samples",
    "invariance-regulariser", "invariance-saliency", "invariance-partial", "lie-models",
    "lie-layers", "lie-partial",
]  # fmt: skip
# All jobs of some figures in one process: most of a short job is the start of its program.
AT_ONCE = """
import sys
from importlib import import_module
from pathlib import Path
from symlearn import plan
from symlearn.config import load
from symlearn.pipeline.outputs import output_files
from symlearn.pipeline.specs import write_spec

figures, results = sys.argv[1:], Path("results/mine")
cells = plan.figures(load(Path("config.yaml")), figures)
for cell in plan.all_jobs(cells[name] for name in figures):
    words = ["--spec", write_spec(results, cell), "--out", output_files(results, cell)[0]]
    if cell.stage == "datasets":
        words += ["--data-root", cell.labels["path"]]
    if import_module(f"symlearn.stages.{cell.stage}").main([str(word) for word in words]):
        sys.exit(f"{cell.stage}/{cell.name} failed")
"""


def images_of(classes=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (200, 20, 20), dtype=np.uint8), np.arange(200) % classes


def save(path, seed=0):
    images, labels = images_of(seed=seed)
    np.savez(path, images=images, labels=labels)


def prepared(folder):
    """A copy of the project whose preset is one of one's own, beside a `quick` as it is shipped."""
    project = Project(folder)
    save(project.folder / "images.npz")
    preset = {"extends": "quick", **overlaid(SMALL, ALLOWED)}

    def change(config):
        config["presets"]["mine"] = preset
        config["preset"] = "mine"

    project.edit(change)
    return project


@pytest.fixture
def project(tmp_path):
    return prepared(tmp_path / "project")


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """The folder of figures that were drawn of such images."""
    project = prepared(tmp_path_factory.mktemp("own") / "project")
    done = project.python("-c", AT_ONCE, *FIGURES)
    assert done.returncode == 0, done.stdout
    return project.folder / "figures/mine"


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn(figures, name):
    assert (figures / f"{name}.pdf").stat().st_size > 0
    assert (figures / f"{name}.png").stat().st_size > 0


def test_figures_say_how_many_classes_there_are(figures):
    shares = store.read_group(figures / "fig6.nc", "classes")
    assert np.unique(shares["class_"]).tolist() == [0, 1, 2, 3, 4]
    assert "(D) Each of 5 classes has 2 seeds" in (figures / "fig6.txt").read_text()
    for name, group in {"fig1": "network-mlp", "fig11": "long"}.items():
        assert store.read_group(figures / f"{name}.nc", group).attrs["classes"] == 5
        assert "Images: mine;" in (figures / f"{name}.txt").read_text()


def test_other_images_remake_what_follows_and_a_move_remakes_nothing(project):
    project.run("fig9")
    assert project.planned("fig9") == {}
    (project.folder / "images.npz").rename(project.folder / "moved.npz")
    project.edit(lambda config: config["presets"]["mine"]["dataset"].update(path="moved.npz"))
    assert project.planned("fig9") == {}
    save(project.folder / "moved.npz", seed=1)
    assert {"fetch_dataset", "compute_kernel"} <= project.planned("fig9").keys()


def test_a_folder_of_pictures_serves_as_well(project):
    images, labels = images_of()
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        file = project.folder / f"pictures/class {label}/{number:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    project.edit(lambda config: config["presets"]["mine"]["dataset"].update(path="pictures"))
    project.run("--until", "fetch_dataset", "--", "fig9")
    (made,) = project.folder.glob("results/mine/datasets/mine-*.nc")
    data = store.read(made)
    # The classes take turns, as they do in the file.
    assert np.array_equal(data["levels"], images)
    assert np.array_equal(data["label"], labels)
    assert store.spec_of(data)["facts"]["names"] == [f"class {number}" for number in range(5)]


def test_what_quick_asks_for_and_such_images_lack_is_one_line(project):
    dataset = {"name": "mine", "path": "images.npz"}
    preset = {"extends": "quick", "dataset": dataset}
    project.edit(lambda config: config["presets"].update(mine=preset))
    done = project.snakemake("-n")
    assert done.returncode == 1
    (line,) = (line for line in done.stdout.splitlines() if line.strip().startswith("config.yaml"))
    assert "Traceback" not in done.stdout
    keys = (
        "shifts.n: 7", "portrait.classes: there is no class 7, only 0 to 4", "partial.left_out: ",
        "partial.images: 2000", "long_training.left_out: ", "invariance.train: ",
        "lie_models.train: ",
    )  # fmt: skip
    assert [key for key in keys if key not in line] == []
    assert set(project.planned("fig5", "fig7", "--config", "preset=quick")) >= {"fetch_dataset"}
    assert project.snakemake("-n", "fig5", "fig9").returncode == 0
