"""An audit as blocks, JSON and CSV: the verdict on each claim, its arithmetic and sources."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from io import StringIO

from truelimit.domain.claims import Audited, Part, Verdict
from truelimit.domain.message import counted, joined, said
from truelimit.report.as_json import calculation as calculation_json
from truelimit.report.as_json import dump
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows, Shown
from truelimit.report.calculations import calculations
from truelimit.report.language import marked

AUDIT = "truelimit.audit/1"
WORDS = (
    marked("impossible-as-stated"), marked("contradicted"), marked("outdated"), marked("understated"),
    marked("not-checkable"), marked("plausible"), marked("decode rate"), marked("prefill rate"),
    marked("time to read a prompt"), marked("fit in memory"), marked("size of the weights"),
    marked("size of the KV cache"), marked("KV heads"), marked("context window"), marked("memory"),
    marked("memory bandwidth"), marked("matrix throughput"), marked("price"), marked("ratio of speeds"),
    marked("operating system"), marked("free tier"), marked("price of input tokens"), marked("price of output tokens"),
)  # fmt: skip
_FEW = 3  # claims that are told in full; more get a table first
_TONES = {Verdict.PLAUSIBLE: "good", Verdict.NOT_CHECKABLE: "dim"}
_COLUMNS = ("number", "claim", "verdict", "why", "calculation", "result", "unit", "sources", "stated_by", "date")


def blocks(found: Sequence[Audited], asked: int) -> list[Block]:
    """Return the blocks of an audit: a count, a table where there are many, then each claim with its arithmetic."""
    made: list[Block] = [Paragraph(_sentence(found, asked), "verdict")]
    if len(found) > _FEW:
        made.append(_table(found))
    for item in found:
        made += _claim(item, Shown())  # each claim can be read, and redone, by itself
    return made


def _sentence(found: Sequence[Audited], asked: int) -> str:
    count = Counter(item.verdict for item in found)
    parts = [
        said("{number} {verdict}", number=count[verdict], verdict=verdict) for verdict in Verdict if count[verdict]
    ]
    shown = "" if len(found) == asked else said(" ({found} of {asked} shown)", found=len(found), asked=asked)
    claims = counted("{count} claim", "{count} claims", asked)
    return said(
        "{claims}{shown}: {parts}.",
        claims=claims,
        shown=shown,
        parts=joined(", ", parts) or said("none with this verdict"),
    )


def _table(found: Sequence[Audited]) -> Rows:
    wrong = {Verdict.IMPOSSIBLE, Verdict.CONTRADICTED}
    rows = tuple((item.stated.number or "", item.verdict, item.claim.text) for item in found)
    marked = frozenset(index for index, item in enumerate(found) if item.verdict in wrong)
    return Rows((said("no."), said("verdict"), said("claim")), rows, marked)


def _claim(item: Audited, shown: Shown) -> list[Block]:
    number = said("{number}. ", number=item.stated.number) if item.stated.number else ""
    made: list[Block] = [Heading(said("{number}{claim}", number=number, claim=item.claim.text), 2)]
    tone = _TONES.get(item.verdict, "bad")
    many = len(item.parts) > 1
    verdict = said("{verdict}: {sentence}", verdict=item.verdict, sentence=item.sentence)
    made.append(Paragraph(said(item.verdict.value) if many and not item.claim.misread else verdict, tone))
    for part in item.parts:
        made += _part(part, many, shown)
    if item.stated.source:
        when = said(", {date}", date=item.stated.date) if item.stated.date else ""
        made.append(Items((said("said by: {source}{when}", source=item.stated.source, when=when),), 2))
    if item.notes:
        made.append(Items(item.notes, 2))
    return made


def _part(part: Part, many: bool, shown: Shown) -> list[Block]:
    judged = part.judgement
    lines: list[str] = (
        [
            said(
                "{quantity}, {verdict}: {sentence}",
                quantity=part.assertion.quantity,
                verdict=judged.verdict,
                sentence=judged.sentence,
            )
        ]
        if many
        else []
    )
    lines += [said("possible with {remedy}", remedy=remedy) for remedy in judged.remedies]
    lines += list(judged.notes)
    lines += [said("source: {source}", source=source) for source in judged.sources]
    made: list[Block] = [Items(tuple(lines), 2)] if lines else []
    return made + calculations(judged.calculations, shown)


def as_json(found: Sequence[Audited]) -> str:
    """Return an audit as JSON text of schema truelimit.audit/1."""
    return dump({"schema": AUDIT, "claims": [_claim_json(item) for item in found]})


def _claim_json(item: Audited) -> dict[str, object]:
    return {
        "claim": item.claim.text,
        "verdict": item.verdict.value,
        "calculation": None if item.calculation is None else calculation_json(item.calculation),
        "sources": list(item.sources),
        "sentence": item.sentence,
        "number": item.stated.number,
        "stated_by": item.stated.source,
        "stated_on": item.stated.date,
        "read_as": _read_as(item),
        "parts": [_part_json(part) for part in item.parts],
        "notes": list(item.notes),
    }


def _read_as(item: Audited) -> dict[str, object]:
    claim = item.claim
    return {
        "machine": claim.machine,
        "count": claim.count,
        "model": claim.model or claim.cloud,
        "parameters": claim.parameters,
        "quantization": claim.quantization,
        "context": claim.context,
        "speculation": claim.speculation,
        "requests": claim.batch,
        "not_judged": list(claim.unread),
        "unknown": list(claim.unknown),
    }


def _part_json(part: Part) -> dict[str, object]:
    judged = part.judgement
    return {
        "quantity": part.assertion.quantity.value,
        "low": part.assertion.low,
        "high": None if part.assertion.open else part.assertion.high,
        "verdict": judged.verdict.value,
        "sentence": judged.sentence,
        "factor": judged.factor,
        "possible_with": list(judged.remedies),
        "calculations": [calculation_json(item) for item in judged.calculations],
        "sources": list(judged.sources),
        "notes": list(judged.notes),
    }


def as_csv(found: Sequence[Audited]) -> str:
    """Return an audit as CSV with a header; no cell can be taken for a formula by a spreadsheet."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for item in found:
        calc = item.calculation
        row = (
            item.stated.number, item.claim.text, item.verdict.value, item.sentence, calc.formula if calc else None,
            calc.result if calc else None, calc.unit if calc else None, joined("; ", item.sources), item.stated.source,
            item.stated.date,
        )  # fmt: skip
        writer.writerow(_cell(value) for value in row)
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value[:1] in "=+-@\t\r" and value:
        return f"'{value}"
    return "" if value is None else value
