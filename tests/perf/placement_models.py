"""Models of true shape for placement: a dense one of 70 B, a mixture of experts, one with windows in five of six."""

from __future__ import annotations

from typing import Any

from truelimit.domain.machine import Machine, MemoryPool, PoolKind
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.kv_cache import CacheSettings
from truelimit.perf.memory import MemoryNeed, MemorySettings, memory_needed
from truelimit.perf.placement import Place
from truelimit.perf.placement_parts import ModelParts, model_parts
from truelimit.perf.quantization import tensors_at
from truelimit.units import GIB, MIB, Bytes

KEPT = 512 * MIB


def shape(arch: str, **keys: Any) -> ModelHeader:
    metadata = {"general.architecture": arch} | {f"{arch}.{key.replace('__', '.')}": keys[key] for key in keys}
    bare = ModelHeader("table", Basis.SPECIFIED, arch, metadata)
    return ModelHeader("table", Basis.SPECIFIED, arch, metadata, tensors_at(bare, "Q4_K_M"))


def attention(heads: int, kv_heads: int, length: int) -> dict[str, int]:
    return {
        "attention__head_count": heads,
        "attention__head_count_kv": kv_heads,
        "attention__key_length": length,
        "attention__value_length": length,
    }


LLAMA_70B = shape(
    "llama", context_length=131_072, block_count=80, embedding_length=8192, feed_forward_length=28_672,
    vocab_size=128_256, **attention(64, 8, 128),
)  # fmt: skip
QWEN_30B = shape(
    "qwen3moe", context_length=262_144, block_count=48, embedding_length=2048, feed_forward_length=6144,
    expert_feed_forward_length=768, expert_count=128, expert_used_count=8, vocab_size=151_936, **attention(32, 4, 128),
)  # fmt: skip
GEMMA_27B = shape(
    "gemma3", context_length=131_072, block_count=62, embedding_length=5376, feed_forward_length=21_504,
    vocab_size=262_208, attention__sliding_window=1024, **attention(32, 16, 128),
)  # fmt: skip
MODELS = {"dense": LLAMA_70B, "experts": QWEN_30B, "windows": GEMMA_27B}


def needs(header: ModelHeader, context: int = 8192, **cache: Any) -> MemoryNeed:
    return memory_needed(header, MemorySettings(CacheSettings(context, **cache)))


def parts_of(header: ModelHeader, context: int = 8192) -> ModelParts:
    return model_parts(header, needs(header, context))


def card(gib: float, name: str = "card", kept: int = KEPT) -> Place:
    return Place(name, Known(Bytes(round(gib * GIB)), name, Basis.SPECIFIED), kept)


def ram(gib: float) -> Place:
    return card(gib, "main memory", 0)


def cards(*gib: float, main: float | None = None) -> Machine:
    """A box of cards, each with memory of its own, and main memory where told."""
    sizes = [(PoolKind.VRAM, size) for size in gib] + ([(PoolKind.RAM, main)] if main else [])
    pools = [
        MemoryPool(kind.value, kind, Known(Bytes(round(size * GIB)), kind.value, Basis.REPORTED))
        for kind, size in sizes
    ]
    return Machine("pc", Known("card", "here", Basis.REPORTED), None, tuple(pools))
