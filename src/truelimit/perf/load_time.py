"""How long it takes until a model's weights, or the cache of an old conversation, lie where they are used."""

from __future__ import annotations

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Bytes, BytesPerSecond, from_gb_per_s

# A PCIe 4 NVMe drive reads 5 to 7 GB/s in long runs; files through the page cache or an older drive reach 1 to 3.
DISK = Known(from_gb_per_s(3.0), said("one NVMe drive, 3 GB/s (1 to 7 occur)"), Basis.ASSUMED)
_SLOWEST, _FASTEST = 1 / 3, 7 / 3  # of the assumed rate: 1 and 7 GB/s
_ENGINE = 0.9  # of the link: what a driver's copies reach


def load_calculation(
    weights: Known[Bytes], disk: Known[BytesPerSecond], link: Known[BytesPerSecond] | None
) -> Calculation:
    """Return the seconds of a cold load: weights over the slower of the drive and the link to the accelerator."""
    size = Term("weights", weights.value, "bytes", weights.where, weights.basis)
    read = Term("disk", disk.value, "bytes/s", disk.where, disk.basis)
    if link is None:
        return calculate("weights / disk", "s", size, read)
    way = Term("link", link.value, "bytes/s", link.where, link.basis)
    return calculate("weights / min(disk, link)", "s", size, read, way)


def load_interval(seconds: float, disk: Known[BytesPerSecond]) -> tuple[float, float]:
    """Return the shortest and longest seconds that a load may take: wide where the drive's rate is assumed."""
    if disk.basis is Basis.ASSUMED:
        return seconds / _FASTEST, seconds / _SLOWEST
    return seconds * _ENGINE, seconds / _ENGINE


def restore_calculation(cache: Known[Bytes], link: Known[BytesPerSecond]) -> Calculation:
    """Return the seconds to bring a conversation's cache back from main memory, in place of reading it anew."""
    size = Term("cache", cache.value, "bytes", cache.where, cache.basis)
    way = Term("link", link.value, "bytes/s", link.where, link.basis)
    return calculate("cache / link", "s", size, way)


def tokens_kept(prompt_cache: int, bytes_per_token: float) -> int:
    """Return how many tokens of old conversations a prompt cache of so many bytes holds; 0 where a token costs none."""
    return int(prompt_cache // bytes_per_token) if bytes_per_token > 0 else 0
