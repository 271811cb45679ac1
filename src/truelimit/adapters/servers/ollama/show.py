"""One answer of ``/api/show``, as a model definition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from truelimit.adapters.files.gguf.error import GgufError
from truelimit.adapters.files.gguf.from_model_info import header_from_model_info
from truelimit.adapters.servers.ollama.parameters import num_ctx_of, parse_rows, without_text
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.domain.server import Definition
from truelimit.units import Bytes

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader

_FROM_BLOB = re.compile(r"^FROM\s+\S*sha256[-:]([0-9a-f]{64})\s*$", re.MULTILINE)
_MODELFILE_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of ``/api/tags``: name, bytes of all its layers, quantization, whether it runs on another host."""

    name: str
    size: int | None = None
    quantization: str | None = None
    parent: str | None = None
    has_context_length: bool = False
    is_remote: bool = False


def listed(entry: object) -> Listed | None:
    """Return an entry of ``models`` in ``/api/tags``, or None when it has no name."""
    if not isinstance(entry, dict):
        return None
    name = text_of(entry, "name") or text_of(entry, "model")
    if name is None:
        return None
    details = mapping_of(entry, "details")
    return Listed(
        name,
        count_of(entry, "size"),
        text_of(details, "quantization_level"),
        text_of(details, "parent_model"),
        has_context_length="context_length" in details,
        is_remote=bool(text_of(entry, "remote_host") or text_of(entry, "remote_model")),
    )


def definition(url: str, entry: Listed, answer: Mapping[str, object]) -> tuple[Definition, tuple[Missing, ...]]:
    """Return the definition that ``/api/show`` describes, and what is wrong with it."""
    where = f"{url}/api/show {entry.name}"
    parameters = parse_rows(text_of(answer, "parameters") or "")
    num_ctx, trouble = num_ctx_of(parameters, f"{where}: parameters", entry.name)
    details = mapping_of(answer, "details")
    size = (
        None
        if entry.size is None
        else Known(Bytes(entry.size), said("{url}/api/tags: {entry} size", url=url, entry=entry.name), Basis.REPORTED)
    )
    read, damage = header(where, answer, entry.size)
    found = Definition(
        name=entry.name,
        where=where,
        header=read,
        file_bytes=size,
        digest=_model_digest(text_of(answer, "modelfile") or ""),
        parent=text_of(details, "parent_model") or entry.parent,
        num_ctx=num_ctx,
        parameters=without_text(parameters),
        quantization=text_of(details, "quantization_level") or entry.quantization,
    )
    damaged = (Missing(said("header of {entry}", entry=entry.name), damage),) if damage else ()
    return found, (*damaged, *((trouble,) if trouble else ()))


def header(where: str, answer: Mapping[str, object], file_bytes: int | None) -> tuple[ModelHeader | None, str | None]:
    """Return the model's header, and what is wrong with it; a tensor table with gaps is left out as a whole."""
    info, rows = mapping_of(answer, "model_info"), answer.get("tensors")
    tensors = [row if isinstance(row, dict) else {} for row in rows] if isinstance(rows, list) else None
    trouble = None
    for table in (tensors, None):
        try:
            found = header_from_model_info(info, table, where)
        except GgufError as error:
            trouble = trouble or str(error)
        else:
            return replace(found, file_bytes=None if file_bytes is None else Bytes(file_bytes)), trouble
    return None, trouble


def hides_arrays(answer: Mapping[str, object]) -> bool:
    """Return whether a short answer left out an array that matters: only a verbose one holds it."""
    info = mapping_of(answer, "model_info")
    return any(value is None and not key.startswith(("tokenizer.", "general.")) for key, value in info.items())


def text_of(source: Mapping[str, object], key: str) -> str | None:
    """Return a non-empty text, else None."""
    value = source.get(key)
    return value if isinstance(value, str) and value else None


def count_of(source: Mapping[str, object], key: str) -> int | None:
    """Return a whole number that is not negative, else None."""
    value = source.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def mapping_of(source: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return an object, or an empty one."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def _model_digest(modelfile: str) -> str | None:
    match = _FROM_BLOB.search(modelfile[:_MODELFILE_CHARS])
    return f"sha256:{match[1]}" if match else None
