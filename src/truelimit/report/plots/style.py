"""The colours of drawings: for a page that knows light and dark, for an SVG file alone, for a picture.

Eight colours that people with any colour vision tell apart (Okabe and Ito, 2008), lightened for a dark ground. Colour
is never the only sign: bars have labels, points have shapes.
"""

from __future__ import annotations

from collections.abc import Mapping

Palette = Mapping[str, str]

LIGHT: Palette = {
    "paper": "#ffffff", "ink": "#1b1f24", "faint": "#57606a", "grid": "#d8dee4",
    "c1": "#0072b2", "c2": "#d55e00", "c3": "#007a59", "c4": "#b3548f",
    "c5": "#b07800", "c6": "#3a8fc4", "c7": "#6e7781", "c8": "#8f3f00",
}  # fmt: skip
DARK: Palette = {
    "paper": "#12161c", "ink": "#e6edf3", "faint": "#9aa6b2", "grid": "#303840",
    "c1": "#58aee0", "c2": "#ff8f45", "c3": "#3fcf9f", "c4": "#e38fc2",
    "c5": "#e8b339", "c6": "#9ad0f0", "c7": "#9aa6b2", "c8": "#d98b5f",
}  # fmt: skip
COLOURS = tuple(f"c{number}" for number in range(1, 9))


def variables(palette: Palette) -> str:
    """Return the colours as CSS variables, for a rule of a page."""
    return "".join(f"--{name}:{colour};" for name, colour in palette.items())


def rules(palette: Palette | None = None) -> str:
    """Return the CSS of all parts of drawings: with these colours, or (None) with the variables of a page."""

    def of(name: str) -> str:
        return f"var(--{name})" if palette is None else palette[name]

    fills = [f".fill-{name}{{fill:{of(name)}}}" for name in COLOURS]
    lines = [f".line-{name}{{fill:none;stroke:{of(name)};stroke-width:2.5}}" for name in COLOURS]
    edges = [f".edge-{name}{{fill:none;stroke:{of(name)};stroke-width:1.5;stroke-dasharray:4 3}}" for name in COLOURS]
    inks = [f".ink-{name}{{fill:{of(name)}}}" for name in COLOURS]
    walls = [f".wall-{name}{{stroke:{of(name)};stroke-width:1.8}}" for name in COLOURS]
    dashed = [f".dash-{name}{{fill:none;stroke:{of(name)};stroke-width:2.5;stroke-dasharray:7 5}}" for name in COLOURS]
    base = (
        f".paper{{fill:{of('paper')}}}.ink{{fill:{of('ink')}}}.strong{{fill:{of('ink')};font-weight:bold}}"
        f".faint{{fill:{of('faint')}}}.grid{{stroke:{of('grid')};stroke-width:1}}.axis{{stroke:{of('faint')};stroke-width:1}}"
        f".pool{{fill:none;stroke:{of('ink')};stroke-width:1.5}}.gap{{stroke:{of('paper')};stroke-width:1.5}}"
        f".on-fill{{fill:{of('paper')};font-weight:bold}}"
        f".interval{{fill:none;stroke:{of('ink')};stroke-width:2}}"
        f".halo{{stroke:{of('paper')};stroke-width:4;stroke-linejoin:round;paint-order:stroke}}"
    )
    return base + "".join(fills + lines + edges + inks + walls + dashed)


def file_style() -> str:
    """Return the CSS of an SVG file alone: light, and dark where its reader prefers that."""
    return f"{rules(LIGHT)}@media (prefers-color-scheme:dark){{{rules(DARK)}}}"
