"""truelimit bench."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.app.bench_ports import BenchError
from truelimit.bench.plan import DEFAULT_DEPTHS, Wanted
from truelimit.cli import output
from truelimit.cli.bench_options import depths, key_of, positive, seconds
from truelimit.cli.parser import Parser
from truelimit.cli.speech import tell
from truelimit.domain.message import said
from truelimit.units import Seconds

if TYPE_CHECKING:
    from truelimit.bench.result import BenchResult

_TOKENS = 200_000
_SECONDS = 300.0


def run(argv: Sequence[str]) -> int:
    """Measure and print. Returns 0 when measured, 1 when it stopped early with results, 2 on error, 130 on Ctrl-C."""
    args = _parser().parse_args(argv)
    try:
        if args.imported:
            return _import(args)
        if not args.url:
            return output.complain(said("no address; expected truelimit bench URL, or truelimit bench --import FILE"))
        return _bench(args)
    except (BenchError, ValueError) as error:
        return output.complain(str(error))


def _bench(args: argparse.Namespace) -> int:
    from truelimit.adapters.bench.find import endpoint_at
    from truelimit.app.bench import bench
    from truelimit.cli.bench_progress import told
    from truelimit.cli.bench_wiring import finished, machine_named, world
    from truelimit.report import bench_document, bench_json

    if args.machine is not None:
        machine_named(args.machine)
    endpoint = endpoint_at(args.url, args.model, args.api, key_of(args.api_key_env), args.max_seconds)
    with told(quiet=args.json) as tell:
        result = bench(endpoint, _wanted(args), world(tell), dry=args.dry_run)
    result, kept = (result, None) if args.dry_run else finished(result, args.machine, keep=not args.no_store)
    output.show(args, lambda: bench_document.bench(result, kept), lambda: bench_json.bench(result))
    return _status(result)


def _status(result: BenchResult) -> int:
    if result.interrupted:
        print(tell(said("truelimit: interrupted; the running request was taken back")), file=sys.stderr)
        return 130
    if result.failed is not None:
        output.complain(result.failed)
        return 1
    nothing = result.fits.prefill is None and result.fits.decode is None
    return 2 if nothing and not result.dry else 0


def _import(args: argparse.Namespace) -> int:
    from truelimit.cli.bench_wiring import imported
    from truelimit.report import bench_document, bench_json

    items, new, notes, kept = imported(args.imported, args.machine, keep=not args.no_store)
    output.show(
        args,
        lambda: bench_document.imported(items, new, notes, kept),
        lambda: bench_json.imported(items, new, notes),
    )
    return 0


def _wanted(args: argparse.Namespace) -> Wanted:
    return Wanted(
        depths=args.depths,
        answer_tokens=args.answer_tokens,
        tokens_in_all=args.max_tokens_total,
        seconds=Seconds(args.max_seconds),
        repeats=args.repeats,
        timeout=None if args.timeout is None else Seconds(args.timeout),
        cold=args.cold,
    )


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "truelimit bench",
        description=said(
            "Measure how fast an endpoint reads and writes at depth, with prompts that no cache knows. "
            "It runs real requests, bounded in time and tokens; the result is kept for later estimates."
        ),
        epilog=said("Exit codes: 0 measured, 1 broken off with results, 2 error, 130 interrupted."),
    )
    parser.add_argument(
        "url", metavar="URL", nargs="?", help=said("an Ollama, a llama-server or a server of OpenAI's API")
    )
    parser.add_argument("--model", metavar="NAME", help=said("the model (default: the only one)"))
    apis = ("auto", "ollama", "llama-server", "openai")
    parser.add_argument("--api", choices=apis, default="auto", help=said("how to talk to it (default: find out)"))
    usual = ",".join(map(str, DEFAULT_DEPTHS))
    parser.add_argument(
        "--depths", type=depths, metavar="N,N,...", help=said("tokens of the prompts (default: {usual})", usual=usual)
    )
    parser.add_argument(
        "--answer-tokens", type=positive, default=64, metavar="N", help=said("tokens of an answer (64)")
    )
    parser.add_argument("--repeats", type=positive, default=3, metavar="N", help=said("requests at each depth (3)"))
    bound = said("bound on tokens read and written ({tokens:,})", tokens=_TOKENS)
    parser.add_argument("--max-tokens-total", type=positive, default=_TOKENS, metavar="N", help=bound)
    bound = said("bound on the whole run ({seconds:.0f})", seconds=_SECONDS)
    parser.add_argument("--max-seconds", type=seconds, default=_SECONDS, metavar="S", help=bound)
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", help=said("bound on one request (default: the whole run's)")
    )
    parser.add_argument("--cold", action="store_true", help=said("unload the model first and time its load (Ollama)"))
    parser.add_argument(
        "--dry-run", action="store_true", help=said("one small prompt, then the plan with its time and tokens")
    )
    name = said("environment variable that holds the API key (never give the key itself)")
    parser.add_argument("--api-key-env", metavar="NAME", help=name)
    parser.add_argument(
        "--machine", metavar="NAME", help=said("the machine that serves (default: this one, if it is local)")
    )
    files = said("read what llama-bench or llama-benchy printed (json, jsonl, csv, md) instead (repeatable)")
    parser.add_argument("--import", type=Path, action="append", dest="imported", metavar="FILE", help=files)
    parser.add_argument("--no-store", action="store_true", help=said("do not keep the result for later estimates"))
    output.add_arguments(parser)
    return parser
