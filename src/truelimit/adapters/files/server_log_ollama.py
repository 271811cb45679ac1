"""What Ollama's own lines tell, of both engines. A line is known by its ``msg``, never by its source file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from truelimit.adapters.files.server_log_command import flag_of, flash_of, size_of, words_of
from truelimit.adapters.files.server_log_failures import Failures
from truelimit.adapters.files.server_log_lines import Line
from truelimit.adapters.files.server_log_loads import Loads
from truelimit.adapters.files.server_log_slog import environment_of, gin_parts, gin_time, plain, slog_fields
from truelimit.adapters.files.server_log_store import EventStore
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import (
    BuffersReported,
    ContextChanged,
    Engine,
    MessagesDropped,
    ModelEvicted,
    PromptStarted,
    PromptTruncated,
    RequestCancelled,
    RequestEnded,
)
from truelimit.units import Bytes, Seconds, Tokens, parse_go_duration, parse_size

Fields = Mapping[str, str]
_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tier:
    """Ollama's default context by memory: total memory of the accelerators and the context that follows."""

    total_vram: Bytes
    default_context: Tokens
    where: str


@dataclass(frozen=True, slots=True)
class LoggedDevice:
    """One device of ``inference compute``: where models can run, with its memory."""

    library: str
    name: str
    description: str
    total: Bytes | None
    available: Bytes | None
    where: str


@dataclass(frozen=True, slots=True)
class SystemMemory:
    """Memory of the machine at the last load."""

    total: Bytes | None
    free: Bytes | None
    free_swap: Bytes | None
    where: str


@dataclass(slots=True)
class OllamaLines:
    """Turns Ollama's lines into events and into facts about the server; the last start of the log wins."""

    store: EventStore
    loads: Loads
    failures: Failures
    version: Known[str] | None = None
    engine: Engine | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    environment_where: str = ""
    tier: Tier | None = None
    devices: dict[str, LoggedDevice] = field(default_factory=dict)
    system_memory: SystemMemory | None = None
    templates: dict[str, str] = field(default_factory=dict)
    invalid_options: set[str] = field(default_factory=set)

    def see(self, line: Line) -> bool:
        """Return whether it was a line of Ollama's own. Raises KeyError or ValueError for one that is damaged."""
        if "[GIN]" in line.text:
            return self._access(line)
        fields = slog_fields(line.text)
        if fields is None or "msg" not in fields:
            return False
        for start, handle in _HANDLERS:
            if fields["msg"].startswith(start):
                handle(self, line, fields)
                return True
        self._failure(line, fields)
        return True

    def _failure(self, line: Line, fields: Fields) -> None:
        """Look for a failure in the message and the error only: other fields may hold what a user wrote."""
        text = f"{fields['msg']}: {fields['error']}" if fields.get("error") else fields["msg"]
        self.failures.see(replace(line, text=text))

    def _access(self, line: Line) -> bool:
        parts = gin_parts(plain(line.text))
        if parts is None:
            raise ValueError("not an access line")
        ended, status, duration, _method, path = parts
        self.store.time(line)
        # parse_go_duration reads every form; access lines are the most frequent of all lines, and mostly in this one.
        plain_seconds = _SECONDS.fullmatch(duration)
        seconds = Seconds(float(plain_seconds[1])) if plain_seconds else parse_go_duration(duration)
        time = gin_time(ended, self.store.offset)
        self.store.add(RequestEnded, line, time=time, status=status, seconds=seconds, path=path)
        return True

    def _listening(self, line: Line, fields: Fields) -> None:
        found = re.search(r"\(version ([^)]+)\)", fields["msg"])
        if found:
            self.version = Known(found[1], self.store.where(line), Basis.REPORTED)

    def _config(self, line: Line, fields: Fields) -> None:
        self.loads.end()
        self.environment = environment_of(fields["env"])
        self.environment_where = self.store.where(line)
        self.devices, self.tier = {}, None

    def _device(self, line: Line, fields: Fields) -> None:
        device = LoggedDevice(
            fields.get("library", ""),
            fields.get("name", ""),
            fields.get("description", ""),
            size_of(fields.get("total")),
            size_of(fields.get("available")),
            self.store.where(line),
        )
        self.devices[fields.get("id", "") or f"#{len(self.devices)}"] = device

    def _tier(self, line: Line, fields: Fields) -> None:
        self.tier = Tier(
            parse_size(fields["total_vram"]), Tokens(int(fields["default_num_ctx"])), self.store.where(line)
        )

    def _clamped(self, line: Line, fields: Fields) -> None:
        asked, used = Tokens(int(fields["num_ctx"])), Tokens(int(fields["n_ctx_train"]))
        self.store.add(ContextChanged, line, reason="clamped-to-native", asked=asked, used=used)

    def _invalid_option(self, _line: Line, fields: Fields) -> None:
        self.invalid_options.add(fields["option"][:60])

    def _memory(self, line: Line, fields: Fields) -> None:
        total, free, swap = (size_of(fields.get(key)) for key in ("total", "free", "free_swap"))
        self.system_memory = SystemMemory(total, free, swap, self.store.where(line))

    def _load_line(self, line: Line, fields: Fields) -> None:
        """Read ``msg=load request="{Operation:commit ...}"``; the commit is what was really asked."""
        if fields["msg"] == "loading cache slot":
            self._slot_loaded(line, fields)
            return
        if fields["msg"] != "load" or "request" not in fields:
            return
        request = dict(re.findall(r"\b([A-Z]\w+):([\w.+-]*)", fields["request"]))
        if request.get("Operation") not in {"commit", "alloc"}:
            return
        self.engine = Engine.OLLAMA_RUNNER
        cells, slots = int(request["KvSize"]), max(1, int(request["Parallel"]))
        self.loads.correct(
            line,
            total_context=Tokens(cells),
            slots=slots,
            context_per_slot=Tokens(cells // slots),
            kv_type=request.get("KvCacheType") or None,
            flash_attention=flash_of(request.get("FlashAttention")),
            batch=int(request["BatchSize"]),
        )

    def _buffer(self, line: Line, fields: Fields) -> None:
        kind = _BUFFER_KINDS[fields["msg"]]
        self.store.add(
            BuffersReported, line, kind=kind, device=fields.get("device", ""), size=parse_size(fields["size"])
        )

    def _starting(self, line: Line, fields: Fields) -> None:
        command = words_of(fields.get("cmd", ""))
        if not command or "runner in goroutine" in fields["msg"]:
            return
        is_llama_server = fields["msg"] == "starting llama-server"
        self.engine = Engine.LLAMA_SERVER if is_llama_server else Engine.OLLAMA_RUNNER
        total, slots = flag_of(command, "-c", "--ctx-size"), flag_of(command, "-np", "--parallel")
        per_slot = int(total) // max(1, int(slots)) if total and slots else None
        self.loads.begin(
            line,
            model=flag_of(command, "-m", "--model"),
            total_context=Tokens(int(total)) if total else None,
            slots=int(slots) if slots else None,
            context_per_slot=per_slot,
            kv_type=flag_of(command, "--cache-type-k", "-ctk", "--kv-cache-type"),
            kv_type_v=flag_of(command, "--cache-type-v", "-ctv", "--kv-cache-type"),
            flash_attention=flash_of(flag_of(command, "--flash-attn", "-fa")),
            batch=int(flag_of(command, "-b", "--batch-size") or 0) or None,
        )

    def _started(self, line: Line, fields: Fields) -> None:
        found = re.search(r"started in ([\d.]+) seconds", fields["msg"])
        if found:
            self.failures.loaded()
            self.loads.ready(line, float(found[1]))

    def _truncated(self, line: Line, fields: Fields) -> None:
        if "messages" in fields["msg"]:
            self.store.add(MessagesDropped, line, count=int(fields["truncated"]))
            return
        prompt, kept, limit = (Tokens(int(fields[key])) for key in ("prompt", "new", "limit"))
        self.store.add(PromptTruncated, line, prompt=prompt, kept=kept, limit=limit)

    def _slot_loaded(self, line: Line, fields: Fields) -> None:
        prompt, used = Tokens(int(fields["prompt"])), Tokens(int(fields["used"]))
        self.store.add(PromptStarted, line, task=f"slot {fields['id']}", prompt=prompt, cached=used)

    def _mlx_cache(self, line: Line, fields: Fields) -> None:
        prompt, cached = Tokens(int(fields["total"])), Tokens(int(fields["cached"]))
        self.store.add(PromptStarted, line, task="mlx", prompt=prompt, cached=cached)

    def _client_gone(self, line: Line, fields: Fields) -> None:
        if "aborting load" in fields["msg"]:
            self.loads.failed()
        self.store.add(RequestCancelled, line)

    def _evicted(self, line: Line, fields: Fields) -> None:
        predicted, available = size_of(fields.get("predicted")), size_of(fields.get("available"))
        self.store.add(ModelEvicted, line, text=fields["msg"][:200], predicted=predicted, available=available)

    def _reduced(self, line: Line, fields: Fields) -> None:
        if "old_num_ctx" not in fields:
            self._evicted(line, fields)
            return
        asked, used = Tokens(int(fields["old_num_ctx"])), Tokens(int(fields["new_num_ctx"]))
        self.store.add(ContextChanged, line, reason="out-of-memory", asked=asked, used=used)
        self.loads.failed()
        self.failures.loaded()

    def _refused(self, line: Line, fields: Fields) -> None:
        if "evict" in fields["msg"] or "currently available" in fields["msg"]:
            self._evicted(line, fields)
        else:
            self._failure(line, fields)

    def _template(self, _line: Line, fields: Fields) -> None:
        self.templates[fields["model"][:200]] = fields["selected"]

    def _counted(self, _line: Line, fields: Fields) -> None:
        self.store.counts[fields["msg"][:40]] += 1


_BUFFER_KINDS = {"model weights": "model", "kv cache": "kv", "compute graph": "compute", "total memory": "total"}
_Handler = Callable[[OllamaLines, Line, Fields], None]
_HANDLERS: tuple[tuple[str, _Handler], ...] = (
    ("Listening on", OllamaLines._listening),
    ("server config", OllamaLines._config),
    ("inference compute", OllamaLines._device),
    ("vram-based default", OllamaLines._tier),
    ("entering low vram", OllamaLines._counted),
    ("requested context size", OllamaLines._clamped),
    ("invalid option", OllamaLines._invalid_option),
    ("system memory", OllamaLines._memory),
    ("load", OllamaLines._load_line),
    ("model weights", OllamaLines._buffer),
    ("kv cache", OllamaLines._buffer),
    ("compute graph", OllamaLines._buffer),
    ("total memory", OllamaLines._buffer),
    ("starting ", OllamaLines._starting),
    ("truncating ", OllamaLines._truncated),
    ("context limit hit", OllamaLines._counted),
    ("Prompt processing", OllamaLines._counted),
    ("cache hit", OllamaLines._mlx_cache),
    ("cache miss", OllamaLines._mlx_cache),
    ("client connection closed", OllamaLines._client_gone),
    ("aborting ", OllamaLines._client_gone),
    ("llama-server load failed", OllamaLines._reduced),
    ("llama-server model predicted", OllamaLines._evicted),
    ("llama", OllamaLines._started),
    ("model request", OllamaLines._refused),
    ("model requires", OllamaLines._refused),
    ("template selection", OllamaLines._template),
)
