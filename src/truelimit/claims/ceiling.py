"""The physical limits of speed: what no program can exceed, as calculations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from truelimit.claims.known import MOST_TOKENS_A_PASS, SPECULATION_SOURCE
from truelimit.claims.words import listed, short
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.claims import Claim, Reading, Subject
from truelimit.domain.machine import Accelerator
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known

_MATRIX_UNITS = 4.0  # Apple M5: matrix units beside the shader rate that its specification gives
_STATED = said("the claim")


def decode_ceiling(claim: Claim, reading: Reading, subject: Subject | None) -> Calculation | None:
    """Return the tokens/s that no program exceeds for one reading, or None where the bandwidth is not known.

    Each token of one request reads all active weights once; more devices add up only where they share each layer.
    Source: the roofline of memory-bound decode (Williams, Waterman, Patterson 2009).
    """
    bandwidth = bandwidth_term(claim, subject)
    if bandwidth is None:
        return None
    terms = [bandwidth, *_devices(claim, subject), _bytes(reading), *_cache(claim, reading), *_tokens(claim)]
    names = {term.name for term in terms}
    formula = "bandwidth * devices" if "devices" in names else "bandwidth"
    read = "(bytes_read + cache_read)" if "cache_read" in names else "bytes_read"
    formula += f" / {read}"
    formula += "".join(f" * {name}" for name in ("requests", "tokens_a_pass") if name in names)
    return calculate(formula, "tok/s", *terms)


def split_notes(claim: Claim, reading: Reading, subject: Subject | None) -> tuple[str, ...]:
    """Return what a claim about several devices leaves open: how they share a model decides the ceiling."""
    if subject is None or subject.devices <= 1 or claim.split is not None:
        return ()
    together = decode_ceiling(claim, reading, subject)
    apart = decode_ceiling(replace(claim, split="layer"), reading, subject)
    if together is None or apart is None:
        return ()
    one, many = short(float(apart.result)), short(float(together.result))
    whole = said(
        "how {devices} devices share the model is not told: at best (tensor split) the ceiling is {many} tok/s",
        devices=subject.devices,
        many=many,
    )
    return (
        said(
            "{whole}, with layers split between them, which run one after the other, {one} tok/s", whole=whole, one=one
        ),
    )


def bandwidth_term(claim: Claim, subject: Subject | None) -> Term | None:
    """Return the bandwidth as a term: that of the claim where it describes the machine, else the device's."""
    if claim.bandwidth is not None:
        return Term("bandwidth", claim.bandwidth, "bytes/s", _STATED, Basis.ASSUMED)
    known = subject.device.bandwidth if subject and subject.device else None
    return None if known is None else Term("bandwidth", known.value, "bytes/s", known.where, known.basis)


def _devices(claim: Claim, subject: Subject | None) -> list[Term]:
    if subject is None or subject.devices <= 1 or claim.split == "layer":
        return []
    source = _STATED if claim.split else said("tensor split, the most generous: all devices work on each layer at once")
    return [Term("devices", subject.devices, "", source, Basis.SPECIFIED if claim.split else Basis.ASSUMED)]


def _bytes(reading: Reading) -> Term:
    source = listed((reading.shape.name, reading.source, reading.assumed), "; ")
    basis = Basis.ASSUMED if reading.assumed else Basis.DERIVED
    return Term("bytes_read", round(reading.shape.read_bytes), "bytes", source, basis)


def _cache(claim: Claim, reading: Reading) -> list[Term]:
    """What a stated context adds: the cache in the stated type, else in the smallest that engines offer (q4_0)."""
    width = reading.shape.kv_bytes_per_token
    if not claim.context or not width:
        return []
    share, source = (1.0, "f16") if claim.kv_type in {"f16", "bf16"} else (18 / 32 / 2, said("q4_0, the most generous"))
    if claim.kv_type in {"q8_0", "fp8"}:
        share, source = 34 / 32 / 2, claim.kv_type
    return [
        Term(
            "cache_read",
            round(claim.context * width * share),
            "bytes",
            said("cache at the context, {source}", source=source),
            Basis.DERIVED,
        )
    ]


def _tokens(claim: Claim) -> list[Term]:
    found = [Term("requests", claim.batch, "", _STATED, Basis.SPECIFIED)] if claim.batch > 1 else []
    if claim.speculation:
        found.append(Term("tokens_a_pass", MOST_TOKENS_A_PASS, "", SPECULATION_SOURCE, Basis.REPORTED))
    return found


def prefill_ceiling(reading: Reading, subject: Subject) -> Calculation | None:
    """Return the prompt tokens/s that no program exceeds: two operations for each active weight of each token.

    The fastest matrix rate of the device is taken, whatever the format. None where none is known.
    """
    peak = peak_rate(subject.device)
    if peak is None:
        return None
    devices = Term("devices", subject.devices, "", said("all devices at once, the most generous"), Basis.ASSUMED)
    active = Term(
        "active_weights",
        round(reading.shape.active_parameters),
        "",
        listed((reading.shape.name, reading.source), "; "),
        Basis.DERIVED,
    )
    return calculate("peak * devices / (2 * active_weights)", "tok/s", peak, devices, active)


def peak_rate(device: Accelerator | None) -> Term | None:
    """Return the fastest dense matrix rate of a device in operations/s, or None."""
    if device is None:
        return None
    told = [item for item in (device.fp4, device.fp8, device.int8, device.fp16) if item is not None]
    if not told:
        return None
    best = max(told, key=_value)
    factor = _MATRIX_UNITS if device.family.startswith("apple-m5") else 1.0
    where = (
        best.where
        if factor == 1
        else said("{where}; matrix units up to {factor:g} times that", where=best.where, factor=factor)
    )
    return Term("peak", best.value * factor, "operations/s", where, best.basis)


def most(limits: Iterable[tuple[Reading, Calculation]]) -> tuple[Reading, Calculation]:
    """Return the most generous limit. Raises ValueError where there is none."""
    return max(limits, key=lambda pair: pair[1].result)


def _value(item: Known[float]) -> float:
    return item.value
