"""AMD accelerators, by the files of the Linux driver (amdgpu) under /sys/class/drm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from truelimit.adapters.host.sources import first_bytes, number_in

_AMD = "0x1002"


@dataclass(frozen=True, slots=True)
class AmdCard:
    """One device; sizes in bytes. ``gtt`` is main memory that the device may use as its own.

    ``in_processor``: part of the processor, with a share of main memory carved out as ``vram``.
    """

    name: str
    number: str
    folder: str
    vram: int
    vram_used: int | None
    gtt: int | None
    gtt_used: int | None
    in_processor: bool


def amd_cards(root: Path) -> tuple[AmdCard, ...]:
    """Return the AMD devices whose memory the driver tells, in order of their numbers."""
    try:
        folders = sorted((root / "sys/class/drm").glob("card[0-9]*"))
    except OSError:
        return ()
    # card0-DP-1 and the like are sockets of card0.
    found = (_card(folder / "device", folder.name) for folder in folders if "-" not in folder.name)
    return tuple(card for card in found if card is not None)


def _card(folder: Path, number: str) -> AmdCard | None:
    vram = number_in(folder / "mem_info_vram_total")
    if vram is None or first_bytes(folder / "vendor") != _AMD:
        return None
    return AmdCard(
        first_bytes(folder / "product_name") or f"AMD device {first_bytes(folder / 'device') or '(unnamed)'}",
        number,
        f"/sys/class/drm/{number}/device",
        vram,
        number_in(folder / "mem_info_vram_used"),
        number_in(folder / "mem_info_gtt_total"),
        number_in(folder / "mem_info_gtt_used"),
        _in_processor(folder),
    )


def _in_processor(folder: Path) -> bool:
    """Tell by the sensor ``vddnb`` (north bridge voltage), which the driver shows for processors' devices only."""
    return any(first_bytes(label) == "vddnb" for label in folder.glob("hwmon/hwmon*/in*_label"))
