"""The work of a fleet as blocks and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from truelimit.app.fleet import SERVED_WELL, Fleet, FleetShare, OptionResult, Person
from truelimit.domain.workload import Ending
from truelimit.report.as_json import dump
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows
from truelimit.report.numbers import number
from truelimit.report.workload_document import sizes, sizes_json
from truelimit.units import HOUR
from truelimit.workload.options import Within

SCHEMA = "truelimit.fleet/1"
_FEW = 12
_SHOWN = 8  # digits of a hash that tell people apart on a page
_MS = 1000


def shown(fleet: Fleet) -> list[Block]:
    """Return the blocks of a fleet."""
    blocks: list[Block] = [Paragraph(_sentence(fleet), "verdict")]
    if fleet.people:
        blocks += _options(fleet)
        blocks += _table("How it ended", "outcome", fleet.endings)
        blocks += _table("What it was", "class", fleet.classes)
        blocks += _table("Agents", "agent", fleet.agents)
        blocks += _table("Models", "model", fleet.models)
        blocks += [*sizes(fleet.prompt, fleet.output), *_people(fleet)]
    return [*blocks, *_not_known(fleet), *_reading(fleet)]


def _sentence(fleet: Fleet) -> str:
    if not fleet.people:
        return "No recorded work was found in these files."
    hours = fleet.total("waited_ms") / _MS / HOUR
    text = (
        f"{_many(fleet.total('requests'), 'request')} of {_many(len(fleet.people), 'person', 'people')}: "
        f"{hours:,.1f} h waited for {_many(fleet.total('timed'), 'timed call')}."
    )
    many = fleet.multi
    if many is not None:
        text += f" Turns that edit 5 or more files make {_interval(many)} of the classed requests"
        text += f", {_percent(many.of_seconds)} of the time." if many.of_seconds is not None else "."
    return text


def _options(fleet: Fleet) -> list[Block]:
    if not fleet.options:
        return []
    head = ("stack", "complete", "overflow", "cut", "timed out", "other", "hours", "USD", "people served")
    rows = [_recorded(fleet), *(_option(item) for item in fleet.options)]
    told = (
        "Intervals are those of the rates. Hours as recorded are of timed calls; of a stack, of every request that it "
        f"lets in. Served are people with {100 * SERVED_WELL:.0f} % of their requests complete."
    )
    return [Heading("On other stacks", 2), Rows(head, tuple(rows), titled=True), Paragraph(told, "dim")]


def _recorded(fleet: Fleet) -> tuple[str, ...]:
    counts = fleet.recorded
    wanted = (Ending.DONE, Ending.OVERFLOW, Ending.TRUNCATED, Ending.TIMED_OUT)
    other = sum(counts.values()) - sum(counts.get(item, 0) for item in wanted)
    hours = fleet.total("waited_ms") / _MS / HOUR
    told = [f"{number(counts.get(item, 0))}{_share(counts.get(item, 0), sum(counts.values()))}" for item in wanted]
    return ("as recorded", *told, number(other), f"{hours:,.1f}", "-", "-")


def _option(item: OptionResult) -> tuple[str, ...]:
    parts = (item.done, item.overflow, item.truncated, item.timed_out)
    return (
        item.name,
        *(f"{_range(part)}{_share(part.value, item.known)}" for part in parts),
        _range(item.other),
        _hours(item.seconds),
        f"{item.usd.value:,.2f}",
        f"{number(item.served)} of {number(item.people)}",
    )


def _range(part: Within) -> str:
    if part.low == part.high:
        return number(int(part.value))
    return f"{number(int(part.value))} ({number(int(part.low))} to {number(int(part.high))})"


def _hours(part: Within) -> str:
    value, low, high = (f"{seconds / HOUR:,.1f}" for seconds in (part.value, part.low, part.high))
    return value if low == high else f"{value} ({low} to {high})"


def _share(part: float, whole: int) -> str:
    return f", {100 * part / whole:.1f} %" if whole else ""


def _table(title: str, what: str, groups: Sequence[FleetShare]) -> list[Block]:
    if not groups:
        return []
    head = (what, "calls", "of calls (90 %)", "people", "turns", "prompt tokens", "hours")
    rows = [
        (
            item.name, number(item.calls), _interval(item), number(item.people), number(item.turns),
            number(item.tokens), f"{item.seconds / HOUR:,.2f}",
        )
        for item in groups[:_FEW]
    ]  # fmt: skip
    more = len(groups) - _FEW
    blocks: list[Block] = [Heading(title, 2), Rows(head, tuple(rows))]
    return [*blocks, Paragraph(f"and {number(more)} more", "dim")] if more > 0 else blocks


def _people(fleet: Fleet) -> list[Block]:
    stacks = [item.name for item in fleet.options]
    head = ("person", "requests", "sessions", "hours waited", *stacks)
    rows = []
    for place, item in enumerate(fleet.people[:_FEW]):
        each = fleet.each[place] if fleet.each else ()
        done = [f"{_percent(one.done.value / one.known)} complete" if one.known else "-" for one in each]
        hours = f"{item.waited_ms / _MS / HOUR:,.2f}"
        rows.append((item.person[:_SHOWN], number(item.requests), number(item.sessions), hours, *done))
    more = len(fleet.people) - _FEW
    title = "Who waited longest" if more > 0 else "People"
    blocks: list[Block] = [Heading(title, 2), Rows(head, tuple(rows))]
    return [*blocks, Paragraph(f"and {number(more)} more: --json has all", "dim")] if more > 0 else blocks


def _not_known(fleet: Fleet) -> list[Block]:
    lines = [f"{item.fact}: {item.why}" for item in fleet.missing[:_FEW]]
    if len(fleet.missing) > _FEW:
        lines.append(f"and {number(len(fleet.missing) - _FEW)} more files")
    if fleet.refused:
        lines.append(f"{_many(fleet.refused, 'row')} without a person, id, session or model: left out")
    silent = fleet.total("calls") - fleet.total("timed")
    if silent:
        lines.append(f"duration: {number(silent)} of {number(fleet.total('calls'))} calls do not tell it: in no hours")
    if len(fleet.people) == 1:
        lines.append("intervals: one person's work says nothing of others'")
    return [Heading("Not known", 2), Items(tuple(lines))] if lines else []


def _reading(fleet: Fleet) -> list[Block]:
    text = f"{_many(fleet.rows, 'row')} in {_many(fleet.files, 'file')}, counted by {fleet.engine}."
    if fleet.copies:
        text += f" {_many(fleet.copies, 'row')} were of a call that another has, too: each was counted once."
    return [Paragraph(text, "dim")]


def _many(count: int, what: str, plural: str = "") -> str:
    return f"{number(count)} {what}" if count == 1 else f"{number(count)} {plural or what + 's'}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _interval(item: FleetShare) -> str:
    if item.low is None or item.high is None:
        return _percent(item.of_calls)
    return f"{_percent(item.of_calls)} ({100 * item.low:.1f} to {100 * item.high:.1f})"


def as_json(fleet: Fleet) -> str:
    """Return a fleet as JSON text of schema truelimit.fleet/1: tokens, seconds, USD, shares from 0 to 1."""
    return dump(
        {
            "schema": SCHEMA,
            "engine": fleet.engine,
            "files": fleet.files,
            "rows": fleet.rows,
            "copies": fleet.copies,
            "refused_rows": fleet.refused,
            "people": len(fleet.people),
            **{key: fleet.total(key) for key in ("requests", "calls", "sessions", "turns", "side_calls", "timed")},
            "private_requests": fleet.total("private"),
            "waited_seconds": fleet.total("waited_ms") / _MS,
            "outcomes": [_share_json(item) for item in fleet.endings],
            "classes": [_share_json(item) for item in fleet.classes],
            "multi_file": _share_json(fleet.multi) if fleet.multi else None,
            "agents": [_share_json(item) for item in fleet.agents],
            "models": [_share_json(item) for item in fleet.models],
            "prompt_tokens": sizes_json(fleet.prompt),
            "output_tokens": sizes_json(fleet.output),
            "recorded": {ending.value: count for ending, count in fleet.recorded.items()} if fleet.options else None,
            "options": [_option_json(item) for item in fleet.options],
            "each": [
                _person_json(item, fleet.each[place] if fleet.each else ()) for place, item in enumerate(fleet.people)
            ],
            "missing": [{"fact": item.fact, "why": item.why} for item in fleet.missing],
        }
    )


def _share_json(item: FleetShare) -> dict[str, object]:
    return {
        "name": item.name, "people": item.people, "calls": item.calls, "turns": item.turns, "tokens": item.tokens,
        "seconds": item.seconds, "of_calls": item.of_calls, "low": item.low, "high": item.high,
        "of_tokens": item.of_tokens, "of_seconds": item.of_seconds,
    }  # fmt: skip


def _option_json(item: OptionResult) -> dict[str, object]:
    counts = ("done", "overflow", "truncated", "timed_out", "other", "seconds", "usd")
    return {
        "name": item.name, "known": item.known, **{key: _within_json(getattr(item, key)) for key in counts},
        "people": item.people, "people_served": item.served,
    }  # fmt: skip


def _within_json(part: Within) -> dict[str, float]:
    return {"value": part.value, "low": part.low, "high": part.high}


def _person_json(item: Person, each: Sequence[OptionResult]) -> dict[str, object]:
    return {
        "person": item.person, "requests": item.requests, "calls": item.calls, "sessions": item.sessions,
        "turns": item.turns, "waited_seconds": item.waited_ms / _MS, "first": _moment(item.first_ms),
        "last": _moment(item.last_ms),
        "options": [
            {"name": one.name, "known": one.known, "done": _within_json(one.done), "seconds": _within_json(one.seconds)}
            for one in each
        ],
    }  # fmt: skip


def _moment(ms: int | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / _MS, UTC).isoformat()
