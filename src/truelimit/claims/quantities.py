"""The numbers that a claim states, each with what it is about."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from truelimit.claims.scan import Found, Scanner, value
from truelimit.domain.claims import Assertion, Quantity
from truelimit.domain.token_counts import in_full
from truelimit.units import GB, HOUR, MINUTE, TERA, Bytes, from_gb, from_gib

_RATE = r"(?:tok(?:en)?s?|t)\s?(?:/|per |a |p)\s?s(?:ec(?:ond)?s?)?\b|tps\b"
_RATE_OF_LONGER = r"(?:tok(?:en)?s?|t)\s?(?:/|per |a |an )\s?(?:min(?:ute)?s?|h(?:ours?|rs?)?|d(?:ays?)?)\b|tpm\b"
_SIZE = r"(?:GB|GiB|TB|TiB|gigabytes?)(?!\s?/|ps|\w)"
_READING = re.compile(
    r"prefill|prompt[\s-]?(?:processing|eval)|time to first|\bpp\d*\b|reads?\b[^.;]*\bprompts?\b", re.I
)
_WRITING = re.compile(r"decod|generat|writ(?:es?|ing)|\btg\d*\b|output", re.I)
_UNITS = r"(?:tok|t/s|[GMT]i?B|W|x|USD|dollars|[TP]FLOP|T?OPS|min|s|h|users|requests|cores)\b"
# Neither the middle of a number nor a price for a time.
_NOT_RENT = r"(?![\d,.]*\d)(?!\s?(?:/|per |an? )\s?(?:h\b|hour|day|mo\b|month|year))"
_NO_RATE = r"(?!\s?/|\s(?:per|an?)\s\w)"  # "40 tokens per minute" is no window
_SECONDS = {"s": 1, "m": MINUTE, "h": HOUR}


@dataclass(frozen=True, slots=True)
class Size:
    """A size in bytes with the words around it; ``as_memory`` takes GB for GiB, as makers of memory do."""

    bytes: Bytes
    as_memory: Bytes
    found: Found


def rates(scanner: Scanner) -> list[Assertion]:
    """Return rates of reading and writing in tokens/s. What is not said to be reading is writing."""
    slow = [_slowed(found) for found in scanner.numbers(_RATE_OF_LONGER)]
    return [_rate(scanner, found) for found in (*scanner.numbers(_RATE), *slow)]


def _slowed(found: Found) -> Found:
    """Tokens a minute, an hour or a day as tokens a second."""
    last = re.split(r"[\s/]+", found.unit.lower())[-1][:1]
    seconds = {"h": HOUR, "d": 24 * HOUR}.get(last, MINUTE)
    return replace(found, low=found.low / seconds, high=found.high / seconds)


def _rate(scanner: Scanner, found: Found) -> Assertion:
    near = found.before[-24:] + " " + found.after[:20]
    reads = _READING.search(near) is not None
    if not reads and not _WRITING.search(near):
        reads = _READING.search(scanner.text) is not None
    kind = Quantity.PREFILL if reads and not _WRITING.search(found.after[:20]) else Quantity.DECODE
    return Assertion(kind, found.low, found.high, found.text, found.open)


def prices(scanner: Scanner) -> list[Assertion]:
    """Return prices in USD: of a thing, or of a million tokens."""
    per_tokens = (
        r"\s?(?:/|per |a )\s?(?:1\s?)?M(?:illion)?(?:\s?tok(?:en)?s?)?\b(?: of)?(?: ?(?:input|in|output|out)\b)?"
    )
    found = [_token_price(item) for item in scanner.numbers(per_tokens, r"(?:US)?\$\s?")]
    plain = [*scanner.numbers(_NOT_RENT, r"(?:US)?\$\s?"), *scanner.numbers(rf"(?:USD|dollars)\b{_NOT_RENT}")]
    return found + [Assertion(Quantity.PRICE, item.low, item.high, item.text, item.open) for item in plain]


def _token_price(found: Found) -> Assertion:
    near = (found.before[-14:] + found.unit + found.after[:14]).lower()
    output = "out" in found.unit.lower() or ("out" in near and "in" not in found.unit.lower())
    kind = Quantity.OUTPUT_PRICE if output else Quantity.INPUT_PRICE
    return Assertion(kind, found.low, found.high, found.text, found.open)


def bandwidths(scanner: Scanner) -> list[Assertion]:
    """Return memory bandwidths in bytes/s."""
    told = r"(?:GB|GiB|TB)(?:\s?(?:/\s?s(?:ec)?|ps)\b|(?=\s(?:of\s)?(?:memory\s)?bandwidth\b))"
    found = scanner.numbers(told, scales="k")
    return [_scaled(Quantity.BANDWIDTH, item, TERA if item.unit.upper().startswith("T") else GB) for item in found]


def matrix_rates(scanner: Scanner) -> list[Assertion]:
    """Return matrix throughputs in operations/s, each with its number format (untold: FLOPS fp16, TOPS int8)."""
    found = scanner.numbers(r"(?:peta|tera|P|T)\s?(?:FLOP/?S?|OPS?)(?:/s)?\b", scales="k")
    return [
        _scaled(
            Quantity.COMPUTE, item, TERA * (1000 if item.unit.upper().startswith("P") else 1), _format(scanner, item)
        )
        for item in found
    ]


def _format(scanner: Scanner, found: Found) -> str:
    near = re.search(r"\b(?:FP|INT|BF)(?:4|8|16|32)\b", found.after[:12] + " " + found.before[-14:], re.I)
    told = near or re.search(r"\b(?:FP|INT|BF)(?:4|8|16|32)\b", scanner.text, re.I)
    untold = "fp16" if "F" in found.unit.upper() else "int8"
    return told.group().lower().replace("bf16", "fp16") if told else untold


def _scaled(quantity: Quantity, found: Found, factor: float, kind: str = "") -> Assertion:
    return Assertion(quantity, found.low * factor, found.high * factor, found.text, found.open, kind)


def sizes(scanner: Scanner) -> list[Size]:
    """Return sizes in bytes: decimal ones, unless the unit is binary. Their kind depends on the words around."""
    found = scanner.numbers(_SIZE, scales="")
    return [_size(item) for item in found]


def _size(found: Found) -> Size:
    number = found.high * (1000 if found.unit.upper().startswith("T") else 1)
    binary = "i" in found.unit.lower()[:2]
    return Size(from_gib(number) if binary else from_gb(number), from_gib(number), found)


def contexts(scanner: Scanner, *, hosted: bool) -> list[Assertion]:
    """Return contexts and prompts in tokens (``128K context``, ``context of 131,072``, ``at 128K``, ``depth 8192``).

    A k is 1,024, as engines count; of a ``hosted`` model 1,000, as providers do.
    """
    read = value if hosted else _tokens
    after = rf"(?:tok(?:en)?s?)?[\s-]?(?:of )?(?:context|window|ctx|prompt|depth|tokens?)\b{_NO_RATE}"
    found = scanner.numbers(after, scales="km", read=read)
    before = r"(?:(?:context(?: window)?|window|ctx|depth|prompts?)(?: length| size)?(?: of|:| is|=)? ?|@ ?d)"
    found += scanner.numbers(r"", before, scales="km", read=read)
    found += scanner.numbers(r"(?<=[kKM])(?![\w])", r"(?:(?:at|for|with) )?", scales="km", read=read)
    found += scanner.numbers(rf"(?<=\d{{3}})(?![\w,.%$/]|\s?{_UNITS})", r"(?:at|for|with) (?=[\d,]{4})", scales="")
    return [Assertion(Quantity.CONTEXT, item.low, item.high, item.text, item.open) for item in found]


def _tokens(number: str, scale: str) -> float:
    return in_full(value(number), scale)


def durations(scanner: Scanner) -> list[Assertion]:
    """Return durations in seconds; ``more than`` before one makes it open upwards."""
    found = scanner.numbers(r"(?:min(?:ute)?s?|s(?:ec(?:ond)?s?)?|h(?:ours?)?)\b", scales="")
    made = []
    for item in found:
        factor = _SECONDS[item.unit.strip().lower()[0]]
        more = item.open or item.text.startswith(">") or re.search(r"(?:more than|over|above|at least) ?$", item.before)
        made.append(Assertion(Quantity.PREFILL_TIME, item.low * factor, item.high * factor, item.text, bool(more)))
    return made


def heads(scanner: Scanner) -> list[Assertion]:
    """Return numbers of KV heads."""
    found = scanner.numbers(r"(?:KV|key[\s-]value)[\s-]heads?\b", scales="")
    return [Assertion(Quantity.KV_HEADS, item.low, item.high, item.text) for item in found]


def _ratio(found: Found) -> Assertion:
    low, high = found.low, found.high
    if "slower" in found.unit.lower():
        low, high = 1 / high, 1 / low
    return Assertion(Quantity.RATIO, low, high, found.text, found.open)


def ratios(scanner: Scanner) -> list[Assertion]:
    """Return ratios of speeds: ``2.1x faster than``, ``twice as fast as``, ``half as fast``, ``behind``."""
    words = r"(?:faster|quicker|slower|as fast|the speed|speed|better|the performance)(?:\s(?:than|as|of|over))?"
    found = [_ratio(item) for item in scanner.numbers(rf"(?:x|times)\s?{words}", scales="") if item.low > 0]
    told = {"twice as fast": 2.0, "half as fast": 0.5, "half the speed": 0.5, "as fast as": 1.0}
    if not found:
        said = [text for text in told if scanner.words(rf"\b{text}\b")][:1]
        found = [Assertion(Quantity.RATIO, told[text], told[text], text) for text in said]
    if not found and scanner.words(r"\b(?:behind|slower than|lags)\b"):
        return [Assertion(Quantity.RATIO, 0.0, 1.0, "behind", kind="behind")]
    if not found and scanner.words(r"\b(?:faster than|ahead of)\b"):
        return [Assertion(Quantity.RATIO, 1.0, 1.0, "faster", True, "ahead")]
    return found
