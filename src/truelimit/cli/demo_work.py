"""The last part of truelimit demo: the weeks of work before the incident, and what hardware would change."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.domain.message import figure, said
from truelimit.report import within
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Preformatted, Rows

if TYPE_CHECKING:
    from truelimit.workload.options import Result
    from truelimit.workload.summary import Work
    from truelimit.workload.verdict import WorkVerdict

RULES = ("--private", "~/clients/*", "--public", "~/work/*")
_HEAD = (said("option"), said("USD now"), said("USD a month"), said("complete"), said("h of waiting a week"))
_MADE_UP = said(
    "These weeks are made up: their sizes by hand, their seconds from rates published for this chip, with scatter. How "
    "well the replay gives them back says nothing of real machines."
)


def blocks(home: Path) -> Sequence[Block]:
    """Return the work of the staged home in a sentence, the verdict on it in short, and the commands for all of it.

    Nothing, where what was read cannot be stored.
    """
    store = home / "work.duckdb"
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        from truelimit.cli import workload

        status = workload.run(["--home", str(home), "--store", str(store), *RULES])
    if status:
        return [Paragraph(quiet.getvalue().strip())]
    found, work = _verdict(home, store), _work(store)
    return [
        Heading(said("Do you need hardware? The weeks before, replayed")),
        Paragraph(_sentence(work), "verdict"),
        Paragraph(found.sentence, "verdict"),
        Rows(_HEAD, tuple(_row(item) for item in _short(found))),
        Items((_MADE_UP,), 2),
        Heading(said("All of it"), 2),
        Preformatted(_commands(home)),
    ]


def _verdict(home: Path, store: Path) -> WorkVerdict:
    from truelimit.app.work_verdict import work_verdict
    from truelimit.cli import evidence, verdict

    args = verdict.parser().parse_args(["--home", str(home), "--store", str(store), "--no-cache"])
    with evidence.at(args) as (places, given):
        return work_verdict(verdict.asked(args, places, given))


def _work(store: Path) -> Work:
    from truelimit.adapters.work.store import WorkStore
    from truelimit.app.workload import describe

    with WorkStore(store, read_only=True) as held:
        return describe(list(held.requests()))


def _sentence(work: Work) -> str:
    """The 80/20 of the story, in counts."""
    from truelimit.workload.summary import MULTI

    text = said("{requests:,} requests in {turns:,} turns of the user: ", requests=work.requests, turns=work.turns)
    many = next((item for item in work.multi if item.name == MULTI), None)
    if many is None or work.multi_turns is None:
        return text + said("none of them edits 5 or more files.")
    return text + said(
        "edits of 5 or more files are {turns:.0%} of the turns, {requests:.0%} of the requests, {tokens:.0%} of the "
        "prompt tokens and {hours:.0%} of the waiting.",
        turns=work.multi_turns.of_turns,
        requests=many.of_requests,
        tokens=many.of_tokens or 0.0,
        hours=many.of_seconds or 0.0,
    )


def _short(found: WorkVerdict) -> list[Result]:
    """Today, the fix, what is free and completes the most, the best cloud route, the machine with the least waiting."""
    from truelimit.workload.options import Kind
    from truelimit.workload.verdict import choose

    answers = choose(found.results)
    if answers is None:
        return []
    fix = next((item for item in found.results if item.option.kind is Kind.FIX), None)
    told = {
        item.option.id: item
        for item in (answers.today, fix, answers.free, answers.cloud, answers.machine)
        if item is not None
    }
    return list(told.values())


def _row(item: Result) -> tuple[str, ...]:
    return (
        item.option.name,
        _price(item),
        "?" if item.usd_month is None else figure(item.usd_month, ",.2f"),
        said("{done} of {known:,}", done=within.count(item.done), known=item.known),
        said(
            "{middle:,.2f} ({low:,.2f} to {high:,.2f})",
            middle=item.hours_week.value, low=item.hours_week.low, high=item.hours_week.high,
        ),
    )  # fmt: skip


def _price(item: Result) -> str:
    if item.usd_now is None:
        return "?"
    usd = figure(item.usd_now, ",.0f")
    if not item.option.cards:
        return usd
    return said("{usd} (card alone)", usd=usd) if item.option.cards == 1 else said("{usd} (cards alone)", usd=usd)


def _commands(home: Path) -> str:
    where = f"--home {home} --store {home / 'work.duckdb'}"
    rules = " ".join(f"'{part}'" if "*" in part else part for part in RULES)
    return "\n".join(
        (
            "truelimit demo --keep DIR",
            f"truelimit workload {where} {rules}",
            f"truelimit verdict {where}",
            f"truelimit report {where} --html report.html",
        )
    ).replace(str(home), "DIR")
