"""How much of unified memory a GPU may take where nobody has measured it: by the chip's family."""

from __future__ import annotations

from truelimit.domain.message import said

METAL_SHARE = 0.75
_METAL = said("assumed: Metal lets the GPU take about 75 % of memory by default (72 to 81 % in logs of llama.cpp)")
_GTT = said(
    "assumed: Linux set up to map 110 of 128 GiB for the GPU, as users of this chip do (lhl/strix-halo-testing); "
    "the kernel's default is half"
)
_HALF = said("assumed: a processor's GPU may take half of main memory, the default of Linux and Windows drivers")
_SHARES = (
    ("apple", METAL_SHARE, _METAL),
    ("amd-strix-halo", 110 / 128, _GTT),
    ("amd-apu", 0.5, _HALF),
    ("intel-igpu", 0.5, _HALF),
)


def gpu_share(family: str) -> tuple[float, str] | None:
    """Return the share of unified memory that GPUs of this family may take, and its source; None where all of it."""
    return next(((share, source) for start, share, source in _SHARES if family.startswith(start)), None)
