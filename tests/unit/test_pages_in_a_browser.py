"""The pages as a reader meets them; skipped where no Chromium is installed."""

import importlib.util
from pathlib import Path

import pytest

from symlearn.tools.claims.page import as_html
from symlearn.tools.claims.verdicts import COLUMNS
from symlearn.tools.gallery.command import main


def _load(name, path):
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


HERE = Path(__file__).parent
Browser = _load("browser", HERE.parent / "browser.py").Browser
make = _load("gallery_files", HERE / "test_gallery.py").make


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery") / "figures" / "quick"
    make(folder)
    files = [str(folder / "fig2.pdf"), str(folder / "lie-aliasing.pdf"), "--preset", "quick"]
    out = folder / "gallery.html"
    assert main([*files, "--claims", str(folder / "claims.csv"), "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("width", [1200, 390])
def test_the_page_is_whole_quiet_and_asks_for_nothing(browser, page, width):
    browser.events.clear()
    browser.open(page, width)
    sizes = browser.run("[...document.images].map(image => image.naturalWidth)")
    assert sizes == [640, 640]
    assert browser.requests == [page.as_uri()]
    assert browser.complaints == []
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.run(overflow) == 0


def test_everything_has_a_name_and_headings_are_in_order(browser, page):
    browser.open(page, 1200)
    assert browser.run("[...document.images].every(image => image.alt.length > 20)")
    assert browser.run("document.querySelectorAll('h1').length") == 1
    levels = browser.run("[...document.querySelectorAll('h1, h2, h3')].map(h => h.tagName)")
    assert levels == ["H1", "H2", "H2", "H2"]
    broken = "[...document.links].filter(a => !document.querySelector(a.getAttribute('href')))"
    assert browser.run(f"{broken}.length") == 0


def test_a_study_can_be_chosen_and_a_link_brings_back_what_is_hidden(browser, page):
    browser.open(page, 1200)
    seen = "[...document.querySelectorAll('article')].filter(a => !a.hidden).map(a => a.id)"
    assert browser.run(seen) == ["fig2", "lie-aliasing"]
    browser.run("document.querySelector('input[name=topic][value^=Partially]').click()")
    assert browser.run(seen) == ["fig2"]
    assert browser.run("document.querySelector('[role=status]').textContent") == "1 of 2 figures"
    browser.run("document.querySelector('a[href=\"#lie-aliasing\"]').click()")
    browser.run("new Promise(resolve => setTimeout(resolve, 100))")
    assert browser.run(seen) == ["fig2", "lie-aliasing"]


def test_claims_can_be_chosen_by_outcome(browser, page):
    browser.open(page, 390)
    browser.run("document.querySelector('input[name=outcome][value=fails]').click()")
    rows = "[...document.querySelectorAll('#claims tbody tr')].filter(r => !r.hidden).length"
    assert browser.run(rows) == 1


def test_the_first_key_leads_past_the_contents_and_focus_is_seen(browser, page):
    browser.open(page, 1200)
    browser.press("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    assert browser.run("document.activeElement.getBoundingClientRect().top >= 0")
    browser.press("Enter")
    assert browser.run("document.activeElement.id") == "figures"
    browser.press("Tab")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert browser.run("document.activeElement.className") == "scroll"
    assert browser.run(outline) == "solid"


@pytest.fixture(scope="module")
def claims(tmp_path_factory):
    """The page of three claims, of which two are central."""
    source = {"figure": "fig2", "source": "docs/science/orbits.md#two-rings"}
    usual = dict.fromkeys(COLUMNS, "") | source
    rows = [
        {**usual, "id": "high", "claim": "High.", "outcome": "holds", "measured": "10"},
        {**usual, "id": "low", "claim": "Low.", "outcome": "fails", "measured": "9"},
        {**usual, "id": "rest", "claim": "Rest.", "outcome": "holds", "measured": "-1"},
    ]
    path = tmp_path_factory.mktemp("claims") / "claims.html"
    path.write_text(as_html([row | {"central": "yes"} for row in rows[:2]] + rows[2:], "quick"))
    return path


SEEN = "[...document.querySelectorAll('tbody tr')].filter(r => r.checkVisibility()).map(r => r.id)"


@pytest.mark.parametrize("width", [1200, 390])
def test_the_page_of_claims_opens_on_the_central_ones(browser, claims, width):
    browser.events.clear()
    browser.open(claims, width)
    assert browser.run(SEEN) == ["high", "low"]
    assert browser.complaints == []
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.run(overflow) == 0


def test_claims_are_sorted_by_size_and_chosen_by_text_and_outcome(browser, claims):
    browser.open(claims, 1200)
    browser.run("document.querySelectorAll('th')[3].querySelector('button').click()")
    assert browser.run(SEEN) == ["low", "high"]
    chosen = "(form.elements.outcome.value = 'holds', form.dispatchEvent(new Event('input')))"
    browser.run(chosen)
    assert browser.run(SEEN) == ["high", "rest"]
    assert browser.run("document.querySelector('[role=status]').textContent") == "2 of 3 claims"
    browser.run("(location.hash = 'low')")
    browser.run("new Promise(resolve => setTimeout(resolve, 100))")
    assert "low" in browser.run(SEEN)
