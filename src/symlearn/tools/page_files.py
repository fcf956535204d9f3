"""The files of the package that pages are made of: rules name them, and the forecast reads them."""

from pathlib import Path

from symlearn import wings
from symlearn.pipeline.closure import ROOT

_TOOLS = ROOT / "tools"
_KINDS = {".html", ".css", ".js"}


def files_of_page(job: str) -> list[Path]:
    """Templates, styles and scripts of the page of a job, `claims` or `gallery`."""
    folders = (_TOOLS / job, _TOOLS / "pages")
    return sorted(f for folder in folders for f in folder.iterdir() if f.suffix in _KINDS)


def files_of_account() -> list[Path]:
    """What the account rests on beside tables of claims: its words, and which claims decide."""
    found = (wing for wing in wings.wings() if wing.account.exists())
    return [file for wing in found for file in (wing.account, wing.claims)]
