"""Judges a rate of writing: against the roofline, then against published runs, then against an estimate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from truelimit.claims import combine, measured, remedies, runs, series
from truelimit.claims.cases import Case, other_limits
from truelimit.claims.ceiling import decode_ceiling, split_notes
from truelimit.claims.known import DECODE_NOISE, PREFILL_NOISE, Known, not_checkable
from truelimit.claims.spill import spilled
from truelimit.claims.words import beside, estimated, gigabytes, per_second, times, tokens_per_second
from truelimit.domain.calculation import Calculation
from truelimit.domain.claims import Assertion, Claim, Judgement, Quantity, Subject, Verdict
from truelimit.domain.message import figure, said

_UNPROVEN = said("unsupported, though not impossible")
_UNSUPPORTED = 2.0  # times the best share of the roofline that any published run of the chip reaches


def judge(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on a decode rate, of the reading of the model that suits the claim best."""
    claim = known.claim
    if not known.readings:
        return not_checkable(said("which model is meant is not said, or no table knows it"))
    if known.subject is None and claim.bandwidth is None:
        return not_checkable(said("on which machine is not said, or no table knows it"))
    if claim.batch == 0:
        return not_checkable(said("a rate of many requests together has no limit unless their number is said"))
    cases = list(_cases(claim, known))
    if not cases:
        return not_checkable(said("the memory bandwidth of the machine is not known"))
    found = spilled(item, known, combine.generous([_judged(claim, item, known, case) for case in cases]))
    return replace(found, notes=(*found.notes, *split_notes(claim, known.readings[0], known.subject)))


def _cases(claim: Claim, known: Known) -> Iterator[Case]:
    for _, group in groupby(known.readings, key=lambda reading: reading.family):
        readings = tuple(group)
        pairs = [(reading, decode_ceiling(claim, reading, known.subject)) for reading in readings]
        limits = tuple((reading, limit) for reading, limit in pairs if limit is not None)
        if limits:
            yield Case(readings, limits)


def _judged(claim: Claim, item: Assertion, known: Known, case: Case) -> Judgement:
    found = measured.published(claim, known, case)
    top = item.low if item.open else item.high
    reached = found.fastest if found else 0.0
    if top > case.allowed and top > reached:
        return _impossible(claim, item, known, case, found)
    told = measured.judged(item, known, case, found) if found is not None else None
    if told is not None:
        return told
    told = _against_series(claim, item, known, case) or _against_estimate(claim, item, known, case)
    return measured.beside_runs(told, claim, found) if found is not None else told


def _against_series(claim: Claim, item: Assertion, known: Known, case: Case) -> Judgement | None:
    """A series of this model on this chip in another quantisation: it excludes what even its bits do not explain."""
    told = series.matching(known, case.readings, decodes=True)
    if told is None or told.decode is None or claim.batch != 1 or claim.speculation:
        return None
    depth = claim.context or 0
    calculation = series.fastest(told, case.readings, depth)
    noise = DECODE_NOISE if depth <= told.decode.deepest else PREFILL_NOISE
    if calculation is None or item.low <= float(calculation.result) * noise:
        return None
    most_told = float(calculation.result)
    sentence = said(
        "{span} is {factor} times what a published series of the model on this chip comes to in the smallest "
        "quantisation that the claim may mean, {rate} tok/s ({chip}, {model} {quantization})",
        span=tokens_per_second(item),
        factor=times(item.low / most_told),
        rate=beside(most_told, item.low),
        chip=told.chip,
        model=told.model,
        quantization=told.quantization,
    )
    limits = tuple(limit for _, limit in case.limits)
    return Judgement(Verdict.CONTRADICTED, sentence, (calculation, *limits), (told.source,))


def _impossible(claim: Claim, item: Assertion, known: Known, case: Case, found: runs.Spread | None) -> Judgement:
    limit = float(case.first.result)
    low, high = item.low / limit, item.high / limit
    factor = times(high) if item.low == item.high else said("{low} to {high}", low=times(low), high=times(high))
    over = said(
        "{span} is {factor} times the ceiling of {limit} tok/s",
        span=tokens_per_second(item),
        factor=factor,
        limit=beside(limit, item.high),
    )
    if item.low <= limit and not item.open:
        over = said(
            "the upper part of {span} is above the ceiling of {limit} tok/s",
            span=tokens_per_second(item),
            limit=beside(limit, item.high),
        )
        over += said(" ({high} times)", high=times(high))
    measured = said("; measured {found}", found=found.text) if found else ""
    return Judgement(
        Verdict.IMPOSSIBLE,
        over + ": " + _because(case) + other_limits(case) + measured,
        tuple(calc for _, calc in case.limits),
        found.sources if found else (),
        high,
        remedies.decode(claim, item, known.subject, case.best),
    )


def _because(case: Case) -> str:
    reading, limit = case.limits[0]
    values = {term.name: term.value for term in limit.terms}
    devices = said(" times {values:.0f} devices", values=values["devices"]) if "devices" in values else ""
    read = values["bytes_read"] + values.get("cache_read", 0)
    return said(
        "{values}{devices} over {read} read for each token ({shape})",
        values=per_second(values["bandwidth"]),
        devices=devices,
        read=gigabytes(read),
        shape=reading.shape.name,
    )


def _against_estimate(claim: Claim, item: Assertion, known: Known, case: Case) -> Judgement:
    """No run of this model on this machine: an estimate may support a claim or not, it can't exclude it."""
    limits = tuple(calc for _, calc in case.limits)
    ceiling = float(case.first.result)
    stated = said(
        "{span} is {share} of the ceiling of {ceiling} tok/s",
        span=tokens_per_second(item),
        share=_share(item, ceiling),
        ceiling=beside(ceiling, item.high),
    )
    stated += other_limits(case)
    stated += said("; above it by no more than its terms are rounded") if item.high > float(case.best[1].result) else ""
    best = best_share(known)
    if best is not None and item.low / float(case.best[1].result) > _UNSUPPORTED * best[0] and claim.batch == 1:
        why = said("the best published run of this chip reaches {best:.0%} of its ceiling", best=best[0])
        return Judgement(Verdict.NOT_CHECKABLE, _UNPROVEN + ": " + stated + "; " + why, limits, best[1])
    guess = known.estimate(Quantity.DECODE, case.readings[0], claim.context or 0) if known.estimate else None
    if guess is None or claim.batch != 1 or claim.speculation:
        return _physics(item, stated, limits, case)
    sentence = said("{stated}; {estimated}", stated=stated, estimated=estimated(guess))
    verdict = Verdict.PLAUSIBLE
    if item.low > guess.high:
        verdict, sentence = Verdict.NOT_CHECKABLE, said("{unproven}: {sentence}", unproven=_UNPROVEN, sentence=sentence)
    elif item.high < guess.low and not item.open:
        verdict = Verdict.UNDERSTATED
    return Judgement(verdict, sentence, (*limits, guess.usual.calculation))


def _physics(item: Assertion, stated: str, limits: Sequence[Calculation], case: Case) -> Judgement:
    unlikely = item.low > 0.85 * float(case.best[1].result)
    if unlikely:
        why = said("no published run of this case, and hardly any run of another reaches so much")
        return Judgement(Verdict.NOT_CHECKABLE, _UNPROVEN + ": " + stated + "; " + why, tuple(limits))
    return Judgement(Verdict.PLAUSIBLE, said("{stated}; runs reach 35 to 85 % of theirs", stated=stated), tuple(limits))


def _share(item: Assertion, ceiling: float) -> str:
    low, high = (_percent(rate / ceiling) for rate in (item.low, item.high))
    return low if low == high else said("{low} to {high}", low=low, high=high)


def _percent(share: float) -> str:
    return figure(share, ".2%" if 0 < share < 0.005 else ".0%")


def best_share(known: Known) -> tuple[float, tuple[str, ...]] | None:
    """Return the largest share of the roofline that a published run of the chip reaches, with its source, or None."""
    subject = known.subject
    bandwidth = _bandwidth(subject)
    if subject is None or bandwidth is None:
        return None
    shares = []
    for run in runs.on_device(known.runs, subject, "decode"):
        read = runs.read_bytes(run)
        if read:
            shares.append((run.rate * read / bandwidth, f"{run.source} ({run.date}): {run.model} {run.quantization}"))
    if not shares:
        return None
    share, source = max(shares)
    return share, (source,)


def _bandwidth(subject: Subject | None) -> float | None:
    device = subject.device if subject else None
    return device.bandwidth.value if device and device.bandwidth else None
