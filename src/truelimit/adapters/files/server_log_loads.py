"""What a log tells of loading a model: collected over many lines, told as one event when the model is ready."""

from __future__ import annotations

import re
from typing import Any

from truelimit.adapters.files.server_log_lines import Line
from truelimit.adapters.files.server_log_store import EventStore
from truelimit.domain.server import BuffersReported, ContextChanged, LayersOffloaded, ModelLoaded
from truelimit.units import Bytes, Seconds, Tokens, from_mib

_KINDS = {"model": "model", "KV": "kv", "compute": "compute", "output": "output", "RS": "state"}
_BUFFER = re.compile(r"(\S+) +(?:(model|KV|compute|output|RS) +)?buffer size = +([\d.]+) MiB")
_TYPES = re.compile(r"size +=.*, K \((\w+)\): .* V \((\w+)\)")
_SIZES = re.compile(
    r"(?:llama_\w+|print_info|llm_load_print_meta): +(n_ctx|n_ctx_train|n_batch|n_ubatch|flash_attn) += (\w+)"
)
_SEQUENCE = re.compile(r"n_ctx_(?:seq|per_seq) \((\d+)\) [<>] n_ctx_train \((\d+)\)")
_SLOTS = re.compile(r"initializing(?: slots)?, n_slots = (\d+)(?:, n_ctx_slot = (\d+), kv_unified = '(\w+)')?")
_NEW_SLOT = re.compile(r"new slot,? n_ctx(?:_slot)? = (\d+)")
_OFFLOADED = re.compile(r"offloaded (\d+)/(\d+) layers to GPU")
_MODEL = re.compile(r"loading model '(.+)'")
_CAPPED = re.compile(r"slot context \((\d+)\) exceeds the training context of the model \((\d+)\)")
_FITTED = re.compile(r"context size reduced from (\d+) to (\d+)")
_CACHE_LIMIT = re.compile(r"prompt cache is (?:enabled, size limit: (\d+) MiB|disabled)")
_STAMP = re.compile(r"^(\d+)\.(\d\d)\.(\d{3})\.(\d{3}) [A-Z] ")
_ON, _OFF = ("1", "enabled", "true", "on", ""), ("0", "disabled", "false", "off")
FLASH = dict.fromkeys(_ON, True) | dict.fromkeys(_OFF, False)


class Loads:
    """Collects the parts of one load after another."""

    def __init__(self, store: EventStore, *, has_own_end: bool) -> None:
        """Start with nothing loading. ``has_own_end``: the log says itself when a model is ready (Ollama's does)."""
        self._store = store
        self._has_own_end = has_own_end
        self._parts: dict[str, Any] = {}
        self._line: Line | None = None
        self._began: float | None = None
        self.address: str | None = None
        self.unified: tuple[bool, str] | None = None
        self.prompt_cache: tuple[Bytes, str] | None = None

    def begin(self, line: Line, **parts: Any) -> None:
        """Note the start of a load; one that was open is told as it stands."""
        self.end()
        self._line, self._began = line, _stamp(line.text)
        self.note(line, **parts)

    def note(self, line: Line, **parts: Any) -> None:
        """Note parts of the event; a part that is known stays."""
        self._line = self._line or line
        for key, value in parts.items():
            if value is not None:
                self._parts.setdefault(key, value)

    def correct(self, line: Line, **parts: Any) -> None:
        """Note parts that are surer than those noted before."""
        self._line = self._line or line
        self._parts.update({key: value for key, value in parts.items() if value is not None})

    def failed(self) -> None:
        """Forget the load: it came to nothing."""
        self._parts, self._line = {}, None

    def ready(self, line: Line, seconds: float | None = None) -> None:
        """Tell that the model is loaded, in so many seconds where known."""
        if not self._parts:
            return
        began, now = self._began, _stamp(line.text)
        if seconds is None and began is not None and now is not None and now >= began:
            seconds = now - began
        self._store.add(ModelLoaded, line, seconds=None if seconds is None else Seconds(seconds), **self._parts)
        self.failed()

    def end(self) -> None:
        """Tell of a load that was still open: how it ended is not in the log."""
        if self._line is not None and ("total_context" in self._parts or "context_per_slot" in self._parts):
            self.ready(self._line)
        self.failed()

    def see(self, line: Line) -> bool:
        """Return whether the line was one that the engine prints while it loads a model."""
        for mark, pattern, handle in _HANDLERS:
            if mark in line.text and (found := pattern.search(line.text)):
                handle(self, line, found)
                return True
        return False

    def _buffer(self, line: Line, found: re.Match[str]) -> None:
        kind = _KINDS[found[2] or "model"]
        self._store.add(BuffersReported, line, kind=kind, device=found[1], size=from_mib(float(found[3])))

    def _types(self, line: Line, found: re.Match[str]) -> None:
        self.note(line, kv_type=found[1], kv_type_v=found[2])

    def _size(self, line: Line, found: re.Match[str]) -> None:
        key, value = found[1], found[2]
        if key == "flash_attn":
            self.note(line, flash_attention=FLASH.get(value))
        elif value.isdigit() and key in _SIZE_PARTS:
            self.note(line, **{_SIZE_PARTS[key]: int(value)})

    def _sequence(self, line: Line, found: re.Match[str]) -> None:
        self.note(line, native_context=Tokens(int(found[2])))

    def _slots(self, line: Line, found: re.Match[str]) -> None:
        self.note(line, slots=int(found[1]), context_per_slot=Tokens(int(found[2])) if found[2] else None)
        if found[3]:
            self.unified = (found[3] == "true", self._store.where(line))
        self._complete(line)

    def _new_slot(self, line: Line, found: re.Match[str]) -> None:
        if self._line is not None and "slots" in self._parts:
            self.note(line, context_per_slot=Tokens(int(found[1])))
            self._complete(line)

    def _complete(self, line: Line) -> None:
        if not self._has_own_end and "context_per_slot" in self._parts:
            self.ready(line)

    def _flash(self, line: Line, _found: re.Match[str]) -> None:
        self.note(line, flash_attention=True)

    def _no_flash(self, line: Line, _found: re.Match[str]) -> None:
        self.note(line, flash_attention=False)

    def _offloaded(self, line: Line, found: re.Match[str]) -> None:
        self._store.add(LayersOffloaded, line, offloaded=int(found[1]), total=int(found[2]))

    def _model(self, line: Line, found: re.Match[str]) -> None:
        if self._has_own_end:
            self.note(line, model=found[1])
        else:
            self.begin(line, model=found[1])

    def _capped(self, line: Line, found: re.Match[str]) -> None:
        self._changed(line, "capped-slot", found)

    def _fitted(self, line: Line, found: re.Match[str]) -> None:
        self._changed(line, "fit", found)

    def _changed(self, line: Line, reason: str, found: re.Match[str]) -> None:
        asked, used = Tokens(int(found[1])), Tokens(int(found[2]))
        self._store.add(ContextChanged, line, reason=reason, asked=asked, used=used)

    def _listening(self, _line: Line, found: re.Match[str]) -> None:
        self.address = found[1]

    def _cache_limit(self, line: Line, found: re.Match[str]) -> None:
        self.prompt_cache = (from_mib(int(found[1] or 0)), self._store.where(line))


def _stamp(text: str) -> float | None:
    """Return the seconds since the start of a llama-server, from its line prefix ``M.SS.mmm.uuu``, or None."""
    found = _STAMP.match(text)
    if found is None:
        return None
    minutes, seconds, milli, micro = (int(part) for part in found.groups())
    return minutes * 60 + seconds + milli / 1e3 + micro / 1e6


def stamp_in(text: str) -> str:
    """Return the time since the start of a llama-server at the beginning of its line, as text; empty without one."""
    found = _STAMP.match(text)
    return found[0] if found else ""


_SIZE_PARTS = {"n_ctx": "total_context", "n_ctx_train": "native_context", "n_batch": "batch", "n_ubatch": "ubatch"}
_HANDLERS = (
    ("buffer size", _BUFFER, Loads._buffer),
    (" K (", _TYPES, Loads._types),
    ("n_ctx_", _SEQUENCE, Loads._sequence),
    ("n_slots", _SLOTS, Loads._slots),
    ("new slot", _NEW_SLOT, Loads._new_slot),
    ("layers to GPU", _OFFLOADED, Loads._offloaded),
    ("loading model '", _MODEL, Loads._model),
    ("exceeds the training", _CAPPED, Loads._capped),
    ("context size reduced", _FITTED, Loads._fitted),
    ("prompt cache is", _CACHE_LIMIT, Loads._cache_limit),
    ("Flash Attention enabled", re.compile("Flash Attention enabled"), Loads._flash),
    ("Flash Attention", re.compile("Flash Attention.*(?:disabled|not supported)"), Loads._no_flash),
    ("listening on http", re.compile(r"listening on (https?://[\w.:\[\]-]+)"), Loads._listening),
    (" = ", _SIZES, Loads._size),
)


def load_match(text: str) -> str | None:
    """Return the part of a line that makes it one about a load, or None: nothing else of it is read."""
    matches = (pattern.search(text) for mark, pattern, _ in _HANDLERS if mark in text)
    return next((found.group(0) for found in matches if found), None)
