"""The verdict on hardware as parts of a page: the sentence, the options as figures and as a table, what supports it."""

from __future__ import annotations

from truelimit.domain.message import capital, joined, said
from truelimit.report import within
from truelimit.report.blocks import Heading, Items, Paragraph, Rows
from truelimit.report.html.arithmetic import arithmetic
from truelimit.report.html.parts import Captioned, Drawn, Folded, Part
from truelimit.report.language import Language, marked
from truelimit.report.language_numbers import percent
from truelimit.report.plots.figure import Figure
from truelimit.report.plots.options import picked, price, title_of
from truelimit.report.plots.pareto import usd_against_work
from truelimit.report.plots.replay import ENDINGS, replay_by_option
from truelimit.report.verdict_document import NOT_JUDGED, legend, recorded
from truelimit.workload.confusion import Confusion
from truelimit.workload.options import Result
from truelimit.workload.stack import Outcome
from truelimit.workload.trust import Trust, trust_in
from truelimit.workload.verdict import WorkVerdict, guess

REPLAYED = {
    Outcome.DONE: marked("done"),
    Outcome.OVERFLOW: marked("overflow"),
    Outcome.TRUNCATED: marked("truncated"),
    Outcome.TIMED_OUT: marked("timed-out"),
    Outcome.NO_ROOM: marked("no room"),
    Outcome.NOT_ALLOWED: marked("not allowed"),
    Outcome.GONE: marked("gone"),
    Outcome.UNKNOWN: marked("unknown"),
}


def work_figures(say: Language, verdict: WorkVerdict) -> dict[str, Figure | None]:
    """Return the figures of the options by what they show."""
    pick = picked(verdict.results)
    return {
        "replay": replay_by_option(say, pick, "options-replay"),
        "pareto": usd_against_work(say, verdict.results, pick, "options-usd", verdict.years),
    }


def work_parts(say: Language, verdict: WorkVerdict, drawn: dict[str, Figure | None]) -> tuple[Part, ...]:
    """Return the parts of the verdict on hardware."""
    found: list[Part] = [*_sentence(verdict), Paragraph(_recorded(say, verdict), "dim")]
    more = picked(verdict.results).more
    left_out = say.ngettext("{count} more option is in the table.", "{count} more options are in the table.", more)
    notes = {"replay": left_out if more else ""}
    found += [Drawn(figure, notes.get(name, "")) for name, figure in drawn.items() if figure is not None]
    found += [
        _table(say, verdict),
        Items(legend(verdict)),
        *_notes(say, verdict),
        *arithmetic(say, verdict.calculations),
    ]
    if verdict.validation is not None:
        found += _validation(say, verdict.validation)
    if verdict.unknown:
        lines = tuple(said("{fact}: {why}", fact=item.fact, why=item.why) for item in verdict.unknown)
        found += [Heading(say.gettext("Not known")), Items(lines)]
    return tuple(found)


def _sentence(verdict: WorkVerdict) -> list[Part]:
    """The sentence; in parts where it has some, for what is to be done first is read first."""
    if not verdict.parts:
        return [Paragraph(verdict.sentence, "verdict")]
    first, *others = verdict.parts
    told = said("{part}.", part=capital(first))
    if verdict.trust is Trust.LOW:
        told = guess(first)
    rest = tuple(said("{part}.", part=capital(part)) for part in others)
    return [Paragraph(told, "verdict"), *([Items(rest)] if rest else [])]


def _recorded(say: Language, verdict: WorkVerdict) -> str:
    return say.gettext("{recorded}, replayed on {model}.", recorded=say.told(recorded(verdict)), model=verdict.model)


def _table(say: Language, verdict: WorkVerdict) -> Captioned:
    heads = (
        say.gettext("option"), say.gettext("now"), say.gettext("a month"), say.gettext("complete"),
        say.gettext("h a week"), say.gettext("unlocks"), say.gettext("trust"), say.gettext("how the others end"),
    )  # fmt: skip
    rows = tuple(_row(say, item, verdict.trust) for item in verdict.results)
    caption = say.gettext("Options in order of cost; shares of the requests whose prompt is known")
    return Captioned(caption, Rows(heads, rows), frozenset({1, 2, 3, 4, 5}))


def _row(say: Language, item: Result, trust: Trust) -> tuple[str, ...]:
    name, now, unknown = title_of(say, item), _unbroken(price(say, item.usd_now)), say.gettext("not known")
    if item.option.idle:
        return name, now, "-", "-", "-", "-", "-", item.option.idle
    if not item.option.legs or not item.known:
        return name, now, *(unknown,) * 5, joined("; ", item.option.unknown)
    month = unknown if item.usd_month is None else price(say, item.usd_month)
    return (
        name,
        now,
        _unbroken(month),
        _set(say.told(within.share(item.done, item.known, "%"))),
        _set(say.told(within.hours(item.hours_week))),
        _set(say.told(within.count(item.unlocks))),
        say.word(trust_in(item.option, trust).value),
        ", ".join(
            f"{say.word(words)} {_unbroken(say.told(within.share(getattr(item, part), item.known, '%')))}"
            for part, words, _ in ENDINGS[1:]
            if getattr(item, part).high
        ),
    )


def _set(text: str) -> str:
    """A number with its interval: a line may end before the bracket alone."""
    head, bracket, interval = text.partition("(")
    return head + bracket + _unbroken(interval)


def _unbroken(text: str) -> str:
    """The text with spaces at which no line may end."""
    return text.replace(" ", "\u00a0")


def _notes(say: Language, verdict: WorkVerdict) -> list[Part]:
    lines = []
    for item in verdict.results:
        option = item.option
        told = [text for text in (option.price_of, *option.notes, option.basis) if text]
        lines += [said("{option}: {notes}", option=option.name, notes=joined("; ", told))] if told else []
    return [Folded(say.gettext("What goes with the options"), (Items(tuple(lines)),))] if lines else []


def _validation(say: Language, item: Confusion) -> list[Part]:
    title = Heading(say.gettext("Is the replay to be believed?"))
    if not item.judged:
        return [title, Items((NOT_JUDGED,))]
    share = percent(say, item.agreed / item.judged)
    lines = [say.gettext("{agreed} of {judged} recorded endings are those of the replay ({share}).",
                         agreed=say.decimal(item.agreed), judged=say.decimal(item.judged), share=share)]  # fmt: skip
    if item.median is not None and item.p90 is not None:
        middle, most = percent(say, item.median), percent(say, item.p90)
        lines.append(say.gettext("Durations are off by {median} at the median, {p90} at the 90th percentile.",
                                 median=middle, p90=most))  # fmt: skip
    heads = (say.gettext("recorded"), say.gettext("requests"), say.gettext("replayed"))
    rows = tuple(
        (say.word(ending.value), say.decimal(count), say.word(REPLAYED[outcome]))
        for ending, outcome, count in item.counts
    )
    caption = say.gettext("Recorded endings against those of the replay of today's stack")
    return [
        title,
        Items(tuple(lines)),
        Captioned(caption, Rows(heads, rows)),
    ]
