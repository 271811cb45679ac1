"""What is said first of a model: what its config.json leaves to defaults, and what its files lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.model import CLASS_DEFAULTS

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader


def model_notes(header: ModelHeader) -> tuple[str, ...]:
    """Return the notes of a model's source; empty where there is nothing to say."""
    told = header.metadata.get(CLASS_DEFAULTS)
    return (*((told,) if isinstance(told, str) and told else ()), *_incomplete(header))


def _incomplete(header: ModelHeader) -> tuple[str, ...]:
    """The files are too short for their tensors; nothing where they are whole, or that is not known."""
    if not header.missing_bytes:
        return ()
    return (
        said(
            "the file is incomplete: {missing:,} bytes of its tensors lie beyond its end, so that no engine can load "
            "it (a download cut off, or a header alone); all sizes are those of the whole model",
            missing=header.missing_bytes,
        ),
    )
