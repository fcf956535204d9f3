"""The account as Markdown: the page of the kept figures, and what the README shows of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from symlearn import plan
from symlearn.errors import StoreError
from symlearn.tools.account.form import NOT_RUN, OF_PAPERS, UNTESTED, Brief, Known
from symlearn.tools.account.kept import FOLDER
from symlearn.tools.account.verdicts import Judged, Section

KNOWN: Mapping[Known, str] = {
    "abstract": "the paper's abstract",
    "caption": "a caption of the paper",
    "figure": "the vector graphics of the paper's title figure",
    "posts": "public posts of its authors",
    "talks": "its authors' talks",
    "secondary account": "an account of the paper by a third party",
}
_MARKS = ("<!-- {0}: written by `symlearn account` -->", "<!-- end of {0} -->")


def page(sections: Sequence[Section], preset: str, shown: Sequence[str]) -> str:
    """`figures/README.md`: the whole account, and a list of the figures that are kept."""
    known = "; ".join(f"*{word}*, {what}" for word, what in KNOWN.items())
    head = _HEAD.format(preset=preset, known=known, counts=counts(sections))
    parts = [head, *(_section(one, shown) for one in sections), _figures(shown, preset), _FOOT]
    return "\n".join(parts)


def counts(sections: Sequence[Section]) -> str:
    """How many findings of the papers have each verdict, in words."""
    found = Counter(one.verdict for section in sections for one in section.findings)
    every = (*OF_PAPERS, UNTESTED, NOT_RUN)
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in every if found[verdict])


def readme(text: str, sections: Sequence[Section], shown: Sequence[str]) -> str:
    """The README with the short table and the papers renewed; raises StoreError without marks."""
    text = filled(text, "the account", short_table(sections, shown))
    return filled(text, "the papers", papers(sections, shown))


def short_table(sections: Sequence[Section], shown: Sequence[str]) -> str:
    """The findings that have few words, for the README."""
    rows = [
        (authors(section) if number == 0 else "", brief, one)
        for section in sections
        for number, (brief, one) in enumerate(_in_brief(section.findings))
    ]
    own = [found for section in sections for found in _in_brief(section.own)]
    rows += [("" if number else "this project", *found) for number, found in enumerate(own)]
    lines = [_short(name, brief, one, shown) for name, brief, one in rows]
    return "\n".join(
        [
            "| | finding | here | verdict |",
            "|---|---|---|---|",
            *lines,
            f"\nAll findings of the papers: {counts(sections)}.",
        ]
    )


def papers(sections: Sequence[Section], shown: Sequence[str]) -> str:
    """Each wing: a thumbnail, the question, the answer, and the names of the figures."""
    return "\n\n".join(_paper(section, shown) for section in sections)


def filled(text: str, name: str, content: str) -> str:
    """The text with the content between the two marks of a name; raises StoreError without them."""
    begin, end = (mark.format(name) for mark in _MARKS)
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise StoreError(f"README.md: has no lines {begin!r} and {end!r}")
    return f"{head}{begin}\n\n{content}\n\n{end}{tail}"


def authors(section: Section) -> str:
    """The authors of a wing's papers, with years."""
    return "; ".join(paper.authors for paper in section.account.papers)


def _in_brief(findings: Sequence[Judged]) -> list[tuple[Brief, Judged]]:
    return [(one.finding.brief, one) for one in findings if one.finding.brief is not None]


def _section(section: Section, shown: Sequence[str]) -> str:
    account = section.account
    cited = "; ".join(f"{p.authors}, *{p.title}* ([arXiv]({p.link}))" for p in account.papers)
    science = f"[definitions and derivations](../docs/science/{section.wing.name}.md)"
    return "\n".join(
        [
            f"## {section.wing.title}\n",
            f"{cited}. {account.question} {account.answer} Here: {science}.\n",
            "| the paper's finding | figure | here | the paper's (how known) | verdict | why |",
            "|---|---|---|---|---|---|",
            *(_row(one, shown, one.paper) for one in section.findings),
            "\n| beyond the paper | figure | here | verdict | why |",
            "|---|---|---|---|---|",
            *(_row(one, shown) for one in section.own),
            "",
        ]
    )


def _row(one: Judged, shown: Sequence[str], *paper: str) -> str:
    figures = _linked(one.figures, "published", shown)
    cells = [one.finding.finding, figures, one.here, *paper, f"**{one.verdict}**", one.why]
    return _line(cell or "–" for cell in cells)


def _short(name: str, brief: Brief, one: Judged, shown: Sequence[str]) -> str:
    figures = _linked(one.figures, "figures/published", shown)
    return _line([name, f"{brief.finding} ({figures})", one.here_in_brief or "–", one.verdict])


def _paper(section: Section, shown: Sequence[str]) -> str:
    account, picture = section.account, section.account.picture
    cited = "; ".join(f"[{paper.authors}]({paper.link})" for paper in account.papers)
    names = ", ".join(f"`{name}`" for name in sorted(section.wing.figures, key=plan.in_order))
    found = f"{account.question} {account.answer} Figures: {names}."
    words = f"**{section.wing.title}** ({cited}). {found}"
    if picture not in shown:
        return f"{words} The picture, of `{picture}`, is {NOT_RUN}."
    file = f"figures/published/{picture}.png"
    image = f'<img src="{file}" align="left" width="220" alt="{picture}">'
    return f'<a href="{file}">{image}</a>{words}<br clear="all">'


def _figures(shown: Sequence[str], preset: str) -> str:
    lines = [f"## The figures of `{preset}` that are kept\n"]
    for name in shown:
        title, _, _ = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").partition(". ")
        files = f"[data](published/{name}.nc), [caption](published/{name}.txt)"
        lines.append(f"- [`{name}`](published/{name}.png): {title} ({files})")
    return "\n".join([*lines, ""])


def _linked(names: Iterable[str], folder: str, shown: Sequence[str]) -> str:
    return ", ".join(f"[`{n}`]({folder}/{n}.png)" if n in shown else f"`{n}`" for n in names)


def _line(cells: Iterable[str]) -> str:
    joined = " | ".join(cell.replace("|", "\\|") for cell in cells)
    return f"| {joined} |"


_HEAD = """# What the figures show

The command `symlearn account` writes this page from the figures in `published/`, which are those of the preset `{preset}`, and from the words in `src/symlearn/papers/*/account.yaml`. The findings of the papers: {counts}.

Verdicts and numbers come from [claims](../docs/claims.md#the-account). A finding is *reproduced* if all its claims hold, *partly* if some fail, and *not reproduced* if all fail. *Not testable here* says that the preset has no claim on it, and *not yet run* that a figure is not kept yet. ± is one standard error. The word in brackets says how the paper's number is known, or its finding where no number is: {known}. No number of a paper is given from memory.
"""  # noqa: E501
_FOOT = """[All claims, with what was measured](published/claims.md). `sha256sum --check published.sha256`, run in `published/`, compares every file with the list. The sidecar of each figure (`.pdf.json`) says which code, inputs and versions made it.
"""  # noqa: E501
