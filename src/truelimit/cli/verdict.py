"""truelimit verdict."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.cli import evidence, output
from truelimit.cli.parser import Parser, bad_value
from truelimit.cli.speech import tell
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.app.examine import Given
    from truelimit.app.machines import Entry
    from truelimit.app.ports import Places
    from truelimit.app.work_options import Offered
    from truelimit.app.work_verdict import Asked
    from truelimit.domain.agent import OtherAgents
    from truelimit.domain.cloud import CloudModel
    from truelimit.domain.facts import Stack
    from truelimit.domain.machine import Machine
    from truelimit.domain.workload import WorkRequest
    from truelimit.limits.view import StackView
    from truelimit.workload.verdict import WorkVerdict


def run(argv: Sequence[str]) -> int:
    """Print the verdict on hardware. Returns 0, or 2 for what cannot be used or is not there to replay."""
    args = parser().parse_args(argv)
    try:
        with evidence.at(args) as (places, given):
            return _verdict(args, places, given)
    except ValueError as error:  # usage, tables, store, unknown models and prices: each says what was expected
        return output.complain(str(error))


def _verdict(args: argparse.Namespace, places: Places, given: Given) -> int:
    from truelimit.app.work_verdict import work_verdict
    from truelimit.report import verdict_document

    found: WorkVerdict = work_verdict(asked(args, places, given), _progress(args))
    output.show(args, lambda: verdict_document.blocks(found), lambda: verdict_document.to_json(found))
    return 0


def asked(args: argparse.Namespace, places: Places, given: Given) -> Asked:
    """Return what the verdict is asked for. Raises ValueError for a name, date or store that cannot be used."""
    from truelimit.app.doctor import diagnose_views, views
    from truelimit.app.work_verdict import Asked, main_view
    from truelimit.cli.wiring import gather

    facts = gather(places, given, args.network_seconds)
    seen = views(facts)
    requests = _requests(args, places, seen)
    view = main_view(seen, requests, args.model)
    findings = diagnose_views(facts, (view,)).findings
    stack, owned = _with_tables(view)
    offered = _offered(args, stack, requests)
    every, agents = args.model is not None, other_agents(places)
    return Asked(tuple(requests), view, stack, findings, offered, owned, every=every, agents=agents)


def other_agents(places: Places) -> OtherAgents:
    """Return how agents other than a stack's own give up: by the table of this program and by settings found here."""
    from truelimit.adapters.agents.settings.read import agent_settings
    from truelimit.domain.agent import OtherAgents
    from truelimit.tables.agents import agent_defaults

    return OtherAgents(agent_defaults(), *agent_settings(places))


def _requests(args: argparse.Namespace, places: Places, views: Sequence[StackView]) -> list[WorkRequest]:
    """The work: of the store; else read from the evidence, by the doctor alone where nothing else knows its records.

    Raises UsageError, WorkStoreError.
    """
    from truelimit.app.work_of_calls import requests_of

    found = _stored(args.store, isolated=args.home is not None)
    if found is None:
        found = _read_now(places) or requests_of(views)
    if args.since is None:
        return found
    moment = evidence.since_moment(args.since)
    kept = [item for item in found if item.time is not None and item.time >= moment]
    if found and not kept:
        raise evidence.UsageError(
            said(
                "no request is recorded since {since}: {found:,} are older or have no time",
                since=args.since,
                found=len(found),
            )
        )
    return kept


def _stored(path: Path | None, *, isolated: bool) -> list[WorkRequest] | None:
    from truelimit.adapters.store.data_dir import data_dir
    from truelimit.adapters.work.store import WorkStore

    if path is not None and not path.is_file():
        raise evidence.UsageError(
            said("--store {path} does not exist; expected a file that truelimit workload wrote", path=path)
        )
    place = path or (None if isolated else data_dir() / "work.duckdb")
    if place is None or not place.is_file():
        return None
    with WorkStore(place, read_only=True) as store:
        return list(store.requests())


def _read_now(places: Places) -> list[WorkRequest]:
    """The records of a named home folder, through a store that is thrown away; none of this machine's own home."""
    import tempfile

    from truelimit.adapters.store.data_dir import data_dir
    from truelimit.adapters.work import places as where
    from truelimit.adapters.work.context import Context
    from truelimit.adapters.work.hashing import hasher
    from truelimit.adapters.work.ingest import ingest
    from truelimit.adapters.work.privacy import RULES_FILE, rules
    from truelimit.adapters.work.store import WorkStore

    if not places.isolated:
        return []
    held = rules(data_dir() / RULES_FILE, places.home, (), ())
    with tempfile.TemporaryDirectory() as folder, WorkStore(Path(folder) / "work.duckdb") as store:
        ingest(store, where.found(places), Context(hasher(), held), lambda *_: None)
        return list(store.requests())


def _with_tables(view: StackView) -> tuple[Stack, Entry]:
    """The stack with the devices of its machine and an estimator; its machine as an entry, the table's if known."""
    from dataclasses import replace

    from truelimit.app.machines import Entry
    from truelimit.app.plan_quant import sized
    from truelimit.cli.plan_model import estimator
    from truelimit.tables.identify import identified

    machine = identified(view.machine)
    stack = sized(replace(view.stack, machine=machine, estimator=estimator()))
    known = _in_table(machine)
    return stack, known or Entry("today", "machine", machine)


def _in_table(machine: Machine) -> Entry | None:
    from truelimit.app.machines import memory
    from truelimit.tables.machines import entry, machine_names

    chips = [device.id for device in machine.accelerators]
    if not chips or not all(chips):
        return None
    for name in machine_names():
        found = entry(name)
        if [device.id for device in found.machine.accelerators] == chips and _near(
            memory(found.machine), memory(machine)
        ):
            return found
    return None


def _near(one: int, other: int) -> bool:
    return 0.7 * one <= other <= 1.05 * one  # a log tells what a model may take of it


def _offered(args: argparse.Namespace, stack: Stack, requests: Sequence[WorkRequest]) -> Offered:
    from truelimit.app.work_offers import within_budget, worth_a_look
    from truelimit.app.work_options import Offered
    from truelimit.cli.cloud import today
    from truelimit.tables.machines import entries, entry

    on = today()
    deepest = max((item.prompt_tokens or 0 for item in requests), default=0)
    named = [*(args.among or ()), *(name for text in args.machine_options or () for name in text.split(",") if name)]
    if named:
        machines = within_budget((entry(name) for name in dict.fromkeys(named)), args.budget)
    else:
        machines = worth_a_look(stack, max(1, deepest), tuple(entries()), on, args.budget)
    return Offered(machines, _clouds(args, deepest, on), on, bool(named), bool(args.cloud))


def _clouds(args: argparse.Namespace, deepest: int, on: date) -> tuple[CloudModel, ...]:
    from truelimit.app.cloud import find
    from truelimit.app.work_offers import able
    from truelimit.cli.cloud import table

    known = table(on)
    if args.cloud:
        return tuple(find(known, name) for name in args.cloud)
    return able(known.chosen, deepest, on)


def _progress(args: argparse.Namespace) -> Callable[[int, int], None] | None:
    """Progress on standard error, where a person looks on."""
    if args.json or not sys.stderr.isatty():
        return None

    def told(done: int, whole: int) -> None:
        print(
            "\r" + tell(said("replayed {done} of {whole} options", done=done, whole=whole)),
            end="\n" if done == whole else "",
            file=sys.stderr,
            flush=True,
        )

    return told


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = Parser(
        "truelimit verdict",
        description=said(
            "Do you need hardware? Replays your own recorded work on today's stack and on every option, in "
            "order of cost: nothing, the fix, a smaller cache or file, the gateway, a cloud route, machines. The work "
            "is what truelimit workload has stored, else what the doctor reads from the evidence."
        ),
        epilog=said("Exit codes: 0 answered; 2 error, or nothing to replay."),
    )
    group = parser.add_argument_group(said("the work and the options"))
    group.add_argument("--store", type=Path, metavar="FILE", help=said("a store that truelimit workload wrote"))
    group.add_argument(
        "--model", metavar="NAME", help=said("the local model whose stack is judged (the one most used)")
    )
    add_options(group)
    evidence.add_arguments(parser)
    output.add_arguments(parser)
    return parser


def add_options(group: argparse._ArgumentGroup) -> None:
    """Add what names the options that are tried: machines, providers' models, a budget in USD."""
    group.add_argument(
        "--among", action="append", metavar="ID", help=said("a machine to try, or your TOML; repeatable")
    )
    group.add_argument("--machine-options", action="append", metavar="ID,...", help=said("the same as a list"))
    group.add_argument(
        "--cloud", action="append", metavar="MODEL", help=said("a provider's model for a route; repeatable")
    )
    group.add_argument("--budget", type=_usd, metavar="USD", help=said("leave machines out that cost more"))


def _usd(text: str) -> float:
    try:
        value = float(text.replace(",", "").replace("_", ""))
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise bad_value(said("{text!r} is not a number from 0 on", text=text[:40]))
    return value
