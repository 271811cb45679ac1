"""What of each answer of a model server is kept: an allow-list for every path that is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from truelimit.adapters.bundle.model_headers import is_text_kept
from truelimit.adapters.bundle.redact import REMOVED, Redactor, word

Keep = Callable[[object, Redactor], object]
_ABSENT = object()
_LONGEST_LIST = 4096
_FROM_BLOB = re.compile(r"^FROM\s+\S*(sha256[-:][0-9a-f]{64})\s*$", re.MULTILINE)
_ROW = re.compile(r"([a-z_]{1,40})\s+(-?[\d.]{1,20}(?:e[+-]?\d+)?|true|false)")
_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


def _number(value: object, _redact: Redactor) -> object:
    return value if value is None or isinstance(value, bool | int | float) else _ABSENT


def _word(value: object, _redact: Redactor) -> object:
    found = word(value)
    return _ABSENT if found is None else found


def _name(value: object, redact: Redactor) -> object:
    return redact.name(value) if isinstance(value, str) else _ABSENT


def _digest(value: object, _redact: Redactor) -> object:
    return value if isinstance(value, str) and _DIGEST.fullmatch(value) else _ABSENT


def _mark(value: object, _redact: Redactor) -> object:
    return REMOVED if value else _ABSENT


def _map(members: Mapping[str, Keep]) -> Keep:
    def keep(value: object, redact: Redactor) -> object:
        if not isinstance(value, dict):
            return _ABSENT
        found = {key: inner(value[key], redact) for key, inner in members.items() if key in value}
        redact.drop("members of servers' answers that no reader uses", sum(key not in members for key in value))
        return {key: item for key, item in found.items() if item is not _ABSENT}

    return keep


def _list(inner: Keep) -> Keep:
    def keep(value: object, redact: Redactor) -> object:
        if not isinstance(value, list):
            return _ABSENT
        return [None if item is _ABSENT else item for item in (inner(entry, redact) for entry in value)]

    return keep


def _model_info(value: object, redact: Redactor) -> object:
    if not isinstance(value, dict):
        return _ABSENT
    found = {key: item for key, item in value.items() if re.fullmatch(r"[\w.\-]{1,120}", key) and _is_fact(key, item)}
    redact.drop("members of servers' answers that no reader uses", len(value) - len(found))
    return {key: redact.title(item) if isinstance(item, str) else item for key, item in found.items()}


def _is_fact(key: str, value: object) -> bool:
    if isinstance(value, str):
        return is_text_kept(key)
    if isinstance(value, list):
        return len(value) <= _LONGEST_LIST and all(isinstance(item, bool | int | float) for item in value)
    return value is None or isinstance(value, bool | int | float)


def _parameters(value: object, redact: Redactor) -> object:
    """Return the rows of ``parameters`` that are numbers; a num_ctx that is text stays one, as it is a fault."""
    if not isinstance(value, str):
        return _ABSENT
    rows = []
    for row in value.splitlines()[:1000]:
        if found := _ROW.fullmatch(row.strip()):
            rows.append(f"{found[1]:<30} {found[2]}")
        elif row.startswith("num_ctx"):
            rows.append('num_ctx                        "(text)"')
        else:
            redact.drop("parameters of models that are text (stop sequences)")
    return "\n".join(rows)


def _modelfile(value: object, redact: Redactor) -> object:
    if not isinstance(value, str):
        return _ABSENT
    redact.drop("templates, system prompts, licences and messages of models")
    found = _FROM_BLOB.search(value[:100_000])
    return f"FROM /blobs/{found[1].replace(':', '-')}\n" if found else ""


_DETAILS = _map(
    {
        "parent_model": _name,
        **dict.fromkeys(("format", "family", "parameter_size", "quantization_level"), _word),
        "families": _list(_word),
        **dict.fromkeys(("context_length", "embedding_length"), _number),
    }
)
_LISTED = _map(
    {
        **dict.fromkeys(("name", "model"), _name),
        **dict.fromkeys(("size", "size_vram", "context_length"), _number),
        "digest": _digest,
        "details": _DETAILS,
        "capabilities": _list(_word),
        **dict.fromkeys(("remote_host", "remote_model"), _mark),
    }
)
_ERROR = {"error": _map({"type": _word, "code": _number})}
_META = _map(
    {**dict.fromkeys(("n_ctx", "n_ctx_train", "n_params", "size", "n_vocab", "n_embd"), _number), "ftype": _name}
)
_FOREIGN = ("max_model_len", "context_length", "max_context_length")
_SHAPES: dict[str, Keep] = {
    "/api/version": _map({"version": _word, **_ERROR}),
    "/api/tags": _map({"models": _list(_LISTED)}),
    "/api/ps": _map({"models": _list(_LISTED)}),
    "/api/show": _map(
        {
            "parameters": _parameters,
            "modelfile": _modelfile,
            "details": _DETAILS,
            "model_info": _model_info,
            "tensors": _list(_map({"name": _name, "type": _word, "shape": _list(_number)})),
            "capabilities": _list(_word),
            **_ERROR,
        }
    ),
    "/props": _map(
        {
            "default_generation_settings": _map({"n_ctx": _number}),
            **dict.fromkeys(("total_slots", "endpoint_slots", "endpoint_metrics"), _number),
            **dict.fromkeys(("model_path", "model_alias"), _name),
            "build_info": _word,
            "chat_template": _mark,
            **_ERROR,
        }
    ),
    "/v1/models": _map(
        {
            "data": _list(_map({"id": _name, "owned_by": _word, "meta": _META, **dict.fromkeys(_FOREIGN, _number)})),
            **_ERROR,
        }
    ),
    "/slots": _list(_map({**dict.fromkeys(("id", "n_ctx", "is_processing"), _number)})),
}
PATHS = (*_SHAPES, "/metrics", "/")


def shaped(value: object, path: str, redact: Redactor) -> Any:
    """Return an answer with what the readers use of this path; None where it has another form."""
    found = _SHAPES[path](value, redact)
    if found is _ABSENT and isinstance(value, dict):
        found = _map(_ERROR)(value, redact)
    return None if found is _ABSENT else found
