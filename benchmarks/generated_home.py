"""A generated home: models, Ollama logs and OpenClaw transcripts in the recorded formats, of any size."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from truelimit.adapters.demo.shape import METADATA, tensors
from truelimit.adapters.files.gguf.write import write_header

_BEGIN = datetime(2026, 2, 1, tzinfo=UTC)
_MEDIA = "application/vnd.ollama.image."
_WORDS = (
    "the",
    "model",
    "reads",
    "a",
    "file",
    "of",
    "shop",
    "and",
    "writes",
    "function",
    "that",
    "was",
    "asked",
    "for",
)
_SESSION_MB = 20


def generate(home: Path, models: int, logs_mb: int, transcripts_mb: int) -> dict[str, int]:
    """Write the home; return the bytes of each part."""
    chance = random.Random(7)
    names = [f"qwen3-coder:{index}b-v-128k" for index in range(models)]
    digests = [_model(home / ".ollama" / "models", name, index) for index, name in enumerate(names)]
    _config(home / ".openclaw", names)
    _logs(home / ".ollama" / "logs", logs_mb * 10**6, digests, chance)
    _transcripts(home / ".openclaw" / "agents" / "main" / "sessions", transcripts_mb * 10**6, names, chance)
    parts = {"models": ".ollama/models", "logs": ".ollama/logs", "transcripts": ".openclaw"}
    return {name: _size(home / folder) for name, folder in parts.items()}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _model(models: Path, name: str, index: int) -> str:
    blobs = models / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    scratch = blobs / "scratch"
    tokens = [f"token{number}" for number in range(50_000)]
    write_header(scratch, {**METADATA, "general.version": str(index), "tokenizer.ggml.tokens": tokens}, tensors())
    model = hashlib.sha256(scratch.read_bytes()).hexdigest()
    scratch.rename(blobs / f"sha256-{model}")
    params = json.dumps({"num_ctx": 131_072 - index * 1024}).encode()
    settings = hashlib.sha256(params).hexdigest()
    (blobs / f"sha256-{settings}").write_bytes(params)
    layers = [
        {"mediaType": _MEDIA + "model", "digest": f"sha256:{model}", "size": 18_556_686_912},
        {"mediaType": _MEDIA + "params", "digest": f"sha256:{settings}", "size": len(params)},
    ]
    path = models / "manifests" / "registry.ollama.ai" / "library" / name.replace(":", "/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schemaVersion": 2, "layers": layers}), encoding="utf-8")
    return model


def _config(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    entries = [{"id": name, "name": name, "contextWindow": 131_072, "maxTokens": 8192} for name in names]
    provider = {"baseUrl": "http://127.0.0.1:11434", "apiKey": "x", "api": "ollama", "models": entries}
    config = {
        "meta": {"lastTouchedVersion": "2026.2.17"},
        "models": {"providers": {"ollama": provider}},
        "agents": {"defaults": {"model": {"primary": f"ollama/{names[0]}"}}},
    }
    (folder / "openclaw.json").write_text(json.dumps(config), encoding="utf-8")


def _logs(folder: Path, size: int, digests: list[str], chance: random.Random) -> None:
    """Write server.log and four rotated ones, as Ollama keeps them, of its own runner with debug lines between."""
    folder.mkdir(parents=True)
    time = _BEGIN
    for name in ("server-4.log", "server-3.log", "server-2.log", "server-1.log", "server.log"):
        with (folder / name).open("w", encoding="utf-8") as out:
            written = out.write(_start_of_log(time))
            while written < size // 5:
                time += timedelta(seconds=chance.randint(20, 900))
                written += sum(out.write(line + "\n") for line in _request(time, chance.choice(digests), chance))


def _start_of_log(time: datetime) -> str:
    env = "OLLAMA_CONTEXT_LENGTH:0 OLLAMA_HOST:http://127.0.0.1:11434 OLLAMA_NUM_PARALLEL:1"
    return (
        f'{_slog(time)} source=routes.go:1636 msg="server config" env="map[{env}]"\n'
        f'{_slog(time)} source=routes.go:1689 msg="Listening on 127.0.0.1:11434 (version 0.16.2)"\n'
        f'{_slog(time)} source=types.go:42 msg="inference compute" id=0 library=Metal name=Metal '
        f'description="Apple M2 Ultra" total="48.0 GiB" available="48.0 GiB"\n'
    )


def _request(time: datetime, digest: str, chance: random.Random) -> Iterator[str]:
    """Yield the lines of one request: sometimes a load before it, many debug lines, the access line."""
    if chance.random() < 0.1:
        command = f"/o/ollama runner --model /b/sha256-{digest}"
        yield f'{_slog(time)} source=server.go:429 msg="starting runner" cmd="{command}"'
        for number in range(120):
            yield f"llama_model_loader: - kv {number:3}: qwen3moe.some.key str = {_text(chance, 6)}"
        yield f'{_slog(time)} source=device.go:251 msg="kv cache" device=Metal size="12.0 GiB"'
        yield f'{_slog(time)} source=server.go:1388 msg="llama runner started in 6.54 seconds"'
    for _ in range(chance.randint(5, 60)):
        source = f"sched.go:{chance.randint(1, 900)}"
        yield f'{_slog(time, "DEBUG")} source={source} msg="evaluating if already loaded {_text(chance, 8)}"'
    seconds = chance.uniform(1, 290)
    yield (
        f'[GIN] {time:%Y/%m/%d - %H:%M:%S} | 200 | {seconds:11.6f}s |       127.0.0.1 | POST     "/v1/chat/completions"'
    )


def _slog(time: datetime, level: str = "INFO") -> str:
    return f"time={time:%Y-%m-%dT%H:%M:%S.000}+00:00 level={level}"


def _transcripts(folder: Path, size: int, names: list[str], chance: random.Random) -> None:
    folder.mkdir(parents=True)
    text = _text(chance, 200_000)
    counters, written, number, time = {}, 0, 0, _BEGIN
    while written < size:
        session = f"00000000-0000-4000-8000-{number:012}"
        with (folder / f"{session}.jsonl").open("w", encoding="utf-8") as out:
            part = 0
            for line in _session(session, chance.choice(names), time, text, chance):
                part += out.write(line + "\n")
                if part >= min(size - written, _SESSION_MB * 10**6):
                    break
        counters[f"agent:main:{number}"] = {"sessionId": session, "updatedAt": 1_771_410_611_433, "compactionCount": 0}
        written, number, time = written + part, number + 1, time + timedelta(hours=7)
    (folder / "sessions.json").write_text(json.dumps(counters), encoding="utf-8")


def _session(session: str, model: str, time: datetime, text: str, chance: random.Random) -> Iterator[str]:
    """Yield the lines of an agent at work: a question, then answers with calls of tools and results of 1 to 60 kB."""
    yield _json({"type": "session", "version": 3, "id": session, "timestamp": _iso(time), "cwd": "~/work"})
    number = 0
    while True:
        time += timedelta(seconds=chance.randint(2, 90))
        yield _message(number, time, {"role": "user", "content": [_part(text, chance, 40, 2000)]})
        tokens = 9000
        for _ in range(chance.randint(2, 30)):
            number += 2
            time += timedelta(seconds=chance.randint(2, 60))
            tokens += chance.randint(200, 4000)
            call = {
                "type": "toolCall",
                "id": f"call_{number}",
                "name": "edit",
                "arguments": {"text": _cut(text, chance, 50, 6000)},
            }
            answer = {
                "role": "assistant",
                "content": [_part(text, chance, 20, 800), call],
                "api": "ollama",
                "provider": "ollama",
                "model": model,
                "usage": {"input": tokens, "output": 200, "cacheRead": 0, "totalTokens": tokens + 200},
                "stopReason": "toolUse",
                "timestamp": int(time.timestamp() * 1000),
            }
            yield _message(number, time, answer)
            result = {
                "role": "toolResult",
                "toolCallId": f"call_{number}",
                "content": [_part(text, chance, 1000, 60_000)],
            }
            yield _message(number + 1, time, result)


def _message(number: int, time: datetime, message: dict[str, object]) -> str:
    return _json(
        {"type": "message", "id": f"{number:08x}", "parentId": None, "timestamp": _iso(time), "message": message}
    )


def _part(text: str, chance: random.Random, least: int, most: int) -> dict[str, object]:
    return {"type": "text", "text": _cut(text, chance, least, most)}


def _cut(text: str, chance: random.Random, least: int, most: int) -> str:
    at = chance.randrange(len(text) - most)
    return text[at : at + chance.randint(least, most)]


def _text(chance: random.Random, words: int) -> str:
    """Return words with line ends and quotes between, as sources of programs hold them."""
    ends = (" ", " ", " ", " ", '"', "\n")
    many = words > 100
    return "".join(chance.choice(_WORDS) + (chance.choice(ends) if many else " ") for _ in range(words))


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.000Z"


def _json(value: dict[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"))
