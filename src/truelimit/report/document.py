"""The report as a neutral document: blocks that text and Markdown print each in its own way."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.app.plan import Beside, ModelPlan
from truelimit.domain.calculation import Calculation
from truelimit.domain.diagnosis import Diagnosis
from truelimit.domain.findings import ConfigEdit, Edit, Finding, FixIdea
from truelimit.domain.limits import Ladder, Ladders, Rung
from truelimit.domain.session import Incident
from truelimit.report.numbers import number, plain, quantity, size, substituted


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 or 2."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text. ``tone`` is verdict, plain, good, bad or dim."""

    text: str
    tone: str = "plain"
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """A table; ``marked`` rows are stressed. The first ``right`` columns after the first are right-aligned."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Items:
    """A list of lines."""

    lines: tuple[str, ...]
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Preformatted:
    """Text whose lines stay as they are: a diff."""

    text: str


Shown = set[tuple[str, float]]
Block = Heading | Paragraph | Rows | Items | Preformatted


def doctor(diagnosis: Diagnosis) -> list[Block]:
    """Return the blocks of a doctor's report: verdict, ladders, incidents, findings with fixes, what was missing."""
    shown: Shown = set()
    blocks: list[Block] = [Paragraph(diagnosis.verdict.sentence, "verdict")]
    for item in diagnosis.verdict.calculations:
        blocks += calculation(item, shown=shown)
    for ladders in diagnosis.ladders:
        blocks += _ladders(ladders)
    if diagnosis.incidents:
        blocks.append(Heading(f"Incidents ({len(diagnosis.incidents)})"))
        for incident in diagnosis.incidents:
            blocks += _incident(incident, shown)
    if diagnosis.findings:
        blocks.append(Heading(f"Findings ({len(diagnosis.findings)})"))
        for finding in diagnosis.findings:
            blocks += _finding(finding, shown)
    if diagnosis.missing:
        blocks.append(Heading("Not known"))
        blocks.append(Items(tuple(f"{item.fact}: {item.why}" for item in diagnosis.missing)))
    if any(finding.fix and finding.fix.edits for finding in diagnosis.findings):
        blocks.append(Paragraph("Next: truelimit fix shows the plan; truelimit fix --apply carries it out.", "good"))
    return blocks


def plan(item: ModelPlan, beside: tuple[Beside, ...] = ()) -> list[Block]:
    """Return the blocks of a plan: verdict on the fit, memory stack, speed, other models side by side."""
    need = item.need
    parts = (
        ("weights", need.weights),
        ("KV cache", need.kv_cache),
        ("state", need.state),
        ("compute buffer", need.compute),
        ("prompt cache", need.prompt_cache),
        ("in all", need.total),
    )
    rows = tuple((name, size(value)) for name, value in parts if value or name in {"KV cache", "in all"})
    blocks: list[Block] = [Paragraph(_plan_sentence(item), "verdict"), Rows(("memory", "size"), rows)]
    blocks += _speed(item)
    if beside:
        blocks += side_by_side(beside, item.wanted.context)
    for calc in item.calculations:
        blocks += calculation(calc)
    return blocks


def _plan_sentence(item: ModelPlan) -> str:
    text = f"{item.model} at {number(item.wanted.context)} tokens takes {size(item.need.total)}"
    if item.fits is None or item.pool is None or item.headroom is None:
        return f"{text}; the memory that must hold it is not known (give --machine)."
    if item.fits:
        return f"{text} of {size(item.pool)}: it fits, {size(item.headroom)} are left."
    most = f" {number(item.largest_context)} tokens would fit." if item.largest_context else ""
    return f"{text}, {size(-item.headroom)} more than the {size(item.pool)} there are.{most}"


def _speed(item: ModelPlan) -> list[Block]:
    if item.prefill_seconds is None:
        return [
            Paragraph("How fast it reads and writes here is not known: no evidence and no published series.", "dim")
        ]
    value, low, high, basis = item.prefill_seconds
    span = f"{low:,.0f} to {high:,.0f} s; {basis}"
    read = f"{number(item.wanted.context)} tokens are read in {quantity(value, 's')} ({span})"
    lines = [read] + [
        f"writes {rate.value:,.1f} tokens/s at depth {number(depth)} ({rate.basis})"
        for depth, rate in item.decode
        if rate
    ]
    return [Items(tuple(lines))]


def side_by_side(models: tuple[Beside, ...], context: int) -> list[Block]:
    """Return models beside each other: KV heads, bytes a token, cache at a context."""
    rows = tuple(
        (row.name, number(row.bytes_per_token), f"{row.kv_heads}", size(round(row.bytes_per_token * context)))
        for row in models
    )
    head = ("model", "KV bytes a token", "KV heads", f"cache at {number(context)} tokens, f16")
    return [Rows(head, rows)]


def calculation(item: Calculation, indent: int = 2, shown: Shown | None = None) -> list[Block]:
    """Return a calculation as its formula, the same with numbers, and its terms with unit, source and basis.

    One that stands in ``shown`` already is given without its terms: they are the same.
    """
    first = f"{item.formula} = {substituted(item)} = {quantity(item.result, item.unit)}"
    if shown is not None:
        key = (item.formula, item.result)
        if key in shown:
            return [Paragraph(f"{substituted(item)} = {quantity(item.result, item.unit)} (as above)", "dim", indent)]
        shown.add(key)
    terms = tuple(f"{t.name} = {plain(t)} {t.unit}  [{t.basis}: {t.source}]".replace("  [", " [") for t in item.terms)
    return [Paragraph(first, "plain", indent), Items(terms, indent + 2)]


def _ladders(item: Ladders) -> list[Block]:
    via = f" through {item.agent}" if item.agent else ""
    blocks: list[Block] = [Heading(f"{item.model}{via}")]
    blocks += _ladder("Context", item.context)
    blocks += _ladder("Time", item.time)
    memory = item.memory
    blocks += _ladder("Memory", memory.ladder)
    if memory.total is not None:
        blocks.append(Paragraph(_memory_sum(item), "plain", 2))
    return blocks


def _memory_sum(item: Ladders) -> str:
    memory = item.memory
    text = f"in all {size(memory.total or 0)}"
    if memory.pool is None or memory.headroom is None:
        return f"{text}; the memory that must hold it is not known"
    left = f"{size(memory.headroom)} to spare" if memory.headroom >= 0 else f"{size(-memory.headroom)} too much"
    return f"{text} of {size(memory.pool)}: {left}"


def _ladder(title: str, ladder: Ladder) -> list[Block]:
    if not ladder.rungs:
        return []
    rows = [_rung(rung, ladder) for rung in ladder.rungs]
    marked = frozenset(index for index, rung in enumerate(ladder.rungs) if rung is ladder.binding)
    rows += [(f"({rung.name})", _value(rung, ladder.unit), "overridden", rung.where) for rung in ladder.overridden]
    return [Rows((title, "limit", "what it is", "from"), tuple(rows), marked)]


def _rung(rung: Rung, ladder: Ladder) -> tuple[str, ...]:
    binds = ", binds" if rung is ladder.binding else ""
    note = f" ({rung.note})" if rung.note else ""
    return rung.name, _value(rung, ladder.unit), f"{rung.kind}, {rung.basis}{binds}", rung.where + note


def _value(rung: Rung, unit: str) -> str:
    return number(rung.value) if unit == "tokens" else quantity(rung.value, unit)


def _incident(item: Incident, shown: Shown) -> list[Block]:
    when = f"{item.time:%Y-%m-%d %H:%M:%S}" if item.time else "time unknown"
    size_text = (
        f", {number(item.prompt_tokens.value)} tokens ({item.prompt_tokens.basis})" if item.prompt_tokens else ""
    )
    hidden = f" ({item.hidden_attempts} hidden)" if item.hidden_attempts else ""
    attempts = f", {item.attempts} attempts{hidden}" if item.attempts > 1 else ""
    length = f", {quantity(item.seconds, 's')}" if item.seconds is not None else ""
    blocks: list[Block] = [Heading(f"{when} {item.cause}{size_text}{attempts}{length}", 2)]
    blocks.append(Items((*item.reasons, *((f"seen in {item.where}",) if item.where else ())), 2))
    for calc in item.calculations:
        blocks += calculation(calc, shown=shown)
    return blocks


def _finding(item: Finding, shown: Shown) -> list[Block]:
    tone = "bad" if item.severity.value == "fails" else "plain"
    blocks: list[Block] = [Heading(f"{item.code} {item.name}: {item.severity}", 2), Paragraph(item.message, tone, 2)]
    if item.evidence:
        blocks.append(Items(tuple(f"evidence: {text}" for text in item.evidence), 2))
    if item.excluded:
        blocks.append(Items(tuple(f"not {rival.origin}: {rival.reason}" for rival in item.excluded), 2))
    for calc in item.calculations:
        blocks += calculation(calc, shown=shown)
    if item.fix:
        blocks += fix_idea(item.fix)
    return blocks


def fix_idea(fix: FixIdea) -> list[Block]:
    """Return a proposed fix: title, applicability, edits, steps."""
    lines = tuple(edit(item) for item in fix.edits) + tuple(f"by hand: {step}" for step in fix.steps)
    return [Paragraph(f"Fix ({fix.applicability}): {fix.title}", "good", 2), Items(lines, 4)]


def edit(item: Edit) -> str:
    """Return one edit in words."""
    if isinstance(item, ConfigEdit):
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in item.path).lstrip(".")
        return f"{item.file}: {path}: {_json(item.expected)} -> {_json(item.value)}"
    values = ", ".join(f"{key} {value}" for key, value in item.parameters.items())
    return f"new definition {item.name} from {item.base} with {values}"


def _json(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) and value != "absent" else str(value)
