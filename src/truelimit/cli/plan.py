"""truelimit plan."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from truelimit.cli import evidence, output
from truelimit.domain.model import ModelHeader
from truelimit.units import Tokens


def run(argv: Sequence[str]) -> int:
    """Print what a model needs at a context. Returns 0 when it fits or that is not known, 1 when not, 2 on error."""
    args = _parser().parse_args(argv)
    try:
        places, given = evidence.places(args), evidence.given(args)
        header = find(args.model, args)
        others = tuple(find(name, args) for name in args.beside)
    except (evidence.UsageError, ValueError, OSError) as error:
        return output.complain(str(error))
    from truelimit.app.plan import Wanted, beside, plan
    from truelimit.cli.wiring import machine_at
    from truelimit.report import as_json, document

    context = args.context or (header.native_context.value if header.native_context else 4096)
    wanted = Wanted(
        Tokens(context), args.kv_type, args.kv_type_v, args.slots, args.unified, not args.no_flash_attention
    )
    machine = given.machine or machine_at(places)
    try:
        result = plan(header, wanted, machine, given.published)
        rows = tuple(beside(item) for item in (header, *others)) if others else ()
    except ValueError as error:
        return output.complain(str(error))
    output.show(args, lambda: document.plan(result, rows), lambda: as_json.plan(result))
    return 1 if result.fits is False else 0


def find(name: str, args: argparse.Namespace) -> ModelHeader:
    """Return the header of a model: a GGUF file or URL, a shipped model, or a name in an Ollama server or store.

    Raises UsageError when there is none.
    """
    from truelimit.adapters.files.gguf import read_header, read_remote_header
    from truelimit.app.ports import Deadline
    from truelimit.cli.wiring import definitions_at
    from truelimit.tables.loader import model

    if name.startswith(("http://", "https://")):
        return read_remote_header(name, Deadline(args.network_seconds))
    if Path(name).is_file():
        return read_header(Path(name))
    named = definitions_at(evidence.places(args), args.network_seconds)
    found = named.get(name) or named.get(f"{name}:latest") or model(name)
    if found is None:
        raise evidence.UsageError(f"{name!r} is no file, no model of an Ollama server or store, and none of the table")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("truelimit plan", description="What a model needs at a context: memory and time.")
    parser.add_argument("model", metavar="MODEL", help="a GGUF file or URL, an Ollama name, or a model of the table")
    parser.add_argument("--context", type=_positive, metavar="N", help="tokens of one request (default: native)")
    parser.add_argument("--kv-type", default="f16", metavar="T", help="type of the K cache, and of V (f16)")
    parser.add_argument("--kv-type-v", metavar="T", help="type of the V cache where it differs")
    parser.add_argument("--slots", type=_positive, default=1, metavar="P", help="requests at once (1)")
    shared = parser.add_mutually_exclusive_group()
    shared.add_argument("--unified", action="store_true", default=True, help="one pool for all slots (default)")
    shared.add_argument("--split", action="store_false", dest="unified", help="a pool for each slot")
    parser.add_argument("--no-flash-attention", action="store_true", help="without flash attention")
    parser.add_argument("--beside", action="append", default=[], metavar="MODEL", help="another model side by side")
    evidence.add_arguments(parser)
    output.add_arguments(parser)
    return parser


def _positive(text: str) -> int:
    value = int(text.replace(",", "").replace("_", ""))
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value
