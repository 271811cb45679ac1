"""truelimit advise."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truelimit.cli import output
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.advice.nouns import CloudCost
    from truelimit.advice.profile import Profile
    from truelimit.app.machines import Entry

_FIRST = (
    said("truelimit doctor first: a false limit costs nothing to remove"),
    said("a candidate's numbers are those of: truelimit plan MODEL --machine ID --context N --quant Q"),
)


def run(argv: Sequence[str]) -> int:
    """Print which machine is worth its price for a profile. Returns 0, or 2 for what cannot be used."""
    made = _parser()
    args = made.parse_args(argv)
    try:
        return _advise(args)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        return output.complain(
            said("{filename}: {strerror}", filename=error.filename or "profile", strerror=error.strerror or error)
        )
    except ValueError as error:
        return output.complain(str(error))


def _advise(args: argparse.Namespace) -> int:
    from truelimit.app.advise import advise
    from truelimit.cli.advise_options import check_profile
    from truelimit.cli.advise_work import evaluator
    from truelimit.cli.cloud import today as clock
    from truelimit.report import advise_document

    if args.list:
        return _list()
    profile = _profile(args)
    check_profile(profile)
    evaluate = evaluator(profile)
    entries, today = _entries(args, profile)
    found = advise(profile, entries, today, evaluate, clock(), _cloud(profile), named=bool(args.among))
    found = replace(found, notes=_FIRST)
    output.show(args, lambda: advise_document.advice(found), lambda: advise_document.advice_json(found))
    return 0


def _list() -> int:
    from truelimit.tables.profiles import profile, profile_names

    for name in profile_names():
        shown = profile(name)
        print(f"{name:<14} {shown.name}: {shown.story}")
    return 0


def _profile(args: argparse.Namespace) -> Profile:
    """The profile of a file or preset, with what the options say in its place; asked for where a person sits there."""
    from truelimit.tables.profiles import profile, profile_from_text

    given = _options(args)
    name = args.profile
    if name is None and "jobs" not in given:
        if not sys.stdin.isatty() or args.json:
            raise ValueError(
                said("say what must run: --profile NAME or FILE, or --model MODEL --context N (--list: presets)")
            )
        from truelimit.cli.advise_questions import ask

        return ask(given, args)
    if name is None:
        from truelimit.advice.profile import Profile

        return Profile(said("the options"), **given)
    path = Path(name)
    base = profile_from_text(path.read_text(encoding="utf-8"), name) if name.endswith(".toml") else profile(name)
    return replace(base, **given)


def _options(args: argparse.Namespace) -> dict[str, Any]:
    from truelimit.cli.advise_work import job

    names = ["budget", "today", "power_limit", "deadline", "years", "hours_a_week", "usd_per_kwh", "resale", "most"]
    names += ["requests_a_week", "answer_tokens", "least_decode", "most_cards"]
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    given |= {name: True for name in ("private", "quiet") if getattr(args, name)}
    systems = [name.lower() for name in args.operating_system or ()]
    lists = {
        "backends": args.backend,
        "operating_systems": systems,
        "cloud_models": args.cloud,
    }
    given |= {name: tuple(value) for name, value in lists.items() if value}
    if args.model:
        given["jobs"] = tuple(job(text, args) for text in args.model)
    return given


def _entries(args: argparse.Namespace, profile: Profile) -> tuple[tuple[Entry, ...], Entry | None]:
    from truelimit.cli.advise_work import owned
    from truelimit.tables.machines import entries, entry

    chosen = tuple(entry(name) for name in args.among) if args.among else tuple(entries())
    return chosen, owned(profile.today)


def _cloud(profile: Profile) -> tuple[CloudCost, ...]:
    from truelimit.app.advise_cloud import cloud_costs
    from truelimit.app.cloud import find
    from truelimit.cli.cloud import table, today

    on = today()
    known = table(on)
    models = [find(known, name) for name in profile.cloud_models] or list(known.chosen)
    return cloud_costs(profile, models, on, named=bool(profile.cloud_models))


def _parser() -> argparse.ArgumentParser:
    from truelimit.cli.advise_options import parser

    return parser()
