"""The options of ``truelimit plan``."""

from __future__ import annotations

import argparse

from truelimit.cli import evidence, output
from truelimit.cli.parser import Parser
from truelimit.cli.tokens import asked_tokens
from truelimit.domain.message import said
from truelimit.units import HOUR

_EPILOG = said(
    "Exit codes: 0 it fits, or the memory is not known; 1 it does not fit; 2 error. "
    "--batch answers a file of cases line by line; --sweep plans all combinations of the values given."
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the verb."""
    made = Parser(
        "truelimit plan",
        description=said(
            "What a model needs at a context: memory to the byte, time with its interval, what binds and what "
            "one change would do. A model of an Ollama server or store is planned with that server's settings; "
            "options replace them."
        ),
        epilog=_EPILOG,
    )
    made.add_argument(
        "model", nargs="?", metavar="MODEL", help=said("a GGUF file or URL, an Ollama name, or a model of the table")
    )
    made.add_argument(
        "--context", type=asked_tokens, metavar="N",
        help=said("tokens of one request, such as 131072 or 128k (the same: k is 1,024; default: native)"),
    )  # fmt: skip
    made.add_argument("--quant", metavar="Q", help=said("weights in this quantisation (Q4_K_M, Q8_0, F16 ...)"))
    made.add_argument(
        "--deadline", type=seconds, metavar="S", help=said("the longest wait for the first word, in seconds")
    )
    made.add_argument("--beside", action="append", default=[], metavar="MODEL", help=said("another model side by side"))
    made.add_argument(
        "--with", action="append", default=[], dest="others", metavar="MODEL[@N]",
        help=said("another model that stays loaded (with a context of N tokens; repeatable)"),
    )  # fmt: skip
    _add_cache(made)
    _add_devices(made)
    _add_many(made)
    evidence.add_arguments(made)
    output.add_arguments(made)
    return made


def _add_cache(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group(said("cache and slots"))
    group.add_argument("--kv-type", metavar="T", help=said("type of the K cache, and of V (f16)"))
    group.add_argument("--kv-type-v", metavar="T", help=said("type of the V cache where it differs"))
    group.add_argument("--slots", type=positive, metavar="P", help=said("requests at once (1)"))
    shared = group.add_mutually_exclusive_group()
    shared.add_argument("--unified", action="store_true", default=None, help=said("one pool for all slots (default)"))
    shared.add_argument("--split", action="store_false", dest="unified", help=said("a pool of N tokens for each slot"))
    group.add_argument("--no-flash-attention", action="store_true", help=said("without flash attention"))
    group.add_argument(
        "--prompt-cache", type=_not_negative, metavar="MIB", help=said("the server's cache in main memory (0)")
    )


def _add_devices(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("devices")
    group.add_argument(
        "--devices", type=_few, metavar="N", help=said("so many of the machine's device, each with its memory")
    )
    group.add_argument(
        "--split-mode", choices=("layer", "tensor"), default="layer",
        help=said("how several devices hold the model: blocks in turn (default), or each block cut"),
    )  # fmt: skip
    group.add_argument(
        "--offload", action="store_true", help=said("let blocks lie in main memory where devices are full")
    )
    group.add_argument(
        "--backend", choices=("cuda", "rocm", "vulkan", "metal", "cpu"), help=said("the devices' backend")
    )
    group.add_argument("--disk-rate", type=_rate, metavar="GB/S", help=said("what the drive reads (assumed: 3)"))
    group.add_argument(
        "--answer", type=asked_tokens, default=500, metavar="N", help=said("tokens of an answer, for energy (500)")
    )


def _add_many(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group(said("many plans"))
    group.add_argument("--batch", metavar="FILE", help=said("cases of JSON, one a line ('-': standard input)"))
    group.add_argument(
        "--sweep", nargs="+", metavar="KEY=VALUES",
        help=said(
            "plan all combinations: context=8192..262144 (doubling; A..B..STEP), quant=, kv-type=, slots=, machine="
        ),
    )  # fmt: skip
    group.add_argument("--csv", action="store_true", help=said("print the sweep as CSV"))
    group.add_argument(
        "--plot",
        nargs="?",
        const="-",
        metavar="FILE",
        help=said("draw the sweep in the terminal, or into FILE (.svg, .png)"),
    )
    group.add_argument(
        "--plot-y", metavar="WHAT", help=said("what to draw: decode (default), prefill, seconds, total, headroom")
    )


def positive(text: str) -> int:
    """Return a whole number above 0. Raises ArgumentTypeError for anything else."""
    value = _whole(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(said("{text} is not a positive number", text=text))
    return value


def _few(text: str) -> int:
    value = positive(text)
    if value > 64:
        raise argparse.ArgumentTypeError(said("{text} devices; expected 1 to 64", text=text))
    return value


def seconds(text: str) -> float:
    """Return seconds above 0, at most a week. Raises ArgumentTypeError for anything else."""
    return _number(text, 7 * 24 * HOUR, said("a time in seconds, more than 0 and at most a week"))


def _rate(text: str) -> float:
    return _number(text, 1000.0, said("a rate in GB/s, more than 0 and at most 1000"))


def _number(text: str, most: float, expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= most:
        raise argparse.ArgumentTypeError(said("{text!r} is not {expected}", text=text[:40], expected=expected))
    return value


def _not_negative(text: str) -> int:
    value = _whole(text)
    if value < 0:
        raise argparse.ArgumentTypeError(said("{text} is below 0", text=text))
    return value


def _whole(text: str) -> int:
    """Return a whole number; separators of thousands are allowed. Raises ArgumentTypeError for anything else."""
    plain = text.replace(",", "").replace("_", "")
    if len(plain) > 18 or not plain.lstrip("-").isascii() or not plain.lstrip("-").isdigit():
        raise argparse.ArgumentTypeError(said("{text!r} is not a whole number", text=text[:40]))
    return int(plain)
