"""Which devices share a chip: a device is left out together with all variants of its chip."""

from __future__ import annotations

import re

_SAME_CHIP = {
    "rtx-4090d": "rtx-4090",
    "rtx-pro-6000-maxq": "rtx-pro-6000",
    "rtx-4080-super": "rtx-4080",
    "rtx-4070-super": "rtx-4070",
    "rtx-4070-ti": "rtx-4070",
    "quadro-rtx-8000": "quadro-rtx-6000",
    "arc-a770m": "arc-a770",
    "gtx-1070-ti": "gtx-1070",
    "gtx-1070-maxq": "gtx-1070",
    "h100-nvl": "h100",
    "h100-pcie": "h100",
    "h100-sxm": "h100",
    "rtx-2060-super": "rtx-2060",
    "rtx-2080-super": "rtx-2080",
    "w7800-48": "w7800",
}
_DIES = {
    "ga102": "rtx-3080 rtx-3090 rtx-a6000 rtx-a4500 a40 a10 rtx-a5000 rtx-a5500",
    "ga104": "rtx-3060-ti rtx-3070 rtx-a4000 rtx-3080-laptop rtx-a5000-laptop rtx-a4500-laptop",
    "ad102": "rtx-4090 rtx-6000-ada l40 l40s rtx-5880-ada rtx-5000-ada",
    "ad103": "rtx-4080 rtx-4070-ti-super rtx-4090-laptop rtx-5000-ada-laptop rtx-4500-ada",
    "ad104": "rtx-4070 l4 rtx-4000-ada rtx-4080-laptop",
    "ad106": "rtx-4060-ti rtx-4070-laptop",
    "ad107": "rtx-4060 rtx-4060-laptop rtx-4050-laptop rtx-2000-ada",
    "gb202": "rtx-5090 rtx-pro-6000 rtx-pro-5000-blackwell",
    "gb203": "rtx-5080 rtx-5070-ti rtx-5090-laptop rtx-pro-4500-blackwell rtx-5080-laptop",
    "tu102": "quadro-rtx-6000 rtx-2080-ti titan-rtx",
    "tu104": "quadro-rtx-4000 quadro-rtx-5000 rtx-2080 rtx-2070-super t4",
    "gp104": "gtx-1070 gtx-1080 quadro-p4000",
    "gp102": "titan-xp gtx-1080-ti p40",
    "gv100": "titan-v v100",
    "navi31": "rx-7900-xtx rx-7900-xt rx-7900-gre w7900 w7800",
    "navi21": "rx-6900-xt rx-6800 rx-6800-xt rx-6950-xt",
    "bmg-g21": "arc-b570 arc-b580 arc-pro-b60 arc-pro-b50",
}
_DIE_OF = {chip: die for die, chips in _DIES.items() for chip in chips.split()}


def chip_of(device: str) -> str:
    """Return the chip of a device: all counts of cores and sizes of memory are one."""
    plain = re.sub(r"-(\d+c|cpu|80|40|32|64|16|12|10|8)$", "", device)
    plain = re.sub(r"-\d+c$", "", plain)
    return _SAME_CHIP.get(device, _SAME_CHIP.get(plain, plain))


def die_of(device: str) -> str:
    """Return the die of a device: products cut from one die are one."""
    chip = chip_of(device)
    return _DIE_OF.get(device, _DIE_OF.get(chip, chip))
