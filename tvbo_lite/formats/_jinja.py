"""The only door to jinja2: one environment for all writers, loaded on first use.

Templates come from the shipped folder ``lems_templates`` and from nowhere else: a text of a model
reaches a template as a value, never as a template. A name that a template uses and a writer forgot
is an error (``StrictUndefined``). In a template of XML or HTML (``*.xml.j2``, ``*.html.j2``) every value is
escaped; in others it is written as it is, so their writers quote texts themselves (Python's ``repr``, ...).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from tvbo_lite.errors import RenderError
from tvbo_lite.resources import folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jinja2 import Environment
    from jinja2.nodes import EvalContext
    from markupsafe import Markup

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
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_eval_context

    environment = Environment(
        loader=FileSystemLoader(folder("lems_templates")),
        autoescape=_is_markup,  # noqa: S701  other templates write no markup
        undefined=StrictUndefined,
        finalize=pass_eval_context(_one_line),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["attributes"] = _attributes
    return environment


def _is_markup(template: str | None) -> bool:
    return template is None or template.endswith((".xml.j2", ".html.j2"))


def _one_line(context: EvalContext, value: object) -> object:
    """Escape a text for XML with its white space: a parser would turn a bare line break into a space."""
    if type(value) is not str or not context.autoescape or not _SPACES.search(value):
        return value
    from markupsafe import Markup

    return Markup(_escaped(value))  # noqa: S704  escaped just here


def _attributes(pairs: Iterable[tuple[str, str]]) -> Markup:
    """The attributes of an element as they stand in its tag; their names have been checked."""
    from markupsafe import Markup

    text = "".join(f' {name}="{_escaped(value)}"' for name, value in pairs)
    return Markup(text)  # noqa: S704  escaped just above


def _escaped(text: str) -> str:
    if not _SPECIAL.search(text):
        return text
    from markupsafe import escape

    return str(escape(text)).translate(_REFERENCES)


_SPACES = re.compile("[\t\n\r]")
_SPECIAL = re.compile("[\t\n\r&<>\"']")
_REFERENCES = {ord(sign): f"&#{ord(sign)};" for sign in "\t\n\r"}
