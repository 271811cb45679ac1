"""Builds homes from recorded formats: OpenClaw of February and September 2026, Ollama's store, logs of servers.

Every file has the form of a recording (see tests/samples and the demo's home); only names, numbers and times vary.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.ollama_store import put_blob, put_model
from support.openclaw_store import SAMPLES, build_store
from truelimit.adapters.demo.shape import METADATA, tensors
from truelimit.adapters.files.gguf.write import write_header

FEB = "2026.2.17"
SEP = "2026.9.6"
NATIVE = 262_144
LABEL = 131_072
STORY_PROMPT = 146_760
NOON = datetime(2026, 2, 18, 11, 15, 3, 372_000, tzinfo=UTC)
CODER = "qwen3-coder-30b:v-128k"
BASE = "qwen3-coder:30b"
SECRET = "sk-planted-0123456789abcdef"
WORDS = "tell nobody that the merger is on the third of May"
ZERO_COST = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}
_header: list[bytes] = []


def at(seconds: float, start: datetime = NOON) -> datetime:
    """Return the moment that many seconds after ``start``."""
    return start + timedelta(seconds=seconds)


def stamp(moment: datetime) -> str:
    """Return a time as OpenClaw writes it: ``2026-02-18T11:15:03.372Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def coder_header() -> bytes:
    """Return the header-only file of Qwen3-Coder-30B-A3B (the true shape, 18.55 GB without its weights)."""
    if not _header:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.gguf"
            write_header(path, METADATA, tensors())
            _header.append(path.read_bytes())
    return _header[0]


@dataclass
class Call:
    """One model call of a transcript: what the user's entry and the assistant's entry hold."""

    start: datetime
    seconds: float
    input: int = 0
    output: int = 0
    error: str | None = None
    stop: str | None = None
    text: str = WORDS
    same_turn: bool = False
    cache_read: int = 0
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def end(self) -> datetime:
        return at(self.seconds, self.start)


class EpisodeHome:
    """A person's home folder; each method adds one thing to it and returns the home."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.models = root / ".ollama" / "models"
        root.mkdir(parents=True, exist_ok=True)

    # OpenClaw ------------------------------------------------------------------------------------------------

    def openclaw(
        self,
        entries: Sequence[Mapping[str, object]] = (),
        *,
        version: str | None = FEB,
        primary: str = f"ollama/{CODER}",
        api: str | None = "openai-completions",
        provider: str = "ollama",
        base_url: str = "http://127.0.0.1:11434",
        provider_more: Mapping[str, object] | None = None,
        defaults: Mapping[str, object] | None = None,
        head: str = "",
    ) -> EpisodeHome:
        """Write openclaw.json with one provider."""
        members: dict[str, object] = {"baseUrl": base_url, "apiKey": SECRET, "models": list(entries)}
        if api is not None:
            members["api"] = api
        members.update(provider_more or {})
        config: dict[str, object] = {
            "models": {"mode": "merge", "providers": {provider: members}},
            "agents": {"defaults": {"model": {"primary": primary}, **(defaults or {})}},
        }
        if version is not None:
            config["meta"] = {"lastTouchedVersion": version}
        file = self.root / ".openclaw" / "openclaw.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(head + json.dumps(config, indent=2), encoding="utf-8")
        return self

    def transcript(
        self,
        calls: Iterable[Call],
        *,
        session: str = "s1",
        model: str = CODER,
        provider: str = "ollama",
        api: str = "openai-completions",
        counters: Mapping[str, object] | None = None,
        compactions: int = 0,
    ) -> EpisodeHome:
        """Write a transcript and a sessions.json of February 2026."""
        folder = self.root / ".openclaw" / "agents" / "main" / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        calls = list(calls)
        events = transcript_events(calls, session, model, provider, api, version=3)
        last = calls[-1].end if calls else NOON
        events += [{"type": "compaction", "timestamp": stamp(last), "tokensBefore": 9}] * compactions
        (folder / f"{session}.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
        entry: dict[str, object] = {
            "sessionId": session,
            "updatedAt": millis(last),
            "modelProvider": provider,
            "model": model,
            "compactionCount": 0,
            "skillsSnapshot": {"prompt": WORDS},
            **(counters or {}),
        }
        index = folder / "sessions.json"
        known = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
        known[f"agent:main:{session}"] = entry
        index.write_text(json.dumps(known), encoding="utf-8")
        return self

    def sample_session(self, name: str, **counters: object) -> EpisodeHome:
        """Copy a recorded transcript of 2026.2.17, with counters beside it."""
        folder = self.root / ".openclaw" / "agents" / "main" / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        source = SAMPLES / "2026.2.17" / name
        session = json.loads(source.read_text(encoding="utf-8").splitlines()[0])["id"]
        shutil.copyfile(source, folder / f"{session}.jsonl")
        if counters:
            index = {"agent:main:main": {"sessionId": session, **counters}}
            (folder / "sessions.json").write_text(json.dumps(index), encoding="utf-8")
        return self

    def store(
        self,
        calls: Iterable[Call],
        *,
        session: str = "s1",
        model: str = CODER,
        provider: str = "ollama",
        api: str = "ollama",
        entry: Mapping[str, object] | None = None,
        trajectory: bool = True,
    ) -> EpisodeHome:
        """Write the SQLite store of September 2026 with one session."""
        path = self.root / ".openclaw" / "agents" / "main" / "agent" / "openclaw-agent.sqlite"
        store = build_store(path)
        calls = list(calls)
        node = {"sessionId": session, "model": model, "modelProvider": provider, "compactionCount": 0, **(entry or {})}
        store.execute(
            "INSERT INTO session_nodes (session_key, current_session_id, entry_json, updated_at) VALUES (?, ?, ?, 0)",
            (f"agent:main:explicit:{session}", session, json.dumps(node)),
        )
        rows = transcript_events(calls, session, model, provider, api, version=4)
        for seq, event in enumerate(rows):
            store.execute(
                "INSERT INTO transcript_events VALUES (?, ?, ?, ?, ?, ?, ?)",
                (session, seq, json.dumps(event), 0, None, None, None),
            )
        told = _trajectory(calls, session, model, provider, api) if trajectory else []
        for seq, event in enumerate(told):
            store.execute(
                "INSERT INTO trajectory_runtime_events VALUES (?, ?, ?, ?, 0)",
                (session, seq, event["runId"], json.dumps(event)),
            )
        store.commit()
        store.close()
        return self

    def agent_log(self, *lines: Mapping[str, object] | str, name: str = "openclaw.log") -> EpisodeHome:
        """Write an OpenClaw log below its folder."""
        path = self.root / ".openclaw" / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        path.write_text(text + "\n", encoding="utf-8")
        return self

    # Ollama --------------------------------------------------------------------------------------------------

    def model(self, name: str, num_ctx: int | None = None, parent: str | None = None, **parameters: object) -> str:
        """Put a definition of Qwen3-Coder-30B into Ollama's store; return the blob's file name."""
        content = coder_header()
        blob = put_blob(self.models, content)
        held = {**({"num_ctx": num_ctx} if num_ctx else {}), **parameters}
        put_model(
            self.models, name, blob, size=len(content), parameters=held or None, parent=parent, file_type="Q4_K_M"
        )
        return blob.replace(":", "-")

    def other_model(self, name: str) -> EpisodeHome:
        """Put a definition of quite another model there: a small Llama of native 8,192."""
        path = self.root / "other.gguf"
        metadata = {"general.architecture": "llama", "llama.context_length": 8192, "llama.block_count": 1}
        write_header(path, metadata, [("token_embd.weight", (64, 64), "F16")])
        put_model(self.models, name, put_blob(self.models, path.read_bytes()), size=path.stat().st_size)
        path.unlink()
        return self

    def coder(self, num_ctx: int | None = LABEL, name: str = CODER) -> EpisodeHome:
        """Put the base and the labelled definition there."""
        self.model(BASE)
        self.model(name, num_ctx, parent=BASE)
        return self

    @property
    def blob(self) -> str:
        """The file name of the model's blob."""
        return next(path.name for path in (self.models / "blobs").iterdir() if path.stat().st_size > 10_000)

    def ollama_log(self, *parts: str | Iterable[str], name: str = "server.log") -> EpisodeHome:
        """Write Ollama's log."""
        return self.file(f".ollama/logs/{name}", *parts)

    def file(self, name: str, *parts: str | Iterable[str]) -> EpisodeHome:
        """Write a text file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [line for part in parts for line in ([part] if isinstance(part, str) else part)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self


def entry(name: str = CODER, window: int | None = LABEL, max_tokens: int | None = 8192, **more: object) -> dict:
    """Return a model entry as people write it."""
    made: dict[str, object] = {"id": name, "name": name, "reasoning": False, "input": ["text"], "cost": ZERO_COST}
    if window is not None:
        made["contextWindow"] = window
    if max_tokens is not None:
        made["maxTokens"] = max_tokens
    return {**made, **more}


def transcript_events(
    calls: Sequence[Call], session: str, model: str, provider: str, api: str, version: int
) -> list[dict[str, object]]:
    """Return the entries of a transcript, as both generations write them."""
    first = at(-0.1, calls[0].start) if calls else NOON
    snapshot = {"timestamp": millis(first), "provider": provider, "modelApi": api, "modelId": model}
    events: list[dict[str, object]] = [
        {"type": "session", "version": version, "id": session, "timestamp": stamp(first), "cwd": "~/work"},
        {"type": "model_change", "timestamp": stamp(first), "provider": provider, "modelId": model},
        {"type": "custom", "customType": "model-snapshot", "data": snapshot, "timestamp": stamp(first)},
    ]
    for number, call in enumerate(calls):
        if not call.same_turn:
            events.append(_user(call, number))
        events.append(_assistant(call, number, model, provider, api))
    return events


def _user(call: Call, number: int) -> dict[str, object]:
    content = [{"type": "text", "text": call.text}]
    message = {"role": "user", "content": content, "timestamp": millis(call.start)}
    return {"type": "message", "id": f"u{number}", "timestamp": stamp(call.start), "message": message}


def _assistant(call: Call, number: int, model: str, provider: str, api: str) -> dict[str, object]:
    usage = {
        "input": call.input,
        "output": call.output,
        "cacheRead": call.cache_read,
        "cacheWrite": 0,
        "totalTokens": call.input + call.output + call.cache_read,
        "cost": {**ZERO_COST, "total": 0},
    }
    begun = api != "ollama"  # openai-completions stamps the message at its start, ollama at its end
    message: dict[str, object] = {
        "role": "assistant",
        "content": [] if call.error else [{"type": "text", "text": WORDS}],
        "api": api,
        "provider": provider,
        "model": model,
        "usage": usage,
        "stopReason": call.stop or ("error" if call.error else "stop"),
        "timestamp": millis(call.start if begun else call.end),
        **call.more,
    }
    if call.error:
        message["errorMessage"] = call.error
    return {"type": "message", "id": f"a{number}", "timestamp": stamp(call.end), "message": message}


def _trajectory(calls: Sequence[Call], session: str, model: str, provider: str, api: str) -> list[dict]:
    events: list[dict] = []
    for number, call in enumerate(calls):
        failed = call.error is not None
        common = {
            "traceSchema": "openclaw-trajectory",
            "schemaVersion": 1,
            "source": "runtime",
            "sessionId": session,
            "sessionKey": f"agent:main:explicit:{session}",
            "runId": f"run-{number}",
            "provider": provider,
            "modelId": model,
            "modelApi": api,
        }
        usage = {"input": call.input, "output": call.output, "cacheRead": call.cache_read, "cacheWrite": 0}
        done = {
            "aborted": failed and "timeout" in str(call.error),
            "timedOut": failed and "timeout" in str(call.error),
            "idleTimedOut": failed and "idle timeout" in str(call.error),
            "timedOutByRunBudget": False,
            "timedOutDuringCompaction": False,
            "promptErrorSource": None,
            **({} if failed else {"usage": usage}),
        }
        events.append(
            {
                **common,
                "type": "prompt.submitted",
                "ts": stamp(call.start),
                "data": {"prompt": WORDS, "systemPrompt": WORDS},
            }
        )
        events.append({**common, "type": "model.completed", "ts": stamp(call.end), "data": done})
    return events
