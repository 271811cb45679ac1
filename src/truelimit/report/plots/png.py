"""A drawing as a picture, by a package of its own that is imported only here: resvg needs no library of the system."""

from __future__ import annotations

from truelimit.domain.message import said
from truelimit.report.plots.figure import Figure


class PictureError(RuntimeError):
    """A picture that cannot be made; the text says what to do."""


def png(figure: Figure, zoom: int = 2) -> bytes:
    """Return the figure as a PNG file, light. Raises PictureError where the renderer is missing or fails."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise PictureError(
            said("pictures need the package resvg-py: pip install resvg-py; --svg writes the same drawings without it")
        ) from error
    try:
        return bytes(svg_to_bytes(svg_string=figure.picture(), zoom=zoom))
    except ValueError as error:
        raise PictureError(
            said("{figure}: the renderer refused the drawing: {error}", figure=figure.name, error=error)
        ) from error
