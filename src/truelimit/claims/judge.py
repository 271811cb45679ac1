"""Judges a claim: each number by its kind, the claim by the worst of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from truelimit.claims import (
    combine,
    comparison,
    decode,
    fit,
    market,
    memory,
    prefill,
    provider,
    specification,
    unread,
)
from truelimit.claims.known import Known, not_checkable
from truelimit.domain.claims import Assertion, Audited, Claim, Judgement, Part, Quantity, StatedClaim, Verdict
from truelimit.domain.message import joined, said
from truelimit.domain.token_counts import read_as

_Judge = Callable[[Assertion, Known], Judgement]

_JUDGES: Mapping[Quantity, _Judge] = {
    Quantity.DECODE: decode.judge,
    Quantity.PREFILL: prefill.judge,
    Quantity.PREFILL_TIME: prefill.judge_time,
    Quantity.FITS: fit.judge_fit,
    Quantity.WEIGHTS: memory.judge_weights,
    Quantity.KV_CACHE: memory.judge_cache,
    Quantity.KV_HEADS: specification.judge_heads,
    Quantity.MEMORY: specification.judge_memory,
    Quantity.BANDWIDTH: specification.judge_bandwidth,
    Quantity.COMPUTE: specification.judge_compute,
    Quantity.SYSTEM: specification.judge_system,
    Quantity.PRICE: market.judge,
    Quantity.RATIO: comparison.judge,
    Quantity.FREE: provider.judge_free,
    Quantity.INPUT_PRICE: provider.judge_token_price,
    Quantity.OUTPUT_PRICE: provider.judge_token_price,
}


def judge(stated: StatedClaim, known: Known) -> Audited:
    """Return a claim with its verdict: the worst among its numbers; one that cannot be read is not checkable."""
    claim = known.claim
    lost = _lost(claim)
    if lost and all(item.quantity in _WITHOUT_NUMBER for item in claim.assertions):
        why = joined("; ", (*claim.unknown, *map(unread.why, lost)))
        return Audited(stated, claim, Verdict.NOT_CHECKABLE, why, notes=_notes(known))
    parts = tuple(Part(item, _judged(item, known)) for item in claim.assertions)
    if not parts:
        return Audited(stated, claim, Verdict.NOT_CHECKABLE, _why_unread(claim), notes=_notes(known))
    verdict = combine.worst([part.judgement.verdict for part in parts])
    first = next(part.judgement for part in parts if part.judgement.verdict is verdict)
    sentence = first.sentence
    if verdict is Verdict.PLAUSIBLE and claim.misread:
        verdict, sentence = Verdict.NOT_CHECKABLE, _in_part(claim, sentence)
    sources = [source for part in parts for source in part.judgement.sources]
    sources += [term.source for part in parts for calc in part.judgement.calculations[:1] for term in calc.terms]
    return Audited(
        stated,
        claim,
        verdict,
        sentence,
        parts,
        first.calculations[0] if first.calculations else None,
        tuple(
            dict.fromkeys(source for source in sources if source not in {said("the claim"), said("the request"), ""})
        ),
        _notes(known),
    )


def _judged(item: Assertion, known: Known) -> Judgement:
    claim = known.claim
    if item.quantity is Quantity.CONTEXT:
        use = provider.judge_window if known.cloud is not None else specification.judge_context
        return use(item, known)
    if claim.unknown and known.subject is None and item.quantity not in _OF_MODELS:
        return not_checkable(joined("; ", claim.unknown))
    return _JUDGES[item.quantity](item, known)


_WITHOUT_NUMBER = {Quantity.FITS, Quantity.SYSTEM, Quantity.FREE, Quantity.CONTEXT}
_OF_MODELS = {Quantity.WEIGHTS, Quantity.KV_CACHE, Quantity.KV_HEADS, Quantity.FREE}


def _why_unread(claim: Claim) -> str:
    if claim.unknown:
        return joined("; ", claim.unknown)
    return said(
        "nothing in it can be computed; expected a rate (40 tok/s), a size (24 GB), a price ($4,000), a bandwidth "
        "(273 GB/s), a context (262K) or a ratio (2x faster than ...), with a machine or a model"
    )


def _lost(claim: Claim) -> tuple[str, ...]:
    """The numbers that were not read and may be what the claim is about."""
    return claim.misread or unread.numbers(claim.unread, claim.text)


def _in_part(claim: Claim, sentence: str) -> str:
    """A claim whose read part is plausible and that says more: the rest is named first."""
    return said(
        "{lost}; what was read: {sentence}", lost=joined("; ", map(unread.why, claim.misread)), sentence=sentence
    )


def _notes(known: Known) -> tuple[str, ...]:
    unread = (*known.claim.misread, *known.claim.unread)
    left = said("not judged: {words}", words=", ".join(unread)) if unread else ""
    told, context = known.claim.context_told, known.claim.context
    counted = read_as(told, context) if told and context else ""
    return tuple(note for note in (*known.notes, counted, left) if note)
