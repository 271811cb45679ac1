"""Calculations as blocks: the formula, the same with numbers, and where each number is from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.report.blocks import Block, Items, Paragraph, Shown
from truelimit.report.numbers import plain, quantity, size, substituted

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation, Term


def calculation(item: Calculation, indent: int = 2, shown: Shown | None = None) -> list[Block]:
    """Return a calculation as its formula, the same with numbers, and its terms with unit, source and basis.

    What stands in ``shown`` already is not told again: nothing is returned for a whole calculation.
    """
    seen = shown if shown is not None else Shown()
    key = (item.formula, tuple((term.name, float(term.value)) for term in item.terms))
    if key in seen.calculations:
        return []
    seen.calculations.add(key)
    result = quantity(item.result, item.unit)
    first = said("{formula} = {numbers} = {result}", formula=item.formula, numbers=substituted(item), result=result)
    return [Paragraph(first, "plain", indent), Items(_terms(item, seen), indent + 2)]


def calculations(items: Iterable[Calculation], shown: Shown) -> list[Block]:
    """Return calculations, and a word where they stand above."""
    found, left_out = [], False
    for item in items:
        blocks = calculation(item, shown=shown)
        left_out = left_out or not blocks
        found += blocks
    told = said("the rest of its arithmetic stands above") if found else said("its arithmetic stands above")
    return [*found, Items((told,), 2)] if left_out else found


def _terms(item: Calculation, shown: Shown) -> tuple[str, ...]:
    new, known, zero = [], [], []
    for term in item.terms:
        stands_for = (float(term.value), term.source)
        if term.value == 0:
            zero.append(term.name)
        elif shown.terms.get(term.name) == stands_for:
            known.append(term.name)
        else:
            new.append(_term(term))
        shown.terms[term.name] = stands_for
    lines = new + ([said("{zero}: none here (0)", zero=", ".join(zero))] if zero else [])
    return tuple(lines + ([said("{known}: as above", known=", ".join(known))] if known else []))


def _term(term: Term) -> str:
    return said(
        "{name} = {number}{unit}{rounded} [{basis}: {source}]",
        name=term.name,
        number=plain(term),
        unit=said(" {unit}", unit=said(term.unit)) if term.unit else "",
        rounded=said(" ({size})", size=size(term.value)) if term.unit == "bytes" else "",
        basis=term.basis,
        source=term.source,
    )
