"""docs/python.md: its lines run, in their order, as a reader would type them."""

import re
from pathlib import Path

import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_all_lines_of_the_page_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    namespace = {"FIGURES": ROOT / "figures"}
    for block in BLOCKS:
        exec(compile(block, "docs/python.md", "exec"), namespace)
    plt.close("all")
    assert {file.name for file in tmp_path.iterdir()} == {"lie.png", "fig4-large.png"}
    assert "turns by 90 degrees" in capsys.readouterr().out
