"""Names of models: when two mean the same one, and which number a name carries as a label."""

from __future__ import annotations

import re
from functools import lru_cache

from truelimit.domain.frozen import dataclass

_DEFAULT_PREFIXES = ("registry.ollama.ai/library/", "registry.ollama.ai/", "library/")
_LABEL = re.compile(r"(?:(?<=ctx)|(?<=-v)|(?<![a-z\d.]))(\d+(?:\.\d+)?)([km])(?![a-z\d])")
_DIGITS = re.compile(r"(?<![\d.])(\d{4,8})(?![\d.])")
_DIGEST = re.compile(r"(?:sha256[:-])?([0-9a-f]{12,64})")
_SPLIT_SUFFIX = re.compile(r"-\d{5}-of-\d{5}$")


@lru_cache(8192)
def normalise(name: str) -> str:
    """Return the name as servers compare it: lower case, default registry left out, ``:latest`` where no tag is given.

    Source: Ollama types/model/name.go (default host, namespace ``library``, tag ``latest``).
    """
    text = name.strip().lower()
    for prefix in _DEFAULT_PREFIXES:
        text = text.removeprefix(prefix)
    last = text.rpartition("/")[2]
    return text if ":" in last else f"{text}:latest"


def same_model(one: str, other: str) -> bool:
    """Return whether two names mean the same model."""
    return normalise(one) == normalise(other)


@lru_cache(8192)
def stem(path: str) -> str:
    """Return the file name of a model without folder, ``.gguf`` and split number, in lower case."""
    name = path.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".gguf")
    return _SPLIT_SUFFIX.sub("", name)


@lru_cache(8192)
def digest_in(text: str | None) -> str | None:
    """Return the hexadecimal digest in a text (12 to 64 digits), or None."""
    match = _DIGEST.search(text.lower()) if text else None
    return match.group(1) if match else None


def same_digest(one: str | None, other: str | None) -> bool:
    """Return whether two texts hold the same digest, or one the beginning of the other's."""
    a, b = digest_in(one), digest_in(other)
    return a is not None and b is not None and (a.startswith(b) or b.startswith(a))


@dataclass(frozen=True, slots=True)
class Label:
    """A number in a name: its text, and the name that carries it."""

    text: str
    name: str


def label_for(value: int, *names: str | None) -> Label | None:
    """Return the label in one of the names that stands for ``value`` tokens, or None.

    ``128k`` stands for 131,072 (k = 1024) and 128,000 (k = 1000); ``262k`` for 262,144 by rounding; a number of four
    digits or more for itself. A label that stands for another number is no label of this value.
    """
    for name in names:
        for text, values in _labels(name or ""):
            if value in values:
                return Label(text, name or "")
    return None


def _labels(name: str) -> list[tuple[str, set[int]]]:
    text = name.lower()
    found = [(m.group(), _readings(float(m.group(1)), m.group(2))) for m in _LABEL.finditer(text)]
    return found + [(m.group(), {int(m.group())}) for m in _DIGITS.finditer(text)]


def _readings(number: float, unit: str) -> set[int]:
    binary, decimal = (1024, 1000) if unit == "k" else (1024 * 1024, 1_000_000)
    exact = {round(number * binary), round(number * decimal)}
    if unit == "k" and number == int(number):  # 262k, 131k, 33k: a power of two said in thousands
        powers = (1 << bits for bits in range(10, 25))
        exact |= {p for p in powers if int(number) in {p // 1000, round(p / 1000)}}
    return exact
