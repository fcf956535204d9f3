"""The commands of README and docs can be given: they, their options and their targets exist.

Which are also run is said in CONTRIBUTING.md and on the pages themselves.
"""

import contextlib
import io
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from snakemake.cli import get_argument_parser

from symlearn import plan
from symlearn.__main__ import COMMANDS, main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINE = re.compile(r"^(?: {4})?((?:symlearn|snakemake|make) .*)$", re.MULTILINE)
INLINE = re.compile(r"`((?:symlearn|snakemake|make) [^`]+)`")
# Figures of the pages that say how to add one.
ADDED = {"error-histogram", "neighbours"}


def commands():
    """The commands of all pages, by program, with the page."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in [*LINE.findall(text), *INLINE.findall(text)]:
            words = shlex.split(re.sub(r" [|>] .*|\[[^\]]*\]", " ", line), comments=True)
            if len(words) > 1 and not words[1].startswith("<"):
                yield pytest.param(page, words, id=f"{page.stem}: {' '.join(words)}"[:90])


def of(program):
    return [one for one in commands() if one.values[1][0] == program]


@cache
def help_of(*command):
    """What a command says of its options."""
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        main([*command, "--help"])
    return said.getvalue()


@pytest.mark.parametrize(("page", "words"), of("symlearn"))
def test_a_command_of_symlearn_and_its_options_exist(page, words):
    if words[1] != "--help":
        assert words[1] in COMMANDS
        options = [word.partition("=")[0] for word in words[2:] if word.startswith("--")]
        said = help_of(*words[1:3] if words[1] == "bundle" else words[1:2])
        assert [o for o in options if o not in said] == []


@pytest.mark.parametrize(("page", "words"), of("snakemake"))
def test_options_and_targets_of_snakemake_exist(page, words):
    found, unknown = get_argument_parser().parse_known_args(words[1:])
    assert unknown == []
    known = {"...", *plan.figure_names(), *plan.CLOSING, *ADDED}
    for target in found.targets:
        name = Path(target).name.partition(".")[0] if target.startswith("figures/") else target
        assert name in known, target


@pytest.mark.parametrize(("page", "words"), of("make"))
def test_targets_of_make_exist(page, words):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert words[1] in targets
