"""A calculation as parts of a page: the formula, the same with numbers, and a table of its terms."""

from __future__ import annotations

from collections.abc import Iterable

from truelimit.domain.calculation import Calculation, Term
from truelimit.report.blocks import Paragraph, Rows
from truelimit.report.html.parts import Captioned, Folded, Part
from truelimit.report.language import Language
from truelimit.report.language_numbers import number, quantity, size, substituted


def arithmetic(say: Language, items: Iterable[Calculation]) -> list[Part]:
    """Return the calculations folded under one line, each once; nothing where there is none."""
    known: dict[tuple[str, float], Calculation] = {}
    for item in items:
        known.setdefault((item.formula, float(item.result)), item)
    if not known:
        return []
    inner = [part for item in known.values() for part in _calculation(say, item)]
    count = len(known)
    return [Folded(say.ngettext("The arithmetic: {count} calculation", "The arithmetic: {count} calculations", count),
                   tuple(inner))]  # fmt: skip


def _calculation(say: Language, item: Calculation) -> list[Part]:
    result = quantity(say, item.result, item.unit)
    heads = (say.gettext("term"), say.gettext("value"), say.gettext("basis"), say.gettext("source"))
    rows = tuple(_row(say, term) for term in item.terms)
    line = f"{item.formula} = {substituted(say, item)} = {result}"
    caption = say.gettext("Terms of the calculation that gives {result}", result=result)
    return [Paragraph(line, "formula"), Captioned(caption, Rows(heads, rows))]


def _row(say: Language, term: Term) -> tuple[str, ...]:
    rounded = f" ({size(say, term.value)})" if term.unit == "bytes" and term.value else ""
    unit = f" {say.word(term.unit)}" if term.unit else ""
    return term.name, f"{number(say, term.value)}{unit}{rounded}", say.word(term.basis.value), say.told(term.source)
