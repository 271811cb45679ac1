"""The axes of ``truelimit plan --sweep``, and where the sweep is printed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.cli import output
from truelimit.cli.evidence import UsageError
from truelimit.cli.speech import say, tell
from truelimit.cli.tokens import tokens
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.app.plan_parts import Wanted
    from truelimit.app.sweep import Axes, Series
    from truelimit.domain.facts import Stack
    from truelimit.units import Bytes

_KEYS = ("context", "machine", "quant", "kv-type", "slots")
_MOST_CONTEXT = 2**31
_MOST_VALUES = 2_000_000


def run(args: argparse.Namespace, stack: Stack, wanted: Wanted, files: Mapping[str, Bytes]) -> int:
    """Print the sweep in the form asked. Returns 0. Raises ValueError for an axis that cannot be read."""
    from truelimit.app.sweep import sweep

    axes = axes_of(args.sweep, wanted.context, args.devices)
    found = sweep(stack, wanted, axes, files)
    if args.plot is not None:
        return _plot(args, list(found))
    from truelimit.report import sweep_lines

    if args.csv:
        return _write(sweep_lines.as_csv(found))
    if args.json:
        return _write(sweep_lines.as_json(found))
    output.show(args, lambda: sweep_lines.as_blocks(found, axes.points), str)
    return 0


def _write(parts: Iterable[str]) -> int:
    for part in parts:
        output.write(part)
    return 0


def _plot(args: argparse.Namespace, found: list[Series]) -> int:
    from truelimit.report import plot

    chart = plot.chart(found, args.plot_y or "decode")
    if args.plot == "-":
        output.write(plot.as_text(chart, output.columns(args), say()))
        return 0
    data = plot.as_file(chart, args.plot, say())
    from pathlib import Path

    Path(args.plot).write_bytes(data)
    print(tell(said("written: {file}", file=args.plot)), file=sys.stderr)
    return 0


def axes_of(texts: list[str], context: int, devices: int | None) -> Axes:
    """Return the axes of ``KEY=VALUES`` texts. Raises UsageError with what was expected."""
    from truelimit.app.sweep import Axes
    from truelimit.cli.machines import named_machine
    from truelimit.cli.plan_model import counted
    from truelimit.perf.kv_types import kv_type
    from truelimit.perf.quantization import quantization

    given = dict(_split(text) for text in texts)
    axes = Axes(_contexts(given["context"]) if "context" in given else (context,))
    if "machine" in given:
        axes = replace(axes, machines=tuple(counted(named_machine(name), devices) for name in _names(given["machine"])))
    if "quant" in given:
        axes = replace(axes, quants=tuple(quantization(name).name for name in _names(given["quant"])))
    if "kv-type" in given:
        axes = replace(axes, kv_types=tuple(kv_type(name).name for name in _names(given["kv-type"])))
    if "slots" in given:
        axes = replace(axes, slots=tuple(_whole(text, 256) for text in _names(given["slots"])))
    return axes


def _split(text: str) -> tuple[str, str]:
    key, equals, values = text.partition("=")
    key = key.strip().lower().replace("_", "-").removesuffix("s") if key.strip().lower() != "slots" else "slots"
    if not equals or not values or key not in _KEYS:
        from difflib import get_close_matches

        near = get_close_matches(key, _KEYS, 1)
        meant = said("; did you mean {near}?", near=near[0]) if near and near[0] != key else ""
        raise UsageError(
            said(
                "--sweep {text!r}: expected KEY=VALUES with a key of {keys}{meant}",
                text=text[:60],
                keys=", ".join(_KEYS),
                meant=meant,
            )
        )
    return key, values


def _names(values: str) -> list[str]:
    found = [name.strip() for name in values.split(",") if name.strip()]
    if not found:
        raise UsageError(said("--sweep: {values!r} has no value", values=values[:60]))
    return found


def _contexts(values: str) -> tuple[int, ...]:
    """Contexts: numbers and ranges, separated by commas. ``A..B`` doubles from A on, ``A..B..STEP`` adds."""
    found: list[int] = []
    for part in _names(values):
        found += _range(part.split(".."), part)
        if len(found) > _MOST_VALUES:
            raise UsageError(
                said(
                    "--sweep context={values}: more than {most_values:,} contexts",
                    values=values[:40],
                    most_values=_MOST_VALUES,
                )
            )
    return tuple(dict.fromkeys(found))


def _range(ends: list[str], part: str) -> list[int]:
    numbers = [_context(text) for text in ends]
    match numbers:
        case [one]:
            return [one]
        case [low, high] if low <= high:
            steps = [low]
            while steps[-1] * 2 <= high:
                steps.append(steps[-1] * 2)
            return steps if steps[-1] == high else [*steps, high]
        case [low, high, step] if low <= high and (high - low) // step <= _MOST_VALUES:
            return list(range(low, high + 1, step))
    raise UsageError(
        said("--sweep: {part!r} is no range; expected N, A..B (doubling) or A..B..STEP with A <= B", part=part[:40])
    )


def _context(text: str) -> int:
    count = tokens(text)
    if count is None or count > _MOST_CONTEXT:
        raise UsageError(
            said("--sweep: {text!r} is no count of tokens; expected such as 131072 or 128k (131,072)", text=text[:40])
        )
    return count


def _whole(text: str, most: int) -> int:
    plain = text.strip().replace("_", "")
    if not (plain.isascii() and plain.isdigit() and len(plain) < 12 and 0 < int(plain) <= most):
        raise UsageError(said("--sweep: {text!r} is no whole number from 1 to {most:,}", text=text[:40], most=most))
    return int(plain)
