"""Parts of a page in the language of the page: every message in them is told, once, before they are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from truelimit.report.html.parts import Badge, Captioned, Drawn, Folded, Part, Section
from truelimit.report.language import Language
from truelimit.report.language_blocks import told as told_block
from truelimit.report.language_blocks import told_rows


def told_section(say: Language, item: Section) -> Section:
    """Return the section with the messages of all its parts told."""
    return replace(item, title=say.told(item.title), parts=_told(say, item.parts))


def _told(say: Language, items: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(_part(say, item) for item in items)


def _part(say: Language, item: Part) -> Part:
    match item:
        case Folded(summary=summary, parts=inner):
            return Folded(say.told(summary), _told(say, inner))
        case Captioned(caption=caption, rows=rows):
            return replace(item, caption=say.told(caption), rows=told_rows(say, rows))
        case Drawn(note=note):
            return replace(item, note=say.told(note))
        case Badge(text=text):
            return replace(item, text=say.told(text))
        case _:
            return told_block(say, item)
