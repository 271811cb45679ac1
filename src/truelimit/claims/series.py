"""The published series of rates against depth that speaks to a claim: of its chip and of a model like its own."""

from __future__ import annotations

from collections.abc import Sequence

from truelimit.claims.bits import bits_per_weight
from truelimit.claims.known import Known
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.claims import Reading
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import PublishedRates

_SAME_SIZE = 0.1


def matching(known: Known, readings: Sequence[Reading], *, decodes: bool = False) -> PublishedRates | None:
    """Return the series of this chip and a model of this architecture and size, or None.

    ``decodes``: only one that tells how fast it writes.
    """
    subject = known.subject
    if subject is None or subject.device is None or subject.devices > 1:
        return None
    name = f"{subject.device.name} {subject.name}".lower()
    chips = [item for item in known.series if all(word in name for word in item.chip.lower().split())]
    for reading in readings:
        for item in chips:
            close = abs(item.parameters - reading.shape.parameters) <= _SAME_SIZE * item.parameters
            same = item.architecture == (reading.shape.architecture or item.architecture)
            if close and same and not (decodes and item.decode is None):
                return item
    return None


def fastest(series: PublishedRates, readings: Sequence[Reading], depth: int) -> Calculation | None:
    """Return the tokens/s that a series allows its model to write at a depth, in the smallest of the quantisations.

    Fewer bits a weight are taken to save time in full, which is the most that they can. None where the bits of the
    series' own quantisation are not known.
    """
    fit, bits = series.decode, bits_per_weight(series.quantization)
    if fit is None or bits is None:
        return None
    where = said("published series of {model} {quantization} on {chip}", model=series.model,
                 quantization=series.quantization, chip=series.chip)  # fmt: skip
    least = min(8 * reading.shape.weights_bytes / reading.shape.parameters for reading in readings)
    return calculate(
        "bits / least_bits / (c + d * depth)",
        "tok/s",
        Term("bits", max(bits, least), said("bits a weight"), series.quantization, Basis.DERIVED),
        Term("least_bits", least, said("bits a weight"), said("the smallest that the claim may mean"), Basis.DERIVED),
        Term("c", fit.c, "s/token", where, fit.basis),
        Term("d", fit.d, "s/token^2", where, fit.basis),
        Term("depth", depth, "tokens", said("the claim"), Basis.SPECIFIED),
    )
