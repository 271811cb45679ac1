"""The verdict on hardware as blocks and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.report.as_json import calculation as calculation_json
from truelimit.report.as_json import dump
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows, Shown
from truelimit.report.calculations import calculations

if TYPE_CHECKING:
    from truelimit.workload.confusion import Confusion
    from truelimit.workload.options import Leg, Result, Within
    from truelimit.workload.verdict import WorkVerdict

SCHEMA = "truelimit.verdict/1"
_HEAD = (
    "option", "USD now", "a month", "complete %", "overflow %", "cut %", "time out %", "other %", "h a week", "unlocks",
)  # fmt: skip
_ALWAYS = {"option", "USD now", "complete %", "time out %", "h a week", "unlocks"}
_NONE = {"0", "?"}


def blocks(item: WorkVerdict) -> list[Block]:
    """Return the blocks of a verdict: the sentence, the options, the arithmetic, the validation, what is unknown."""
    found: list[Block] = [Paragraph(item.sentence, "verdict"), Paragraph(_recorded(item), "dim")]
    found += [Heading("Options, in order of cost"), _table(item.results)]
    found.append(Items(_LEGEND, 2))
    notes = tuple(dict.fromkeys(line for entry in item.results for line in _notes(entry)))
    found += [Heading("What goes with them", 2), Items(notes, 2)] if notes else []
    if item.calculations:
        found += [Heading("The arithmetic"), *calculations(item.calculations, Shown())]
    if item.validation is not None:
        found += [Heading("Is the replay to be believed?"), *_validation(item.validation)]
    if item.unknown:
        lines = tuple(f"{entry.fact}: {entry.why}" for entry in item.unknown)
        found += [Heading("Not known"), Items(lines, 2)]
    return found


_LEGEND = (
    "shares are of the requests whose prompt is known; low to high is the interval of rates and of unknown privacy",
    "unlocks: requests that complete there and on nothing that is cheaper and can be had",
    "h a week: hours of waiting, attempts that failed included; each option below the fix has the fix in it",
)


def _recorded(item: WorkVerdict) -> str:
    span = f"{item.span_days:,.1f} days" if item.span_days >= 1 else f"{item.span_days * 24:,.1f} hours"
    return (
        f"{item.requests:,} requests in {item.sessions:,} conversations over {span}, replayed on {item.model} and on "
        f"{len(item.results)} options; hours are for {item.weeks:,.1f} weeks"
    )


def _table(results: tuple[Result, ...]) -> Rows:
    """The table, without the columns in which no option has anything."""
    rows = [_row(item) for item in results]
    kept = [
        index for index, name in enumerate(_HEAD) if name in _ALWAYS or any(row[index] not in _NONE for row in rows)
    ]
    return Rows(
        tuple(_HEAD[index] for index in kept), tuple(tuple(row[index] for index in kept) for row in rows), titled=True
    )


def _row(item: Result) -> tuple[str, ...]:
    option = item.option
    name = option.name if option.shipped else f"{option.name} (not yet shipped)"
    if not option.legs:
        return (name, _usd(item.usd_now), *("?",) * (len(_HEAD) - 2))
    counts = (item.done, item.overflow, item.truncated, item.timed_out, item.other)
    return (
        name,
        _usd(item.usd_now),
        _usd(item.usd_month, 2),
        *(_share(value, item.known) for value in counts),
        _hours(item.hours_week),
        _count(item.unlocks),
    )


def _usd(value: float | None, digits: int = 0) -> str:
    return "?" if value is None else f"{value:,.{digits}f}" if value else "0"


def _share(value: Within, known: int) -> str:
    if not known:
        return "?"
    middle, low, high = (f"{100 * part / known:.0f}" for part in (value.value, value.low, value.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def _hours(value: Within) -> str:
    digits = 2 if value.high < 1 else 1
    middle, low, high = (f"{part:,.{digits}f}" for part in (value.value, value.low, value.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def _count(value: Within) -> str:
    whole = f"{value.value:,.0f}"
    return whole if value.low == value.high else f"{whole} ({value.low:,.0f} to {value.high:,.0f})"


def _notes(item: Result) -> list[str]:
    option = item.option
    told = [*([option.price_of] if option.price_of else []), *option.notes]
    if item.done_as_is is not None:
        told.append(f"without the fix {_share(item.done_as_is, item.known)} % complete on it")
    told += [f"{_other(item)}: {_share(item.other, item.known)} %"] if item.other.high else []
    if option.basis:
        told.append(f"rates: {option.basis}")
    return [f"{option.name}: {'; '.join(told)}"] if told else []


def _other(item: Result) -> str:
    """Why else a request is not taken: a model that does not fit, or work that must not leave the house."""
    stacks = [leg.stack for leg in item.option.legs]
    if not all(stack.fits for stack in stacks):
        return "the model does not fit"
    if any(stack.ends <= 0 for stack in stacks):
        return "the model is gone"
    return "must not leave the house"


def _validation(item: Confusion) -> list[Block]:
    if not item.judged:
        return [Items(("no recorded ending can be compared with the replay of today's stack",), 2)]
    share = f"{item.agreed:,} of {item.judged:,} recorded endings are those of the replay ({item.accuracy or 0:.0%})"
    lines = [share]
    if item.median is not None and item.p90 is not None:
        off = f"{item.median:.0%} at the median, {item.p90:.0%} at the 90th percentile"
        lines.append(f"durations of {item.timed:,} of them are off by {off}")
    rows = tuple(
        (ending.value, f"{count:,}", outcome.name.lower().replace("_", "-")) for ending, outcome, count in item.counts
    )
    return [Items(tuple(lines), 2), Rows(("recorded", "requests", "replayed"), rows)]


def to_json(item: WorkVerdict) -> str:
    """Return a verdict as JSON text of schema truelimit.verdict/1: requests, tokens, seconds, hours, USD."""
    return dump(
        {
            "schema": SCHEMA,
            "model": item.model,
            "sentence": item.sentence,
            "requests": item.requests,
            "sessions": item.sessions,
            "weeks": item.weeks,
            "span_days": item.span_days,
            "tail": {"requests": item.tail, "edits_of_5_or_more_files": item.tail_many},
            "options": [_result_json(entry) for entry in item.results],
            "calculations": [calculation_json(entry) for entry in item.calculations],
            "validation": _validation_json(item.validation),
            "unknown": [{"fact": entry.fact, "why": entry.why} for entry in item.unknown],
        }
    )


def _result_json(item: Result) -> dict[str, object]:
    option, told = item.option, bool(item.option.legs)
    counts = {
        "complete": item.done,
        "overflow": item.overflow,
        "truncated": item.truncated,
        "timed_out": item.timed_out,
    }
    return {
        "id": option.id,
        "name": option.name,
        "kind": option.kind.value,
        "shipped": option.shipped,
        "known": item.known,
        "requests": {name: _within(value) for name, value in {**counts, "other": item.other}.items()} if told else None,
        "share": {name: _within(value, item.known) for name, value in counts.items()} if told and item.known else None,
        "hours_a_week": _within(item.hours_week) if told else None,
        "usd_now": item.usd_now,
        "usd_month": item.usd_month if told else None,
        "price_of": option.price_of or None,
        "unlocks": _within(item.unlocks) if told else None,
        "complete_as_configured_today": _within(item.done_as_is) if item.done_as_is else None,
        "rests_on": option.basis or None,
        "stacks": [_stack(leg) for leg in option.legs],
        "notes": list(option.notes),
        "unknown": list(option.unknown),
    }


def _within(value: Within, over: int = 1) -> dict[str, float]:
    return {"value": value.value / over, "low": value.low / over, "high": value.high / over}


def _stack(leg: Leg) -> dict[str, object]:
    """The numbers that were replayed; a limit that there is not is null."""
    stack = leg.stack
    names = [
        "served_context", "cuts_silently", "prefill_a", "prefill_b", "decode_c", "decode_d", "prefill_spread",
        "decode_spread", "attempts", "resumes", "load", "slots", "cache_tokens", "fits",
    ]  # fmt: skip
    limits = {name: _finite(getattr(stack, name)) for name in ("first_wall", "total_wall", "run_wall", "keep_alive")}
    picked = None if leg.picked is None else int(leg.picked.sum())
    return {"id": stack.id, "picked": picked, **{name: getattr(stack, name) for name in names}, **limits}


def _finite(value: float) -> float | None:
    return None if value == float("inf") else value


def _validation_json(item: Confusion | None) -> dict[str, object] | None:
    if item is None:
        return None
    return {
        "judged": item.judged,
        "agreed": item.agreed,
        "accuracy": item.accuracy,
        "timed": item.timed,
        "duration_error_median": item.median,
        "duration_error_p90": item.p90,
        "matrix": [
            {"recorded": ending.value, "replayed": outcome.name.lower().replace("_", "-"), "requests": count}
            for ending, outcome, count in item.counts
        ],
    }
