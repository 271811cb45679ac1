"""Blocks and parts as HTML. All text is escaped here, once; nothing that comes from a file can become markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from truelimit.report.blocks import Heading, Items, Paragraph, Preformatted, Rows
from truelimit.report.html.parts import Badge, Captioned, Drawn, Folded, Part, Section
from truelimit.report.plots.svg import safe
from truelimit.report.shorten import shortened

_DIFF = {"+": "added", "-": "removed", "@": "place"}
_DEEPEST = 6  # level of headings
_NUMBER = 40  # signs up to which a number stays on its line
_WIDE = 5  # columns beyond which a table is set smaller


def section(item: Section) -> str:
    """Return a section of the page, its title as a heading of the second level."""
    name = safe(item.name)
    body = "\n".join(parts(item.parts, 3))
    head = f'<h2 id="{name}-h">{safe(item.title)}</h2>'
    return f'<section id="{name}" aria-labelledby="{name}-h">\n{head}\n{body}\n</section>'


def parts(items: Iterable[Part], level: int = 3) -> Iterator[str]:
    """Yield the HTML of each part; ``level`` is that of the headings of level 1 among them."""
    caption = ""
    for item in items:
        if isinstance(item, Heading):
            caption = item.text
        yield _part(item, level, caption)


def _part(item: Part, level: int, caption: str) -> str:
    match item:
        case Drawn():
            return _figure(item)
        case Folded(summary=summary, parts=inner):
            return f"<details>\n<summary>{safe(summary)}</summary>\n{_inside(inner, level)}\n</details>"
        case Badge(text=text, tone=tone):
            return f'<p><span class="badge {safe(tone)}">{safe(text)}</span></p>'
        case Captioned():
            return _table(item)
        case Rows():
            return _table(Captioned(caption, item))
        case _:
            return _text(item, level)


def _inside(items: Iterable[Part], level: int) -> str:
    return "\n".join(parts(items, level))


def _text(item: Heading | Paragraph | Items | Preformatted, level: int) -> str:
    match shortened(item):
        case Heading(text=text, level=own):
            deep = min(_DEEPEST, level + own - 1)
            return f"<h{deep}>{safe(text)}</h{deep}>"
        case Paragraph(text=text, tone=tone):
            return f'<p class="{safe(tone)}">{safe(text)}</p>'
        case Items(lines=lines):
            return "<ul>\n" + "\n".join(f"<li>{safe(line)}</li>" for line in lines) + "\n</ul>"
        case Preformatted(text=text):
            return '<pre class="diff">' + "\n".join(_diff_line(line) for line in text.split("\n")) + "</pre>"
    raise TypeError(f"no part of a page: {type(item).__name__}")


def _diff_line(line: str) -> str:
    part = _DIFF.get(line[:1])
    return f'<span class="{part}">{safe(line)}</span>' if part else safe(line)


def _figure(item: Drawn) -> str:
    figure, name = item.figure, safe(item.figure.name)
    note = f" {safe(item.note)}" if item.note else ""
    return (
        f'<figure id="{name}">\n<div class="scroll" tabindex="0" role="group" aria-label="{safe(figure.title)}">'
        f"{figure.inline()}</div>\n<figcaption><strong>{safe(figure.title)}.</strong>{note}</figcaption>\n</figure>"
    )


def _table(item: Captioned) -> str:
    """A table whose roles are told beside its elements: a narrow page sets its rows as cards, which hides them."""
    rows = shortened(item.rows)
    if not isinstance(rows, Rows):
        raise TypeError("a table became something else")
    wide = ' class="wide"' if len(rows.head) > _WIDE else ""
    caption = f"<caption>{safe(item.caption)}</caption>\n" if item.caption else ""
    heads = "".join(
        f'<th role="columnheader" scope="col"{_numeric(item, index)}>{safe(title)}</th>'
        for index, title in enumerate(rows.head)
    )
    body = "\n".join(_row(item, rows, row, index in rows.marked) for index, row in enumerate(rows.rows))
    return (
        f'<table role="table"{wide}>\n{caption}<thead role="rowgroup"><tr role="row">{heads}</tr></thead>\n'
        f'<tbody role="rowgroup">\n{body}\n</tbody>\n</table>'
    )


def _row(item: Captioned, rows: Rows, row: tuple[str, ...], marked: bool) -> str:
    cells = "".join(_cell(item, rows.head[index], index, text) for index, text in enumerate(row))
    stressed = ' class="marked"' if marked else ""
    return f'<tr role="row"{stressed}>{cells}</tr>'


def _cell(item: Captioned, title: str, index: int, text: str) -> str:
    if index == 0:
        return f'<th role="rowheader" scope="row">{safe(text)}</th>'
    numeric = _numeric(item, index) if len(text) <= _NUMBER else ""
    return f'<td role="cell" data-title="{safe(title)}"{numeric}>{safe(text)}</td>'


def _numeric(item: Captioned, index: int) -> str:
    return ' class="number"' if index in item.numeric else ""
