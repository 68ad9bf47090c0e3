"""The only door to jinja2: one environment for all writers, loaded on first use.

Templates come from the shipped folder ``lems_templates`` and from nowhere else: a text of a model
reaches a template as a value, never as a template. A name that a template uses and a writer forgot
is an error (``StrictUndefined``), and every value is escaped for XML.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from tvbo_lite.errors import RenderError
from tvbo_lite.resources import folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

__all__ = ["render"]


def render(template: str, variables: Mapping[str, object]) -> str:
    """The text of ``template`` (a file of ``lems_templates``) filled with ``variables``.

    Raises:
        RenderError: the template does not exist, is malformed or uses a variable it was not given.
    """
    from jinja2 import TemplateError

    try:
        return _environment().get_template(template).render(variables)
    except TemplateError as error:
        msg = f"template '{template}': {error}"
        raise RenderError(msg) from error


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder("lems_templates")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_one_line,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _one_line(value: object) -> object:
    """Escape a text with its white space: a parser would turn a bare line break into a space."""
    if type(value) is not str or not _SPACES.search(value):
        return value
    from markupsafe import Markup, escape

    return Markup(str(escape(value)).translate(_REFERENCES))  # noqa: S704  escaped just above


_SPACES = re.compile("[\t\n\r]")
_REFERENCES = {ord(sign): f"&#{ord(sign)};" for sign in "\t\n\r"}
