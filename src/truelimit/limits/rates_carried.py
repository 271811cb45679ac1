"""A published series carried over: to another quantisation, type of cache or count of its chip, and to a sibling of it.

How far the estimate lies from a series tells of this model on this kind of chip, so the ratio of measured to estimated
cost is carried over, in part (``python -m benchmarks.carried`` prints the figures):
- writing in another quantisation on the same chip, to a power of 0.7: over 174 pairs of published runs the median error
  fell from 4.6 to 3.0 %, the 90th percentile from 23 to 12 %;
- writing on a sibling, to a power of 0.4: over 55 pairs of Apple's Pro, Max and Ultra chips, each chip left out of the
  fit in turn, the median error fell from 5.1 to 4.9 %, the 90th percentile from 29 to 28 %.
Series have a cache of 16 bits. No published run has another type beside it, so their ratio is carried over to that as
it is, within an interval as wide as the estimate's where the cache counts: then types are compared by one estimate.
To several devices of the chip it is carried over whole: over 85 pairs of cards with blocks in turn the median error of
writing fell from 5.8 to 2.4 %, that of reading stayed (26 to 27 %: what more cards add is not in the ratio).
Reading on a sibling is not corrected: it became worse (4.6 to 6.1 %), as did writing within families of cards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.estimates import RateCase, Tier
from truelimit.domain.machine import DeviceKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, worst
from truelimit.limits.paces import Reading, Widths, Writing
from truelimit.limits.published import (
    published_decode,
    published_entry,
    published_prefill,
    series_of_model,
)
from truelimit.limits.rate_case import DEFAULT_BATCH, backend_of, shape_at
from truelimit.limits.rates_at import half_widths

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.rates import DecodeFit, PrefillFit, PublishedRates

_OTHER_QUANTISATION, _SIBLING = 0.7, 0.4  # powers of the ratio: what of it another case shares


def published_reading(
    stack: Stack, told: Reading | None, case: RateCase | None, batch: int | None = None
) -> Reading | None:
    """Return how fast a published series of this chip and model says that the stack reads, or None without one.

    It is taken as it was measured, in another quantisation too, which changes reading little; in another ``batch``
    only where that is asked for. ``told`` is the estimate.
    """
    plain = published_prefill(stack, batch)
    if plain is None or (case is not None and not _usual(stack, case)):
        return None
    notes = _batch_note(plain) if told is not None and batch is None else ()
    if case is None or case.devices == 1:
        return Reading(plain, Tier.PUBLISHED, notes=notes)
    return _read_by_several(stack, told, case, plain, notes)


def _read_by_several(
    stack: Stack, told: Reading | None, case: RateCase, plain: PrefillFit, notes: tuple[str, ...]
) -> Reading | None:
    """A series of one device times what the estimate says that several make of it, in batches as they were measured."""
    entry = published_entry(stack)
    if told is None or entry is None or stack.estimator is None:
        return None
    whole = replace(case, ubatch=plain.batch or case.ubatch)
    many, one = (stack.estimator.prefill_fit(item) for item in (whole, _by_one(whole)))
    fit = replace(
        many,
        a=_carried(many.a, plain.a, one.a, 1.0),
        b=_carried(many.b, plain.b, one.b, 1.0),
        batch_seconds=_carried(many.batch_seconds, plain.a, one.a, 1.0),
        where=_corrected_by(told.fit.where, entry),
        basis=worst((told.fit.basis, plain.basis, Basis.DERIVED)),
    )
    return replace(told, fit=fit, tier=_tier(told), notes=(*notes, *told.notes))


def _batch_note(fit: PrefillFit) -> tuple[str, ...]:
    """That a series was read in larger batches than engines have by default."""
    if fit.batch <= DEFAULT_BATCH or fit.batch_seconds <= 0 or fit.a <= 0:
        return ()
    more = fit.batch_seconds * (1 / DEFAULT_BATCH - 1 / fit.batch) / fit.a
    return (
        said(
            "the published series was read in batches of {size:,} tokens (-ub {flag}): in the default ones of {usual} "
            "a short prompt takes about {more:.0%} more",
            size=fit.batch,
            flag=str(fit.batch),
            usual=DEFAULT_BATCH,
            more=more,
        ),
    )


def published_writing(stack: Stack, told: Writing | None, case: RateCase | None) -> Writing | None:
    """Return how fast a published series of this model says that the stack writes, or None without one.

    One of its own chip comes first, then one of a sibling, which only corrects the estimate. ``told`` is the estimate
    for ``case``; without them only a series of the chip in the same quantisation is taken.
    """
    if case is not None and not _usual(stack, case):
        return None
    plain, entry = published_decode(stack), published_entry(stack)
    if case is None or told is None or stack.estimator is None:
        return Writing(plain, Tier.PUBLISHED) if plain is not None else None
    if entry is None:
        return _of_sibling(stack, told, case)
    if plain is not None and _same(stack, entry, case):
        return Writing(plain, Tier.PUBLISHED)
    return carried_writing(stack, told, case)


def carried_writing(
    stack: Stack, told: Writing | None, case: RateCase | None, *, other_file: bool = False
) -> Writing | None:
    """Return the estimate of writing, corrected by a published series of this chip and model; None without one.

    It is told even where the series itself tells the rate: with this the rate of a change is compared. ``other_file``:
    as much of the ratio is carried over as to another quantisation.
    """
    entry = published_entry(stack)
    series = _series_case(stack, entry, case) if entry is not None else None
    if case is None or told is None or entry is None or entry.decode is None or series is None:
        return None
    if stack.estimator is None or not _usual(stack, case):
        return None
    power = _OTHER_QUANTISATION if other_file else _power(stack, entry)
    fit = _corrected(told.fit, entry.decode, stack.estimator.decode_fit(series), power)
    fit = replace(fit, where=_where(told, entry, case), error=entry.decode.error, deepest=entry.decode.deepest)
    found = replace(told, fit=fit, tier=_tier(told), widths=None)
    if case.devices > 1:
        return replace(found, widths=told.widths)
    return found if _cache_is_16_bit(case) else replace(found, widths=_of_another_cache(found, told))


def _of_another_cache(found: Writing, told: Writing) -> Widths | None:
    """Widths with a cache of another type than the series': at short contexts it hardly counts, then the estimate's."""
    return replace(told.widths, short=half_widths(found, (0,))[0]) if told.widths is not None else None


def _of_sibling(stack: Stack, told: Writing, case: RateCase) -> Writing | None:
    """The estimate, corrected by a series of this model on a sibling; its interval stays as wide."""
    for entry in series_of_model(stack):
        series = _series_case(stack, entry, case)
        if entry.decode is None or series is None or not _siblings(series, case) or stack.estimator is None:
            continue
        fit = _corrected(told.fit, entry.decode, stack.estimator.decode_fit(series), _SIBLING)
        return replace(told, fit=replace(fit, where=_where(told, entry, case)), tier=_tier(told))
    return None


def _tier(told: Reading | Writing) -> Tier:
    """The tier of an estimate that a series corrects: where it is physics alone, it stays so."""
    return Tier.CORRECTED if told.tier is Tier.FAMILY else told.tier


def _corrected(target: DecodeFit, measured: DecodeFit, told: DecodeFit, power: float) -> DecodeFit:
    """The estimate of a target, times the ratio of measured to estimated cost of another case, each term its own."""
    base = _carried(1.0, measured.c, told.c + told.window, power)
    return replace(
        target,
        c=target.c * base,
        window=target.window * base,
        d=_carried(target.d, measured.d, told.d, power),
        basis=worst((target.basis, measured.basis, Basis.DERIVED)),
    )


def _carried(target: float, measured: float, told: float, power: float) -> float:
    """A cost times the ratio of measured to estimated cost, to a power; as it is where one of them is nothing."""
    return target * (measured / told) ** power if measured > 0 and told > 0 else target


def _series_case(stack: Stack, entry: PublishedRates, case: RateCase | None) -> RateCase | None:
    """The case that a series was measured in: quantisation, batch, one of its chip, a 16-bit cache, flash attention."""
    shape = shape_at(stack.header, entry.quantization) if case is not None and stack.header is not None else None
    if case is None or shape is None:
        return None
    device = entry.device or case.device
    return replace(
        _by_one(case),
        shape=shape,
        device=device,
        backend=backend_of(device, None),
        flash_attention=True,
        kv_type="f16",
    )


def _by_one(case: RateCase) -> RateCase:
    return replace(case, devices=1, link=None)


def _usual(stack: Stack, case: RateCase) -> bool:
    """Whether a case runs as published series do: one kind of device, its usual backend, flash attention not off."""
    alike = len({device.id for device in stack.machine.accelerators}) <= 1
    return alike and case.flash_attention is not False and case.backend == backend_of(case.device, None)


def _cache_is_16_bit(case: RateCase) -> bool:
    """Whether the cache is of the type that published series were measured with: what decode reads depends on it."""
    return case.kv_type in {"f16", "bf16"}


def _same(stack: Stack, entry: PublishedRates, case: RateCase) -> bool:
    """Whether a series was measured on this very device, alone, in this quantisation, with this type of cache."""
    if case.devices > 1 or not _cache_is_16_bit(case):
        return False
    return _power(stack, entry) == 1.0 and (entry.device is None or entry.device.id == case.device.id)


def _power(stack: Stack, entry: PublishedRates) -> float:
    """How much of the ratio is carried over: all of it in the same quantisation."""
    own = stack.definition.quantization if stack.definition else None
    same = own is not None and own.lower() == entry.quantization.lower()
    return 1.0 if same else _OTHER_QUANTISATION


def _siblings(series: RateCase, case: RateCase) -> bool:
    """Whether two chips are kin: Apple's, or of one family with unified memory, on the same backend.

    Apple's generations are one kin, as they were tried; elsewhere a generation is another architecture.
    """
    one, other = series.device, case.device
    unified = one.kind is DeviceKind.UNIFIED and other.kind is DeviceKind.UNIFIED
    kin = one.family == other.family or one.vendor == other.vendor == "apple"
    return unified and kin and series.backend == case.backend and one.id != other.id


def _where(told: Writing, entry: PublishedRates, case: RateCase) -> str:
    other = "" if _cache_is_16_bit(case) else said("; the series has a cache of 16 bits")
    return _corrected_by(told.fit.where, entry) + other


def _corrected_by(fit: str, entry: PublishedRates) -> str:
    return said(
        "{fit}, corrected by the published series of {chip} ({model} {quantization}; {source})",
        fit=fit,
        chip=entry.chip,
        model=entry.model,
        quantization=entry.quantization,
        source=entry.source,
    )
