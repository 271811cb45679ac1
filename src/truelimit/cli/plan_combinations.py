"""Options of ``truelimit plan`` that cannot be, or mean nothing together: refused by name with what to use instead."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from truelimit.cli.evidence import UsageError
from truelimit.domain.machine import PoolKind
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.domain.machine import Machine

_OF_A_BATCH = {"batch", "lang", "json", "no_colour", "width", "no_cache", "network_seconds"}
_OF_A_SWEEP = ("csv", "plot", "plot_y")
_OF_ONE_PLAN = ("deadline", "beside", "others", "disk_rate", "answer")


def check(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Raise UsageError for values that cannot be, and for options that would be passed over."""
    _check_values(args)
    usual = vars(parser.parse_args([]))
    given = {name for name, value in vars(args).items() if value != usual[name]}
    if args.batch is not None:
        _refuse(
            args,
            given - _OF_A_BATCH,
            parser,
            said("--batch answers the cases of its file; tell it in each case, or leave out"),
        )
    elif args.sweep:
        _refuse(args, given & set(_OF_ONE_PLAN), parser, said("--sweep prints memory and rates alone; leave out"))
        _check_forms(args)
    else:
        _refuse(
            args, given & set(_OF_A_SWEEP), parser, said("one plan is no table; add --sweep context=8192..131072 to")
        )
    if args.offload and args.split_mode == "tensor":
        raise UsageError(said("--offload lays blocks into main memory in turn; leave out --split-mode tensor"))


def check_split(args: argparse.Namespace, machine: Machine) -> None:
    """Raise UsageError for a tensor split over one device; what a sweep lays on other machines is theirs."""
    if args.split_mode != "tensor" or not machine.pools or args.sweep:
        return
    apart = sum(pool.kind is not PoolKind.RAM for pool in machine.pools)
    if max(apart, len(machine.accelerators), machine.boxes) < 2:
        raise UsageError(said("--split-mode tensor cuts blocks across devices, and there is one: add --devices N"))


def _check_forms(args: argparse.Namespace) -> None:
    forms = [name for name in ("csv", "json", "markdown") if getattr(args, name)]
    if args.plot is not None and forms:
        raise UsageError(said("--plot draws, --{form} prints the sweep: leave out one of them", form=forms[0]))
    if args.csv and len(forms) > 1:
        raise UsageError(said("--csv and --{form} are two forms of the sweep: leave out one of them", form=forms[1]))
    if args.plot_y is not None and args.plot is None:
        raise UsageError(said("--plot-y says what --plot draws: add --plot"))


def _check_values(args: argparse.Namespace) -> None:
    from truelimit.perf.kv_cache import MAX_CONTEXT, MAX_SLOTS
    from truelimit.perf.kv_types import kv_type

    for option, value, most in (("--context", args.context, MAX_CONTEXT), ("--slots", args.slots, MAX_SLOTS)):
        if value is not None and value > most:
            told = said("{option} is {value:,}; expected 1 to {most:,}", option=option, value=int(value), most=most)
            raise UsageError(told)
    for option, name in (("--kv-type", args.kv_type), ("--kv-type-v", args.kv_type_v)):
        try:
            kv_type(name or "f16")
        except ValueError as error:
            raise UsageError(said("{option}: {error}", option=option, error=error)) from None


def _refuse(args: argparse.Namespace, names: set[str], parser: argparse.ArgumentParser, why: str) -> None:
    """Raise UsageError that names the options as they are written, in the order of the help."""
    options = [
        action.option_strings[0] if action.option_strings else str(action.metavar)
        for action in parser._actions
        if action.dest in names and action.const in (None, "-", getattr(args, action.dest))
    ]
    if options:
        raise UsageError(said("{why} {options}", why=why, options=", ".join(options)))
