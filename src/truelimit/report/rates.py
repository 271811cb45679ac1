"""How fast a stack reads and writes: the fit, its error and range, and the wall as a context."""

from __future__ import annotations

from truelimit.domain.limits import Ladders
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.report.blocks import Block, Items, Paragraph
from truelimit.report.numbers import duration, number


def rates(item: Ladders) -> list[Block]:
    """Return what is known of the rates of a stack; one line says so where nothing is."""
    if item.prefill is None and item.decode is None:
        return [
            Paragraph(
                "How fast it reads and writes is not known: no timings in the evidence, none published.", "dim", 2
            )
        ]
    lines = [_reads(item.prefill)] if item.prefill else []
    lines += [_writes(item.decode)] if item.decode else []
    if item.wall_as_context is not None and item.time.binding is not None:
        wall = duration(item.time.binding.value)
        lines.append(f"the wall of {wall} is a context of {number(item.wall_as_context.result)} tokens at this rate")
    return [Paragraph("Rates", "plain", 0), Items(tuple(lines), 2)]


def _reads(fit: PrefillFit) -> str:
    return f"reads n tokens in {fit.a:.4g}*n + {fit.b:.4g}*n**2/2 s ({_known(fit)})"


def _writes(fit: DecodeFit) -> str:
    return f"writes a token in {fit.c:.4g} + {fit.d:.4g}*depth s ({_known(fit)})"


def _known(fit: PrefillFit | DecodeFit) -> str:
    told = _error(fit)
    error = "" if told is None else f", worst error {told:.1%}"
    points = f"{fit.points} point{'s' if fit.points != 1 else ''} up to {number(fit.deepest)} tokens"
    return f"{fit.basis}; {points}{error}; beyond that extrapolated; {fit.where}"


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
