"""What would make an impossible claim possible."""

from __future__ import annotations

import math

from truelimit.claims.known import MEDIAN_TOKENS_A_PASS, MOST_TOKENS_A_PASS
from truelimit.claims.readings import is_sparse
from truelimit.claims.words import gigabytes, per_second, short, times
from truelimit.domain.calculation import Calculation
from truelimit.domain.claims import Assertion, Claim, Reading, Subject
from truelimit.domain.message import said

_FEWEST_BITS = 1.6  # the smallest quantisation in use (IQ1_S)
_MOST_DEVICES = 16


def decode(
    claim: Claim, item: Assertion, subject: Subject | None, best: tuple[Reading, Calculation]
) -> tuple[str, ...]:
    """Return what would make a decode rate possible, each with its number; the top of the range is the mark."""
    reading, limit = best
    wanted = item.low if item.open else item.high
    factor = wanted / float(limit.result)
    found = [_speculation(claim, factor), _bits(reading, factor), _sparse(reading, factor)]
    found += [_devices(claim, subject, factor), _batch(claim, factor), _bandwidth(limit, factor)]
    return tuple(text for text in found if text)


def _speculation(claim: Claim, factor: float) -> str:
    if claim.speculation:
        return ""
    told = said("speculation (drafts, multi-token prediction) that yields {factor} tokens a pass", factor=times(factor))
    if factor <= MOST_TOKENS_A_PASS:
        return said(
            "{told}: up to {most_tokens_a_pass} was published, {median} in the median",
            told=told,
            most_tokens_a_pass=MOST_TOKENS_A_PASS,
            median=MEDIAN_TOKENS_A_PASS,
        )
    return ""


def _bits(reading: Reading, factor: float) -> str:
    shape = reading.shape
    bits = 8 * shape.weights_bytes / shape.parameters / factor
    if bits < _FEWEST_BITS:
        return ""
    return said("a quantisation of at most {bits:.1f} bits a weight", bits=bits)


def _sparse(reading: Reading, factor: float) -> str:
    shape = reading.shape
    share = said("a sparse model (mixture of experts)") if not is_sparse(shape) else said("a sparser model")
    read = shape.read_bytes / factor
    return said("{share} that reads at most {read} a token", share=share, read=gigabytes(read))


def _devices(claim: Claim, subject: Subject | None, factor: float) -> str:
    now = subject.devices if subject else 1
    layered = claim.split == "layer"
    needed = math.ceil(factor * (1 if layered else now))
    if subject is None or needed > _MOST_DEVICES:
        return ""
    return said("{needed} devices with tensor split, at best", needed=needed)


def _batch(claim: Claim, factor: float) -> str:
    if claim.batch != 1:
        return ""
    return said(
        "{factor} or more requests at once, as the sum over all of them, not for one reader", factor=math.ceil(factor)
    )


def _bandwidth(limit: Calculation, factor: float) -> str:
    bandwidth = next(term.value for term in limit.terms if term.name == "bandwidth")
    return said("memory of at least {bandwidth}", bandwidth=per_second(bandwidth * factor))


def bits_that_fit(reading: Reading, room: float) -> str:
    """Return the quantisation that would fit into some bytes, or nothing where none is that small."""
    bits = 8 * room / reading.shape.parameters
    return said("a quantisation of at most {bits} bits a weight", bits=short(bits)) if bits >= _FEWEST_BITS else ""
