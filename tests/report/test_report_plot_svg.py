"""A chart as SVG is XML, whatever the names of models and machines hold."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from truelimit.report.language import ENGLISH
from truelimit.report.plot import Chart, Line
from truelimit.report.plot_svg import drawn


def test_names_from_outside_break_no_drawing() -> None:
    line = Line("<b>\x01\u202e&", ((1.0, 2.0), (4.0, 3.0)))
    text = drawn(Chart("a <model> \x07", "tokens/s", (line,), 1.0, 4.0, 0.0, 4.0, logarithmic=True), ENGLISH)
    root = ET.fromstring(text)
    said = [item.text for item in root.findall("{*}text")]
    assert "a <model> \ufffd: tokens/s" in said
    assert "<b>\ufffd\ufffd&" in said
    (path,) = root.findall("{*}polyline")
    assert path.get("points") == "80,265 870,157.5"
