"""Judges what a specification says: bandwidth, memory sizes, matrix rates, system, KV heads, trained context."""

from __future__ import annotations

from truelimit.claims.known import SPARSITY, Known, not_checkable
from truelimit.claims.words import listed, per_second, short, sold, tera, times
from truelimit.domain.calculation import Calculation, Term, calculate, term
from truelimit.domain.claims import Assertion, Judgement, Verdict
from truelimit.domain.machine import Accelerator
from truelimit.domain.message import figure, said
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.domain.provenance import Known as Fact
from truelimit.units import to_gib

_SAME = 0.03
_ROUNDED = 0.05
_NO_MACHINE = said("which machine is meant is not said, or no table knows it")
_NO_MODEL = said("which model is meant is not said, or no table knows it")


def judge_bandwidth(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on a memory bandwidth: that of one device."""
    device = _variant(item, known)
    if device is None or device.bandwidth is None:
        return not_checkable(
            _NO_MACHINE if device is None else said("the bandwidth of {device} is not in the table", device=device.name)
        )
    calculation = _compared(item, device.bandwidth, "bytes/s")
    ratio = float(calculation.result)
    sentence = said(
        "{high} for {device}: its specification says {bandwidth}",
        high=per_second(item.high),
        device=device.name,
        bandwidth=per_second(device.bandwidth.value),
    )
    notes = tuple(note for note in device.notes if "GB/s" in note)
    return Judgement(_by_ratio(ratio, _SAME), sentence, (calculation,), (device.bandwidth.where,), notes=notes)


def _variant(item: Assertion, known: Known) -> Accelerator | None:
    """The device of the claim; of variants that share its name the one whose bandwidth the claim states, if any."""
    if known.subject is None:
        return None
    stated = [
        device
        for device in known.subject.variants
        if device.bandwidth is not None and abs(item.high / device.bandwidth.value - 1) <= _SAME
    ]
    return stated[0] if stated else known.subject.device


def _compared(item: Assertion, fact: Fact[int] | Fact[float], unit: str) -> Calculation:
    stated = Term("stated", item.high, unit, said("the claim"), Basis.ASSUMED)
    return calculate("stated / specified", "", stated, term("specified", fact, unit))


def _by_ratio(ratio: float, share: float) -> Verdict:
    if abs(ratio - 1) <= share:
        return Verdict.PLAUSIBLE
    return Verdict.CONTRADICTED if ratio > 1 else Verdict.UNDERSTATED


def judge_memory(_item: Assertion, known: Known) -> Judgement:
    """Return the judgement on a size of memory: one of those that it was sold with."""
    claim = known.claim
    subject = known.subject
    if subject is None or not subject.memory_options:
        return not_checkable(
            _NO_MACHINE
            if subject is None
            else said("the memory sizes of {subject} are not in the table", subject=subject.name)
        )
    told = sold_with(known)
    if offered(claim.memory, known):
        return Judgement(
            Verdict.PLAUSIBLE,
            said("{subject} was sold with {told}", subject=subject.name, told=told),
            sources=(subject.source,),
        )
    return Judgement(
        Verdict.CONTRADICTED,
        said(
            "there is no {subject} with {memory}: it was sold with {told}",
            subject=subject.name,
            memory=sold(claim.memory or 0),
            told=told,
        ),
        sources=(subject.source,),
        notes=subject.notes,
    )


def offered(memory: int | None, known: Known) -> bool:
    """Whether a machine was sold with some bytes of memory (within 3 %), in one box or in all of them."""
    subject = known.subject
    if memory is None or subject is None or not subject.memory_options:
        return True
    boxes = {1, subject.boxes, subject.devices}
    return any(abs(memory - size * count) <= _SAME * size * count for size in subject.memory_options for count in boxes)


def sold_with(known: Known) -> str:
    """Return the memory sizes of a machine as text: ``96, 256, 512 GB``."""
    options = known.subject.memory_options if known.subject else ()
    return said("{sizes} GB", sizes=listed(figure(to_gib(size), "g") for size in options))


def judge_compute(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on a matrix rate: dense, or with the 2:4 sparsity that vendors like to quote."""
    device = known.subject.device if known.subject else None
    if device is None:
        return not_checkable(_NO_MACHINE)
    fact = _rate(device, item.kind)
    if fact is None:
        return not_checkable(
            said("the {kind} rate of {device} is not in the table", kind=item.kind, device=device.name)
        )
    calculation = _compared(item, fact, "operations/s")
    ratio = float(calculation.result)
    dense = said(
        "{high} in {kind}: dense it is {fact} on {device}",
        high=tera(item.high, item.kind),
        kind=item.kind,
        fact=tera(fact.value, item.kind),
        device=device.name,
    )
    sparse = device.vendor in {"nvidia", "amd"} and 1 + _ROUNDED < ratio <= SPARSITY * (1 + _ROUNDED)
    if sparse:
        return Judgement(
            Verdict.PLAUSIBLE, said("only with 2:4 sparsity: {dense}", dense=dense), (calculation,), (fact.where,)
        )
    if ratio > 1 + _ROUNDED:
        return Judgement(
            Verdict.IMPOSSIBLE,
            said("{dense}, {ratio} times less", dense=dense, ratio=times(ratio)),
            (calculation,),
            (fact.where,),
            ratio,
        )
    verdict = Verdict.PLAUSIBLE if ratio >= 1 - _ROUNDED else Verdict.UNDERSTATED
    less = "" if verdict is Verdict.PLAUSIBLE else said(", {times} times more", times=times(1 / ratio))
    return Judgement(verdict, dense + less, (calculation,), (fact.where,))


def _rate(device: Accelerator, kind: str) -> Fact[float] | None:
    told = {"fp4": device.fp4, "fp8": device.fp8, "int8": device.int8, "fp16": device.fp16}.get(kind)
    return None if told is None else Fact(float(told.value), told.where, told.basis)


def judge_system(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on the operating system that a machine runs."""
    subject = known.subject
    if subject is None or not subject.operating_systems:
        return not_checkable(
            _NO_MACHINE
            if subject is None
            else said("the systems of {subject} are not in the table", subject=subject.name)
        )
    name, only = item.kind.split()[0], item.kind.endswith("only")
    there = {system.lower() for system in subject.operating_systems}
    right = name in there and (not only or there == {name})
    listed = ", ".join(subject.operating_systems)
    verdict = Verdict.PLAUSIBLE if right else Verdict.CONTRADICTED
    return Judgement(
        verdict, said("{subject} runs {listed}", subject=subject.name, listed=listed), sources=(subject.source,)
    )


def judge_heads(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on a number of KV heads, from the model's header."""
    header = _header(known)
    if header is None:
        return not_checkable(_NO_MODEL)
    value = header.get("attention.head_count_kv")
    heads = value if isinstance(value, tuple) else (value,)
    if not any(isinstance(count, int) for count in heads):
        return not_checkable(said("{header} does not tell its KV heads", header=header.name))
    right = item.high in heads
    told = ", ".join(dict.fromkeys(str(count) for count in heads))
    verdict = Verdict.PLAUSIBLE if right else Verdict.CONTRADICTED
    return Judgement(
        verdict, said("{header} has {told} KV heads in a layer", header=header.name, told=told), sources=(header.where,)
    )


def judge_context(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on the context that a local model was trained for; a rounded number counts as it."""
    header = _header(known)
    native = header.native_context if header else None
    if header is None or native is None:
        return not_checkable(
            _NO_MODEL if header is None else said("{header} does not tell its native context", header=header.name)
        )
    calculation = _compared(item, native, "tokens")
    sentence = said(
        "{header} was trained for {native:,} tokens, the claim says {high}",
        header=header.name,
        native=native.value,
        high=short(item.high),
    )
    return Judgement(_by_ratio(float(calculation.result), _ROUNDED), sentence, (calculation,), (native.where,))


def _header(known: Known) -> ModelHeader | None:
    return next((reading.header for reading in known.readings if reading.header is not None), None)
