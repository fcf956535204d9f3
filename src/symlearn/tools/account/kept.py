"""The figures that the repository keeps: their claims, and the list of their hashes."""

from pathlib import Path

from symlearn import plan, wings
from symlearn.pipeline.hashes import sha256
from symlearn.tools.claims.command import write_table
from symlearn.tools.claims.form import load_claims
from symlearn.tools.claims.verdicts import judge, read_drawn, rows

FOLDER = Path("figures/published")
LIST = "published.sha256"


def names(folder: Path) -> list[str]:
    """The figures in the folder, in the order in which they are shown."""
    return sorted((file.stem for file in folder.glob("*.nc")), key=plan.in_order)


def judged(folder: Path, preset: str) -> list[dict[str, str]]:
    """The claims of all figures in the folder, also written there as CSV and Markdown."""
    drawn = read_drawn([folder / f"{name}.nc" for name in names(folder)])
    claims = load_claims(*(wing.claims for wing in wings.wings()))
    table = rows([judge(claim, preset, drawn) for claim in claims if claim.figure in drawn])
    write_table(table, preset, folder / "claims.csv")
    return table


def write_list(folder: Path) -> None:
    """The SHA-256 of every file of the folder, as sha256sum writes and reads it."""
    files = sorted(file for file in folder.iterdir() if file.name != LIST)
    lines = [f"{sha256(file)}  {file.name}\n" for file in files]
    (folder / LIST).write_text("".join(lines), encoding="utf-8")
