"""truelimit plan."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.cli import evidence, output
from truelimit.cli.plan_combinations import check, check_split
from truelimit.cli.plan_model import asked, other, taken_for
from truelimit.cli.plan_options import parser
from truelimit.cli.tokens import read_as
from truelimit.domain.message import joined, said
from truelimit.units import Tokens, from_mib

if TYPE_CHECKING:
    from truelimit.app.examine import Given
    from truelimit.app.plan import Around, Beside, ModelPlan, Wanted
    from truelimit.app.ports import Places
    from truelimit.domain.facts import Stack
    from truelimit.domain.model import ModelHeader
    from truelimit.report.blocks import Block

_ENGINE_DEFAULT = 4096  # llama-server's and Ollama's context where neither the user nor the model says one


def run(argv: Sequence[str]) -> int:
    """Print what a model needs at a context. Returns 0 when it fits or that is not known, 1 when not, 2 on error."""
    options = parser()
    args = options.parse_args(argv)
    try:
        check(args, options)
        return _run(args)
    except BrokenPipeError:
        raise
    except OSError as error:
        return output.complain(f"{error.filename or args.model}: {error.strerror or error}")
    except ValueError as error:
        return output.complain(str(error))
    except Exception as error:
        from truelimit.adapters.files.gguf import GgufError

        if isinstance(error, GgufError):
            return output.complain(str(error))
        raise


def _run(args: argparse.Namespace) -> int:
    if args.batch is not None:
        from truelimit.cli.plan_batch import run as run_batch

        return run_batch(args.batch)
    if args.model is None:
        raise evidence.UsageError(said("MODEL is missing: expected a file, address, Ollama name or model of the table"))
    with evidence.at(args) as (places, given):
        return _plan(args, places, given)


def _plan(args: argparse.Namespace, places: Places, given: Given) -> int:
    from truelimit.app.model_notes import model_notes
    from truelimit.app.plan import beside, plan, with_changes

    stack, files = asked(args.model, args, places, given)
    check_split(args, stack.machine)
    header = _header(args, stack)
    wanted = _wanted(args, header)
    if args.sweep:
        from truelimit.cli.plan_sweep import run as run_sweep

        return run_sweep(args, stack, wanted, files)
    others = tuple(asked(name, args, places, given)[0] for name in args.beside)
    around = _around(args, places, given, stack)
    result = with_changes(stack, plan(stack, wanted, around), around)
    result = replace(result, notes=(*result.notes, *read_as(args.context), *model_notes(header)))
    result = replace(result, notes=(*result.notes, *taken_for(args.model, args, stack)))
    rows = tuple(beside(item) for item in (header, *(o.header for o in others)) if item) if others else ()
    output.show(args, lambda: _blocks(result, rows), lambda: _json(result))
    return 1 if result.fits is False else 0


def _blocks(result: ModelPlan, beside: tuple[Beside, ...]) -> Sequence[Block]:
    from truelimit.report.plan_document import plan

    return plan(result, beside)


def _json(result: ModelPlan) -> str:
    from truelimit.report.plan_json import plan

    return plan(result)


def _header(args: argparse.Namespace, stack: Stack) -> ModelHeader:
    if stack.header is None:
        raise evidence.UsageError(
            said("{model}: its model file was not found, so its shape is not known", model=args.model)
        )
    return stack.header


def _around(args: argparse.Namespace, places: Places, given: Given, stack: Stack) -> Around:
    from truelimit.app.plan import Around
    from truelimit.app.plan_quant import smaller
    from truelimit.domain.provenance import Basis, Known
    from truelimit.perf.load_time import DISK
    from truelimit.units import from_gb_per_s

    rate = args.disk_rate
    disk = Known(from_gb_per_s(rate), "--disk-rate", Basis.SPECIFIED) if rate else DISK
    others = tuple(other(text, args, places, given) for text in args.others)
    return Around(others, smaller(stack), larger_machines(stack), disk, Tokens(args.answer))


def larger_machines(stack: Stack) -> tuple[tuple[str, str, Stack], ...]:
    """Return the stack on the same machine with more memory, where the table has one: name, price, stack."""
    from truelimit.app.machines import latest_price, memory, part_priced, price_marks
    from truelimit.cli.cloud import today
    from truelimit.tables.machines import machine, machine_names

    own, found = stack.machine.id or "", []
    stem, dash, _ = own.rpartition("-")
    for name in machine_names() if dash else ():
        if name != own and name.rpartition("-")[0] == stem and memory(other := machine(name)) > memory(stack.machine):
            price = latest_price(other)
            cost = (
                said("USD {usd:,.0f} ({date})", usd=price.usd, date=price.date)
                if price
                else said("another machine; no dated price")
            )
            cost = joined(", ", (cost, *((part,) if (part := part_priced(other)) else ())))
            cost = joined("; ", (cost, *price_marks(other, today())))
            title = said("{machine} (no longer sold)", machine=other.name) if other.no_longer_sold else other.name
            found.append((memory(other), (title or name, cost, replace(stack, machine=other))))
    return tuple(item for _, item in sorted(found, key=lambda pair: pair[0]))


def _wanted(args: argparse.Namespace, header: ModelHeader) -> Wanted:
    from truelimit.app.plan import Wanted
    from truelimit.units import Seconds

    native = header.native_context
    return Wanted(
        Tokens(int(args.context or (native.value if native else _ENGINE_DEFAULT))),
        args.kv_type,
        args.kv_type_v,
        args.slots,
        args.unified,
        False if args.no_flash_attention else None,
        None if args.prompt_cache is None else from_mib(args.prompt_cache),
        None if args.deadline is None else Seconds(args.deadline),
        args.split_mode,
        args.offload,
        args.backend,
    )
