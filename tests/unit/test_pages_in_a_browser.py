"""The pages as a reader meets them; skipped where no Chromium is installed."""

import importlib.util
from itertools import pairwise
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


OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("width", [1200, 390])
def test_the_page_is_whole_quiet_and_asks_for_nothing(browser, page, width):
    browser.events.clear()
    browser.open(page, width)
    sizes = browser.run("[...document.images].map(image => image.naturalWidth)")
    assert sizes == [320, 320, 640, 640]  # thumbnails, then pictures
    assert browser.requests == [page.as_uri()]
    assert browser.complaints == []
    assert browser.run(OVERFLOW) == 0


@pytest.mark.parametrize("width", [1200, 390])
def test_the_first_screen_shows_what_became_of_a_finding(browser, page, width):
    browser.open(page, width)
    assert browser.run("document.querySelector('#account h2').getBoundingClientRect().top") < 450
    assert browser.run("document.querySelector('#account td').getBoundingClientRect().top") < 900
    below = "document.querySelector('#thumbnails').getBoundingClientRect().top"
    assert browser.run(below) > browser.run("document.querySelector('#account').offsetTop")


def test_everything_has_a_name_and_headings_are_in_order(browser, page):
    browser.open(page, 1200)
    # A thumbnail stands beside its figure's name and title, and needs no words of its own.
    pictures = "[...document.querySelectorAll('figure img')]"
    assert browser.run(f"{pictures}.every(image => image.alt.length > 20)")
    links = "[...document.querySelectorAll('.thumbnails a')].map(a => a.textContent)"
    assert browser.run(links) == ["fig2 Two rings, and an error < 1", "lie-aliasing Precision"]
    assert browser.run("document.querySelectorAll('h1').length") == 1
    levels = browser.run("[...document.querySelectorAll('h1, h2, h3')].map(h => +h.tagName[1])")
    assert levels[:2] == [1, 2]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    inner = "[...document.links].map(a => a.getAttribute('href')).filter(h => h.startsWith('#'))"
    assert browser.run(f"{inner}.length") > 10
    assert browser.run(f"{inner}.filter(h => !document.querySelector(h))") == []
    names = "[...document.querySelectorAll('[id]')].map(e => e.id)"
    assert browser.run(f"new Set({names}).size === {names}.length")


def test_a_thumbnail_leads_to_its_figure(browser, page):
    browser.open(page, 390)
    browser.run("document.querySelector('.thumbnails a[href=\"#lie-aliasing\"]').click()")
    top = "document.getElementById('lie-aliasing').getBoundingClientRect().top"
    assert abs(browser.run(top)) < 100


CLAIMS = "[...document.querySelectorAll('#claims tbody tr')].filter(r => r.checkVisibility())"


def test_claims_of_the_page_are_sorted_and_chosen(browser, page):
    browser.open(page, 390)
    assert browser.run(f"{CLAIMS}.map(r => r.id)") == ["first", "second"]
    chosen = "(form.elements.outcome.value = 'fails', form.dispatchEvent(new Event('input')))"
    browser.run(chosen)
    assert browser.run(f"{CLAIMS}.map(r => r.id)") == ["second"]
    assert browser.run("document.querySelector('[role=status]').textContent") == "1 of 3 claims"
    # What the account and a figure say of themselves is not filtered with them.
    assert browser.run("document.querySelectorAll('#account tr[hidden]').length") == 0
    assert browser.run("document.querySelectorAll('article tr[hidden]').length") == 0
    browser.open(page, 1200)
    browser.run("document.querySelectorAll('#claims th')[3].querySelector('button').click()")
    assert browser.run(f"{CLAIMS}.map(r => r.id)") == ["second", "first"]
    browser.run("(location.hash = 'third')")
    browser.run("new Promise(resolve => setTimeout(resolve, 100))")
    assert "third" in browser.run(f"{CLAIMS}.map(r => r.id)"), "it was folded"


def test_all_can_be_reached_and_done_by_keys_and_focus_is_seen(browser, page):
    browser.open(page, 1200)
    browser.press("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    assert browser.run("document.activeElement.getBoundingClientRect().top >= 0")
    browser.press("Enter")
    assert browser.run("document.activeElement.id") == "account"
    seen = []
    while browser.run("document.activeElement.textContent") != "Derivation":
        browser.press("Tab")
        style = "getComputedStyle(document.activeElement).outlineStyle"
        seen.append((browser.run("document.activeElement.tagName"), browser.run(style)))
        assert len(seen) < 200
    assert {tag for tag, _ in seen} >= {"A", "BUTTON", "DIV", "SUMMARY"}
    assert {outline for _, outline in seen} == {"solid"}
    browser.press("Enter")  # sorts the first table of claims
    sort = "document.activeElement.closest('th').getAttribute('aria-sort')"
    assert browser.run(sort) == "ascending"


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
    assert browser.run(OVERFLOW) == 0


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
