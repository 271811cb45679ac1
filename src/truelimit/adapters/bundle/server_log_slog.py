"""Ollama's own log lines written anew: each known message with the fields that its reader uses, nothing else."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping

from truelimit.adapters.bundle.forms import is_setting, request_value, setting
from truelimit.adapters.bundle.redact import Redactor
from truelimit.adapters.bundle.server_log_failures import failure_phrase
from truelimit.adapters.files.server_log_lines import Line
from truelimit.adapters.files.server_log_slog import environment_of, gin_parts, plain, slog_fields
from truelimit.adapters.servers.ollama.environment import HOST, MODELS, NAMES

Fields = Mapping[str, str]
_SIZE = re.compile(r"[\d.]{1,20}(?: ?[KMGT]?i?B)?")
_WHOLE = re.compile(r"-?\d{1,15}")
_SOURCE = re.compile(r"\w{1,40}\.go:\d{1,6}")
_DURATION = re.compile(r"[\d.]{1,12}[nuµμm]?s|(?:\d{1,6}h)?\d{1,6}m[\d.]{1,12}s")
_API = "version tags ps show chat generate embed embeddings create copy delete pull push blobs status me"
_OPENAI = "chat/completions completions embeddings models responses messages"
_PATHS = {
    "/",
    *(f"/api/{name}" for name in _API.split()),
    *(f"/v1/{name}" for name in _OPENAI.split()),
    *(f"/{name}" for name in ("slots", "props", "health", "metrics", "completion")),
}
_REQUEST_KEYS = ("Operation", "Parallel", "BatchSize", "FlashAttention", "KvSize", "KvCacheType")
_VALUE_FLAGS = ("-c", "--ctx-size", "-np", "--parallel", "--cache-type-k", "-ctk", "--kv-cache-type", "--cache-type-v")
_FLAGS = (*_VALUE_FLAGS, "-ctv", "--flash-attn", "-fa", "-b", "--batch-size")
_EVICTED = re.compile(
    r"llama-server model predicted to exceed available memory, evicting|model request(?:s|ed)? ?(?:is )?too large"
    r"(?: for system)?|model requires more (?:gpu|system) memory than is currently available"
    r"(?:, evicting (?:a|all other) models?(?: to make space)?)?"
)
_TEMPLATES = ("go_template", "jinja", "chatml", "llama_server", "legacy", "renderer")
_STARTED = re.compile(r"started in ([\d.]{1,12}) seconds")
_VERSION = re.compile(r"\(version ([\w.+\-]{1,40})\)")


def slog_line(line: Line, redact: Redactor) -> str | None:
    """Return an access line or a known message written anew; None for what its reader passes over."""
    if "[GIN]" in line.text:
        return _access(line.text)
    fields = slog_fields(line.text)
    if fields is None or "msg" not in fields:
        return None
    for start, build in _MESSAGES:
        if fields["msg"].startswith(start):
            told = build(fields, redact)
            return None if told is None else _head(line, fields) + told
    error = f"{fields['msg']}: {fields['error']}" if fields.get("error") else fields["msg"]
    return _failed(line, fields, error, redact)


def is_slog(text: str) -> bool:
    """Return whether a line is one of Ollama's own, which no other reader looks at."""
    fields = None if "[GIN]" in text else slog_fields(text)
    return "[GIN]" in text or (fields is not None and "msg" in fields)


def _access(text: str) -> str:
    parts = gin_parts(plain(text))
    if parts is None:
        return "[GIN] (damaged)"
    ended, status, duration, method, path = parts
    path = "/api/blobs" if path.startswith("/api/blobs/") else path
    safe = max((known for known in _PATHS if path.startswith(known)), key=len, default="/other")
    if not _DURATION.fullmatch(duration):
        return "[GIN] (damaged)"
    return f'[GIN] {ended} | {status} | {duration:>13} | 127.0.0.1 | {method[:8]:<8} "{safe}"'


def _head(line: Line, fields: Fields) -> str:
    level = fields.get("level", "INFO")
    source = fields.get("source", "")
    safe = source if _SOURCE.fullmatch(source) else "routes.go:0"
    time = f"time={line.time} " if line.time and line.text.lstrip().startswith("time=") else ""
    return f"{time}level={level if level in {'DEBUG', 'INFO', 'WARN', 'ERROR'} else 'INFO'} source={safe} "


def _failed(line: Line, fields: Fields, text: str, redact: Redactor) -> str | None:
    phrase = failure_phrase(text, redact)
    if phrase is None:
        return None
    return _head(line, {**fields, "level": "ERROR"}) + _quoted("msg", f"engine: {phrase}")


def _quoted(key: str, value: str) -> str:
    value = value.replace("\\", "/").replace('"', "'")
    return f'{key}="{value}"'


def _message(msg: str, fields: Fields, **kinds: Callable[[str], bool]) -> str:
    """Return a message with those fields whose values have the right form; the reader then misses the others."""
    kept = [_quoted(key, fields[key]) for key, fits in kinds.items() if key in fields and fits(fields[key])]
    return " ".join([_quoted("msg", msg), *kept])


def _is_size(text: str) -> bool:
    return _SIZE.fullmatch(text) is not None


def _is_whole(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None


def _sizes(msg: str, *keys: str) -> Callable[[Fields, Redactor], str]:
    return lambda fields, _redact: _message(msg, fields, **dict.fromkeys(keys, _is_size))


def _counts(msg: str, *keys: str) -> Callable[[Fields, Redactor], str]:
    return lambda fields, _redact: _message(msg, fields, **dict.fromkeys(keys, _is_whole))


def _listening(fields: Fields, _redact: Redactor) -> str:
    found = _VERSION.search(fields["msg"])
    return _quoted("msg", f"Listening on (version {found[1]})" if found else "Listening on")


def _config(fields: Fields, redact: Redactor) -> str:
    if "env" not in fields:
        return _quoted("msg", "server config")
    found = environment_of(fields["env"])
    redact.drop("settings in logs that no reader uses", sum(name not in NAMES for name in found))
    kept = {name: _setting(name, value, redact) for name, value in found.items() if name in NAMES}
    inner = " ".join(f"{name}:{value}" for name, value in kept.items())
    return f"{_quoted('msg', 'server config')} {_quoted('env', f'map[{inner}]')}"


def _setting(name: str, value: str, redact: Redactor) -> str:
    value = value.strip()
    if name == MODELS:
        return "~/.ollama/models" if value else ""
    if name == HOST:
        return setting_host(value, redact)
    return setting(value)


def setting_host(value: str, redact: Redactor) -> str:
    """Return a value of OLLAMA_HOST with its host replaced unless it is a usual one."""
    from truelimit.adapters.servers.ollama.address import url_of

    return redact.url(url_of(value)) if value else ""


def _device(fields: Fields, redact: Redactor) -> str:
    names = {key: redact.title(fields.get(key, "")) for key in ("library", "name", "description")}
    identity = fields.get("id", "")
    names["id"] = str(redact.number("devices", identity) - 1) if identity else ""
    told = " ".join(_quoted(key, value) for key, value in names.items())
    return f"{_message('inference compute', fields, total=_is_size, available=_is_size)} {told}"


def _option(fields: Fields, _redact: Redactor) -> str:
    option = fields.get("option", "")
    return (
        _quoted("msg", "invalid option provided") + f" option={option if re.fullmatch('[a-z_]{1,40}', option) else 0}"
    )


def _load(fields: Fields, _redact: Redactor) -> str | None:
    if fields["msg"] == "loading cache slot":
        return _message("loading cache slot", fields, id=_is_whole, prompt=_is_whole, used=_is_whole)
    if fields["msg"] != "load" or "request" not in fields:
        return None
    request = dict(re.findall(r"\b([A-Z]\w+):([\w.+-]*)", fields["request"]))
    kept = " ".join(f"{key}:{request_value(request[key])}" for key in _REQUEST_KEYS if key in request)
    return f"msg=load {_quoted('request', '{' + kept + '}')}"


def _buffer(fields: Fields, redact: Redactor) -> str:
    device = _quoted("device", redact.title(fields.get("device", "")))
    return f"{_message(fields['msg'], fields, size=_is_size)} {device}"


def _starting(fields: Fields, redact: Redactor) -> str:
    msg = "starting llama-server" if fields["msg"] == "starting llama-server" else "starting runner"
    if "runner in goroutine" in fields["msg"]:
        return _quoted("msg", "starting runner in goroutine")
    return f"{_quoted('msg', msg)} {_quoted('cmd', _command(fields.get('cmd', ''), redact))}"


def _command(command: str, redact: Redactor) -> str:
    """Return the command with the flags that are read, and the model's path without its folders."""
    try:
        words = shlex.split(command, posix="\\" not in command)
    except ValueError:
        words = command.split()
    kept = ["ollama"] if words else []
    for flag, value in zip(words, [*words[1:], ""], strict=False):
        if flag in {"-m", "--model"}:
            kept += [flag, redact.path(value.strip('"'))]
        elif flag in _FLAGS:
            kept += [flag, *([value] if is_setting(value) and not value.startswith("-") else [])]
    return " ".join(kept)


def _truncated(fields: Fields, _redact: Redactor) -> str:
    if "messages" in fields["msg"]:
        return _message("truncating input messages", fields, truncated=_is_whole)
    return _message("truncating input prompt", fields, prompt=_is_whole, new=_is_whole, limit=_is_whole)


def _client_gone(fields: Fields, _redact: Redactor) -> str:
    rest = ", aborting load" if "aborting load" in fields["msg"] else ""
    return _quoted("msg", f"client connection closed{rest}")


def _evicted(fields: Fields, _redact: Redactor) -> str:
    found = _EVICTED.search(fields["msg"])
    text = found[0] if found else "model requires more memory, evicting"
    return _message(text, fields, predicted=_is_size, available=_is_size)


def _refused(fields: Fields, redact: Redactor) -> str | None:
    if "evict" in fields["msg"] or "currently available" in fields["msg"]:
        return _evicted(fields, redact)
    text = f"{fields['msg']}: {fields['error']}" if fields.get("error") else fields["msg"]
    phrase = failure_phrase(text, redact)
    return None if phrase is None else _quoted("msg", f"model request: {phrase}")


def _reduced(fields: Fields, redact: Redactor) -> str:
    if "old_num_ctx" not in fields:
        return _evicted(fields, redact)
    return _message("llama-server load failed", fields, old_num_ctx=_is_whole, new_num_ctx=_is_whole)


def _started(fields: Fields, _redact: Redactor) -> str | None:
    found = _STARTED.search(fields["msg"])
    return _quoted("msg", f"llama runner started in {found[1]} seconds") if found else None


def _template(fields: Fields, redact: Redactor) -> str:
    model = redact.name(fields["model"]) if "model" in fields else ""
    selected = fields.get("selected", "")
    told = selected if selected in _TEMPLATES else "other"
    return f"{_quoted('msg', 'template selection')} {_quoted('selected', told)} {_quoted('model', model)}"


_MESSAGES: tuple[tuple[str, Callable[[Fields, Redactor], str | None]], ...] = (
    ("Listening on", _listening),
    ("server config", _config),
    ("inference compute", _device),
    ("vram-based default", _sizes("vram-based default context", "total_vram", "default_num_ctx")),
    ("entering low vram", _counts("entering low vram mode")),
    ("requested context size", _counts("requested context size too large for model", "num_ctx", "n_ctx_train")),
    ("invalid option", _option),
    ("system memory", _sizes("system memory", "total", "free", "free_swap")),
    ("load", _load),
    *((name, _buffer) for name in ("model weights", "kv cache", "compute graph", "total memory")),
    ("starting ", _starting),
    ("truncating ", _truncated),
    ("context limit hit", _counts("context limit hit - shifting")),
    ("cache hit", _counts("cache hit", "total", "cached")),
    ("cache miss", _counts("cache miss", "total", "cached")),
    ("client connection closed", _client_gone),
    ("aborting ", _client_gone),
    ("llama-server load failed", _reduced),
    ("llama-server model predicted", _evicted),
    ("llama", _started),
    ("model request", _refused),
    ("model requires", _refused),
    ("template selection", _template),
)
