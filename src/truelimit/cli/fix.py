"""truelimit fix."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.cli import evidence, output
from truelimit.cli.parser import Parser
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.app.examine import Given
    from truelimit.app.fix_ports import FixPorts
    from truelimit.app.ports import Places
    from truelimit.domain.facts import Facts
    from truelimit.report.fix_document import FixResult


def run(argv: Sequence[str]) -> int:
    """Show the plan; with --apply carry it out and prove it.

    Returns 0 when there is nothing to fix or the fix holds, 1 when a plan waits or its proof failed, 2 on error.
    """
    args = _parser().parse_args(argv)
    from truelimit.app.fix_ports import FixError

    try:
        with evidence.at(args) as (places, given):
            return _fix(args, places, given)
    except (evidence.UsageError, FixError) as error:
        return output.complain(str(error))


def _fix(args: argparse.Namespace, places: Places, given: Given) -> int:
    from truelimit.adapters.bundle.read import is_bundle
    from truelimit.app.doctor import diagnose_views, views
    from truelimit.app.fix import make_plan
    from truelimit.app.prospects import prospects
    from truelimit.cli.fix_wiring import fix_ports
    from truelimit.cli.wiring import gather_since
    from truelimit.report import fix_document

    if args.apply and is_bundle(places.home):
        raise evidence.UsageError(
            said("a bundle is a copy of somebody's evidence: apply the fix where it was collected")
        )
    facts: Facts = gather_since(args, places, given)
    seen = views(facts)
    diagnosis = diagnose_views(facts, seen)
    ports = fix_ports(places, given, args.network_seconds, facts)
    plan = make_plan(
        diagnosis,
        facts,
        ports,
        prospects=prospects(seen, diagnosis.findings),
        allow_unsafe=args.unsafe,
        only=tuple(code.upper() for code in args.only),
    )
    result = fix_document.FixResult(plan)
    if args.apply and not plan.is_empty:
        result = _apply(args, ports, result)
    output.show(args, lambda: fix_document.blocks(result), lambda: fix_document.to_json(result))
    return _exit_code(result, bool(diagnosis.ladders or diagnosis.incidents))


def _apply(args: argparse.Namespace, ports: FixPorts, result: FixResult) -> FixResult:
    from truelimit.app.fix import apply, prove
    from truelimit.app.undo import undo
    from truelimit.report.fix_document import FixResult as Result

    receipt = apply(result.plan, ports, _progress)
    proof = prove(result.plan, receipt, ports, bound_seconds=args.proof_seconds, on_step=_progress)
    undone = not proof.holds and args.undo_on_failure
    if undone:
        undo(proof.receipt.id, ports, on_step=_progress)
    return Result(result.plan, proof.receipt, proof, undone)


def _progress(step: str) -> None:
    """Steps go to standard error, so that the result on standard output stays whole."""
    print(f"  {step}", file=sys.stderr, flush=True)


def _exit_code(result: FixResult, examined: bool) -> int:
    if not examined:
        return 2
    if result.proof is not None:
        return 0 if result.proof.holds else 1
    waiting = not result.plan.is_empty or result.plan.manual or result.plan.held
    return 1 if waiting else 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "truelimit fix",
        description=said(
            "Show what would be changed and what it brings; --apply does it atomically, proves it live, "
            "and keeps what undo needs."
        ),
        epilog=said(
            "Exit codes: 0 nothing to fix or fixed and not disproven, 1 a plan waits or the proof failed, 2 error."
        ),
    )
    parser.add_argument("--apply", action="store_true", help=said("carry the plan out (all of it or nothing)"))
    parser.add_argument("--unsafe", action="store_true", help=said("include fixes that may do harm"))
    parser.add_argument(
        "--only", action="append", default=[], metavar="CODE", help=said("only the fix of this finding")
    )
    parser.add_argument("--undo-on-failure", action="store_true", help=said("put everything back when the proof fails"))
    parser.add_argument(
        "--proof-seconds", type=float, default=120.0, metavar="S", help=said("longest real prompt of the proof (120)")
    )
    evidence.add_arguments(parser)
    output.add_arguments(parser)
    return parser
