"""The verdict on hardware as blocks and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import Message, counted, figure, said
from truelimit.report import within
from truelimit.report.as_json import calculation as calculation_json
from truelimit.report.as_json import dump
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Rows, Shown
from truelimit.report.calculations import calculations
from truelimit.report.option_notes import option_notes

if TYPE_CHECKING:
    from truelimit.workload.confusion import Confusion
    from truelimit.workload.options import Leg, Result, Within
    from truelimit.workload.trust import Trust
from truelimit.workload.trust import trust_in
from truelimit.workload.verdict import WorkVerdict

SCHEMA = "truelimit.verdict/1"
_HEAD = (
    said("option"), said("USD now"), said("a month"), said("complete %"), said("overflow %"), said("cut %"),
    said("time out %"), said("other %"), said("h a week"), said("unlocks"), said("trust"),
)  # fmt: skip
_ALWAYS = {"option", "USD now", "complete %", "time out %", "h a week", "unlocks", "trust"}
NOT_JUDGED = said("no recorded ending can be compared with the replay of today's stack")
_NONE = {"0", "?", "-"}


def blocks(item: WorkVerdict) -> list[Block]:
    """Return the blocks of a verdict: the sentence, the options, the arithmetic, the validation, what is unknown."""
    found: list[Block] = [Paragraph(item.sentence, "verdict"), Paragraph(_recorded(item), "dim")]
    found += [Heading(said("Options, in order of cost")), _table(item.results, item.trust)]
    found.append(Items(legend(item), 2))
    notes = option_notes(item.results)
    found += [Heading(said("What goes with them"), 2), Items(notes, 2)] if notes else []
    if item.calculations:
        found += [Heading(said("The arithmetic")), *calculations(item.calculations, Shown())]
    if item.validation is not None:
        found += [Heading(said("Is the replay to be believed?")), *_validation(item.validation)]
    if item.unknown:
        lines = tuple(said("{fact}: {why}", fact=entry.fact, why=entry.why) for entry in item.unknown)
        found += [Heading(said("Not known")), Items(lines, 2)]
    return found


_LEGEND = (
    said(
        "shares are of the requests whose prompt is known; low to high is the interval of rates and of unknown privacy"
    ),
    said(
        "a month: the power that something bought takes while one waits for it, and a provider's tokens; the power of "
        "what you have is in no sum"
    ),
    said("unlocks: requests that complete there and on nothing that is cheaper and can be had"),
    said("h a week: hours of waiting, attempts that failed included; each option below the fix has the fix in it"),
    said(
        "trust: high where the replay of today's stack tells at least 95 % of what was recorded and durations within "
        "25 % at the median; low below 80 % or beyond 60 %; another machine, file or provider is medium at most; "
        "not tested where nothing that was recorded can be compared"
    ),
)


def recorded(item: WorkVerdict) -> Message:
    """Return how much work is replayed, and over how long; a single moment has no length."""
    requests = counted("{count} request", "{count} requests", item.requests)
    sessions = counted("{count} conversation", "{count} conversations", item.sessions)
    if not item.span_days:
        return said("{requests} in {sessions}", requests=requests, sessions=sessions)
    span = said("{days:,.1f} days", days=item.span_days)
    if item.span_days < 1:
        span = said("{hours:,.1f} hours", hours=item.span_days * 24)
    return said("{requests} in {sessions} over {span}", requests=requests, sessions=sessions, span=span)


def _recorded(item: WorkVerdict) -> Message:
    return said(
        "{recorded}, replayed on {model} and on {options} options; hours are for {weeks:,.1f} weeks",
        recorded=recorded(item),
        model=item.model,
        options=len(item.results),
        weeks=item.weeks,
    )


def legend(item: WorkVerdict) -> tuple[str, ...]:
    """Return what the columns and the names of the options mean, as lines below them."""
    return (*([_big_ones(item.tail)] if item.tail else []), *_LEGEND)


def _big_ones(count: int) -> str:
    return counted(
        "the big ones: {count} request that edits 5 or more files, or that with the fix may not end here within 5 "
        "minutes or the wall",
        "the big ones: {count} requests that edit 5 or more files, or that with the fix may not end here within 5 "
        "minutes or the wall",
        count,
    )


def _table(results: tuple[Result, ...], trust: Trust) -> Rows:
    """The table, without the columns in which no option has anything."""
    rows = [_row(item, trust) for item in results]
    kept = [
        index for index, name in enumerate(_HEAD) if name in _ALWAYS or any(row[index] not in _NONE for row in rows)
    ]
    return Rows(
        tuple(_HEAD[index] for index in kept), tuple(tuple(row[index] for index in kept) for row in rows), titled=True
    )


def _row(item: Result, trust: Trust) -> tuple[str, ...]:
    option = item.option
    name = option.name if option.shipped else said("{option} (not yet shipped)", option=option.name)
    if option.idle:
        return (said("{option} (nothing to route)", option=name), _usd(item.usd_now), *("-",) * (len(_HEAD) - 2))
    if not option.legs:
        return (name, _usd(item.usd_now), *("?",) * (len(_HEAD) - 2))
    counts = (item.done, item.overflow, item.truncated, item.timed_out, item.other)
    return (
        name,
        _usd(item.usd_now),
        _usd(item.usd_month, 2),
        *(_tight(within.share(value, item.known)) if item.known else "?" for value in counts),
        _tight(within.hours(item.hours_week)),
        _tight(within.count(item.unlocks)),
        trust_in(option, trust),
    )


def _tight(number: Message) -> Message:
    """A number with its interval in as few signs as there are: a table of ten columns has no room for words."""
    return said("{middle} ({low}-{high})", **number.values) if "low" in number.values else number


def _usd(value: float | None, digits: int = 0) -> str:
    return "?" if value is None else figure(value, f",.{digits}f") if value else "0"


def _validation(item: Confusion) -> list[Block]:
    if not item.judged:
        return [Items((NOT_JUDGED,), 2)]
    lines = [
        said(
            "{agreed:,} of {judged:,} recorded endings are those of the replay ({share:.0%})",
            agreed=item.agreed,
            judged=item.judged,
            share=item.accuracy or 0,
        )
    ]
    if item.median is not None and item.p90 is not None:
        lines.append(
            said(
                "durations of {timed:,} of them are off by {median:.0%} at the median, "
                "{p90:.0%} at the 90th percentile",
                timed=item.timed,
                median=item.median,
                p90=item.p90,
            )
        )
    rows = tuple(
        (ending, figure(count), said(outcome.name.lower().replace("_", "-"))) for ending, outcome, count in item.counts
    )
    return [Items(tuple(lines), 2), Rows((said("recorded"), said("requests"), said("replayed")), rows)]


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
            "years": item.years,
            "trust": item.trust.value,
            "tail": {
                "requests": item.tail,
                "edits_of_5_or_more_files": item.tail_many,
                "private": item.tail_private,
                "nobody_said": item.tail_unsaid,
            },
            "options": [_result_json(entry, item.trust) for entry in item.results],
            "calculations": [calculation_json(entry) for entry in item.calculations],
            "validation": _validation_json(item.validation),
            "unknown": [{"fact": entry.fact, "why": entry.why} for entry in item.unknown],
        }
    )


def _result_json(item: Result, trust: Trust) -> dict[str, object]:
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
        "named": option.named,
        "nothing_to_route": option.idle or None,
        "known": item.known,
        "requests": {name: _within(value) for name, value in {**counts, "other": item.other}.items()} if told else None,
        "share": {name: _within(value, item.known) for name, value in counts.items()} if told and item.known else None,
        "hours_a_week": _within(item.hours_week) if told else None,
        "usd_now": item.usd_now,
        "usd_month": item.usd_month if told else None,
        "usd_month_without_its_cache": item.sent.uncached if item.sent else None,
        "price_of": option.price_of or None,
        "cards_alone": option.cards_alone,
        "unlocks": _within(item.unlocks) if told else None,
        "trust": trust_in(option, trust).value if told else None,
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
        "memory_need", "memory_there",
    ]  # fmt: skip
    ends = ("first_wall", "total_wall", "run_wall", "keep_alive", "reads_on")  # the last: null reads to the end
    limits = {name: _finite(getattr(stack, name)) for name in ends}
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
