"""What the pages share: how they are made and look, and tables that are sorted and filtered."""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from symlearn.tools.commands import duration

UP = "../../"  # from figures/<preset> to the project
_TOOLS = Path(__file__).parents[1]


def render(template: str, **values: Any) -> str:
    """The page of a template below `symlearn.tools`; equal values give equal bytes."""
    environment = Environment(
        loader=FileSystemLoader(_TOOLS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "marked": marked}
    return environment.get_template(template).render(up=UP, **values)


def marked(text: str) -> Markup:
    """A text in which what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)))
