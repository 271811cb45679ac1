"""KV cache types: how many bytes a stored number takes, and which combinations the engine refuses.

Source of sizes: llama.cpp ``ggml/src/ggml-common.h`` (block structures), build b11434. Source of the refusals:
``llama_init_from_model`` in ``src/llama-context.cpp`` of the same build.
"""

from __future__ import annotations

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.perf.layouts.nouns import SettingsRefusedError


@dataclass(frozen=True, slots=True)
class KvType:
    """A type of cached numbers: ``block`` of them take ``block_bytes`` bytes together."""

    name: str
    block: int
    block_bytes: int

    @property
    def bytes_per_value(self) -> int | float:
        """Bytes of one number: exact, because every block is a power of two."""
        whole, rest = divmod(self.block_bytes, self.block)
        return whole if rest == 0 else self.block_bytes / self.block

    @property
    def is_quantized(self) -> bool:
        """Whether numbers are stored in blocks."""
        return self.block > 1


_TYPES = (
    KvType("f32", 1, 4),
    KvType("f16", 1, 2),
    KvType("bf16", 1, 2),
    KvType("q8_0", 32, 34),
    KvType("q5_1", 32, 24),
    KvType("q5_0", 32, 22),
    KvType("q4_1", 32, 20),
    KvType("q4_0", 32, 18),
    KvType("iq4_nl", 32, 18),
)
KV_TYPES = {kind.name: kind for kind in _TYPES}


def kv_type(name: str) -> KvType:
    """Return the cache type of a name such as ``q8_0``, in any case.

    Raises SettingsRefusedError for a name that no engine accepts for its cache.
    """
    found = KV_TYPES.get(name.lower()) if isinstance(name, str) else None
    if found is None:
        raise SettingsRefusedError(
            said("KV cache type {name!r} is not one of {kv_types}", name=name, kv_types=", ".join(KV_TYPES))
        )
    return found


def check_rows(kind: KvType, side: str, head_length: int, row_length: int, flash_attention: bool) -> None:
    """Raise SettingsRefusedError where the engine would not store rows of this length in this type.

    With flash attention each head must hold whole blocks; without it the whole row must.
    """
    length = head_length if flash_attention else row_length
    if length % kind.block:
        raise SettingsRefusedError(
            said(
                "{side} cache type {kind} stores blocks of {block} numbers, "
                "which do not divide the {side} length {length} of this model",
                side=side,
                kind=kind.name,
                block=kind.block,
                length=length,
            )
        )
