"""Logs of model servers written anew, line by line: what their reader knows, in the words that it looks for.

Lines keep their numbers (lines that tell nothing are empty), so that a finding names the same line as at home.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from truelimit.adapters.bundle.files import BundleFiles
from truelimit.adapters.bundle.forms import setting
from truelimit.adapters.bundle.redact import Redactor
from truelimit.adapters.bundle.server_log_failures import failure_phrase
from truelimit.adapters.bundle.server_log_slog import is_slog, slog_line
from truelimit.adapters.files.server_log import ServerLog, read_server_log
from truelimit.adapters.files.server_log_lines import Line, LineFinder
from truelimit.adapters.files.server_log_loads import load_match
from truelimit.adapters.files.server_log_tasks import task_match
from truelimit.domain.server import ServerKind

_STAMP = re.compile(r"\d+\.\d\d\.\d{3}\.\d{3} [A-Z] ")
_TASK = re.compile(r"\| task (-?\d+) \|")
_DEVICE = re.compile(
    r"(?:CPU|GPU|CUDA|ROCm|HIP|MTL|Metal|Vulkan|SYCL|OpenCL|BLAS|CANN|MUSA|RPC|KOMPUTE)\d{0,3}"
    r"(?:_(?:Host|Mapped|REPACK|Private|Split|Pinned|AARCH64|AMX))?"
)
_MODEL = re.compile(r"loading model '(.+)'")
_TYPES = re.compile(r"K \((\w+)\): .* V \((\w+)\)")
_SIZE = re.compile(r"\w+: +(n_ctx|n_ctx_train|n_batch|n_ubatch|flash_attn) += (\w+)")
_UNIFIED = re.compile(r"kv_unified = '(?!true'|false')\w+'")
_ADDRESS = re.compile(r"listening on (https?://[\w.:\[\]-]+)")
# Words by which the reader's first search finds the line of a failure; without one of them it would be passed over.
_FOUND_BY = ("ut of memory", "OutOf", "ASSERT", "failed to ")


def write_server_log(source: Path, target: str, files: BundleFiles) -> ServerLog | None:
    """Write a server's log; returns what the original tells, or None (and writes nothing) for another file."""
    log = read_server_log(source)
    if log.kind is None:
        return None
    try:
        with files.open(target) as out:
            _write(out, source, log, files.redact)
    except OSError as error:
        files.unreadable(source, error)
    files.redact.drop("logs of model servers (all lines that tell nothing of limits, loads and requests)")
    return log


def lost_events(original: ServerLog, copy: Path) -> int:
    """Return how many events of a log are not in its copy: 0 where it says all that the original says."""
    counts = read_server_log(copy).counts
    return sum(max(0, count - counts.get(name, 0)) for name, count in original.counts.items())


def _write(out: BinaryIO, source: Path, log: ServerLog, redact: Redactor) -> None:
    at, time = 1, None
    for line, text in _kept(source, log, redact):
        if at == 1:
            at = _first_line(out, line, log)
        own = text.startswith("time=")
        if not own and line.time and line.time != time and line.number > at:
            # A line without a time of its own takes that of the line before it.
            out.write(b"\n" * (line.number - at - 1) + f"time={line.time} level=INFO\n".encode())
            at = line.number
        out.write(b"\n" * max(0, line.number - at) + text.encode() + b"\n")
        at, time = max(at, line.number) + 1, line.time
    if at == 1:
        _first_line(out, Line(2, "", None), log)


def _first_line(out: BinaryIO, first: Line, log: ServerLog) -> int:
    """Write what the log is known by on the first line, unless that tells something itself; return the next line."""
    if first.number == 1:
        return 1
    if log.kind is ServerKind.OLLAMA:
        told = (f"time={first.time} level=INFO " if first.time else "") + "source=routes.go:0"
    else:
        told = "main: server is known" + (f" build_info: {log.version.value}-0" if log.version else "")
    out.write(told.encode() + b"\n")
    return 2


def _kept(source: Path, log: ServerLog, redact: Redactor) -> Iterator[tuple[Line, str]]:
    is_ollama = log.kind is ServerKind.OLLAMA
    for line in LineFinder(source):
        text = slog_line(line, redact) if is_ollama else None
        if text is None and not (is_ollama and is_slog(line.text)):
            text = _engine_line(line.text, redact)
        if text is not None:
            yield line, text


def _engine_line(text: str, redact: Redactor) -> str | None:
    """Return a line of the engine: its time, its task, and the part that the reader's pattern fits."""
    told = task_match(text)
    if told is None:
        told = _load(load_match(text), redact)
    if told is None and "loading model" in text:
        told = "loading model"
    if told is None and (phrase := failure_phrase(text, redact)) is not None:
        told = phrase if any(words in phrase for words in _FOUND_BY) else f"failed to go on: {phrase}"
    if told is None:
        return None
    stamp, task = _STAMP.match(text), _TASK.search(text)
    before = f"slot  at: id  0 | task {task[1]} | " if task else "srv  at: "
    return f"{stamp[0] if stamp else ''}{before}{told}"


def _load(told: str | None, redact: Redactor) -> str | None:
    """Return the matched part with paths, devices and addresses replaced, and without what lies between its numbers."""
    if told is None:
        return None
    if model := _MODEL.fullmatch(told):
        return f"loading model '{redact.path(model[1])}'"
    if address := _ADDRESS.fullmatch(told):
        return f"listening on {redact.url(address[1])}"
    if types := _TYPES.search(told):
        return f"size = 0, K ({setting(types[1]) or 0}): 0, V ({setting(types[2]) or 0}): 0"
    if size := _SIZE.fullmatch(told):
        return f"llama_context: {size[1]:<13} = {setting(size[2]) or 0}"
    if told.startswith("Flash Attention"):
        return "Flash Attention " + ("enabled" if told.endswith("enabled") else "disabled")
    device, space, rest = told.partition(" ")
    if "buffer size" in rest and not _DEVICE.fullmatch(device):
        return f"device{redact.number('devices', device)}{space}{rest}"
    return _UNIFIED.sub("kv_unified = '0'", told)
