"""Reads the header of a local GGUF file, or of all parts of a split one."""

from __future__ import annotations

import mmap
from pathlib import Path

from truelimit.adapters.files.gguf.error import GgufError
from truelimit.adapters.files.gguf.parse import Parsed, check_start, parse
from truelimit.adapters.files.gguf.split import header_of, part_count, part_names
from truelimit.domain.message import said
from truelimit.domain.model import ModelHeader


def read_header(path: Path) -> ModelHeader:
    """Return the header of the model at ``path`` (any part of a split model), basis MEASURED.

    ``file_bytes`` is the length of the file, or of all parts. A file without all tensor data (a header alone, or a
    download cut off) is no error: ``missing_bytes`` tells it. Raises GgufError for whatever is not a readable GGUF.
    """
    found = _read(path)
    count = part_count(found[0])
    if count == 1:
        return header_of([found], str(path))
    return header_of([_read(path.with_name(name)) for name in part_names(path.name, count, str(path))], str(path))


def _read(path: Path) -> tuple[Parsed, int]:
    try:
        if path.exists() and not path.is_file():
            raise GgufError(str(path), said("not a file"), said("a model file"), said("name the file itself"))
        with path.open("rb") as file:
            start = file.read(8)
            check_start(start, str(path))
            # The mapping costs only the pages that are touched, whatever the size of the model.
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
                return parse(buffer, str(path)), len(buffer)
    except FileNotFoundError:
        raise GgufError(
            str(path), said("no such file"), said("a model file"), said("put the file there, or name another")
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise GgufError(str(path), reason, said("a file that can be read"), said("check its permissions")) from None
