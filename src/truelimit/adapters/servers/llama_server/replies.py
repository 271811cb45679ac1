"""What llama-server answers, taken apart: each value is checked, and None where it is absent or of a wrong kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_LARGEST = 2**62


@dataclass(frozen=True, slots=True)
class Props:
    """``/props``: ``context`` is for one slot."""

    context: int | None
    slots: int | None
    model_path: str | None
    model_alias: str | None
    build: str | None
    has_chat_template: bool
    serves_slots: bool
    serves_metrics: bool


@dataclass(frozen=True, slots=True)
class ModelMeta:
    """The first entry of ``/v1/models``: context of one slot, native context, file size in bytes."""

    name: str | None
    owner: str | None
    context: int | None
    native_context: int | None
    parameters: int | None
    size: int | None
    quantization: str | None
    foreign_context: int | None


@dataclass(frozen=True, slots=True)
class Slots:
    """``/slots``: how many, how many at work, and the context of each."""

    count: int
    busy: int
    contexts: tuple[int, ...]


def props_of(value: object) -> Props | None:
    """Return the answer of ``/props``, or None when it is not one of llama-server's."""
    if not isinstance(value, dict) or "default_generation_settings" not in value:
        return None
    settings = _mapping(value.get("default_generation_settings"))
    build = _text(value.get("build_info"))
    return Props(
        context=_count(settings.get("n_ctx")),
        slots=_count(value.get("total_slots")),
        model_path=_text(value.get("model_path")),
        model_alias=_text(value.get("model_alias")),
        build=None if build is None or build.startswith("b0-") else build,
        has_chat_template=bool(_text(value.get("chat_template"))),
        serves_slots=value.get("endpoint_slots") is not False,
        serves_metrics=value.get("endpoint_metrics") is not False,
    )


def models_of(value: object) -> ModelMeta | None:
    """Return the first model of ``/v1/models``, or None when the answer has none.

    ``foreign_context`` is what vLLM, SGLang, LM Studio and others call their limit.
    """
    data = _mapping(value).get("data")
    if not isinstance(data, list) or not data or not isinstance(data[0], dict):
        return None
    entry: Mapping[str, object] = data[0]
    meta = _mapping(entry.get("meta"))
    foreign = (_count(entry.get(key)) for key in ("max_model_len", "context_length", "max_context_length"))
    return ModelMeta(
        name=_text(entry.get("id")),
        owner=_text(entry.get("owned_by")),
        context=_count(meta.get("n_ctx")),
        native_context=_count(meta.get("n_ctx_train")),
        parameters=_count(meta.get("n_params")),
        size=_count(meta.get("size")),
        quantization=_text(meta.get("ftype")),
        foreign_context=next((count for count in foreign if count is not None), None),
    )


def slots_of(value: object) -> Slots | None:
    """Return the answer of ``/slots``, or None when it is not a list of slots."""
    if not isinstance(value, list) or not all(isinstance(slot, dict) and "id" in slot for slot in value):
        return None
    contexts = tuple(count for slot in value if (count := _count(slot.get("n_ctx"))) is not None)
    return Slots(len(value), sum(slot.get("is_processing") is True for slot in value), contexts)


def metrics_of(text: str) -> Mapping[str, float]:
    """Return the counters of ``/metrics`` by name, without the ``llamacpp:`` before it."""
    found = {}
    for line in text.splitlines():
        name, _, number = line.partition(" ")
        if name.startswith("llamacpp:"):
            try:
                found[name.removeprefix("llamacpp:")] = float(number)
            except ValueError:
                continue
    return found


def overflow_of(value: object) -> tuple[int, int] | None:
    """Return (prompt tokens, context) of a refusal as too long, or None for another answer."""
    error = _mapping(_mapping(value).get("error"))
    prompt, context = _count(error.get("n_prompt_tokens")), _count(error.get("n_ctx"))
    return None if prompt is None or context is None else (prompt, context)


def whole_number(value: object, key: str) -> int | None:
    """Return a count of an answer by its key, or None."""
    number = _mapping(value).get(key)
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < _LARGEST else None


def number(value: object, key: str) -> float | None:
    """Return a number of an answer by its key, or None."""
    found = _mapping(value).get(key)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    """Return a positive count, or None."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST
    return value if is_count and isinstance(value, int) else None
