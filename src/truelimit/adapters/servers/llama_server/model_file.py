"""The header of the model file that a server or a log names, where the file lies on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.provenance import Missing

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader


def header_at(path: Path) -> tuple[ModelHeader | None, tuple[Missing, ...]]:
    """Return the file's header, or why there is none. A file that is not here is no fault: the path may be relative."""
    from truelimit.adapters.files.gguf.error import GgufError
    from truelimit.adapters.files.gguf.read import read_header

    try:
        if not path.is_absolute() or not path.is_file():
            return None, (
                Missing(
                    said("header of model file {path}", path=path),
                    said("the file is not found here: name it with --model-file"),
                ),
            )
        return read_header(path), ()
    except (GgufError, OSError) as error:
        return None, (Missing(said("header of model file {path}", path=path), str(error)),)
