"""One stack as parts of a page: its three ladders, each as a figure and as a table, and its rates."""

from __future__ import annotations

from truelimit.app.report import Room, StackReport
from truelimit.domain.limits import Ladder, Ladders, Rung
from truelimit.domain.message import joined
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.limits.words import rung_words
from truelimit.report.blocks import Items, Paragraph, Rows
from truelimit.report.html.arithmetic import arithmetic
from truelimit.report.html.parts import Captioned, Drawn, Part
from truelimit.report.language import Language
from truelimit.report.language_numbers import percent, quantity, tokens
from truelimit.report.plots.context import context_ladder
from truelimit.report.plots.figure import Figure
from truelimit.report.plots.memory import Stacked, memory_stack
from truelimit.report.plots.time import Pace, Point, time_against_walls

_TOLD_POINTS = 2  # two numbers fitted to two points meet both: that error says nothing


def figures(say: Language, stack: StackReport, name: str) -> dict[str, Figure | None]:
    """Return the figures of one stack by what they show; ``name`` begins their names."""
    ladders, model = stack.ladders, stack.ladders.model
    pace = Pace(ladders.prefill, stack.walls, ladders.time.binding)
    points = [Point(item.prompt, item.seconds, item.ending) for item in stack.requests]
    bars = [Stacked(_bar_label(say, room), room.parts, room.pool) for room in stack.rooms]
    return {
        "context": context_ladder(say, ladders.context, model, f"{name}-context"),
        "time": time_against_walls(say, pace, points, _longest(ladders), model, f"{name}-time"),
        "memory": memory_stack(say, bars, model, f"{name}-memory"),
    }


def stack_parts(say: Language, stack: StackReport, drawn: dict[str, Figure | None]) -> tuple[Part, ...]:
    """Return the parts of one stack with its figures."""
    ladders = stack.ladders
    found: list[Part] = []
    found += _budget(say, say.gettext("Context"), ladders.context, drawn["context"])
    found += _budget(say, say.gettext("Time"), ladders.time, drawn["time"])
    found += _rates(say, ladders)
    found += _budget(say, say.gettext("Memory"), ladders.memory.ladder, drawn["memory"])
    calculations = [item for item in (ladders.memory.calculation, ladders.wall_as_context) if item is not None]
    return (*found, *arithmetic(say, calculations))


def _longest(ladders: Ladders) -> int:
    """The longest prompt that the figure of time must show: what the model was trained for, else what binds."""
    native = ladders.context.rung("native")
    known = [rung for rung in (native, ladders.context.binding) if rung is not None]
    return int(known[0].value) if known else 0


def _bar_label(say: Language, room: Room) -> str:
    if room.context is None:
        return say.gettext("at the context that is served")
    return say.gettext("at a context of {tokens}", tokens=tokens(say, room.context))


def _budget(say: Language, title: str, ladder: Ladder, figure: Figure | None) -> list[Part]:
    found: list[Part] = [Drawn(figure, _binds(say, ladder) or figure.description)] if figure is not None else []
    if ladder.rungs:
        heads = (title, say.gettext("limit"), say.gettext("what it is"), say.gettext("basis"), say.gettext("from"))
        caption = say.gettext("{budget}: every limit with its source", budget=title)
        marked = frozenset(i for i, rung in enumerate(ladder.rungs) if rung is ladder.binding or rung in ladder.tied)
        found.append(Captioned(caption, Rows(heads, _rows(say, ladder), marked)))
    if ladder.binding is not None and ladder.binding.note:
        found.append(Paragraph(ladder.binding.note, "dim"))
    return found


def _rows(say: Language, ladder: Ladder) -> tuple[tuple[str, ...], ...]:
    rows = [_row(say, ladder, rung, _kind(say, ladder, rung)) for rung in ladder.rungs]
    rows += [_row(say, ladder, rung, say.gettext("overridden by a stronger one")) for rung in ladder.overridden]
    return tuple(rows)


def _row(say: Language, ladder: Ladder, rung: Rung, kind: str) -> tuple[str, ...]:
    name = say.word(rung_words(rung.name))
    return name, quantity(say, rung.value, ladder.unit), kind, say.word(rung.basis.value), rung.where


def _kind(say: Language, ladder: Ladder, rung: Rung) -> str:
    kind = say.word(rung.kind.value)
    if rung is ladder.binding:
        return say.gettext("{kind}; binds", kind=kind)
    return say.gettext("{kind}; tied with what binds", kind=kind) if rung in ladder.tied else kind


def _binds(say: Language, ladder: Ladder) -> str:
    """What a reader is to see in the figure."""
    if ladder.binding is None:
        return ""
    name = say.word(rung_words(ladder.binding.name))
    value = quantity(say, ladder.binding.value, ladder.unit)
    if not ladder.tied:
        return say.gettext("{limit} binds: {value}.", limit=name, value=value)
    others = ", ".join(dict.fromkeys(say.word(rung_words(rung.name)) for rung in ladder.tied))
    return say.gettext(
        "{limit} binds: {value}, tied with {others}; moving one alone changes nothing.",
        limit=name, value=value, others=others,
    )  # fmt: skip


def _rates(say: Language, ladders: Ladders) -> list[Part]:
    if ladders.prefill is None and ladders.decode is None:
        return [Paragraph(say.gettext("How fast it reads and writes is not known."), "dim")]
    lines = [_reads(say, ladders.prefill)] if ladders.prefill else []
    lines += [_writes(say, ladders.decode)] if ladders.decode else []
    if ladders.wall_as_context is not None and ladders.time.binding is not None:
        wall = quantity(say, ladders.time.binding.value, "s")
        reach = tokens(say, ladders.wall_as_context.result)
        lines.append(say.gettext("The wall of {wall} is a context of {tokens} at this rate.", wall=wall, tokens=reach))
    sources = dict.fromkeys(fit.where for fit in (ladders.prefill, ladders.decode) if fit is not None)
    return [Items(tuple(lines)), Paragraph(joined("; ", sources), "dim")]


def _reads(say: Language, fit: PrefillFit) -> str:
    formula = f"{fit.a:.4g}*n + {fit.b:.4g}*n**2/2 s"
    return say.gettext("Reads n tokens in {formula} ({known}).", formula=formula, known=_known(say, fit))


def _writes(say: Language, fit: DecodeFit) -> str:
    formula = f"{fit.c:.4g} + {fit.d:.4g}*depth s"
    return say.gettext("Writes a token in {formula} ({known}).", formula=formula, known=_known(say, fit))


def _known(say: Language, fit: PrefillFit | DecodeFit) -> str:
    points = say.ngettext("{count} point", "{count} points", fit.points)
    known = [say.word(fit.basis.value),
             say.gettext("{points} up to {tokens}, beyond that extrapolated", points=points,
                         tokens=tokens(say, fit.deepest))]  # fmt: skip
    if fit.error is not None and fit.points > _TOLD_POINTS:
        known.append(say.gettext("worst error {share}", share=percent(say, fit.error, 1)))
    return "; ".join(known)
