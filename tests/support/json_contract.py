"""The JSON that scripts rely on, as a schema: names, types and enumerations. New keys may be added beside these."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

Check = Callable[[Any, str], None]


class ContractError(AssertionError):
    """A value that the contract does not allow; the text says where."""


def text(value: Any, at: str) -> None:
    _must(isinstance(value, str) and value != "", at, "a text", value)


def whole(value: Any, at: str) -> None:
    _must(isinstance(value, int) and not isinstance(value, bool), at, "a whole number", value)


def number(value: Any, at: str) -> None:
    plain = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    _must(plain, at, "a plain number", value)


def boolean(value: Any, at: str) -> None:
    _must(isinstance(value, bool), at, "true or false", value)


def moment(value: Any, at: str) -> None:
    text(value, at)
    _must(datetime.fromisoformat(value).tzinfo is not None, at, "an ISO 8601 time with its zone", value)


def matching(pattern: str) -> Check:
    return lambda value, at: _must(isinstance(value, str) and bool(re.fullmatch(pattern, value)), at, pattern, value)


def one_of(*values: str) -> Check:
    return lambda value, at: _must(value in values, at, f"one of {', '.join(values)}", value)


def null_or(check: Check) -> Check:
    return lambda value, at: None if value is None else check(value, at)


def list_of(check: Check) -> Check:
    def checked(value: Any, at: str) -> None:
        _must(isinstance(value, list), at, "a list", value)
        for index, item in enumerate(value):
            check(item, f"{at}[{index}]")

    return checked


def having(**members: Check) -> Check:
    def checked(value: Any, at: str) -> None:
        _must(isinstance(value, dict), at, "an object", value)
        for name, check in members.items():
            _must(name in value, at, f"the key {name}", sorted(value))
            check(value[name], f"{at}.{name}")

    return checked


def _must(holds: bool, at: str, expected: str, found: Any) -> None:
    if not holds:
        raise ContractError(f"{at}: expected {expected}, found {found!r}")


BASIS = one_of("measured", "reported", "specified", "derived", "assumed")
SET_BY = one_of(
    "model", "server-definition", "server-environment", "server-default", "slot", "request", "agent-config",
    "agent-default", "launcher", "client-library", "proxy", "server-load", "machine",
)  # fmt: skip
CAUSE = one_of(
    "overflow", "truncation", "prefill-exceeds-wall", "load-exceeds-wall", "queue-exceeds-wall", "engine-crash",
    "out-of-memory", "cancelled", "unexplained",
)  # fmt: skip
ORIGIN = one_of(
    "name-label", "launcher-constant", "discovered-default", "fallback-constant", "sibling-inheritance", "agent-cap",
    "user-config", "server-default", "slots",
)  # fmt: skip
RUNG = having(
    name=text,
    value=number,
    set_by=SET_BY,
    kind=one_of("physical", "configured", "label"),
    where=text,
    basis=BASIS,
)
TERM = having(name=text, value=number, unit=lambda value, at: _must(isinstance(value, str), at, "a text", value),
              source=text, basis=BASIS)  # fmt: skip
CALC = having(
    terms=list_of(TERM),
    formula=text,
    result=number,
    unit=lambda value, at: _must(isinstance(value, str), at, "a text", value),
)
LADDER = having(binding=null_or(RUNG), rungs=list_of(RUNG))
MEMORY = having(
    binding=null_or(RUNG),
    rungs=list_of(RUNG),
    total_bytes=null_or(whole),
    pool_bytes=null_or(whole),
    headroom_bytes=null_or(whole),
)
DOCTOR = having(
    schema=one_of("truelimit.doctor/1"),
    verdict=having(sentence=text, hardware=one_of("not-needed", "would-help", "needed", "unknown")),
    ladders=list_of(having(agent=null_or(text), model=text, context=LADDER, time=LADDER, memory=MEMORY)),
    incidents=list_of(
        having(
            time=null_or(moment),
            session=null_or(text),
            cause=CAUSE,
            explained=boolean,
            attempts=whole,
            prompt_tokens=null_or(whole),
            calculation=null_or(CALC),
            findings=list_of(matching(r"[A-Z]{3}\d{3}")),
        )
    ),
    findings=list_of(
        having(
            code=matching(r"[A-Z]{3}\d{3}"),
            name=matching(r"[a-z0-9]+(-[a-z0-9]+)*"),
            severity=one_of("fails", "degrades", "note"),
            message=text,
            origin=null_or(ORIGIN),
            calculation=null_or(CALC),
            fix=null_or(having(title=text, applicability=one_of("safe", "unsafe", "manual"))),
        )
    ),
    missing=list_of(having(fact=text, why=text)),
)
RATE = having(value=number, low=number, high=number, basis=BASIS)
PLAN = having(
    schema=one_of("truelimit.plan/1"),
    model=text,
    native_context=null_or(whole),
    memory=having(
        weights_bytes=whole,
        kv_cache_bytes=whole,
        state_bytes=whole,
        compute_bytes=whole,
        total_bytes=whole,
        fits=null_or(boolean),
        headroom_bytes=null_or(whole),
    ),
    decode=list_of(having(depth=whole, rate=null_or(RATE))),
    prefill=having(rate_at_0=null_or(RATE), seconds=null_or(RATE)),
    largest_context=null_or(whole),
)


def load_strict(written: str) -> Any:
    """Return JSON text as a value. NaN, infinities and keys that occur twice are no JSON here."""
    return json.loads(written, parse_constant=_no_constant, object_pairs_hook=_once)


def _no_constant(name: str) -> None:
    raise ContractError(f"{name} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    _must(len(names) == len(set(names)), "an object", "each key once", names)
    return dict(pairs)


def checked_doctor(written: str) -> dict[str, Any]:
    """Return the doctor's JSON after checking it, cross-references included."""
    value = load_strict(written)
    DOCTOR(value, "doctor")
    codes = {item["code"] for item in value["findings"]}
    for incident in value["incidents"]:
        _must(set(incident["findings"]) <= codes, "incidents.findings", "codes of findings", incident["findings"])
        explained = incident["cause"] != "unexplained"
        _must(explained or not incident["explained"], "incidents.explained", "false where unexplained", incident)
    for ladders in value["ladders"]:
        for budget in ("context", "time"):
            binding, rungs = ladders[budget]["binding"], ladders[budget]["rungs"]
            _must(binding is None or binding in rungs, budget, "a binding rung among the rungs", binding)
        memory = ladders["memory"]
        if memory["headroom_bytes"] is not None:
            left = memory["pool_bytes"] - memory["total_bytes"]
            _must(memory["headroom_bytes"] == left, "memory.headroom_bytes", f"{left}", memory["headroom_bytes"])
    return dict(value)


def checked_plan(written: str) -> dict[str, Any]:
    """Return the plan's JSON after checking it, its sums included."""
    value = load_strict(written)
    PLAN(value, "plan")
    memory = value["memory"]
    parts = sum(memory[f"{part}_bytes"] for part in ("weights", "kv_cache", "state", "compute"))
    _must(memory["total_bytes"] == parts, "memory.total_bytes", f"the sum {parts}", memory["total_bytes"])
    if memory["fits"] is None:
        _must(memory["headroom_bytes"] is None, "memory.headroom_bytes", "null where fits is", memory)
    else:
        left = memory["pool_bytes"] - memory["total_bytes"]
        _must(memory["headroom_bytes"] == left, "memory.headroom_bytes", f"{left}", memory["headroom_bytes"])
        _must(memory["fits"] == (left >= 0), "memory.fits", f"{left >= 0}", memory["fits"])
    return dict(value)
