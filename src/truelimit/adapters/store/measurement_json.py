"""A measurement as one line of JSON, read back strictly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any, TypeVar

from truelimit.domain.measurements import (
    CostRanges,
    MeasuredMachine,
    MeasuredModel,
    MeasuredPoint,
    MeasuredServer,
    Measurement,
    PointKind,
    Range,
)
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.units import Seconds, Tokens

T = TypeVar("T")
SCHEMA = "truelimit.measurement/1"
_LARGEST = 2**62


def encode(item: Measurement) -> str:
    """Return the measurement as one line of JSON, without the line's end."""
    return json.dumps({"schema": SCHEMA, **asdict(item)}, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def identified(item: Measurement) -> Measurement:
    """Return the measurement with an id made of its content: the same run always gets the same one."""
    content = json.dumps(asdict(replace(item, id="")), sort_keys=True, default=str)
    return replace(item, id=sha256(content.encode()).hexdigest()[:16])


def decode(line: str) -> Measurement:
    """Return the measurement of such a line. Raises ValueError for anything else."""
    try:
        value = json.loads(line)
        if value["schema"] != SCHEMA:
            raise ValueError(f"schema {str(value['schema'])[:40]!r}, expected {SCHEMA!r}")
        return _measurement(value)
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"not a measurement ({type(error).__name__})") from None


def _measurement(value: Mapping[str, Any]) -> Measurement:
    return Measurement(
        id=_text(value["id"]),
        taken=_text(value["taken"]),
        where=_text(value["where"]),
        tool=_text(value["tool"]),
        model=_nouns(MeasuredModel, value["model"], numbers=("parameters", "weights_bytes")),
        machine=_nouns(MeasuredMachine, value["machine"], numbers=("memory_bytes",)),
        server=_nouns(MeasuredServer, value["server"], numbers=("context",)),
        points=tuple(_point(item) for item in value["points"]),
        prefill=_fit(PrefillFit, value["prefill"], ("a", "b")),
        decode=_fit(DecodeFit, value["decode"], ("c", "d")),
        prefill_ranges=_ranges(value.get("prefill_ranges")),
        decode_ranges=_ranges(value.get("decode_ranges")),
        partial=value.get("partial") is True,
        settings=tuple(map(_text, value.get("settings", ()))),
        notes=tuple(map(_text, value.get("notes", ()))),
    )


def _nouns(kind: type[T], value: Mapping[str, Any], numbers: tuple[str, ...]) -> T:
    """A noun whose fields are texts, but for some numbers; what may be missing may be null."""
    fields = {
        key: None if item is None else _number(item) if key in numbers else _text(item) for key, item in value.items()
    }
    if fields.get("name", fields.get("kind", "")) is None:
        raise ValueError("a noun without its name")
    return kind(**fields)


def _point(value: Mapping[str, Any]) -> MeasuredPoint:
    depth, tokens, seconds, run = (_number(value[key]) for key in ("depth", "tokens", "seconds", "run"))
    if tokens < 1 or seconds <= 0:
        raise ValueError("a point of no tokens, or in no time")
    return MeasuredPoint(PointKind(value["kind"]), Tokens(int(depth)), Tokens(int(tokens)), Seconds(seconds), int(run))


def _fit(kind: type[T], value: Mapping[str, Any] | None, costs: tuple[str, str]) -> T | None:
    if value is None:
        return None
    fields: dict[str, Any] = {key: float(_number(value[key])) for key in costs}
    fields |= {key: int(_number(value[key])) for key in ("deepest", "points")}
    error = value["error"]
    fields["error"] = None if error is None else _number(error)
    fields["where"], fields["basis"] = _text(value["where"]), Basis(value["basis"])
    return kind(**fields)


def _ranges(value: Mapping[str, Any] | None) -> CostRanges | None:
    if value is None:
        return None
    growth = value["growth"]
    span = None if growth is None else _range(growth)
    return CostRanges(_range(value["base"]), span, _number(value["confidence"]), int(_number(value["degrees"])))


def _range(value: Mapping[str, Any]) -> Range:
    return Range(_number(value["low"]), _number(value["high"]))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("something else where a text belongs")


def _number(value: object) -> float:
    """Return a number that is no truth value, not below 0, finite. Raises ValueError for anything else."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if plain and isinstance(value, int | float) and math.isfinite(value) and 0 <= value < _LARGEST:
        return value
    raise ValueError("a number that no measurement can have")
