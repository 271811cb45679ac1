"""The doctor's report as blocks: verdict, ladders, incidents, findings with fixes, hardware, what was missing."""

from __future__ import annotations

from truelimit.domain.diagnosis import Diagnosis, Verdict
from truelimit.domain.findings import ConfigEdit, Edit, Finding, FixIdea
from truelimit.domain.limits import Ladder, Ladders, Rung
from truelimit.domain.session import Incident
from truelimit.limits.words import rung_words, told
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows, Shown
from truelimit.report.calculations import calculations
from truelimit.report.numbers import number, quantity, size
from truelimit.report.rates import rates

_IN_FULL = 5  # incidents of one cause that are told in full


def doctor(diagnosis: Diagnosis) -> list[Block]:
    """Return the blocks of a doctor's report."""
    shown = Shown()
    blocks = _verdict(diagnosis.verdict)
    for ladders in diagnosis.ladders:
        blocks += _ladders(ladders)
    if diagnosis.incidents:
        blocks.append(Heading(f"Incidents ({len(diagnosis.incidents)})"))
        blocks += _incidents(diagnosis.incidents, shown)
    if diagnosis.findings:
        blocks.append(Heading(f"Findings ({len(diagnosis.findings)})"))
        for finding in diagnosis.findings:
            blocks += _finding(finding, shown)
    blocks += _hardware(diagnosis.verdict, shown)
    if diagnosis.missing:
        blocks.append(Heading("Not known"))
        blocks.append(Items(tuple(f"{item.fact}: {item.why}" for item in diagnosis.missing)))
    if any(finding.fix and finding.fix.edits for finding in diagnosis.findings):
        blocks.append(Heading("Next"))
        blocks.append(Paragraph("truelimit fix shows the plan; truelimit fix --apply carries it out.", "good"))
    return blocks


def _verdict(verdict: Verdict) -> list[Block]:
    first, *others = verdict.parts or (verdict.sentence,)
    found: list[Block] = [Paragraph(first, "verdict")]
    return [*found, Items(tuple(others))] if others else found


def _hardware(verdict: Verdict, shown: Shown) -> list[Block]:
    """The arithmetic behind the verdict on hardware."""
    if not verdict.calculations:
        return []
    found: list[Block] = [Heading(f"Hardware: {verdict.hardware.value.replace('-', ' ')}"), Items(verdict.reasons, 2)]
    return found + calculations(verdict.calculations, shown)


def _ladders(item: Ladders) -> list[Block]:
    via = f" through {item.agent}" if item.agent else ""
    blocks: list[Block] = [Heading(f"{item.model}{via}")]
    blocks += _ladder("Context", item.context)
    blocks += _ladder("Time", item.time)
    memory = item.memory
    blocks += _ladder("Memory", memory.ladder)
    if memory.total is not None:
        blocks.append(Paragraph(_memory_sum(item), "plain", 2))
    return blocks + rates(item)


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
    marked = frozenset(i for i, rung in enumerate(ladder.rungs) if rung is ladder.binding or rung in ladder.tied)
    rows += [
        (f"({rung_words(rung.name)})", _value(rung, ladder.unit), "overridden", rung.where)
        for rung in ladder.overridden
    ]
    found: list[Block] = [Rows((title, "limit", "what it is", "from"), tuple(rows), marked)]
    binding = ladder.binding
    if binding is not None and binding.note:
        found.append(Paragraph(f"{rung_words(binding.name)} binds: {binding.note}", "dim", 2))
    if binding is not None and ladder.tied:
        others = told(ladder.tied)
        found.append(
            Paragraph(f"{rung_words(binding.name)} is tied with {others}: moving one alone changes nothing", "dim", 2)
        )
    return found


def _rung(rung: Rung, ladder: Ladder) -> tuple[str, ...]:
    binds = "BINDS: " if rung is ladder.binding else "TIED: " if rung in ladder.tied else ""
    return rung_words(rung.name), _value(rung, ladder.unit), f"{binds}{rung.kind}, {rung.basis}", rung.where


def _value(rung: Rung, unit: str) -> str:
    return number(rung.value) if unit == "tokens" else quantity(rung.value, unit)


def _incidents(items: tuple[Incident, ...], shown: Shown) -> list[Block]:
    """The newest of each cause in full, the rest counted: a month of failures must stay readable."""
    newest: dict[str, list[Incident]] = {}
    for item in items:
        newest.setdefault(item.cause.value, []).append(item)
    told = {id(item) for group in newest.values() for item in group[-_IN_FULL:]}
    lines = [_counted(cause, group[:-_IN_FULL]) for cause, group in newest.items() if len(group) > _IN_FULL]
    found: list[Block] = [Items((*lines, "--json has them all, each with its arithmetic"), 2)] if lines else []
    for item in items:
        found += _incident(item, shown) if id(item) in told else []
    return found


def _counted(cause: str, items: list[Incident]) -> str:
    times = [item.time for item in items if item.time]
    span = f" from {min(times):%Y-%m-%d %H:%M} to {max(times):%Y-%m-%d %H:%M}" if times else ""
    sizes = [item.prompt_tokens.value for item in items if item.prompt_tokens]
    size_text = f", prompts of {number(min(sizes))} to {number(max(sizes))} tokens" if sizes else ""
    return f"{len(items):,} more of the kind {cause}{span}{size_text}, older than those below"


def _incident(item: Incident, shown: Shown) -> list[Block]:
    when = f"{item.time:%Y-%m-%d %H:%M:%S}" if item.time else "time unknown"
    asked = f", {number(item.prompt_tokens.value)} tokens ({item.prompt_tokens.basis})" if item.prompt_tokens else ""
    hidden = f" ({item.hidden_attempts} hidden)" if item.hidden_attempts else ""
    attempts = f", {item.attempts} attempts{hidden}" if item.attempts > 1 else ""
    length = f", {quantity(item.seconds, 's')}" if item.seconds is not None else ""
    cause = item.cause.value if item.explained else f"{item.cause.value}, not explained"
    cause = "not explained" if item.cause.value == "unexplained" else cause
    blocks: list[Block] = [Heading(f"{when} {cause}{asked}{attempts}{length}", 2)]
    blocks.append(Items((*item.reasons, *((f"seen in {item.where}",) if item.where else ())), 2))
    return blocks + calculations(item.calculations, shown)


def _finding(item: Finding, shown: Shown) -> list[Block]:
    tone = "bad" if item.severity.value == "fails" else "plain"
    blocks: list[Block] = [Heading(f"{item.code} {item.name}: {item.severity}", 2), Paragraph(item.message, tone, 2)]
    if item.evidence:
        blocks.append(Items(tuple(f"evidence: {text}" for text in item.evidence), 2))
    if item.excluded:
        blocks.append(Paragraph("Other origins, and why not:", "plain", 2))
        blocks.append(Items(tuple(f"{rival.origin}: {rival.reason}" for rival in item.excluded), 4))
    blocks += calculations(item.calculations, shown)
    return blocks + (fix_idea(item.fix, shown) if item.fix else [])


def fix_idea(fix: FixIdea, shown: Shown) -> list[Block]:
    """Return a proposed fix: title, applicability, edits, and the steps that were not told before."""
    new = [step for step in fix.steps if step not in shown.steps]
    shown.steps.update(new)
    lines = [edit(item) for item in fix.edits] + [f"by hand: {step}" for step in new]
    if fix.steps and not new:
        lines.append("by hand: as above")
    return [Paragraph(f"Fix ({fix.applicability}): {fix.title}", "good", 2), Items(tuple(lines), 4)]


def edit(item: Edit) -> str:
    """Return one edit in words."""
    if isinstance(item, ConfigEdit):
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in item.path).lstrip(".")
        return f"{item.file}: {path}: {_json(item.expected)} -> {_json(item.value)}"
    values = ", ".join(f"{key} {value}" for key, value in item.parameters.items())
    return f"new definition {item.name} from {item.base} with {values}"


def _json(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) and value != "absent" else str(value)
