"""The options of truelimit advise."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from truelimit.cli import output
from truelimit.cli.parser import Parser
from truelimit.cli.tokens import asked_tokens
from truelimit.domain.message import said
from truelimit.units import HOURS_A_WEEK

if TYPE_CHECKING:
    from truelimit.advice.profile import Profile

_CONTEXT = 32_768
BACKENDS = ("cuda", "rocm", "vulkan", "metal", "cpu")
SYSTEMS = ("linux", "macos", "windows")


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    made = Parser(
        "truelimit advise",
        description=said(
            "Which machine is worth its price for the work that you name: a shortlist on the Pareto front of "
            "price, memory, decode and prefill at your depth; or to keep what you have. Without a profile it asks."
        ),
        epilog=said("Exit codes: 0 answered; 2 error."),
    )
    made.add_argument("--profile", metavar="NAME|FILE.toml", help=said("a preset (see --list) or a file of your own"))
    made.add_argument("--list", action="store_true", help=said("list the presets"))
    _work(made)
    _conditions(made)
    output.add_arguments(made)
    return made


def _work(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group(said("the work"))
    group.add_argument(
        "--model", action="append", metavar="MODEL[@TOKENS]", help=said("a model that must run; repeatable")
    )
    group.add_argument(
        "--context",
        type=asked_tokens,
        default=_CONTEXT,
        metavar="N",
        help=said("tokens of a prompt, such as 65536 or 64k (the same; {context:,})", context=_CONTEXT),
    )
    group.add_argument("--quant", metavar="Q", help=said("quantisation of the models (that which people run)"))
    group.add_argument("--kv-type", default="f16", metavar="T", help=said("type of the caches (f16)"))
    group.add_argument(
        "--deadline", type=amount, metavar="S", help=said("seconds that a cold prompt may be read (300)")
    )
    group.add_argument(
        "--least-decode", type=amount, metavar="R", help=said("tokens/s that will do (5: what a person reads)")
    )
    group.add_argument("--requests-a-week", type=_count, metavar="N", help=said("to price the cloud beside it"))
    group.add_argument("--answer-tokens", type=asked_tokens, metavar="N", help=said("tokens of one answer (500)"))
    group.add_argument("--cloud", action="append", metavar="MODEL", help=said("a cloud model to price; repeatable"))


def _conditions(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group(said("the conditions"))
    group.add_argument("--today", metavar="ID", help=said("the machine that is owned (this: the one at hand)"))
    group.add_argument("--budget", type=amount, metavar="USD", help=said("what may be spent, beside the resale"))
    group.add_argument("--resale", type=amount, metavar="USD", help=said("what the owned machine brings"))
    group.add_argument("--backend", action="append", metavar="B", help=said("cuda, rocm, vulkan, metal; repeatable"))
    group.add_argument(
        "--os", action="append", dest="operating_system", metavar="S", help=said("linux, macos, windows")
    )
    group.add_argument("--private", action="store_true", help=said("prompts must not leave the house"))
    group.add_argument("--quiet", action="store_true", help=said("it stands where people work"))
    group.add_argument("--most-cards", type=_count, metavar="N", help=said("the most cards it may have"))
    group.add_argument("--power-limit", type=amount, metavar="W", help=said("the most it may draw"))
    group.add_argument(
        "--most", choices=("price", "memory", "decode", "prefill"), help=said("what to order by (price)")
    )
    group.add_argument("--years", type=amount, metavar="Y", help=said("years of the total cost (3)"))
    group.add_argument("--hours-a-week", type=amount, metavar="H", help=said("hours of full load (20)"))
    group.add_argument("--usd-per-kwh", type=amount, metavar="USD", help=said("price of power (0.30)"))
    group.add_argument("--among", action="append", metavar="ID", help=said("look at these machines alone; repeatable"))


def check_profile(profile: Profile) -> None:
    """Raise ValueError for conditions that cannot be: an unknown name, too long a week, the resale of nothing."""
    check_backends(profile.backends)
    check_systems(profile.operating_systems)
    if profile.hours_a_week > HOURS_A_WEEK:
        hours, most = profile.hours_a_week, HOURS_A_WEEK
        raise ValueError(said("{hours:g} hours a week are more than a week has ({most})", hours=hours, most=most))
    if profile.resale and profile.today is None:
        raise ValueError(said("a resale is that of the machine of today: name it (--today ID, or this)"))


def check_backends(given: tuple[str, ...]) -> None:
    """Raise ValueError with the nearest names for a backend that does not exist."""
    _known(said("backend"), given, BACKENDS)


def check_systems(given: tuple[str, ...]) -> None:
    """Raise ValueError with the nearest names for an operating system that does not exist."""
    _known(said("operating system"), given, SYSTEMS)


def _known(what: str, given: tuple[str, ...], names: tuple[str, ...]) -> None:
    from truelimit.tables.fields import nearest

    for name in given:
        if name not in names:
            near = ", ".join(nearest(name, names) or names)
            raise ValueError(said("{what} {name!r:.80} is not known; nearest: {near}", what=what, name=name, near=near))


def amount(text: str) -> float:
    """Return a number from 0 on, with or without separators. Raises ArgumentTypeError for anything else."""
    try:
        value = float(text.replace(",", "").replace("_", ""))
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(said("{text!r} is not a number from 0 on", text=text[:40]))
    return value


def _count(text: str) -> int:
    plain = text.replace(",", "").replace("_", "")
    if not (plain.isascii() and plain.isdigit() and 0 < len(plain) < 10 and int(plain)):
        raise argparse.ArgumentTypeError(said("{text!r} is not a whole number above 0", text=text[:40]))
    return int(plain)
