"""The work of a fleet as blocks and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from truelimit.app.fleet import SERVED_WELL, Fleet, FleetShare, OptionResult, Person
from truelimit.domain.message import counted, figure, said
from truelimit.domain.workload import Ending
from truelimit.report.as_json import dump
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows
from truelimit.report.class_notes import CLASS_NAMES
from truelimit.report.numbers import number
from truelimit.report.workload_document import sizes, sizes_json
from truelimit.units import HOUR

if TYPE_CHECKING:
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
        blocks += _table(said("How it ended"), said("outcome"), fleet.endings)
        blocks += _table(said("What it was"), said("class"), fleet.classes, said("requests"))
        blocks += _table(said("Agents"), said("agent"), fleet.agents)
        blocks += _table(said("Models"), said("model"), fleet.models)
        blocks += [*sizes(fleet.prompt, fleet.output), *_people(fleet)]
    return [*blocks, *_not_known(fleet), *_reading(fleet)]


def _sentence(fleet: Fleet) -> str:
    if not fleet.people:
        return said("No recorded work was found in these files.")
    hours = fleet.total("waited_ms") / _MS / HOUR
    text = said(
        "{requests} of {people}: {hours:,.1f} h waited for {calls}.",
        requests=counted("{count} request", "{count} requests", fleet.total("requests")),
        people=counted("{count} person", "{count} people", len(fleet.people)),
        hours=hours,
        calls=counted("{count} timed call", "{count} timed calls", fleet.total("timed")),
    )
    many = fleet.multi
    return text if many is None else said("{sentence} {tail}", sentence=text, tail=_tail(many))


def _tail(many: FleetShare) -> str:
    share = _interval(many)
    if many.of_seconds is None:
        return said("Turns that edit 5 or more files make {share} of the classed requests.", share=share)
    return said(
        "Turns that edit 5 or more files make {share} of the classed requests, {time} of the time.",
        share=share,
        time=_percent(many.of_seconds),
    )


def _options(fleet: Fleet) -> list[Block]:
    if not fleet.options:
        return []
    head = (
        said("stack"), said("complete"), said("overflow"), said("cut"), said("timed out"), said("other"), said("hours"),
        said("USD"), said("people served"),
    )  # fmt: skip
    rows = [_recorded(fleet), *(_option(item) for item in fleet.options)]
    legend = said(
        "Intervals are those of the rates. Hours as recorded are of timed calls; of a stack, of every request that it "
        "lets in. Served are people with {share:.0f} % of their requests complete.",
        share=100 * SERVED_WELL,
    )
    silent = fleet.recorded.get(Ending.UNKNOWN, 0)
    if silent:
        legend += said(
            " How {requests} ended is not recorded: they are in no share of what was.",
            requests=counted("{count} request", "{count} requests", silent),
        )
    return [Heading(said("On other stacks"), 2), Rows(head, tuple(rows), titled=True), Paragraph(legend, "dim")]


def _recorded(fleet: Fleet) -> tuple[str, ...]:
    counts = fleet.recorded
    wanted = (Ending.DONE, Ending.OVERFLOW, Ending.TRUNCATED, Ending.TIMED_OUT)
    whole = sum(counts.values()) - counts.get(Ending.UNKNOWN, 0)
    other = whole - sum(counts.get(item, 0) for item in wanted)
    hours = fleet.total("waited_ms") / _MS / HOUR
    each = [_shared(number(counts.get(item, 0)), counts.get(item, 0), whole) for item in wanted]
    return (said("as recorded"), *each, number(other), figure(hours, ",.1f"), "-", "-")


def _option(item: OptionResult) -> tuple[str, ...]:
    parts = (item.done, item.overflow, item.truncated, item.timed_out)
    return (
        item.name,
        *(_shared(_range(part), part.value, item.known) for part in parts),
        _range(item.other),
        _hours(item.seconds),
        figure(item.usd.value, ",.2f"),
        said("{served:,} of {people:,}", served=item.served, people=item.people),
    )


def _range(part: Within) -> str:
    if part.low == part.high:
        return number(int(part.value))
    return said("{value:,} ({low:,} to {high:,})", value=int(part.value), low=int(part.low), high=int(part.high))


def _hours(part: Within) -> str:
    value, low, high = (figure(seconds / HOUR, ",.1f") for seconds in (part.value, part.low, part.high))
    return value if low == high else said("{value} ({low} to {high})", value=value, low=low, high=high)


def _shared(count: str, part: float, whole: int) -> str:
    return said("{count}, {share:.1f} %", count=count, share=100 * part / whole) if whole else count


def _row(item: FleetShare) -> tuple[str, ...]:
    return (
        CLASS_NAMES.get(item.name) or said(item.name), number(item.calls), _interval(item), number(item.people),
        number(item.turns), number(item.tokens), figure(item.seconds / HOUR, ",.2f"),
    )  # fmt: skip


def _table(title: str, what: str, groups: Sequence[FleetShare], counts: str = "") -> list[Block]:
    """The groups of one kind; ``counts``: what they are shares of, calls where nothing is said."""
    if not groups:
        return []
    what_of = counts or said("calls")
    head = (
        what, what_of, said("of {counts} (90 %)", counts=what_of), said("people"), said("turns"),
        said("prompt tokens"), said("hours"),
    )  # fmt: skip
    rows = [_row(item) for item in groups[:_FEW]]
    more = len(groups) - _FEW
    blocks: list[Block] = [Heading(title, 2), Rows(head, tuple(rows))]
    return [*blocks, Paragraph(said("and {more:,} more", more=more), "dim")] if more > 0 else blocks


def _people(fleet: Fleet) -> list[Block]:
    stacks = [item.name for item in fleet.options]
    head = (said("person"), said("requests"), said("conversations"), said("hours waited"), *stacks)
    rows = []
    for place, item in enumerate(fleet.people[:_FEW]):
        each = fleet.each[place] if fleet.each else ()
        done = [
            said("{share} complete", share=_percent(one.done.value / one.known)) if one.known else "-" for one in each
        ]
        hours = figure(item.waited_ms / _MS / HOUR, ",.2f")
        rows.append((item.person[:_SHOWN], number(item.requests), number(item.sessions), hours, *done))
    more = len(fleet.people) - _FEW
    title = said("Who waited longest") if more > 0 else said("People")
    blocks: list[Block] = [Heading(title, 2), Rows(head, tuple(rows))]
    return [*blocks, Paragraph(said("and {more:,} more: --json has all", more=more), "dim")] if more > 0 else blocks


def _not_known(fleet: Fleet) -> list[Block]:
    lines: list[str] = [said("{fact}: {why}", fact=item.fact, why=item.why) for item in fleet.missing[:_FEW]]
    if len(fleet.missing) > _FEW:
        lines.append(said("and {more:,} more files", more=len(fleet.missing) - _FEW))
    if fleet.refused:
        lines.append(said("{rows} without a person, id, session or model: left out", rows=_rows(fleet.refused)))
    silent, calls = fleet.total("calls") - fleet.total("timed"), fleet.total("calls")
    if silent:
        lines.append(
            said("duration: {silent:,} of {calls:,} calls do not tell it: in no hours", silent=silent, calls=calls)
        )
    if len(fleet.people) == 1:
        lines.append(said("intervals: one person's work says nothing of others'"))
    return [Heading(said("Not known"), 2), Items(tuple(lines))] if lines else []


def _reading(fleet: Fleet) -> list[Block]:
    files = counted("{count} file", "{count} files", fleet.files)
    text = said("{rows} in {files}, counted by {engine}.", rows=_rows(fleet.rows), files=files, engine=fleet.engine)
    if fleet.copies:
        copies = said("{rows} were of a call that another has, too: each was counted once.", rows=_rows(fleet.copies))
        text = said("{read} {copies}", read=text, copies=copies)
    return [Paragraph(text, "dim")]


def _rows(count: int) -> str:
    return counted("{count} row", "{count} rows", count)


def _percent(share: float | None) -> str:
    return "-" if share is None else said("{share:.1f} %", share=100 * share)


def _interval(item: FleetShare) -> str:
    if item.low is None or item.high is None:
        return _percent(item.of_calls)
    share, low, high = _percent(item.of_calls), 100 * item.low, 100 * item.high
    return said("{share} ({low:.1f} to {high:.1f})", share=share, low=low, high=high)


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
