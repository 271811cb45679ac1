"""A case of a batch that a published series answers: the same chip, model and quantisation, as the plan has it."""

from __future__ import annotations

from truelimit.app.plan_rates import half_widths
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.estimates import Estimate, RateCase, Tier
from truelimit.domain.facts import Stack
from truelimit.domain.machine import Machine
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import PublishedRates
from truelimit.domain.server import Definition
from truelimit.limits.paces import Reading, Writing
from truelimit.limits.published import published_decode, published_prefill
from truelimit.limits.rate_case import backend_of
from truelimit.perf.decode import decode_calculation

_PUBLISHED_BATCH = 2048  # published series were read in chunks of this: shorter prompts are slower


def published_estimate(
    machine: Machine,
    header: ModelHeader | None,
    asked: RateCase,
    kind: str,
    tokens: int,
    depth: int,
    published: tuple[PublishedRates, ...],
) -> Estimate | None:
    """Return the rate of a published series for this chip and model; None where none is alike."""
    usual = asked.engine == "llama.cpp" and asked.devices == 1 and asked.kv_type == "f16"
    alike = usual and asked.flash_attention is not False and asked.backend == backend_of(asked.device, None)
    if header is None or not alike or (kind == "pp" and tokens < _PUBLISHED_BATCH):
        return None
    definition = Definition("model", "case", quantization=asked.shape.quantization)
    stack = Stack("model", None, None, None, definition, header, machine, published=published)
    if kind == "tg":
        writes = published_decode(stack)
        return _of_writing(Writing(writes, Tier.PUBLISHED), depth + tokens // 2) if writes else None
    reads = published_prefill(stack)
    return _of_reading(Reading(reads, Tier.PUBLISHED), tokens, depth) if reads else None


def _of_writing(found: Writing, depth: int) -> Estimate:
    known = Term("depth", depth, "tokens", "mean depth of the answer", Basis.SPECIFIED)
    counted = decode_calculation(found.fit, known)
    return _with_width(counted, half_widths(found, (depth,))[0], found.fit.basis)


def _of_reading(found: Reading, tokens: int, depth: int) -> Estimate:
    fit = found.fit
    terms = (
        Term("a", fit.a, "s/token", fit.where, fit.basis),
        Term("b", fit.b, "s/token^2", fit.where, fit.basis),
        Term("position", depth + tokens / 2, "tokens", "mean number of tokens before one", Basis.SPECIFIED),
    )
    width = half_widths(found, (depth + tokens,))[0]
    return _with_width(calculate("1 / (a + b * position)", "tokens/s", *terms), width, fit.basis)


def _with_width(counted: Calculation, half: float, basis: Basis) -> Estimate:
    value = float(counted.result)
    return Estimate(value, value / (1 + half), value * (1 + half), basis, Tier.PUBLISHED, counted)
