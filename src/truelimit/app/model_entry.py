"""What the table of models holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader
    from truelimit.units import Bytes


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model of the table or of the user's own TOML: its id, other names, header, and the sizes of known files.

    ``active_parameters`` are those that one token uses: all but the experts that it is not sent to. ``files_bytes``
    are lengths of published files, by quantisation. ``typical`` marks a shape that stands for a class of models.
    """

    id: str
    aliases: tuple[str, ...]
    header: ModelHeader
    active_parameters: int | None
    source: str
    files_bytes: Mapping[str, Bytes] = field(default_factory=dict)
    typical: bool = False
