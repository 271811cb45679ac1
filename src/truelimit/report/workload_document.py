"""The user's work as blocks and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from truelimit.report.as_json import dump
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows
from truelimit.report.numbers import number, size
from truelimit.units import HOUR
from truelimit.workload.summary import MULTI, Sizes, TurnShare, Work

if TYPE_CHECKING:
    from truelimit.app.workload import WorkloadView
    from truelimit.workload.prefix import Prefix
    from truelimit.workload.shares import Share

SCHEMA = "truelimit.workload/1"
_FEW = 12
_CLASSES = {
    "edit-1": "edit of 1 file",
    "edit-2-4": "edit of 2 to 4 files",
    "edit-5+": "edit of 5 to 19 files",
    "large-refactor": "edit of 20 files or more",
    "read": "reading only",
    "chat": "chat",
    "side-call": "side calls",
    "unknown": "not known",
}


def shown(view: WorkloadView) -> list[Block]:
    """Return the blocks of the work."""
    work = view.work
    blocks: list[Block] = [Paragraph(_sentence(view), "verdict")]
    if work.requests:
        blocks += [Items(tuple(_facts(view)))]
        blocks += [*_classes(work), *_table("How it ended", "outcome", work.endings)]
        blocks += sizes(work.prompt, work.output)
        blocks += [*_table("Agents", "agent", work.agents), *_table("Models", "model", work.models)]
    blocks += [*_unknown(view), *_reading(view)]
    return blocks


def _sentence(view: WorkloadView) -> str:
    work = view.work
    if not work.requests:
        return f"No recorded work was found{' that the options leave in' if view.left_out else ''}."
    span = "" if work.first is None or work.last is None else f" from {_day(work.first)} to {_day(work.last)}"
    text = f"{_many(work.requests, 'request')} in {_many(work.sessions, 'session')}{span}"
    if work.timed:
        text += f": {work.waited / HOUR:,.1f} h waited for {_many(work.timed, 'timed call')}"
    return f"{text}.{_tail(work)}"


def _tail(work: Work) -> str:
    """Return the sentence on work on many files: the 80/20 of the user's own data."""
    turns, multi = work.multi_turns, _multi(work)
    if turns is None:
        return ""
    known = (
        f" Work on 5 or more files is {_percent(turns.of_turns)} of the turns ({number(turns.turns)}; 90 %: "
        f"{_percent(turns.low)} to {_percent(turns.high)})"
    )
    if multi is None:
        return f"{known}."
    shares = [f"{_percent(multi.of_requests)} of the requests"]
    if multi.of_tokens is not None:
        shares.append(f"{_percent(multi.of_tokens)} of the prompt tokens")
    if multi.of_seconds is not None:
        shares.append(f"{_percent(multi.of_seconds)} of the time")
    return f"{known}, {', '.join(shares)}."


def _multi(work: Work) -> Share | None:
    return next((item for item in work.multi if item.name == MULTI), None)


def _facts(view: WorkloadView) -> list[str]:
    work, held = view.work, view.work.prefix
    lines = [
        f"{_many(work.turns, 'turn')} of the user, {_many(work.side_calls, 'side call')} that agents made for "
        f"themselves, {_many(work.retries, 'attempt')} that repeat a failed one"
    ]
    if held.share is not None and held.share_alone is not None:
        lines.append(
            f"{_percent(held.share)} of the prompt tokens repeat what the conversation sent before: a cache with room "
            f"for every conversation could hold them; one slot alone {_percent(held.share_alone)}"
        )
    if held.share_cached is not None:
        lines.append(f"{_percent(held.share_cached)} were cached, of the {_many(held.told, 'request')} that tell of it")
    if work.doubles:
        lines.append(
            f"{_many(work.doubles, 'record')} of servers are of calls that an agent recorded too: counted once"
        )
    if work.private:
        lines.append(f"{_many(work.private, 'request')} are private by your rules")
    return lines


def _classes(work: Work) -> list[Block]:
    if not work.classes:
        return []
    turns = {item.name: item for item in work.turn_classes}
    head = ("class", "turns", "of turns (90 %)", "requests", "of requests", "of tokens", "of time")
    rows = tuple(_class_row(item, turns.get(item.name)) for item in work.classes)
    rule = (
        "A turn counts by the distinct files that its tool calls edited. Side calls (titles, summaries, sub-agents) "
        "belong to no class."
    )
    return [Heading("What it was", 2), Rows(head, rows), Paragraph(rule, "dim")]


def _class_row(item: Share, turns: TurnShare | None) -> tuple[str, ...]:
    return (
        _CLASSES.get(item.name, item.name),
        number(turns.turns) if turns else "-",
        "-" if turns is None else _interval(turns.of_turns, turns.low, turns.high),
        number(item.requests),
        _percent(item.of_requests),
        _percent(item.of_tokens),
        _percent(item.of_seconds),
    )


def _table(title: str, what: str, groups: Sequence[Share]) -> list[Block]:
    head = (what, "calls", "of calls (90 %)", "prompt tokens", "hours")
    rows = [
        (
            item.name,
            number(item.requests),
            _interval(item.of_requests, item.low, item.high),
            number(item.tokens),
            f"{item.seconds / HOUR:,.2f}",
        )
        for item in groups[:_FEW]
    ]
    more = len(groups) - _FEW
    blocks: list[Block] = [Heading(title, 2), Rows(head, tuple(rows))]
    return [*blocks, Paragraph(f"and {more} more", "dim")] if more > 0 else blocks


def sizes(prompt: Sizes | None, output: Sizes | None) -> list[Block]:
    """Return how large prompts and outputs are, where any is known."""
    told = (("prompt", prompt), ("output", output))
    rows = tuple(_size_row(name, held) for name, held in told if held is not None)
    head = ("tokens", "median", "90 %", "99 %", "largest", "in all", "requests that tell it")
    return [Heading("How large", 2), Rows(head, rows)] if rows else []


def _size_row(name: str, held: Sizes) -> tuple[str, ...]:
    values = (held.median, held.p90, held.p99, held.largest, held.total, held.requests)
    return (name, *map(number, values))


def _unknown(view: WorkloadView) -> list[Block]:
    lines = [f"{item.what}: {number(item.requests)} of {number(item.of)} requests" for item in view.work.unknown]
    lines += [*view.notes, *(f"{item.fact}: {item.why}" for item in view.missing)]
    if view.damaged:
        lines.append(f"{_many(view.damaged, 'damaged line')}: counted and skipped")
    return [Heading("Not known", 2), Items(tuple(lines))] if lines else []


def _reading(view: WorkloadView) -> list[Block]:
    read = view.read
    text = (
        f"{_many(view.records, 'record')} in {view.store}. Read now: {_many(read.files, 'file')}, {size(read.size)} in "
        f"{read.seconds:.1f} s; {number(read.unchanged)} had not changed."
    )
    if view.left_out:
        text += f" The options leave {_many(view.left_out, 'record')} out."
    return [Paragraph(text, "dim")]


def _many(count: int, what: str) -> str:
    return f"{number(count)} {what}" if count == 1 else f"{number(count)} {what}s"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _interval(share: float, low: float, high: float) -> str:
    return f"{_percent(share)} ({100 * low:.1f} to {100 * high:.1f})"


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
            "agents": [_share_json(item) for item in work.agents],
            "models": [_share_json(item) for item in work.models],
            "outcomes": [_share_json(item) for item in work.endings],
            "classes": [_share_json(item) for item in work.classes],
            "multi_file": [_share_json(item) for item in work.multi],
            "turn_classes": [_turn_json(item) for item in work.turn_classes],
            "multi_file_turns": _turn_json(work.multi_turns) if work.multi_turns else None,
            "private_requests": work.private,
            "unknown": [{"what": item.what, "requests": item.requests, "of": item.of} for item in work.unknown],
            "doubles": work.doubles,
            "damaged_lines": view.damaged,
            "notes": list(view.notes),
            "missing": [{"fact": item.fact, "why": item.why} for item in view.missing],
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


def _share_json(item: Share) -> dict[str, object]:
    return {
        "name": item.name, "requests": item.requests, "turns": item.turns, "tokens": item.tokens,
        "seconds": item.seconds, "of_requests": item.of_requests, "low": item.low, "high": item.high,
        "of_tokens": item.of_tokens, "of_seconds": item.of_seconds,
    }  # fmt: skip


def _turn_json(item: TurnShare) -> dict[str, object]:
    return {"name": item.name, "turns": item.turns, "of_turns": item.of_turns, "low": item.low, "high": item.high}
