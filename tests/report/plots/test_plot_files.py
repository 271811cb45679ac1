"""Drawings as files: SVG alone with its own colours, and PNG by a real renderer."""

from __future__ import annotations

import builtins
import re
import struct
import zlib
from xml.etree import ElementTree as ET

import pytest

from support.report_parts import hostile_report
from truelimit.report.html.page import drawings
from truelimit.report.language import ENGLISH
from truelimit.report.plots.png import PictureError, png
from truelimit.report.plots.style import DARK, LIGHT, rules

FIGURES = drawings(ENGLISH, hostile_report())


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_are_legible_on_their_ground(palette) -> None:
    """WCAG 2.2: 4.5 for text, 3 for parts of drawings (1.4.3, 1.4.11)."""
    assert contrast(palette["ink"], palette["paper"]) >= 7
    assert contrast(palette["faint"], palette["paper"]) >= 4.5
    for name in (name for name in palette if re.fullmatch(r"c\d", name)):
        assert contrast(palette[name], palette["paper"]) >= 3, name


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_file_brings_the_colours_of_all_its_parts(figure) -> None:
    text = figure.file()
    tree = ET.fromstring(text)
    held = set(re.findall(r"\.([\w-]+)\{", rules(LIGHT)))
    used = {name for item in tree.iter() for name in item.get("class", "").split()}
    assert used <= held
    assert "var(" not in text
    assert "prefers-color-scheme:dark" in text
    assert "prefers-color-scheme" not in figure.picture()


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_picture_is_a_png_of_twice_the_size_with_ink_on_it(figure) -> None:
    data = png(figure)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert width == 2 * figure.drawing.width
    assert abs(height - 2 * figure.drawing.height) <= 1
    at, packed = 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        packed += data[at + 8 : at + 8 + length] if data[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + length
    assert len(set(zlib.decompress(packed))) > 10


def test_without_the_renderer_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: object) -> object:
        if name == "resvg_py":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(PictureError, match="pip install resvg-py; --svg"):
        png(FIGURES[0])
