"""The user's work as blocks and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from truelimit.domain.message import counted, figure, joined, said
from truelimit.report.as_json import dump
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows
from truelimit.report.class_notes import CLASS_NAMES, RULE, class_notes, interval_digits, unknown_lines
from truelimit.report.class_shares_json import calls_json, share_json, turn_json, unclassed_json
from truelimit.report.numbers import number, size
from truelimit.units import HOUR
from truelimit.workload.summary import MULTI, Sizes, TurnShare, Work

if TYPE_CHECKING:
    from truelimit.app.workload import WorkloadView
    from truelimit.workload.prefix import Prefix
    from truelimit.workload.shares import Share

SCHEMA = "truelimit.workload/1"
_FEW = 12


def shown(view: WorkloadView) -> list[Block]:
    """Return the blocks of the work."""
    work = view.work
    blocks: list[Block] = [Paragraph(_sentence(view), "verdict")]
    if work.requests:
        blocks += [Items(tuple(_facts(view)))]
        blocks += [*_classes(work), *_table(said("How it ended"), said("outcome"), work.endings)]
        blocks += sizes(work.prompt, work.output)
        blocks += [
            *_table(said("Agents"), said("agent"), work.agents),
            *_table(said("Models"), said("model"), work.models),
        ]
    blocks += [*_unknown(view), *_reading(view)]
    return blocks


def _sentence(view: WorkloadView) -> str:
    work = view.work
    if not work.requests:
        if view.left_out:
            return said("No recorded work was found that the options leave in.")
        return said("No recorded work was found.")
    text: str = said("{requests} in {sessions}", requests=_requests(work.requests), sessions=_sessions(work.sessions))
    if work.first is not None and work.last is not None:
        text = said("{text} from {first} to {last}", text=text, first=_day(work.first), last=_day(work.last))
    if work.timed:
        timed = counted("{count} timed call", "{count} timed calls", work.timed)
        text = said("{text}: {hours:,.1f} h waited for {timed}", text=text, hours=work.waited / HOUR, timed=timed)
    return said("{text}.{tail}", text=text, tail=_tail(work))


def _tail(work: Work) -> str:
    """Return the sentence on work on many files: the 80/20 of the user's own data."""
    turns, multi = work.multi_turns, _multi(work)
    if turns is None:
        return ""
    digits = interval_digits(turns.low, turns.high)
    known = said(
        " Work on 5 or more files is {share} of the turns ({turns:,}; 90 %: {low} to {high})",
        share=_percent(turns.of_turns, digits),
        turns=turns.turns,
        low=_percent(turns.low, digits),
        high=_percent(turns.high, digits),
    )
    if multi is None:
        return said("{known}.", known=known)
    shares = [said("{share} of the requests", share=_percent(multi.of_requests))]
    if multi.of_tokens is not None:
        shares.append(said("{share} of the prompt tokens", share=_percent(multi.of_tokens)))
    if multi.of_seconds is not None:
        shares.append(said("{share} of the time", share=_percent(multi.of_seconds)))
    return said("{known}, {shares}.", known=known, shares=joined(", ", shares))


def _multi(work: Work) -> Share | None:
    return next((item for item in work.multi if item.name == MULTI), None)


def _facts(view: WorkloadView) -> Iterator[str]:
    work, held = view.work, view.work.prefix
    yield said(
        "{turns} of the user, {side} that agents made for themselves, {calls} that repeat a failed one",
        turns=counted("{count} turn", "{count} turns", work.turns),
        side=counted("{count} side call", "{count} side calls", work.side_calls),
        calls=counted("{count} call", "{count} calls", work.retries),
    )
    if held.share is not None and held.share_alone is not None:
        yield said(
            "{share} of the prompt tokens repeat what the conversation sent before: a cache with room for every "
            "conversation could hold them; one slot alone {alone}",
            share=_percent(held.share),
            alone=_percent(held.share_alone),
        )
    if held.share_cached is not None:
        told = _requests(held.told)
        yield said("{share} were cached, of the {told} that tell of it", share=_percent(held.share_cached), told=told)
    if work.doubles:
        records = _records(work.doubles)
        yield said("{records} of servers are of calls that an agent recorded too: counted once", records=records)
    if work.private:
        yield said("{requests} are private by your rules", requests=_requests(work.private))


def _requests(count: int) -> str:
    return counted("{count} request", "{count} requests", count)


def _sessions(count: int) -> str:
    return counted("{count} conversation", "{count} conversations", count)


def _records(count: int) -> str:
    return counted("{count} record", "{count} records", count)


def _classes(work: Work) -> list[Block]:
    notes: list[Block] = [Items(class_notes(work), 2)] if class_notes(work) else []
    if not work.classes:
        return notes
    turns = {item.name: item for item in work.turn_classes}
    head = (
        said("class"), said("turns"), said("of turns (90 %)"), said("requests"), said("of requests"), said("of tokens"),
        said("of time"),
    )  # fmt: skip
    rows = tuple(_class_row(item, turns.get(item.name)) for item in work.classes)
    return [Heading(said("What it was"), 2), Rows(head, rows), Paragraph(RULE, "dim"), *notes]


def _class_row(item: Share, turns: TurnShare | None) -> tuple[str, ...]:
    return (
        CLASS_NAMES.get(item.name, item.name),
        number(turns.turns) if turns else "-",
        "-" if turns is None else _interval(turns.of_turns, turns.low, turns.high),
        number(item.requests),
        _percent(item.of_requests),
        _percent(item.of_tokens),
        _percent(item.of_seconds),
    )


def _table(title: str, what: str, groups: Sequence[Share]) -> list[Block]:
    head = (what, said("calls"), said("of calls (90 %)"), said("prompt tokens"), said("hours"))
    rows = [
        (
            said(item.name),
            number(item.requests),
            _interval(item.of_requests, item.low, item.high),
            number(item.tokens) if item.tokens else "-",
            figure(item.seconds / HOUR, ",.2f"),
        )
        for item in groups[:_FEW]
    ]
    more = len(groups) - _FEW
    blocks: list[Block] = [Heading(title, 2), Rows(head, tuple(rows))]
    return [*blocks, Paragraph(said("and {more:,} more", more=more), "dim")] if more > 0 else blocks


def sizes(prompt: Sizes | None, output: Sizes | None) -> list[Block]:
    """Return how large prompts and outputs are, where any is known."""
    told = ((said("prompt"), prompt), (said("output"), output))
    rows = tuple(_size_row(name, held) for name, held in told if held is not None)
    head = (
        said("tokens"), said("median"), "90 %", "99 %", said("largest"), said("in all"), said("requests that tell it"),
    )  # fmt: skip
    return [Heading(said("How large"), 2), Rows(head, rows)] if rows else []


def _size_row(name: str, held: Sizes) -> tuple[str, ...]:
    values = (held.median, held.p90, held.p99, held.largest, held.total, held.requests)
    return (name, *map(number, values))


def _unknown(view: WorkloadView) -> list[Block]:
    lines: list[str] = [*unknown_lines(view.work)]
    lines += [*view.notes, *(said("{fact}: {why}", fact=item.fact, why=item.why) for item in view.missing)]
    lines += [said("not read: {file}: {why}", file=item.fact, why=item.why) for item in view.refused]
    if view.damaged:
        damaged = counted("{count} damaged line", "{count} damaged lines", view.damaged)
        lines.append(said("{damaged}: counted and skipped", damaged=damaged))
    return [Heading(said("Not known"), 2), Items(tuple(lines))] if lines else []


def _reading(view: WorkloadView) -> list[Block]:
    read = view.read
    text: str = said(
        "{records} in {store}. Read now: {files}, {size} in {seconds:.1f} s; {unchanged:,} had not changed.",
        records=_records(view.records),
        store=view.store,
        files=counted("{count} file", "{count} files", read.files),
        size=size(read.size),
        seconds=read.seconds,
        unchanged=read.unchanged,
    )
    if view.left_out:
        text += said(" The options leave {records} out.", records=_records(view.left_out))
    return [Paragraph(text, "dim")]


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _percent(share: float | None, digits: int = 1) -> str:
    return "-" if share is None else said("{share} %", share=figure(100 * share, f".{digits}f"))


def _interval(share: float, low: float, high: float) -> str:
    digits = interval_digits(low, high)
    ends = {name: figure(100 * end, f".{digits}f") for name, end in (("low", low), ("high", high))}
    return said("{share} ({low} to {high})", share=_percent(share, digits), **ends)


def as_json(view: WorkloadView) -> str:
    """Return the work as JSON text of schema truelimit.workload/1: tokens, seconds, shares from 0 to 1."""
    work = view.work
    return dump(
        {
            "schema": SCHEMA,
            "requests": work.requests,
            "retries": work.retries,
            "sessions": work.sessions,
            "turns": work.turns,
            "side_calls": work.side_calls,
            "first": work.first.isoformat() if work.first else None,
            "last": work.last.isoformat() if work.last else None,
            "waited_seconds": work.waited,
            "timed_calls": work.timed,
            "prompt_tokens": sizes_json(work.prompt),
            "output_tokens": sizes_json(work.output),
            "prefix": _prefix_json(work.prefix),
            "agents": [calls_json(item) for item in work.agents],
            "models": [calls_json(item) for item in work.models],
            "outcomes": [calls_json(item) for item in work.endings],
            "classes": [share_json(item) for item in work.classes],
            "multi_file": [share_json(item) for item in work.multi],
            "turn_classes": [turn_json(item) for item in work.turn_classes],
            "multi_file_turns": turn_json(work.multi_turns) if work.multi_turns else None,
            "unanswered": unclassed_json(work.unanswered),
            "without_a_turn": unclassed_json(work.turnless),
            "multi_file_turns_at_most": turn_json(work.multi_turns_at_most) if work.multi_turns_at_most else None,
            "class_notes": [RULE, *class_notes(work)],
            "private_requests": work.private,
            "unknown": [{"what": item.what, "requests": item.requests, "of": item.of} for item in work.unknown],
            "doubles": work.doubles,
            "damaged_lines": view.damaged,
            "notes": list(view.notes),
            "missing": [{"fact": item.fact, "why": item.why} for item in view.missing],
            "refused": [{"file": item.fact, "why": item.why} for item in view.refused],
            "store": {"path": view.store, "records": view.records, "left_out": view.left_out},
            "read": {
                "files": view.read.files, "unchanged": view.read.unchanged, "bytes": view.read.size,
                "seconds": view.read.seconds,
            },
        }
    )  # fmt: skip


def sizes_json(held: Sizes | None) -> dict[str, int] | None:
    """Return the sizes in tokens for scripts, or None where none is known."""
    if held is None:
        return None
    return {
        "requests": held.requests, "median": held.median, "p90": held.p90, "p99": held.p99, "max": held.largest,
        "total": held.total,
    }  # fmt: skip


def _prefix_json(held: Prefix) -> dict[str, object]:
    return {
        "requests": held.requests, "tokens": held.tokens, "reusable": held.reusable,
        "reusable_one_slot": held.reusable_alone, "told_requests": held.told, "told_tokens": held.told_tokens,
        "cached": held.cached,
    }  # fmt: skip
