"""Every figure on small grids, by the commands that the rules run, in one process."""

from pathlib import Path

import pytest
import yaml
from docutils.core import publish_doctree

from symlearn import plan
from symlearn.__main__ import main
from symlearn.config import parse
from symlearn.pipeline.outputs import output_files
from symlearn.pipeline.specs import write_spec

from .project import shrink

pytestmark = [
    pytest.mark.workflow,
    # What a stage warns of goes to its log.
    pytest.mark.filterwarnings("default"),
]


class Made:
    """Cells made once each, in a folder of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.statuses = {}

    def __call__(self, cell):
        """The exit status of the cell's command, after those of what it reads."""
        key = f"{cell.stage}/{cell.name}"
        if key not in self.statuses:
            read = [self(other) for other in cell.inputs]
            self.statuses[key] = max(read, default=0) or self._made(cell)
        return self.statuses[key]

    def _made(self, cell):
        results = self.folder / "results/quick"
        spec, out = write_spec(results, cell), output_files(results, cell)[0]
        return main([cell.stage, "--spec", str(spec), "--out", str(out)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def figures(shipped_text):
    config = yaml.safe_load(shipped_text)
    shrink(config)
    return plan.figures(parse(config))


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
