"""Judges whether a model fits into a machine's memory, and the memory that it is said to take."""

from __future__ import annotations

from dataclasses import replace

from truelimit.claims.ceiling import decode_ceiling, split_notes
from truelimit.claims.known import Known, not_checkable
from truelimit.claims.memory import cache, context, same
from truelimit.claims.remedies import bits_that_fit
from truelimit.claims.words import gibibytes, gigabytes, listed, short, times
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.claims import Assertion, Judgement, PublishedRun, Reading, Verdict
from truelimit.domain.machine import DeviceKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.units import Tokens

_SAME = 0.07
_SAME_SIZE = 0.05
_ENGINE_DEFAULT = 4096  # tokens: what llama-server and Ollama allocate where nobody says how much
_KV_TYPE = "f16"  # what engines use where nobody says another
_SMALLER = ("q8_0", "q4_0")


def judge_fit(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on whether a model fits, or on the memory that it is said to take."""
    claim = known.claim
    if not known.readings:
        return not_checkable(said("which model is meant is not said, or no table knows it"))
    needs = [_need(known, reading, claim.kv_type or _KV_TYPE) for reading in known.readings]
    least = min(needs, key=_result)
    if item.high:
        total_told = _total(item, needs)
        if total_told.verdict is not Verdict.PLAUSIBLE or (known.subject is None and claim.memory is None):
            return total_told
    room = _room(known)
    if room is None:
        return not_checkable(
            said("the memory of the machine is not known"),
            said("it needs {result} or more", result=gigabytes(float(least.result))),
        )
    total, where = room
    if _result(least) <= total:
        return _fits(known, needs, total, where)
    return _with_smaller_cache(known, total, where) or _too_large(known, least, total, where)


def _result(item: Calculation) -> float:
    return float(item.result)


def _with_smaller_cache(known: Known, total: float, where: str) -> Judgement | None:
    """A cache in a smaller type, where the claim leaves the type open: the most generous reading."""
    if not known.claim.context or known.claim.kv_type is not None:
        return None
    for kind in _SMALLER:
        least = min((_need(known, reading, kind) for reading in known.readings), key=_result)
        if _result(least) <= total:
            sentence = said(
                "only with a cache in {kind}: {least} in {total} ({where})",
                kind=kind,
                least=gigabytes(_result(least)),
                total=gibibytes(total),
                where=where,
            )
            return Judgement(Verdict.PLAUSIBLE, sentence, (least,))
    return None


def _need(known: Known, reading: Reading, kind: str) -> Calculation:
    weights = Term("weights", round(reading.shape.weights_bytes), "bytes",
                   listed((reading.shape.name, reading.source, reading.assumed), "; "), Basis.DERIVED)  # fmt: skip
    held = cache(known, kind) if known.claim.context else said("no context is told")
    if isinstance(held, str):
        return calculate("weights", "bytes", weights)
    size = Term(
        "kv_cache",
        held.result,
        "bytes",
        said("at {known:,} tokens, {kind}", known=context(known), kind=kind),
        Basis.DERIVED,
    )
    return calculate("weights + kv_cache", "bytes", weights, size)


def _total(item: Assertion, needs: list[Calculation]) -> Judgement:
    sizes = [float(calc.result) for calc in needs]
    right = any(same(item.high, size, _SAME) for size in sizes) or min(sizes) <= item.high <= max(sizes)
    told = said(
        "{sizes} of weights and cache, without compute buffers (1 to 3 GB) and the system", sizes=gigabytes(sizes[0])
    )
    if right:
        return Judgement(Verdict.PLAUSIBLE, said("{text} agrees with {told}", text=item.text, told=told), tuple(needs))
    sentence = said("{text} does not agree with {told}", text=item.text, told=told)
    return Judgement(Verdict.CONTRADICTED, sentence, tuple(needs))


def _room(known: Known) -> tuple[float, str] | None:
    if known.claim.memory is not None:
        return float(known.claim.memory), said("the memory that the claim names")
    subject = known.subject
    if subject is None or subject.memory is None:
        return None
    return float(subject.memory), said("all memory of {subject}", subject=subject.name)


def _too_large(known: Known, least: Calculation, total: float, where: str) -> Judgement:
    size, subject, claim = float(least.result), known.subject, known.claim
    discrete = subject is not None and subject.device is not None and subject.device.kind is DeviceKind.DISCRETE
    over = said("{size} do not fit into {total} ({where})", size=gigabytes(size), total=gibibytes(total), where=where)
    if discrete and claim.memory is None:
        rest = said(
            "{size} of it must lie in main memory, whose bandwidth then bounds the speed", size=gigabytes(size - total)
        )
        return Judgement(Verdict.PLAUSIBLE, said("only with offload: {over}; {rest}", over=over, rest=rest), (least,))
    reading = min(known.readings, key=lambda item: item.shape.weights_bytes)
    smaller = bits_that_fit(reading, total)
    if smaller and claim.quantization is None:
        return Judgement(
            Verdict.PLAUSIBLE, said("only with {smaller}: {over} at 4 bits", smaller=smaller, over=over), (least,)
        )
    remedy = tuple(text for text in (smaller, said("memory of {size} or more", size=gigabytes(size))) if text)
    return Judgement(
        Verdict.IMPOSSIBLE,
        said("{over}: {size} times", over=over, size=times(size / total)),
        (least,),
        factor=size / total,
        remedies=remedy,
    )


def _fits(known: Known, needs: list[Calculation], total: float, where: str) -> Judgement:
    size, claim = float(needs[0].result), known.claim
    shown = said(
        "{size} of weights{text} in {total} ({where})",
        size=gigabytes(size),
        text=said(" and cache") if claim.context else "",
        total=gibibytes(total),
        where=where,
    )
    ran = _largest_context(known)
    asked = claim.context or _ENGINE_DEFAULT
    if ran is not None and ran.context is not None and ran.context < asked:
        sentence = said(
            "the weights fit ({shown}), but the published run had room for {context:,} tokens of context only",
            shown=shown,
            context=ran.context,
        )
        source = f"{ran.source} ({ran.date})"
        limit, notes = _speed(known)
        return Judgement(Verdict.CONTRADICTED, sentence, (*needs, *limit), (source,), notes=notes)
    if size > total:
        first, last = (known.readings[index].shape.quantization for index in (0, -1))
        shown = said(
            "{result} in {last}, not {size} in {first}, {where}",
            result=gigabytes(float(needs[-1].result)),
            last=last,
            size=gigabytes(size),
            first=first,
            where=where,
        )
    sentence = said("it fits: {shown}{known}", shown=shown, known=_by_default(known, total))
    limit, notes = _speed(known)
    return Judgement(Verdict.PLAUSIBLE, sentence, (*needs, *limit), notes=notes)


def _speed(known: Known) -> tuple[tuple[Calculation, ...], tuple[str, ...]]:
    """How fast what fits could write at best, with its arithmetic: a claim that it runs says nothing of that.

    The cache that is read is the one that was counted in the memory.
    """
    reading = known.readings[0]
    told = known.claim
    tokens = Tokens(context(known)) if told.context else None
    claim = replace(told, kv_type=told.kv_type or _KV_TYPE, context=tokens)
    ceiling = decode_ceiling(claim, reading, known.subject)
    if ceiling is None:
        return (), ()
    words = said(
        "it can write {result} tok/s at most ({shape})", result=short(float(ceiling.result)), shape=reading.shape.name
    )
    return (ceiling,), (words, *split_notes(claim, reading, known.subject))


def _by_default(known: Known, total: float) -> str:
    usable = known.subject.usable if known.subject else None
    if not usable or usable >= total or known.claim.memory is not None:
        return ""
    return said("; a GPU may use {usable} of it by default", usable=gibibytes(usable))


def _largest_context(known: Known) -> PublishedRun | None:
    subject = known.subject
    if subject is None or subject.device is None:
        return None
    for run in known.runs:
        same = run.context is not None and run.device == subject.device.id and run.devices == subject.devices
        if same and any(
            abs(run.parameters - reading.shape.parameters) < _SAME_SIZE * run.parameters for reading in known.readings
        ):
            return run
    return None
