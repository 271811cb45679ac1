"""truelimit machines."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.app.machines import Entry, Wanted
from truelimit.cli import output
from truelimit.cli.parser import Parser
from truelimit.cli.speech import tell
from truelimit.domain.message import said
from truelimit.units import from_gib

if TYPE_CHECKING:
    from truelimit.domain.machine import Machine

THIS = "this"


def run(argv: Sequence[str]) -> int:
    """Print machines: all, one, or several side by side. Returns 0, or 2 for what is not there or cannot be read."""
    args = _parser().parse_args(argv)
    from truelimit.adapters.host.probe import ProbeError
    from truelimit.tables.fields import TableError

    try:
        return _print(args, _found(args))
    except (TableError, ProbeError, _UsageError) as error:
        return output.complain(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        return output.complain(
            said(
                "{filename}: {strerror}",
                filename=error.filename or said("memory of this machine"),
                strerror=error.strerror or error,
            )
        )


class _UsageError(ValueError):
    """Words that do not fit together; the text says what was expected."""


def _found(args: argparse.Namespace) -> tuple[Entry, ...]:
    from truelimit.app.machines import chosen
    from truelimit.tables.machines import entries, entry

    if args.measure and (args.action, args.ids) != ("show", [THIS]):
        raise _UsageError(said("--measure is for this machine: truelimit machines show this --measure"))
    if args.action == "list":
        if args.ids:
            raise _UsageError(said("list takes no names; expected truelimit machines show {ids}", ids=args.ids[0][:80]))
        _check_filter(args.vendor, args.family)
        return chosen(entries(), Wanted(args.vendor, args.family, args.kind, args.min_memory))
    least = 2 if args.action == "compare" else 1
    if len(args.ids) < least:
        raise _UsageError(
            said(
                "{action} needs {least} or more names: truelimit machines {action} dgx-spark ...",
                action=args.action,
                least=least,
            )
        )
    return tuple(this_machine(measure=args.measure) if name == THIS else entry(name) for name in args.ids)


def _check_filter(vendor: str, family: str) -> None:
    """Raise _UsageError with the nearest names for a vendor that the table lacks, or a beginning of no family."""
    from truelimit.tables.fields import nearest
    from truelimit.tables.machines import entries

    chips = [item.machine.accelerators[0] for item in entries()] if vendor or family else []
    vendors, families = sorted({chip.vendor.lower() for chip in chips}), sorted({chip.family for chip in chips})
    if vendor and vendor.lower() not in vendors:
        near = ", ".join(nearest(vendor, vendors) or vendors)
        raise _UsageError(said("vendor {vendor!r:.80} is not in the table; nearest: {near}", vendor=vendor, near=near))
    if family and not any(name.startswith(family.lower()) for name in families):
        near = ", ".join(nearest(family, families) or families)
        raise _UsageError(said("family {family!r:.80} is not in the table; nearest: {near}", family=family, near=near))


def named_machine(name: str) -> Machine:
    """Return a machine by its name: ``this`` is the one at hand. Raises TableError with the nearest names."""
    from truelimit.tables.machines import machine

    return this_machine(measure=False).machine if name.strip().lower() == THIS else machine(name)


def this_machine(*, measure: bool) -> Entry:
    """Return this machine, after measuring it where that is asked for. Raises ProbeError where that fails."""
    from pathlib import Path

    from truelimit.app.ports import Deadline, Places
    from truelimit.cli.this_machine import read
    from truelimit.domain.machine import UNKNOWN_MACHINE

    if measure:
        _measure()
    machine = read(Places(Path.home()), Deadline(0.0)).machine or UNKNOWN_MACHINE
    system = (machine.operating_system.value.split()[0],) if machine.operating_system else ()
    return Entry(THIS, "machine", machine, system)


def _measure() -> None:
    from truelimit.adapters.host.measured import keep, take
    from truelimit.adapters.store.data_dir import data_dir

    file = keep(take(_progress), data_dir())
    print(tell(said("measured; kept in {file} and used for this machine from now on", file=file)), file=sys.stderr)


def _progress(what: str, share: float) -> None:
    if sys.stderr.isatty():
        end = "\n" if share >= 1 else ""
        print(f"\r{share:4.0%} {tell(what):<24}", end=end, file=sys.stderr, flush=True)


def _print(args: argparse.Namespace, found: tuple[Entry, ...]) -> int:
    from datetime import datetime

    from truelimit.report import machines_document, machines_json

    today = datetime.now().astimezone().date()
    if args.csv:
        output.write(machines_json.machines_csv(found, today))
        return 0

    def blocks():  # type: ignore[no-untyped-def]
        if args.action == "list":
            return machines_document.listed(found, today)
        if args.action == "compare":
            return machines_document.compared(found, today)
        return [block for entry in found for block in machines_document.shown(entry, today)]

    output.show(args, blocks, lambda: machines_json.machines(found, today))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "truelimit machines",
        description=said(
            "Machines and accelerators: memory, bandwidth, matrix rates, power and dated prices, each number "
            "with its source. A name is an id of the table, ID:GIB for another memory size, a TOML file of your own, "
            "or 'this' for this machine."
        ),
        epilog=said("Exit codes: 0 printed; 2 not in the table, or a file that cannot be used."),
    )
    parser.add_argument("action", nargs="?", choices=("list", "show", "compare"), default="list")
    parser.add_argument("ids", nargs="*", metavar="NAME", help=said("for show and compare"))
    group = parser.add_argument_group(said("what to list"))
    group.add_argument("--vendor", default="", metavar="V", help=said("nvidia, amd, apple, intel, ..."))
    group.add_argument(
        "--family", default="", metavar="F", help=said("a family or its beginning: nvidia-ada, apple-m3, cpu")
    )
    group.add_argument("--kind", default="", choices=("discrete", "unified", "cpu"), help=said("where its memory is"))
    group.add_argument("--min-memory", type=_gib, metavar="GIB", help=said("memory of the accelerators, at least"))
    parser.add_argument(
        "--measure", action="store_true", help=said("with 'show this': measure bandwidth and matrix rate first (10 s)")
    )
    output.add_arguments(parser)
    parser.add_argument("--csv", action="store_true", help=said("print CSV, a line for each"))
    return parser


def _gib(text: str) -> int:
    """Return GiB as bytes. Raises ArgumentTypeError for what is no number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf or value > 1e6:
        raise argparse.ArgumentTypeError(
            said("{text!r} is no size in GiB; expected a number above 0, such as 64", text=text[:40])
        )
    return from_gib(value)
