"""truelimit plan."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from truelimit.app.examine import Given
from truelimit.app.ports import Places
from truelimit.cli import evidence, output
from truelimit.domain.facts import Stack
from truelimit.domain.machine import Machine
from truelimit.domain.model import ModelHeader
from truelimit.units import Tokens, from_mib

_ENGINE_DEFAULT = 4096  # llama-server's and Ollama's context where neither the user nor the model says one


def run(argv: Sequence[str]) -> int:
    """Print what a model needs at a context. Returns 0 when it fits or that is not known, 1 when not, 2 on error."""
    args = _parser().parse_args(argv)
    from truelimit.adapters.files.gguf import GgufError

    try:
        with evidence.at(args) as (places, given):
            return _plan(args, places, given)
    except BrokenPipeError:
        raise
    except OSError as error:
        return output.complain(f"{error.filename or args.model}: {error.strerror or error}")
    except (evidence.UsageError, GgufError, ValueError) as error:
        return output.complain(str(error))


def _plan(args: argparse.Namespace, places: Places, given: Given) -> int:
    from truelimit.app.plan import beside, plan
    from truelimit.report import as_json, plan_document

    stack = find(args.model, args, places, given)
    others = tuple(find(name, args, places, given) for name in args.beside)
    header = stack.header
    if header is None:
        raise evidence.UsageError(f"{args.model}: its model file was not found, so its shape is not known")
    result = plan(stack, _wanted(args, header))
    rows = tuple(beside(item) for item in (header, *(o.header for o in others)) if item) if others else ()
    output.show(args, lambda: plan_document.plan(result, rows), lambda: as_json.plan(result))
    return 1 if result.fits is False else 0


def find(name: str, args: argparse.Namespace, places: Places, given: Given) -> Stack:
    """Return the stack of a model: a GGUF file or URL, a name in an Ollama server or store, or a shipped model.

    A model of a server comes with the server's settings and measured rates. Raises UsageError when there is none.
    """
    from truelimit.adapters.files.gguf import read_header, read_remote_header
    from truelimit.app.ports import Deadline
    from truelimit.cli.wiring import served_stack
    from truelimit.tables.loader import model

    if name.startswith(("http://", "https://")):
        return _alone(read_remote_header(name, Deadline(args.network_seconds)), places, given)
    if _is_path(name):
        return _alone(read_header(Path(name)), places, given)
    served = served_stack(name, places, given, args.network_seconds)
    if served is not None:
        return served
    shipped = model(name)
    if shipped is None:
        raise evidence.UsageError(_not_found(name, places))
    return _alone(shipped, places, given)


def _is_path(name: str) -> bool:
    path = Path(name)
    if path.is_dir():
        raise evidence.UsageError(f"{name} is a folder; expected a GGUF file, an Ollama name or a model of the table")
    return path.exists() or name.lower().endswith(".gguf")


def _not_found(name: str, places: Places) -> str:
    from truelimit.tables.loader import model_names

    where = f"the Ollama store under {places.home}" if places.isolated else "this machine's Ollama"
    shipped = ", ".join(model_names())
    return f"{name!r} is neither a file, nor a model of {where}, nor one of the table ({shipped})"


def _alone(header: ModelHeader, places: Places, given: Given) -> Stack:
    from truelimit.app.plan import bare_stack
    from truelimit.cli.wiring import machine_at

    machine: Machine = given.machine or machine_at(places)
    return bare_stack(header, machine, given.published)


def _wanted(args: argparse.Namespace, header: ModelHeader):  # type: ignore[no-untyped-def]
    from truelimit.app.plan import Wanted

    native = header.native_context
    return Wanted(
        Tokens(args.context or (native.value if native else _ENGINE_DEFAULT)),
        args.kv_type,
        args.kv_type_v,
        args.slots,
        args.unified,
        False if args.no_flash_attention else None,
        None if args.prompt_cache is None else from_mib(args.prompt_cache),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "truelimit plan",
        description="What a model needs at a context: memory to the byte, and time where rates are known. "
        "A model of an Ollama server or store is planned with that server's settings; options replace them.",
        epilog="Exit codes: 0 it fits, or the memory is not known; 1 it does not fit; 2 error.",
    )
    parser.add_argument("model", metavar="MODEL", help="a GGUF file or URL, an Ollama name, or a model of the table")
    parser.add_argument("--context", type=_positive, metavar="N", help="tokens of one request (default: native)")
    parser.add_argument("--kv-type", metavar="T", help="type of the K cache, and of V (f16)")
    parser.add_argument("--kv-type-v", metavar="T", help="type of the V cache where it differs")
    parser.add_argument("--slots", type=_positive, metavar="P", help="requests at once (1)")
    shared = parser.add_mutually_exclusive_group()
    shared.add_argument("--unified", action="store_true", default=None, help="one pool for all slots (default)")
    shared.add_argument("--split", action="store_false", dest="unified", help="a pool of N tokens for each slot")
    parser.add_argument("--no-flash-attention", action="store_true", help="without flash attention")
    parser.add_argument(
        "--prompt-cache", type=_not_negative, metavar="MIB", help="the server's cache in main memory (0)"
    )
    parser.add_argument("--beside", action="append", default=[], metavar="MODEL", help="another model side by side")
    evidence.add_arguments(parser)
    output.add_arguments(parser)
    return parser


def _positive(text: str) -> int:
    value = _whole(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _not_negative(text: str) -> int:
    value = _whole(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value


def _whole(text: str) -> int:
    """Return a whole number; separators of thousands are allowed. Raises ArgumentTypeError for anything else."""
    plain = text.replace(",", "").replace("_", "")
    if len(plain) > 18 or not plain.lstrip("-").isascii() or not plain.lstrip("-").isdigit():
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number")
    return int(plain)
