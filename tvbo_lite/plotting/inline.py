"""A figure as SVG that stands in a page and takes the colours of the page, light or dark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zlib import crc32

from tvbo_lite.plotting._figure import encoded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["inline_svg"]

_TAG = re.compile(r"<[^<>]*>")  # matplotlib escapes both signs in texts and attributes
_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_ID = re.compile(r'(\bid="|url\(#|xlink:href="#)')
_DIGITS = re.compile(r"(?<=\.\d\d)\d+")  # of coordinates in points
BLACK = ("#000000", "#000", "black")


def inline_svg(figure: Figure, label: str) -> str:
    """The figure as an ``<svg>`` element without background, its black in the colour of the text around it.

    Texts stay texts, styles stay inside the element, and its ids are not those of other pictures in the same
    page. ``label`` is what it shows, in words.
    """
    figure.patch.set_alpha(0.0)
    for axes in figure.axes:
        axes.patch.set_alpha(0.0)
    text = encoded(figure, "svg", texts=True).decode()
    text = _METADATA.sub("", _STYLE.sub("", text[text.index("<svg") :]))
    name = f"p{crc32(text.encode()):x}"
    text = _TAG.sub(lambda tag: _in_page(tag[0], name), text)
    attributes = 'fill="currentColor" stroke-linejoin="round" style="max-width:100%;height:auto"'
    return text.replace("<svg ", f'<svg role="img" aria-label="{_quoted(label)}" {attributes} ', 1)


def _in_page(tag: str, name: str) -> str:
    for black in BLACK:
        tag = tag.replace(f"stroke: {black};", "stroke: currentColor;")
        tag = tag.replace(f'stroke: {black}"', 'stroke: currentColor"')
    return _DIGITS.sub("", _ID.sub(rf"\g<1>{name}-", tag))


def _quoted(text: str) -> str:
    for sign, entity in (("&", "&amp;"), ('"', "&quot;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, entity)
    return text
