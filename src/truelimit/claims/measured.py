"""Published runs against a rate of writing: which speak to a claim, and which of them may exclude it."""

from __future__ import annotations

from dataclasses import replace

from truelimit.claims import runs
from truelimit.claims.cases import Case, other_limits
from truelimit.claims.known import DECODE_NOISE, MEDIAN_TOKENS_A_PASS, SPECULATION_SOURCE, Known
from truelimit.claims.words import listed, short, times, tokens_per_second
from truelimit.domain.claims import Assertion, Claim, Judgement, Quantity, Verdict
from truelimit.domain.message import Message, said

_SHALLOW = 4096  # tokens of context that leave a rate as it is from an empty one


def published(claim: Claim, known: Known, case: Case) -> runs.Spread | None:
    """Return the runs that speak to the claim; none where it states a condition that they do not share."""
    if known.subject is None or claim.batch != 1:
        return None
    same = runs.matching(known.runs, known.subject, case.readings, "decode", speculative=claim.speculation)
    depth = claim.context or 0
    return runs.spread(runs.shallow(same) if depth <= _SHALLOW else [run for run in same if run.depth >= depth / 2])


def judged(item: Assertion, known: Known, case: Case, found: runs.Spread) -> Judgement | None:
    """Return the judgement by the runs; None where they do not decide.

    Any run supports a claim. Only those that share its conditions exclude it: runs with speculation where it speaks of
    that; to be too fast, runs that read no more for each token; and one run alone does not where the estimate holds it.
    """
    if not _speak(item, known, found):
        return None
    same = _under_same_conditions(found, known.claim)
    fast = item.low > found.fastest * DECODE_NOISE
    slow = not item.open and item.high < found.slowest / DECODE_NOISE
    if (fast or slow) and same is not None:
        same = runs.spread(run for run in same.runs if not fast or runs.reads_no_more(run, case.readings))
    if (fast or slow) and (same is None or (len(same.runs) == 1 and _held(item, known, case))):
        return None
    return _against_runs(item, case, found)


def _under_same_conditions(found: runs.Spread, claim: Claim) -> runs.Spread | None:
    return runs.spread(run for run in found.runs if run.speculative or not claim.speculation)


def _held(item: Assertion, known: Known, case: Case) -> bool:
    """Whether the interval of the estimate holds a part of the claim; never of a claim with speculation."""
    if known.estimate is None or known.claim.speculation:
        return False
    guess = known.estimate(Quantity.DECODE, case.readings[0], known.claim.context or 0)
    return guess is not None and guess.low <= item.high and item.low <= guess.high


def beside_runs(told: Judgement, claim: Claim, found: runs.Spread) -> Judgement:
    """Return a judgement that runs did not decide, with what they gave."""
    told_by = listed(found.sources)
    gave = said("published runs of other conditions gave {found} ({sources})", found=found.text, sources=told_by)
    if len(found.runs) == 1:
        gave = the_one_run(found)
    if claim.speculation and not any(run.speculative for run in found.runs):
        gave = said(
            "without speculation published runs gave {found} ({sources}); it multiplies a rate by {gain} in the median "
            "({source})",
            found=found.text,
            sources=told_by,
            gain=times(MEDIAN_TOKENS_A_PASS),
            source=SPECULATION_SOURCE,
        )
    return replace(told, notes=(*told.notes, gave))


def the_one_run(found: runs.Spread) -> Message:
    """Return what a single run gave, in words: it is named, but decides nothing where the estimate holds the claim."""
    return said(
        "the one published run that is shipped gave {found} ({sources})",
        found=found.text,
        sources=listed(found.sources),
    )


def _speak(item: Assertion, known: Known, found: runs.Spread) -> bool:
    """Whether runs decide: with layers split between devices they exclude nothing where a claim leaves that open."""
    alone = known.subject is None or known.subject.devices == 1
    told = known.claim.split == "layer" or any(run.split == "tensor" for run in found.runs)
    return alone or told or item.low <= found.fastest * DECODE_NOISE


def _against_runs(item: Assertion, case: Case, found: runs.Spread) -> Judgement:
    verdict, words = Verdict.PLAUSIBLE, said("is what published runs reach")
    if item.low > found.fastest * DECODE_NOISE:
        verdict = Verdict.CONTRADICTED
        words = said("is {low} times the fastest published run or more", low=times(item.low / found.fastest))
        if len(found.runs) == 1:
            words = said("is {low} times the one published run that is shipped", low=times(item.low / found.fastest))
    elif item.high < found.slowest / DECODE_NOISE and not item.open:
        verdict = Verdict.UNDERSTATED
        words = said(
            "is {slowest} times below the slowest published run, or more", slowest=times(found.slowest / item.high)
        )
        if len(found.runs) == 1:
            words = said(
                "is {slowest} times below the one published run that is shipped",
                slowest=times(found.slowest / item.high),
            )
    elif item.high > found.fastest * DECODE_NOISE:
        words = said("overlaps what published runs reach; its upper part was not measured")
    ceiling = said("ceiling {result} tok/s{case}", result=short(float(case.first.result)), case=other_limits(case))
    sentence = said(
        "{rate} {words}: {found} ({shape}); {ceiling}",
        rate=tokens_per_second(item),
        words=words,
        found=found.text,
        shape=case.readings[0].shape.name,
        ceiling=ceiling,
    )
    return Judgement(verdict, sentence, tuple(calc for _, calc in case.limits), found.sources)
