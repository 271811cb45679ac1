"""Weights that exceed the memory of the machine: what then bounds the rate that a claim states."""

from __future__ import annotations

from dataclasses import replace

from truelimit.claims.known import MOST_TOKENS_A_PASS, Known, not_checkable
from truelimit.claims.readings import is_sparse
from truelimit.claims.remedies import bits_that_fit
from truelimit.claims.words import gibibytes, gigabytes, per_second, times
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.claims import Assertion, Judgement, Reading, Subject, Verdict
from truelimit.domain.machine import DeviceKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.units import GB

_DESKTOP = 128 * GB  # two channels of DDR5-8000: 2 x 8 B x 8000 MT/s
_FASTEST = 844.8 * GB  # twelve channels of MRDIMM-8800: 12 x 8 B x 8800 MT/s, the fastest main memory of the table
_ROUNDED = 1.02  # sizes are rounded


def spilled(item: Assertion, known: Known, found: Judgement) -> Judgement:
    """Return the judgement where all of the weights lie in the machine's memory or runs decided; else a stricter one.

    What a card cannot hold is read from main memory for each token; unified memory has nothing beside it.
    """
    subject, smallest = known.subject, min(known.readings, key=lambda reading: reading.shape.weights_bytes)
    room = known.claim.memory or (subject.memory if subject else None)
    fits = room is None or smallest.shape.weights_bytes <= _ROUNDED * room
    measured = found.sources and known.claim.memory is None
    if subject is None or subject.device is None or room is None or fits or measured:
        return found
    smaller = bits_that_fit(smallest, room)
    if known.claim.quantization is None and smaller and found.verdict is not Verdict.UNDERSTATED:
        size = gigabytes(smallest.shape.weights_bytes)
        return replace(
            found,
            notes=(
                *found.notes,
                said(
                    "{size} do not fit into {room}: only with {smaller}",
                    size=size,
                    room=gibibytes(room),
                    smaller=smaller,
                ),
            ),
        )
    if subject.device.kind is not DeviceKind.DISCRETE:
        return _too_large(smallest, room, smaller)
    return _from_main_memory(item, known, found, smallest, _needed(item, known, subject, smallest, room))


def _too_large(reading: Reading, room: float, smaller: str) -> Judgement:
    size = round(reading.shape.weights_bytes)
    calc = calculate("weights", "bytes", Term("weights", size, "bytes", reading.shape.name, Basis.DERIVED))
    over = said(
        "{size} of weights do not fit into {room}, and there is no other memory",
        size=gigabytes(size),
        room=gibibytes(room),
    )
    remedy = tuple(text for text in (smaller, said("memory of {size} or more", size=gigabytes(size))) if text)
    sentence = said("{over}: {size} times", over=over, size=times(size / room))
    return Judgement(Verdict.IMPOSSIBLE, sentence, (calc,), factor=size / room, remedies=remedy)


def _needed(item: Assertion, known: Known, subject: Subject, reading: Reading, room: float) -> Calculation | None:
    """What main memory must give for the stated rate, in bytes/s; None where the cards alone take too long."""
    shape, device = reading.shape, subject.device
    bandwidth = device.bandwidth if device else None
    outside = shape.read_bytes * (1 - room / shape.weights_bytes)
    rate = item.low / known.claim.batch / (MOST_TOKENS_A_PASS if known.claim.speculation else 1)
    on_cards = 0.0 if bandwidth is None else (shape.read_bytes - outside) / (bandwidth.value * subject.devices)
    if rate * on_cards >= 1:
        return None
    return calculate(
        "read_outside / (1 / passes - on_cards)",
        "bytes/s",
        Term(
            "read_outside",
            round(outside),
            "bytes",
            said("{shape}: what {room} do not hold", shape=shape.name, room=gibibytes(room)),
            Basis.DERIVED,
        ),
        Term("passes", rate, "passes/s", said("the claim"), Basis.SPECIFIED),
        Term("on_cards", on_cards, "s", said("the rest, at the bandwidth of the devices"), Basis.DERIVED),
    )


def _from_main_memory(
    item: Assertion, known: Known, found: Judgement, reading: Reading, needed: Calculation | None
) -> Judgement:
    if found.verdict is Verdict.IMPOSSIBLE:
        return found
    over = said(
        "{weights_bytes} do not fit into the {known} of the devices",
        weights_bytes=gigabytes(reading.shape.weights_bytes),
        known=gibibytes(_room(known)),
    )
    if needed is None:
        return Judgement(
            Verdict.IMPOSSIBLE, said("{over}, and the rest alone takes longer", over=over), found.calculations
        )
    rate = float(needed.result)
    wanted = said("{over}: {text} then needs main memory of {rate}", over=over, text=item.text, rate=per_second(rate))
    calculations = (needed, *found.calculations)
    if rate > _FASTEST and not is_sparse(reading.shape):
        sentence = said("{wanted}; the fastest gives {fastest}", wanted=wanted, fastest=per_second(_FASTEST))
        remedy = (said("memory of {weights_bytes} or more", weights_bytes=gigabytes(reading.shape.weights_bytes)),)
        return Judgement(Verdict.IMPOSSIBLE, sentence, calculations, factor=rate / _FASTEST, remedies=remedy)
    if rate > _DESKTOP:
        most = said("two channels of a desktop give at most {desktop}", desktop=per_second(_DESKTOP))
        return replace(
            not_checkable(said("unsupported, though not impossible: {wanted}; {most}", wanted=wanted, most=most)),
            calculations=calculations,
        )
    return Judgement(Verdict.PLAUSIBLE, said("only with offload: {wanted}", wanted=wanted), calculations)


def _room(known: Known) -> float:
    return float(known.claim.memory or (known.subject.memory if known.subject and known.subject.memory else 0))
