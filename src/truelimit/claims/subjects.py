"""What a claim speaks of: machine and how many, model, quantisation, and the conditions it states."""

from __future__ import annotations

import re
from dataclasses import dataclass

from truelimit.claims.scan import Scanner, value
from truelimit.claims.vocabulary import Name, Vocabulary, find, nearest
from truelimit.domain.message import said
from truelimit.units import GB as BILLION

_COUNTS = {
    "two": 2, "dual": 2, "pair of": 2, "twin": 2, "double": 2, "both": 2, "three": 3, "triple": 3, "four": 4,
    "quad": 4, "six": 6, "eight": 8, "one": 1, "single": 1, "a": 1,
}  # fmt: skip
_COUNT_BEFORE = re.compile(
    r"(?:(?P<number>\d{1,3})\s?(?:x|units? of|linked)?|(?P<word>two|dual|pair of|twin|double|both|three|triple|four|"
    r"quad|six|eight|single|one))[\s\-]+(?:linked |clustered |stacked )?(?:the |nvidia |amd |apple |units? )*$",
    re.IGNORECASE,
)
_COUNT_AFTER = re.compile(r"^\s?x\s?(?P<number>\d{1,2})\b", re.IGNORECASE)
_QUANTS = (
    r"(?<![\w])(?:UD-)?(?:IQ[1-4]_(?:XXS|XS|S|M|NL)|Q[2-8]_K_(?:XXL|XL|L|M|S)|Q[2-8]_K|Q[4-8]_[01]|TQ[12]_0|MXFP4|NVFP4"
    r"|Q[2-8]|BF16|FP?16|FP?32|FP?8|FP?4|INT8|INT4|AWQ|GPTQ(?:-Int4)?|(?:[2-8]|16)[\s\-]?bits?)(?![\w])"
)
# The words after "on": up to four, until one begins a condition. A bare number of a model line counts ("on 5090").
_CONDITION = r"(?!(?:at|with|for|in|using|from|over|is|are|costs?|and|via|by)\b)"
_AFTER_ON = (
    rf"\bon (?:an? |the |my |your )?(?P<name>(?:[A-Za-z][\w+\-]*|\d{{3,4}}(?![\d,.%/]|\s?(?:[KMGTP]i?B|tok|t/s|W\b)))"
    rf"(?: {_CONDITION}[\w+\-]+){{0,3}})"
)
_UNQUANTISED = r"\b(?:un-?quanti[sz]ed|(?:no|without) quanti[sz]ation|full precision|half precision)\b"
_SIZE = (
    r"(?<![\w.$])(?P<all>\d{1,4}(?:\.\d{1,3})?)\s?B(?P<open>\+)?"
    r"(?:[\s\-]?A(?P<active>\d{1,3}(?:\.\d{1,2})?)B)?(?:[\s\-](?:class|model|dense|parameters?|params?))?(?![\w/])"
)
_ALIASES = {"f16": "F16", "fp16": "F16", "bf16": "BF16", "fp8": "FP8", "f8": "FP8", "fp4": "FP4", "f4": "FP4",
            "f32": "F32", "fp32": "F32", "16bit": "F16", "8bit": "Q8", "6bit": "Q6", "5bit": "Q5", "4bit": "Q4",
            "3bit": "Q3", "2bit": "Q2", "int8": "INT8", "int4": "INT4", "awq": "INT4", "gptq": "INT4",
            "gptqint4": "INT4"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Machines:
    """The machine, how many of it, the one it is compared with, and names that are not known."""

    machine: str | None
    count: int
    other: str | None
    unknown: tuple[str, ...]


def machines(scanner: Scanner, vocabulary: Vocabulary) -> Machines:
    """Return the machines of a claim: the first named is its subject, another one is what it is compared with."""
    never = find(scanner, vocabulary.never)
    if never:
        return Machines(None, 1, None, (never[0].id,))
    found = find(scanner, vocabulary.machines)
    if not found:
        return Machines(None, 1, None, _unknown_machine(scanner, vocabulary))
    first = found[0]
    others = [item for item in found[1:] if item.id != first.id]
    return Machines(first.id, _count(scanner, first), others[0].id if others else None, ())


def _count(scanner: Scanner, name: Name) -> int:
    before, after = _COUNT_BEFORE.search(scanner.text[: name.start]), _COUNT_AFTER.match(scanner.text[name.end :])
    if before:
        scanner.blank(*before.span())
        return max(1, int(before["number"])) if before["number"] else _COUNTS[before["word"].lower()]
    if after:
        scanner.blank(name.end + after.start(), name.end + after.end())
        return max(1, int(after["number"]))
    return 1


def _unknown_machine(scanner: Scanner, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The words after "on" where no machine was found, with the nearest names."""
    match = re.search(_AFTER_ON, scanner.left, re.IGNORECASE)
    if match is None:
        return ()
    name = match["name"].strip()
    close = nearest(name, vocabulary.machines) or nearest(name.split()[0], vocabulary.machines)
    offered = (
        said("; nearest: {close}", close=", ".join(close))
        if close
        else said("; truelimit machines lists what is known")
    )
    scanner.blank(*match.span("name"))
    return (said("machine {name!r} is not in the tables{offered}", name=name, offered=offered),)


def model(scanner: Scanner, vocabulary: Vocabulary) -> tuple[str | None, float | None, float | None]:
    """Return the model of a claim: its id where a table knows it, parameters and active ones where a size is told."""
    named = find(scanner, vocabulary.models)
    sizes = scanner.take(_SIZE)
    total = value(sizes[0]["all"]) * BILLION if sizes else None
    active = value(sizes[0]["active"]) * BILLION if sizes and sizes[0]["active"] else None
    return (named[0].id if named else None), total, active


def quantization(scanner: Scanner) -> str | None:
    """Return the quantisation of the weights in one spelling (``Q4_K_M``, ``Q4``, ``FP8``, ``F16``), or None."""
    if scanner.take(_UNQUANTISED):
        return "F16"
    found = scanner.take(_QUANTS)
    if not found:
        return None
    text = found[0].group().upper().removeprefix("UD-")
    return _ALIASES.get(re.sub(r"[\s\-]|S$", "", text).lower(), text)


def batch(scanner: Scanner) -> int:
    """Return how many requests a claim speaks of: 1, a number, or 0 for many."""
    found = scanner.take(
        r"\b(?:batch(?: size)?(?: of)? ?(?P<a>\d{1,5})|(?P<b>\d{1,5}) (?:concurrent|parallel|users|requests|streams))\b"
    )
    if found:
        return max(1, int(found[0]["a"] or found[0]["b"]))
    return 0 if scanner.words(r"\b(?:aggregate|total throughput|batched|concurrent|all users)\b") else 1


def speculation(scanner: Scanner) -> bool:
    """Return whether a claim says that more than one token comes of one pass."""
    return scanner.words(r"\b(?:MTP|multi-?token|speculati\w+|draft(?: model|ing)?|EAGLE-?\d?|medusa|lookahead)\b")


def sparse(scanner: Scanner) -> bool | None:
    """Return whether a claim says that its model is a mixture of experts (True), dense (False), or neither (None)."""
    if scanner.words(r"\b(?:MoE|mixture[\s-]of[\s-]experts|sparse model)\b"):
        return True
    return False if scanner.words(r"\bdense\b") else None


def split(scanner: Scanner) -> str | None:
    """Return how a claim says that devices share the model: ``tensor``, ``layer`` or None."""
    if scanner.words(r"\btensor[\s\-]?(?:parallel\w*|split)|\bTP\s?=?\s?\d\b|row split"):
        return "tensor"
    return "layer" if scanner.words(r"\b(?:layer[\s\-]?split|pipeline[\s\-]?parallel\w*|split by layers?)\b") else None
