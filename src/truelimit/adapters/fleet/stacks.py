"""Stacks that a person writes down to replay the work on: a TOML or JSON file of ReplayStack's fields."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from truelimit.adapters.fleet.errors import FleetError
from truelimit.domain.message import said
from truelimit.workload.stack import ReplayStack

MOST = 1_000
_FIELDS = {field.name: field.default for field in fields(ReplayStack)}
_MAY_BE_INFINITE = frozenset({"reads_on"}) | {key for key, value in _FIELDS.items() if value == math.inf}
_AT_LEAST_ONE = frozenset({"slots", "attempts", "served_context", "prompt_limit", "tokens_per_minute"})


def stacks(path: Path) -> tuple[ReplayStack, ...]:
    """Return the stacks of a file, in its order. Raises FleetError with the stack and key that are wrong."""
    held = _read(path)
    listed = held.get("stack") if isinstance(held, dict) and set(held) == {"stack"} else held
    if not isinstance(listed, list) or not listed or not all(isinstance(item, dict) for item in listed):
        raise FleetError(
            said("{path}: expected [[stack]] tables (TOML) or a list of objects (JSON), one a stack", path=path)
        )
    if len(listed) > MOST:
        raise FleetError(
            said("{path}: {listed:,} stacks; expected at most {most:,}", path=path, listed=len(listed), most=MOST)
        )
    found = tuple(
        _stack(item, said("{path}: stack {number}", path=path, number=number))
        for number, item in enumerate(listed, start=1)
    )
    names = [item.id for item in found]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise FleetError(
            said("{path}: two stacks have the id {doubled!r}; expected each its own", path=path, doubled=doubled)
        )
    return found


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise FleetError(said("{path}: {why}", path=path, why=error.strerror or said("cannot be read"))) from error
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, no TOML
        raise FleetError(
            said("{path}: cannot be read as TOML, or JSON by its name: {error}", path=path, error=error)
        ) from error


def _stack(item: dict[str, Any], where: str) -> ReplayStack:
    unknown = [key for key in item if key not in _FIELDS]
    if unknown:
        raise FleetError(
            said(
                "{where}: unknown key {unknown!r}; expected some of {fields}",
                where=where,
                unknown=unknown[0][:40],
                fields=", ".join(_FIELDS),
            )
        )
    name = item.get("id")
    if not isinstance(name, str) or not name or len(name) > 80:
        raise FleetError(
            said("{where}: id {name!r:.80}; expected a name of at most 80 characters", where=where, name=name)
        )
    return ReplayStack(**{key: _value(key, value, where) for key, value in item.items() if value is not None})


def _value(key: str, value: Any, where: str) -> Any:
    default = _FIELDS[key]
    least = 1 if key in _AT_LEAST_ONE else 0
    if default is MISSING:
        return value
    if isinstance(default, bool):
        is_right, expected = isinstance(value, bool), said("true or false")
    elif isinstance(default, int):
        is_right = isinstance(value, int) and not isinstance(value, bool) and value >= least
        expected = said("a whole number of {least} or more", least=least)
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_right = is_number and value >= least and (math.isfinite(value) or key in _MAY_BE_INFINITE)
        expected = said("a number of {least} or more", least=least)
    if not is_right:
        raise FleetError(
            said(
                "{where}: {key} is {value!r:.60}; expected {expected}",
                where=where,
                key=key,
                value=value,
                expected=expected,
            )
        )
    return value if isinstance(default, int) else float(value)
