"""Checks the metadata of a model's table: counts that no model can have are refused by their key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.tables.fields import TableError, wrong

if TYPE_CHECKING:
    from truelimit.domain.model import MetadataValue

_MOST = {  # by the key without its architecture: the largest that is taken for a model's
    "block_count": 1000,
    "embedding_length": 2**20,
    "feed_forward_length": 2**24,
    "context_length": 2**31,
    "attention.head_count": 2**14,
    "attention.head_count_kv": 2**14,
    "attention.key_length": 2**16,
    "attention.value_length": 2**16,
    "vocab_size": 2**24,
}


def check(file: str, architecture: str, metadata: Mapping[str, MetadataValue]) -> None:
    """Raise TableError, by file and key, for a count that no model has; one that is missing is said to be not known."""
    for name, most in _MOST.items():
        key = f"{architecture}.{name}"
        if key in metadata:
            _check_count(file, key, metadata[key], most)
    heads, cached = (metadata.get(f"{architecture}.attention.{name}") for name in ("head_count", "head_count_kv"))
    if isinstance(heads, int) and isinstance(cached, int) and cached > heads:
        raise TableError(
            said(
                "{file}: {key} is {cached}; expected at most the {heads} heads of attention",
                file=file,
                key=f"{architecture}.attention.head_count_kv",
                cached=cached,
                heads=heads,
            )
        )


def _check_count(file: str, key: str, value: MetadataValue, most: int) -> None:
    counts = value if isinstance(value, tuple) else (value,)
    if all(isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= most for item in counts) and any(
        counts
    ):
        return
    raise wrong(file, key, value, said("a whole number from 1 to {most:,}", most=most))
