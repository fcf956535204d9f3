"""Every figure on small grids, by the commands that the rules run, in one process."""

import logging
import random
import warnings
from pathlib import Path

import pytest
import yaml
from docutils.core import publish_doctree

from symlearn import plan, wings
from symlearn.__main__ import main
from symlearn.config import overlaid, parse
from symlearn.pipeline.outputs import output_files
from symlearn.pipeline.specs import write_spec

from .project import shrink

pytestmark = [
    pytest.mark.workflow,
    # What a stage warns of goes to its log.
    pytest.mark.filterwarnings("default"),
]


class Made:
    """Jobs done once each, in a folder of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.statuses = {}

    def __call__(self, figure):
        """Do the jobs of a figure; returns the first exit status that is not 0, else 0."""
        jobs = plan.all_jobs([figure])  # inputs first
        return next(filter(None, map(self._status, jobs)), 0)

    def _status(self, job):
        key = f"{job.stage}/{job.name}"
        if key not in self.statuses:
            self.statuses[key] = 1  # where it raises
            results = self.folder / "results/quick"
            spec, out = write_spec(results, job), output_files(results, job)[0]
            self.statuses[key] = main([job.stage, "--spec", str(spec), "--out", str(out)])
        return self.statuses[key]


@pytest.fixture(autouse=True)
def untouched_warnings(monkeypatch):
    """A stage sends warnings to its log; here they go back to where they were."""
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    yield
    logging.captureWarnings(False)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def figures(shipped_text):
    config = yaml.safe_load(shipped_text)
    shrink(config)
    return plan.figures(parse(config))


# What the small grids have one of, twice, so that there are parts to draw.
TWICE = {
    "rotations": {"architectures": ["mlp-1", "cnn-fc-3"]},
    "partial": {"networks": ["mlp", "cnn"], "n": [2, 4]},
    "trained_pairs": {"networks": ["mlp-1", "cnn-fc-3"]},
    "lie_models": {"networks": ["fully-connected", "cnn-12"]},
    "lie_layers": {"networks": ["fully-connected", "cnn-12"]},
    "invariance": {"shifts": ["noise", "inversion"], "shift_strengths": [0.5, 1]},
}


def part_of(node, rng):
    """Of each list that is not empty a part that is not empty, in any order."""
    if isinstance(node, dict):
        return {key: part_of(value, rng) for key, value in node.items()}
    if isinstance(node, list) and node:
        return [part_of(value, rng) for value in rng.sample(node, rng.randint(1, len(node)))]
    return node


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_claims_judge_every_figure_that_a_part_of_the_grids_can_draw(
    made, shipped_text, seed, monkeypatch, capsys
):
    raw = yaml.safe_load(shipped_text)
    shrink(raw)
    base = overlaid(overlaid(raw["base"], raw["presets"]["quick"]), TWICE)
    raw["presets"]["quick"] = part_of(base, random.Random(seed))
    monkeypatch.chdir(made.folder)
    drawn = plan.figures(parse(raw), [])  # those that this part can draw
    assert len(drawn) > 10
    for figure in drawn.values():
        assert made(figure) == 0, figure.name
    files = [f"figures/quick/{name}.nc" for name in drawn]
    claims = [str(wing.claims) for wing in wings.wings()]
    capsys.readouterr()
    arguments = ["--preset", "quick", "--claims", *claims, "--out", "claims.csv", *files]
    assert main(["claims", *arguments]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("name", plan.figure_names())
def test_a_figure_is_drawn_and_its_chain_is_intact(made, figures, name, monkeypatch):
    monkeypatch.chdir(made.folder)
    assert made(figures[name]) == 0
    figure = Path(f"figures/quick/{name}.pdf")
    for suffix in (".pdf", ".png", ".nc", ".txt", ".pdf.json"):
        assert figure.with_suffix(suffix).stat().st_size > 0
    # The report reads captions as reStructuredText; what is malformed raises here.
    text = figure.with_suffix(".txt").read_text()
    publish_doctree(text, settings_overrides={"halt_level": 2, "report_level": 5})
    assert main(["provenance", str(figure), "--verify"]) == 0
