"""How fast a stack reads and writes: the fit, its error and range, and the wall as a context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import counted, said
from truelimit.report.blocks import Block, Items, Paragraph
from truelimit.report.numbers import duration

if TYPE_CHECKING:
    from truelimit.domain.limits import Ladders
    from truelimit.domain.rates import DecodeFit, PrefillFit

_UNKNOWN = said("How fast it reads and writes is not known: no timings in the evidence, none published.")


def rates(item: Ladders) -> list[Block]:
    """Return what is known of the rates of a stack; one line says so where nothing is."""
    if item.prefill is None and item.decode is None:
        return [Paragraph(_UNKNOWN, "dim", 2)]
    lines = [_reads(item.prefill)] if item.prefill else []
    lines += [_writes(item.decode)] if item.decode else []
    if item.wall_as_context is not None and item.time.binding is not None:
        wall, reach = duration(item.time.binding.value), item.wall_as_context.result
        lines.append(said("the wall of {wall} is a context of {reach:,} tokens at this rate", wall=wall, reach=reach))
    return [Paragraph(said("Rates"), "plain", 0), Items(tuple(lines), 2)]


def _reads(fit: PrefillFit) -> str:
    return said("reads n tokens in {a:.4g}*n + {b:.4g}*n**2/2 s ({fit})", a=fit.a, b=fit.b, fit=_known(fit))


def _writes(fit: DecodeFit) -> str:
    return said("writes a token in {c:.4g} + {d:.4g}*depth s ({fit})", c=fit.c, d=fit.d, fit=_known(fit))


def _known(fit: PrefillFit | DecodeFit) -> str:
    share = _error(fit)
    error = "" if share is None else said(", worst error {share:.1%}", share=share)
    deepest = fit.deepest
    points = counted(
        "{count} point up to {deepest:,} tokens",
        "{count} points up to {deepest:,} tokens",
        fit.points,
        deepest=deepest,
    )
    return said(
        "{basis}; {points}{error}; beyond that extrapolated; {place}",
        basis=fit.basis,
        points=points,
        error=error,
        place=fit.where,
    )


def _error(fit: PrefillFit | DecodeFit) -> float | None:
    """Two numbers fitted to two points meet both: that error says nothing of how well the fit holds."""
    return None if fit.points <= 2 else fit.error


def rates_json(item: Ladders) -> dict[str, object]:
    """Return the fits for scripts: seconds per token, and per token squared."""
    read, write, wall = item.prefill, item.decode, item.wall_as_context
    return {
        "prefill": None if read is None else {"a": read.a, "b": read.b, **_range(read)},
        "decode": None if write is None else {"c": write.c, "d": write.d, **_range(write)},
        "wall_as_context_tokens": None if wall is None else wall.result,
    }


def _range(fit: PrefillFit | DecodeFit) -> dict[str, object]:
    return {
        "error": _error(fit),
        "deepest_tokens": fit.deepest,
        "points": fit.points,
        "where": fit.where,
        "basis": fit.basis.value,
    }
