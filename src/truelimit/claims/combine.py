"""Joins judgements: of several readings of one assertion, and of several assertions of one claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from truelimit.domain.claims import Judgement, Verdict
from truelimit.domain.message import joined, said

_WORST = (
    Verdict.IMPOSSIBLE,
    Verdict.CONTRADICTED,
    Verdict.OUTDATED,
    Verdict.UNDERSTATED,
    Verdict.NOT_CHECKABLE,
    Verdict.PLAUSIBLE,
)
_TOO_HIGH = {Verdict.IMPOSSIBLE, Verdict.CONTRADICTED}


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the worst of the verdicts of a claim's parts. Raises ValueError where there is none."""
    return min(verdicts, key=_WORST.index)


def generous(found: Sequence[Judgement]) -> Judgement:
    """Return the judgement of the reading that suits a claim best.

    Where a claim is too high under one reading and too low under another it is wrong both ways: contradicted.
    """
    best = max(found, key=lambda item: _WORST.index(item.verdict))
    if best.verdict in {Verdict.PLAUSIBLE, Verdict.NOT_CHECKABLE} or len(found) == 1:
        return _with_others(best, found)
    high = [item for item in found if item.verdict in _TOO_HIGH]
    low = [item for item in found if item.verdict is Verdict.UNDERSTATED]
    if high and low:
        sentence = said("wrong both ways: {sentences}", sentences=joined("; ", (item.sentence for item in found)))
        return _joined(replace(best, verdict=Verdict.CONTRADICTED, sentence=sentence), found)
    return _with_others(best, found)


def _with_others(best: Judgement, found: Sequence[Judgement]) -> Judgement:
    notes = tuple(
        said("read otherwise, {verdict}: {sentence}", verdict=item.verdict, sentence=item.sentence)
        for item in found
        if item is not best
    )
    return replace(best, notes=best.notes + notes)


def _joined(best: Judgement, found: Sequence[Judgement]) -> Judgement:
    calculations = tuple(calc for item in found for calc in item.calculations)
    sources = tuple(dict.fromkeys(source for item in found for source in item.sources))
    return replace(best, calculations=calculations, sources=sources)
