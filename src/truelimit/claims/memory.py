"""Judges sizes: of weights and of a KV cache."""

from __future__ import annotations

from truelimit.claims.known import Known, not_checkable
from truelimit.claims.words import gibibytes, gigabytes, listed, times
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.claims import Assertion, Judgement, Reading, Verdict
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.kv_cache import CacheSettings, kv_cache
from truelimit.perf.layouts.nouns import SettingsRefusedError, UnknownLayoutError
from truelimit.units import GB, GIB

_SAME = 0.03


def judge_weights(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on the size of a file of weights, read as GB and as GiB."""
    if not known.readings:
        return not_checkable(said("which model is meant is not said, or no table knows it"))
    calculations = tuple(_weights(reading) for reading in known.readings)
    sizes = [float(calc.result) for calc in calculations]
    told = listed(
        said("{size} in {quantization}", size=gigabytes(size), quantization=reading.shape.quantization)
        for size, reading in zip(sizes, known.readings, strict=True)
    )
    name = known.readings[0].shape.name
    if any(same(item.high, size, _SAME) for size in sizes) or min(sizes) <= item.high <= max(sizes):
        return Judgement(
            Verdict.PLAUSIBLE,
            said("{text} is right: {name} takes {told}", text=item.text, name=name, told=told),
            calculations,
        )
    bits = 8 * item.high / known.readings[0].shape.parameters
    below = item.high < min(sizes)
    factor = min(sizes) / item.high if below else item.high / max(sizes)
    values = {"text": item.text, "factor": times(factor), "name": name, "told": told}
    sentence = said("{text} is {factor} times above what {name} takes: {told}", **values)
    if below:
        sentence = said("{text} is {factor} times below what {name} takes: {told}", **values)
    sentence += said("; it would be {bits:.1f} bits a weight", bits=bits)
    return Judgement(Verdict.CONTRADICTED, sentence, calculations, factor=factor if below else None)


def _weights(reading: Reading) -> Calculation:
    shape = reading.shape
    bits = 8 * shape.weights_bytes / shape.parameters
    source = listed((reading.source, reading.assumed), "; ")
    return calculate(
        "parameters * bits / 8",
        "bytes",
        Term("parameters", round(shape.parameters), "", shape.name, Basis.SPECIFIED),
        Term("bits", bits, said("bits a weight"), source or shape.quantization, Basis.DERIVED),
    )


def same(stated: float, size: float, share: float) -> bool:
    """Return whether a stated size is ``size``, read as decimal GB or as GiB."""
    return any(abs(size - stated * factor) <= share * size for factor in (1.0, GIB / GB))


def judge_cache(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on the size of a KV cache at a context, exact from the model's shape."""
    claim = known.claim
    if not claim.context:
        return not_checkable(said("the size of a cache depends on the context, which is not told"))
    kind = claim.kv_type or "f16"
    found = cache(known, kind)
    if isinstance(found, str):
        return not_checkable(found)
    size = float(found.result)
    right = said("{size} ({size2}) in {kind}", size=gibibytes(size), size2=gigabytes(size), kind=kind)
    if same(item.high, size, _SAME):
        return Judgement(Verdict.PLAUSIBLE, said("{text} is right: {right}", text=item.text, right=right), (found,))
    half = (
        said("; that is what embedding / heads gives, where the header tells the head length")
        if same(item.high * 2, size, _SAME)
        else ""
    )
    verdict = Verdict.CONTRADICTED
    sentence = said(
        "{text} is {high} times what the cache takes: {right}{half}",
        text=item.text,
        high=times(item.high / size),
        right=right,
        half=half,
    )
    return Judgement(verdict, sentence, (found,))


def cache(known: Known, kind: str) -> Calculation | str:
    """Return the calculation of the cache at the claim's context in a KV type, or why there is none."""
    header = next((reading.header for reading in known.readings if reading.header is not None), None)
    if header is None:
        return said("the size of a cache needs a model of the table: layers, KV heads and head length")
    try:
        return kv_cache(layout_of(header), CacheSettings(context(known), kv_type_k=kind, kv_type_v=kind)).calculation
    except (UnknownLayoutError, SettingsRefusedError) as error:
        return str(error)


def context(known: Known) -> int:
    """Return the context in tokens; a rounded one (262K, 128K, 1M) is the model's own where it is within 5 %."""
    told = int(known.claim.context or 0)
    for reading in known.readings:
        native = reading.header.native_context if reading.header else None
        if native is not None and abs(native.value - told) <= 0.05 * native.value:
            return int(native.value)
    return told
