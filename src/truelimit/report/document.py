"""The doctor's report as blocks: verdict, ladders, incidents, findings with fixes, hardware, what was missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.findings import ABSENT, ConfigEdit, Edit, Finding, FixIdea
from truelimit.domain.message import joined, said
from truelimit.domain.session import Cause, Incident
from truelimit.limits.words import rung_words, told
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows, Shown
from truelimit.report.calculations import calculations
from truelimit.report.numbers import moment, number, quantity, size
from truelimit.report.rates import rates

if TYPE_CHECKING:
    from truelimit.domain.diagnosis import Diagnosis, Verdict
    from truelimit.domain.limits import Ladder, Ladders, Rung

_NEXT = said("truelimit fix shows the plan; truelimit fix --apply carries it out.")
_IN_FULL = 5  # incidents of one cause that are told in full


def doctor(diagnosis: Diagnosis) -> list[Block]:
    """Return the blocks of a doctor's report."""
    shown = Shown()
    blocks = _verdict(diagnosis.verdict)
    for ladders in diagnosis.ladders:
        blocks += _ladders(ladders)
    if diagnosis.incidents:
        blocks.append(Heading(said("Incidents ({count:,})", count=len(diagnosis.incidents))))
        blocks += _incidents(diagnosis.incidents, shown)
    if diagnosis.findings:
        blocks.append(Heading(said("Findings ({count:,})", count=len(diagnosis.findings))))
        for finding in diagnosis.findings:
            blocks += _finding(finding, shown)
    blocks += _hardware(diagnosis.verdict, shown)
    if diagnosis.missing:
        blocks.append(Heading(said("Not known")))
        blocks.append(Items(tuple(said("{fact}: {why}", fact=item.fact, why=item.why) for item in diagnosis.missing)))
    if any(finding.fix and finding.fix.edits for finding in diagnosis.findings):
        blocks.append(Heading(said("Next")))
        blocks.append(Paragraph(_NEXT, "good"))
    return blocks


def _verdict(verdict: Verdict) -> list[Block]:
    first, *others = verdict.parts or (verdict.sentence,)
    found: list[Block] = [Paragraph(first, "verdict")]
    return [*found, Items(tuple(others))] if others else found


def _hardware(verdict: Verdict, shown: Shown) -> list[Block]:
    """The arithmetic behind the verdict on hardware."""
    if not verdict.calculations:
        return []
    title = said("Hardware: {answer}", answer=said(verdict.hardware.value.replace("-", " ")))
    found: list[Block] = [Heading(title), Items(verdict.reasons, 2)]
    return found + calculations(verdict.calculations, shown)


def _ladders(item: Ladders) -> list[Block]:
    named = said("{model} through {agent}", model=item.model, agent=item.agent) if item.agent else item.model
    blocks: list[Block] = [Heading(named)]
    blocks += _ladder(said("Context"), item.context)
    blocks += _ladder(said("Time"), item.time)
    memory = item.memory
    blocks += _ladder(said("Memory"), memory.ladder)
    if memory.total is not None:
        blocks.append(Paragraph(_memory_sum(item), "plain", 2))
    return blocks + rates(item)


def _memory_sum(item: Ladders) -> str:
    memory = item.memory
    total = size(memory.total or 0)
    if memory.pool is None or memory.headroom is None:
        return said("in all {total}; the memory that must hold it is not known", total=total)
    pool, left = size(memory.pool), size(abs(memory.headroom))
    if memory.headroom >= 0:
        return said("in all {total} of {pool}: {left} to spare", total=total, pool=pool, left=left)
    return said("in all {total} of {pool}: {left} too much", total=total, pool=pool, left=left)


def _ladder(title: str, ladder: Ladder) -> list[Block]:
    if not ladder.rungs:
        return []
    rows = [_rung(rung, ladder) for rung in ladder.rungs]
    marked = frozenset(i for i, rung in enumerate(ladder.rungs) if rung is ladder.binding or rung in ladder.tied)
    rows += [
        (said("({limit})", limit=rung_words(rung.name)), _value(rung, ladder.unit), said("overridden"), rung.where)
        for rung in ladder.overridden
    ]
    found: list[Block] = [Rows((title, said("limit"), said("what it is"), said("from")), tuple(rows), marked)]
    if ladder.binding is not None:
        found += [Paragraph(text, "dim", 2) for text in _what_binds(ladder.binding, ladder)]
    return found


def _what_binds(binding: Rung, ladder: Ladder) -> Iterator[str]:
    limit = rung_words(binding.name)
    if binding.note:
        yield said("{limit} binds: {note}", limit=limit, note=binding.note)
    if ladder.tied:
        others = told(ladder.tied)
        yield said("{limit} is tied with {others}: moving one alone changes nothing", limit=limit, others=others)


def _rung(rung: Rung, ladder: Ladder) -> tuple[str, ...]:
    kind, basis = rung.kind, rung.basis
    what = said("{kind}, {basis}", kind=kind, basis=basis)
    if rung is ladder.binding:
        what = said("BINDS: {kind}, {basis}", kind=kind, basis=basis)
    elif rung in ladder.tied:
        what = said("TIED: {kind}, {basis}", kind=kind, basis=basis)
    return rung_words(rung.name), _value(rung, ladder.unit), what, rung.where


def _value(rung: Rung, unit: str) -> str:
    return number(rung.value) if unit == "tokens" else quantity(rung.value, unit)


def _incidents(items: tuple[Incident, ...], shown: Shown) -> list[Block]:
    """The newest of each cause in full, the rest counted: a month of failures must stay readable."""
    newest: dict[str, list[Incident]] = {}
    for item in items:
        newest.setdefault(item.cause.value, []).append(item)
    told = {id(item) for group in newest.values() for item in group[-_IN_FULL:]}
    lines = [_counted(cause, group[:-_IN_FULL]) for cause, group in newest.items() if len(group) > _IN_FULL]
    found: list[Block] = [Items((*lines, said("--json has them all, each with its arithmetic")), 2)] if lines else []
    for item in items:
        found += _incident(item, shown) if id(item) in told else []
    return found


def _counted(cause: str, items: list[Incident]) -> str:
    times = [item.time for item in items if item.time]
    sizes = [item.prompt_tokens.value for item in items if item.prompt_tokens]
    between: str = ""
    if times:
        between = said(" from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}", first=min(times), last=max(times))
    prompts = said(", prompts of {least:,} to {most:,} tokens", least=min(sizes), most=max(sizes)) if sizes else ""
    return said(
        "{number:,} more of the kind {cause}{between}{prompts}, older than those below",
        number=len(items),
        cause=said(cause),
        between=between,
        prompts=prompts,
    )


def _incident(item: Incident, shown: Shown) -> list[Block]:
    found: list[Block] = [Heading(joined("", _incident_title(item)), 2)]
    where = (said("seen in {place}", place=item.where),) if item.where else ()
    found.append(Items((*item.reasons, *where), 2))
    return found + calculations(item.calculations, shown)


def _incident_title(item: Incident) -> Iterator[str]:
    yield moment(item.time)
    yield said(" {cause}", cause=_cause(item))
    if asked := item.prompt_tokens:
        yield said(", {tokens:,} tokens ({basis})", tokens=asked.value, basis=asked.basis)
    if item.attempts > 1:
        yield said(", {number:,} attempts", number=item.attempts)
        yield said(" ({number:,} hidden)", number=item.hidden_attempts) if item.hidden_attempts else ""
    if item.seconds is not None:
        yield said(", {duration}", duration=quantity(item.seconds, "s"))


def _cause(item: Incident) -> str:
    if item.cause is Cause.UNEXPLAINED:
        return said("not explained")
    return item.cause if item.explained else said("{cause}, not explained", cause=item.cause)


def _finding(item: Finding, shown: Shown) -> list[Block]:
    tone = "bad" if item.severity.value == "fails" else "plain"
    title = said("{code} {name}: {severity}", code=item.code, name=item.name, severity=item.severity)
    blocks: list[Block] = [Heading(title, 2), Paragraph(item.message, tone, 2)]
    if item.evidence:
        blocks.append(Items(tuple(said("evidence: {text}", text=text) for text in item.evidence), 2))
    if item.excluded:
        blocks.append(Paragraph(said("Other origins, and why not:"), "plain", 2))
        rivals = [said("{origin}: {reason}", origin=rival.origin, reason=rival.reason) for rival in item.excluded]
        blocks.append(Items(tuple(rivals), 4))
    blocks += calculations(item.calculations, shown)
    return blocks + (fix_idea(item.fix, shown) if item.fix else [])


def fix_idea(fix: FixIdea, shown: Shown) -> list[Block]:
    """Return a proposed fix: title, applicability, edits, and the steps that were not told before."""
    new = [step for step in fix.steps if step not in shown.steps]
    shown.steps.update(new)
    lines = [edit(item) for item in fix.edits] + [said("by hand: {step}", step=step) for step in new]
    if fix.steps and not new:
        lines.append(said("by hand: as above"))
    return [
        Paragraph(said("Fix ({applicability}): {title}", applicability=fix.applicability, title=fix.title), "good", 2),
        Items(tuple(lines), 4),
    ]


def edit(item: Edit) -> str:
    """Return one edit in words."""
    if isinstance(item, ConfigEdit):
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in item.path).lstrip(".")
        was, new = _json(item.expected), _json(item.value)
        return said("{file}: {path}: {was} -> {new}", file=item.file, path=path, was=was, new=new)
    values = ", ".join(f"{key} {value}" for key, value in item.parameters.items())
    return said("new definition {name} from {base} with {values}", name=item.name, base=item.base, values=values)


def _json(value: object) -> str:
    if value is ABSENT:
        return said("absent")
    return f'"{value}"' if isinstance(value, str) else str(value)
