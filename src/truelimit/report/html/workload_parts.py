"""What the user's work is, as parts of a page: how much, of which classes, how it ended."""

from __future__ import annotations

from truelimit.domain.workload import WorkClass
from truelimit.report.blocks import Heading, Items, Paragraph, Rows
from truelimit.report.class_notes import RULE, class_notes, interval_digits, unknown_lines
from truelimit.report.html.parts import Captioned, Part
from truelimit.report.language import Language, marked
from truelimit.report.language_numbers import duration, percent
from truelimit.units import HOUR
from truelimit.workload.shares import Share
from truelimit.workload.summary import TurnShare, Work

CLASSES = {
    WorkClass.EDIT_ONE: marked("edit of 1 file"),
    WorkClass.EDIT_FEW: marked("edit of 2 to 4 files"),
    WorkClass.EDIT_MANY: marked("edit of 5 to 19 files"),
    WorkClass.REFACTOR: marked("edit of 20 files or more"),
    WorkClass.READ: marked("reading only"),
    WorkClass.CHAT: marked("chat"),
    WorkClass.SIDE_CALL: marked("side calls"),
    WorkClass.UNKNOWN: marked("not known"),
}


def workload_parts(say: Language, work: Work) -> tuple[Part, ...]:
    """Return the parts of the work: a sentence, what could be cached, the classes, the endings."""
    found: list[Part] = [Paragraph(_sentence(say, work)), Items(_facts(say, work))]
    if work.classes:
        found += [Heading(say.gettext("What it was")), _classes(say, work), Paragraph(RULE, "dim")]
    if notes := class_notes(work):
        found.append(Items(notes))
    if work.endings:
        found += [Heading(say.gettext("How it ended")), _endings(say, work)]
    if work.unknown:
        found += [Heading(say.gettext("Not known")), Items(unknown_lines(work))]
    return tuple(found)


def _sentence(say: Language, work: Work) -> str:
    requests = say.ngettext("{count} request", "{count} requests", work.requests)
    sessions = say.ngettext("{count} conversation", "{count} conversations", work.sessions)
    if not work.timed:
        return say.gettext(
            "{requests} in {sessions}; how long they took is not recorded.", requests=requests, sessions=sessions
        )
    waited = say.gettext("{hours} hours", hours=say.decimal(work.waited / HOUR, 1))
    return say.gettext(
        "{requests} in {sessions}, {hours} of waiting for {calls}.",
        requests=requests,
        sessions=sessions,
        hours=waited if work.waited >= HOUR else duration(say, work.waited),
        calls=say.ngettext("{count} timed call", "{count} timed calls", work.timed),
    )


def _facts(say: Language, work: Work) -> tuple[str, ...]:
    held, lines = work.prefix, []
    if work.multi_turns is not None:
        turns = work.multi_turns
        digits = interval_digits(turns.low, turns.high)
        lines.append(
            say.gettext(
                "Work on 5 or more files is {share} of the turns (90%: {low} to {high}).",
                share=percent(say, turns.of_turns, digits),
                low=percent(say, turns.low, digits),
                high=percent(say, turns.high, digits),
            )
        )
    if held.share is not None:
        share = percent(say, held.share)
        lines.append(say.gettext("{share} of the prompt tokens could have been in a cache.", share=share))
    if held.share_cached is not None:
        share = percent(say, held.share_cached)
        lines.append(say.gettext("{share} were, of the prompts of which it is told.", share=share))
    if work.prompt is not None:
        lines.append(
            say.gettext(
                "Prompts: {median} tokens at the median, {p90} at the 90th percentile, {largest} at most.",
                median=say.decimal(work.prompt.median),
                p90=say.decimal(work.prompt.p90),
                largest=say.decimal(work.prompt.largest),
            )
        )
    if work.retries:
        lines.append(
            say.ngettext("{count} call repeats one that failed.", "{count} calls repeat one that failed.",
                         work.retries)
        )  # fmt: skip
    return tuple(lines)


def _classes(say: Language, work: Work) -> Captioned:
    turns = {item.name: item for item in work.turn_classes}
    heads = (
        say.gettext("class"), say.gettext("turns"), say.gettext("share of the turns"), say.gettext("requests"),
        say.gettext("of the requests"), say.gettext("of the tokens"), say.gettext("of the time"),
    )  # fmt: skip
    rows = tuple(_class_row(say, item, turns.get(item.name)) for item in work.classes)
    caption = say.gettext("Classes of turns by the distinct files that their tool calls edited")
    return Captioned(caption, Rows(heads, rows), frozenset(range(1, 7)))


def _class_row(say: Language, item: Share, turns: TurnShare | None) -> tuple[str, ...]:
    name = say.word(CLASSES[WorkClass(item.name)])
    share = "-" if turns is None else _interval(say, turns.of_turns, turns.low, turns.high)
    rest = (
        "-" if part is None else percent(say, part, 1) for part in (item.of_requests, item.of_tokens, item.of_seconds)
    )
    return name, say.decimal(turns.turns) if turns else "-", share, say.decimal(item.requests), *rest


def _endings(say: Language, work: Work) -> Captioned:
    heads = (say.gettext("ending"), say.gettext("calls"), say.gettext("share of the calls"))
    rows = tuple(
        (say.word(item.name), say.decimal(item.requests), _interval(say, item.of_requests, item.low, item.high))
        for item in work.endings
    )
    caption = say.gettext("How the recorded calls ended, repeats among them, with the 90% interval of each share")
    return Captioned(caption, Rows(heads, rows), frozenset({1, 2}))


def _interval(say: Language, share: float, low: float, high: float) -> str:
    digits = interval_digits(low, high)
    ends = {"low": say.decimal(100 * low, digits), "high": say.decimal(100 * high, digits)}
    return say.gettext("{value} ({low} to {high})", value=percent(say, share, digits), **ends)
