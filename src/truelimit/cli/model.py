"""truelimit model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from truelimit.cli import evidence, output
from truelimit.cli.parser import Parser
from truelimit.cli.tokens import asked_tokens
from truelimit.domain.message import said
from truelimit.units import Tokens

LIST = "list"


def run(argv: Sequence[str]) -> int:
    """Print what a model is, or the models of the table. Returns 0, or 2 for what is not there or cannot be read."""
    args = _parser().parse_args(argv)
    from truelimit.adapters.files.gguf import GgufError

    try:
        return _listed(args) if args.model == LIST else _described(args)
    except BrokenPipeError:
        raise
    except OSError as error:
        return output.complain(f"{error.filename or args.model}: {error.strerror or error}")
    except (GgufError, ValueError) as error:
        return output.complain(str(error))


def _described(args: argparse.Namespace) -> int:
    from truelimit.app.describe_model import describe
    from truelimit.app.model import ModelWish
    from truelimit.cli.find_model import find_model
    from truelimit.report import model_document, model_json

    with evidence.at(args) as (places, given):
        found = find_model(args.model, args, places, given)
    wish = ModelWish(args.quant, Tokens(args.context) if args.context else None, args.kv_type)
    facts = describe(found, wish)
    output.show(args, lambda: model_document.model(facts), lambda: model_json.model(facts))
    return 0


def _listed(args: argparse.Namespace) -> int:
    from truelimit.report import model_document, model_json
    from truelimit.tables.models import model_entries

    entries = tuple(model_entries())
    output.show(args, lambda: model_document.table(entries), lambda: model_json.table(entries))
    return 0


def _parser() -> argparse.ArgumentParser:
    from truelimit.cli.find_model import KINDS

    parser = Parser(
        "truelimit model",
        description=said(
            "What a model is: parameters, tensors by part, attention, cache, context, tokenizer. "
            "Each number with where it was read; nothing is fetched unless an address is given."
        ),
        epilog=said("truelimit model list prints the models of the table."),
    )
    parser.add_argument("model", metavar="REF", help=said("{kinds}; or list", kinds=KINDS))
    parser.add_argument(
        "--quant", metavar="Q", help=said("at a quantisation: Q4_K_M, Q8_0, IQ4_XS, MXFP4, 4bit (MLX), FP8")
    )
    parser.add_argument(
        "--context",
        type=asked_tokens,
        metavar="N",
        help=said("tokens of the cache shown, such as 128k (default: native)"),
    )
    parser.add_argument(
        "--kv-type", metavar="T", help=said("type of the cache (default: f16, q8_0 and q4_0 side by side)")
    )
    evidence.add_arguments(parser)
    output.add_arguments(parser)
    return parser
