"""The diagnosis as parts of a page: verdict, incidents, findings with their fixes, what is not known."""

from __future__ import annotations

from truelimit.app.report import Report
from truelimit.domain.diagnosis import Diagnosis, Hardware, Verdict
from truelimit.domain.findings import Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.session import Incident
from truelimit.report.blocks import Heading, Items, Paragraph
from truelimit.report.document import edit
from truelimit.report.html.arithmetic import arithmetic
from truelimit.report.html.parts import Badge, Folded, Part
from truelimit.report.language import Language, marked
from truelimit.report.language_numbers import duration, moment, tokens

_IN_FULL = 5  # incidents of one cause that are told in full
_HARDWARE = {
    Hardware.NOT_NEEDED: (marked("No hardware is needed"), "good"),
    Hardware.WOULD_HELP: (marked("Hardware would help, and settings as well"), "plain"),
    Hardware.NEEDED: (marked("Hardware is needed"), "bad"),
    Hardware.UNKNOWN: (marked("Whether hardware is needed is not known"), "plain"),
}


def verdict_parts(say: Language, verdict: Verdict) -> tuple[Part, ...]:
    """Return the verdict: whether hardware was the matter, the sentence, and the arithmetic behind it."""
    words, tone = _HARDWARE[verdict.hardware]
    first, *others = verdict.parts or (verdict.sentence,)
    told: list[Part] = [Paragraph(first, "verdict")]
    told += [Items(tuple(others))] if others else []
    return (Badge(say.word(words), tone), *told, *arithmetic(say, verdict.calculations))


def incident_parts(say: Language, items: tuple[Incident, ...]) -> tuple[Part, ...]:
    """Return the newest incidents of each cause in full, the others counted: a month of failures stays readable."""
    newest: dict[str, list[Incident]] = {}
    for item in items:
        newest.setdefault(item.cause.value, []).append(item)
    full = {id(item) for group in newest.values() for item in group[-_IN_FULL:]}
    left = {cause: len(group) - _IN_FULL for cause, group in newest.items() if len(group) > _IN_FULL}
    lines = tuple(
        say.ngettext("{count} more of the kind {cause}, older than those below",
                     "{count} more of the kind {cause}, older than those below", count, cause=say.word(cause))
        for cause, count in left.items()
    )  # fmt: skip
    found: list[Part] = [Items(lines)] if lines else []
    for item in items:
        found += _incident(say, item) if id(item) in full else []
    return tuple(found)


def _incident(say: Language, item: Incident) -> list[Part]:
    facts = [tokens(say, item.prompt_tokens.value)] if item.prompt_tokens else []
    if item.attempts > 1:
        facts.append(say.ngettext("{count} attempt", "{count} attempts", item.attempts))
    if item.hidden_attempts:
        facts.append(say.ngettext("{count} of them hidden", "{count} of them hidden", item.hidden_attempts))
    facts += [duration(say, item.seconds)] if item.seconds is not None else []
    cause = say.word(item.cause.value if item.explained else "unexplained")
    where = (say.gettext("seen in {place}", place=item.where),) if item.where else ()
    return [
        Heading(f"{moment(say, item.time)}: {cause}"),
        Paragraph("; ".join(facts), "facts"),
        Items((*item.reasons, *where)),
        *arithmetic(say, item.calculations),
    ]


def finding_parts(say: Language, items: tuple[Finding, ...]) -> tuple[Part, ...]:
    """Return the findings: message, evidence, what else it could have been, arithmetic, fix."""
    return tuple(part for item in items for part in _finding(say, item))


def _finding(say: Language, item: Finding) -> list[Part]:
    tone = "bad" if item.severity is Severity.FAILS else "plain"
    found: list[Part] = [
        Heading(f"{item.code} {item.name}"),
        Badge(say.word(item.severity.value), tone),
        Paragraph(item.message),
    ]
    if item.evidence:
        found.append(Folded(say.gettext("Evidence"), (Items(item.evidence),)))
    if item.excluded:
        rivals = tuple(said("{origin}: {reason}", origin=rival.origin, reason=rival.reason) for rival in item.excluded)
        found.append(Folded(say.gettext("Other origins, and why not"), (Items(rivals),)))
    return found + arithmetic(say, item.calculations) + (_fix(say, item.fix) if item.fix else [])


def _fix(say: Language, fix: FixIdea) -> list[Part]:
    lines = [edit(item) for item in fix.edits] + list(fix.steps)
    title = say.gettext("Fix ({applicability})", applicability=say.word(fix.applicability.value))
    listed = [Items(tuple(lines))] if lines else []
    return [Heading(title, 2), Paragraph(fix.title, "good"), *listed]


def missing_parts(report: Report) -> tuple[Part, ...]:
    """Return the facts that were missing, and why; the work among them where there is none to replay."""
    lines = tuple(said("{fact}: {why}", fact=item.fact, why=item.why) for item in report.diagnosis.missing)
    work = (said("the work: {why}", why=report.no_work),) if report.no_work else ()
    return (Items((*work, *lines)),)


def examined_parts(say: Language, diagnosis: Diagnosis) -> tuple[Part, ...]:
    """Return what was read."""
    title = say.ngettext("{count} place was examined", "{count} places were examined", len(diagnosis.examined))
    return (Folded(title, (Items(diagnosis.examined),)),)
