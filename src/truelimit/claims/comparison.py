"""Judges a ratio of speeds between two machines, or two backends: by runs of the same model on both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from truelimit.claims.known import DECODE_NOISE, Known, not_checkable
from truelimit.claims.words import listed, times
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.calculation import term as fact_term
from truelimit.domain.claims import Assertion, Claim, Judgement, PublishedRun, Subject, Verdict
from truelimit.domain.machine import Accelerator
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis

_NOISE = DECODE_NOISE - 1
_WAYS = {"behind": said("slower"), "ahead": said("faster")}
_OF_OPERATIONS = said("times the operations")
_KEY = tuple[str, str, str, int]


def judge(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on how many times faster one machine is than another.

    Where no prefill was published on both, the ratio of their matrix rates stands for it, in the claim's favour only.
    """
    claim, subject, other = known.claim, known.subject, known.other
    if subject is None or other is None or subject.device is None or other.device is None:
        return not_checkable(said("a ratio needs two machines of the tables"))
    pairs = _pairs(known, claim, subject, other)
    physics = tuple(
        calc for calc in (_bandwidths(subject.device, other.device), _peaks(subject.device, other.device)) if calc
    )
    notes = tuple(_physics_note(calc) for calc in physics) + _backend_notes(claim, subject)
    if not pairs:
        return Judgement(Verdict.NOT_CHECKABLE, said("no model was published on both"), physics, notes=notes)
    ratios = [float(calc.result) for calc in pairs]
    read = any(calc.terms[0].source.startswith("prefill") for calc in pairs)
    generous = [] if read else [float(calc.result) for calc in physics if calc.unit == _OF_OPERATIONS]
    told = listed(
        said("{ratio} ({run})", ratio=times(float(calc.result)), run=calc.terms[0].source.split(":")[0])
        for calc in pairs[:6]
    )
    stated = _WAYS.get(item.kind) or said("{high} times", high=times(item.high))
    sentence = said(
        "{stated} is claimed; the same models on {subject} and {other} gave {told}",
        stated=stated,
        subject=subject.name,
        other=other.name,
        told=told,
    )
    sources = tuple(dict.fromkeys(term.source.split(": ", 1)[1] for calc in pairs for term in calc.terms))
    verdict = _verdict(item, min(ratios), max([*ratios, *generous]))
    if verdict is Verdict.NOT_CHECKABLE:
        sentence += said(
            "; two builds of one case differ by {noise:.0%}, so neither is shown to be ahead", noise=_NOISE
        )
    return Judgement(verdict, sentence, (*pairs, *physics), sources[:4], notes=notes)


def _physics_note(calc: Calculation) -> str:
    what = said("matrix rates") if calc.unit == _OF_OPERATIONS else said("memory bandwidths")
    return said("the ratio of their {what} is {result}", what=what, result=times(float(calc.result)))


def _backend_notes(claim: Claim, subject: Subject) -> tuple[str, ...]:
    return subject.device.backend_notes if claim.backends and subject.device else ()


def _verdict(item: Assertion, low: float, high: float) -> Verdict:
    """A direction alone is shown only by runs that differ by more than two builds of one case do."""
    if item.low > high * DECODE_NOISE:
        return Verdict.CONTRADICTED
    if not item.open and item.high < low / DECODE_NOISE:
        return Verdict.CONTRADICTED if item.kind == "behind" else Verdict.UNDERSTATED
    if (item.kind == "behind" and low * DECODE_NOISE > 1) or (item.kind == "ahead" and high < DECODE_NOISE):
        return Verdict.NOT_CHECKABLE
    return Verdict.PLAUSIBLE


def _pairs(known: Known, claim: Claim, subject: Subject, other: Subject) -> tuple[Calculation, ...]:
    """The best published rate of each model on both machines, as ratios; decode first."""
    first, second = (*claim.backends, None, None)[:2]
    mine, theirs = _best(known.runs, subject, first), _best(known.runs, other, second or first)
    return tuple(_ratio(mine[key], theirs[key]) for key in sorted(mine) if key in theirs)


def _best(runs: Iterable[PublishedRun], subject: Subject, backend: str | None) -> dict[_KEY, PublishedRun]:
    found: dict[_KEY, list[PublishedRun]] = defaultdict(list)
    for run in runs:
        if subject.device is None or run.device != subject.device.id or run.devices != subject.devices:
            continue
        if run.speculative or run.rate <= 0 or (backend and run.backend != backend) or run.depth:
            continue
        found[run.kind, run.model, run.quantization, run.tokens].append(run)
    return {key: max(group, key=lambda run: run.rate) for key, group in found.items()}


def _ratio(mine: PublishedRun, theirs: PublishedRun) -> Calculation:
    return calculate("this / other", "", _term("this", mine), _term("other", theirs))


def _term(name: str, run: PublishedRun) -> Term:
    source = f"{run.kind} {run.model} {run.quantization} {run.backend}: {run.source} ({run.date})"
    return Term(name, run.rate, "tok/s", source, Basis.REPORTED)


def _bandwidths(mine: Accelerator, other: Accelerator) -> Calculation | None:
    if mine.bandwidth is None or other.bandwidth is None:
        return None
    terms = (fact_term("this", mine.bandwidth, "bytes/s"), fact_term("other", other.bandwidth, "bytes/s"))
    return calculate("this / other", "", *terms)


def _peaks(mine: Accelerator, other: Accelerator) -> Calculation | None:
    """The ratio of the 16-bit matrix rates, of the 8-bit ones where both are known."""
    pair = (mine.int8, other.int8) if mine.int8 and other.int8 else (mine.fp16, other.fp16)
    if pair[0] is None or pair[1] is None:
        return None
    if mine.family.startswith("apple-m5") != other.family.startswith("apple-m5"):
        return None  # the rate in the table is that of the shaders; the M5 has matrix units beside them
    terms = (fact_term("this", pair[0], "operations/s"), fact_term("other", pair[1], "operations/s"))
    return calculate("this / other", _OF_OPERATIONS, *terms)
