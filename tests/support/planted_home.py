"""A home folder with every source that a bundle is made of, and something secret planted in each of them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

from support.ollama_store import put_blob, put_model
from support.openclaw_store import SAMPLES, build_store
from truelimit.adapters.files.gguf.write import write_header

MARK = "zq7"
PROMPT = f"{MARK} tell nobody: the merger is on 3 May, pass=hunter2!"
KEY = f"sk-{MARK}Aa0Bb1Cc2Dd3Ee4Ff5Gg6"
USER = f"{MARK}alice"
HOST = f"{MARK}-macbook.local"

_CONFIG = f"""// {PROMPT}
{{
  $include: "./part.json5",
  meta: {{ lastTouchedVersion: "2026.2.17", note: "{PROMPT}" }},
  env: {{ vars: {{ BOX: "http://{USER}:{KEY}@{HOST}:11434/{MARK}path/v1?key={KEY}" }}, SECRET: "{KEY}" }},
  channels: {{ telegram: {{ token: "{KEY}" }} }},
  agents: {{
    defaults: {{
      model: {{ primary: "box/qwen3:v-128k" }},
      workspace: "/Users/{USER}/work",
      timeoutSeconds: "{PROMPT}",
    }},
    list: [{{ id: "{USER}", model: "box/qwen3:v-128k", prompt: "{PROMPT}" }}],
  }},
}}
"""
_PART = {
    "models": {
        "providers": {
            "box": {
                "baseUrl": "${BOX}",
                "apiKey": KEY,
                "headers": {"authorization": f"Bearer {KEY}"},
                "api": "openai-completions",
                "models": [{"id": "qwen3:v-128k", "name": PROMPT, "contextWindow": 131072, "maxTokens": PROMPT}],
            }
        }
    }
}


def plant_home(home: Path) -> None:
    """Write the home folder below ``home``, which must exist."""
    _openclaw(home / ".openclaw")
    _profile(home / f".openclaw-{MARK}work")
    _ollama(home / ".ollama")
    desktop = home / "Library" / "Application Support" / "Ollama"
    desktop.mkdir(parents=True)
    with sqlite3.connect(desktop / "db.sqlite") as database:
        database.execute("CREATE TABLE settings (context_length INTEGER, schema_version INTEGER, note TEXT)")
        database.execute("INSERT INTO settings VALUES (65536, 14, ?)", (PROMPT,))
    database.close()


def _openclaw(folder: Path) -> None:
    sessions = folder / "agents" / USER / "sessions"
    sessions.mkdir(parents=True)
    (folder / "openclaw.json").write_text(_CONFIG, encoding="utf-8")
    (folder / "part.json5").write_text(json.dumps(_PART), encoding="utf-8")
    (folder / ".env").write_text(f"OPENAI_API_KEY={KEY}\n", encoding="utf-8")
    counters = {
        f"agent:main:whatsapp:+49{MARK}": {
            "sessionId": f"{MARK} call me",
            "updatedAt": 1771410611433,
            "totalTokens": 18730,
            "compactionCount": 3,
            "model": PROMPT,
            "modelOverride": PROMPT,
            "skillsSnapshot": {"prompt": PROMPT},
            "systemPromptReport": {"systemPrompt": {"chars": 40_000, "text": PROMPT}, "workspaceDir": f"/h/{USER}"},
        }
    }
    (sessions / "sessions.json").write_text(json.dumps(counters), encoding="utf-8")
    (sessions / f"{MARK} call me.jsonl").write_text("\n".join(_transcript()), encoding="utf-8")
    (sessions / "notes.txt").write_text(PROMPT, encoding="utf-8")
    logs = folder / "logs"
    logs.mkdir()
    (logs / f"{USER}.log").write_text("\n".join(_log_lines()), encoding="utf-8")


def _transcript() -> list[str]:
    text = [{"type": "text", "text": PROMPT}, {"type": "image", "data": KEY}]
    entries = [
        {"type": "session", "version": 3, "id": f"{MARK} call me", "timestamp": _at(0), "cwd": f"/Users/{USER}"},
        {"type": "model_change", "timestamp": _at(0), "provider": "box", "modelId": "qwen3:v-128k", "x": PROMPT},
        {"type": "message", "timestamp": _at(1), "message": {"role": "user", "content": text, "timestamp": 1}},
        _answer(2, content=[{"type": "thinking", "thinking": PROMPT}, *text], usage={"input": 9000, "output": 20}),
        {"type": "message", "timestamp": _at(3), "message": {"role": "toolResult", "content": text, "path": USER}},
        _answer(4, stopReason="error", errorMessage=f"500 {PROMPT} for {USER} with {KEY}"),
        {"type": "compaction", "timestamp": _at(5), "summary": PROMPT, "details": {"files": [f"/h/{USER}"]}},
        {"type": "custom", "customType": "openclaw:prompt-error", "timestamp": _at(6), "data": {"error": PROMPT}},
        _answer(6, stopReason="aborted", errorMessage=f"fetch failed {KEY} while asking {PROMPT}"),
        {"type": "custom", "customType": MARK, "timestamp": _at(7), "data": PROMPT},
        {"type": "branch_summary", "timestamp": _at(8), "summary": PROMPT},
    ]
    return [*(json.dumps(entry) for entry in entries), f'{{"type": "message", "half {PROMPT}', ""]


def _answer(minute: int, **members: object) -> dict[str, object]:
    message = {"role": "assistant", "provider": "box", "model": "qwen3:v-128k", "api": "openai-completions", **members}
    return {"type": "message", "timestamp": _at(minute), "message": message}


def _at(minute: int) -> str:
    return f"2026-02-18T11:{minute:02}:00.000Z"


def _log_lines() -> list[str]:
    lines: list[dict[str, object]] = [
        {"1": f"[context-overflow-precheck] sessionKey=agent:main:{MARK} provider=box/qwen3:v-128k text={PROMPT}"},
        {"1": f"embedded run timeout: runId={MARK} sessionId={MARK} user={USER} timeoutMs=300000 {PROMPT}"},
        {"1": f"[context-overflow-diag] provider=box/q observedTokens=9 error=request (9 tokens) exceeds {PROMPT}"},
        {
            "1": {
                "event": "embedded_run_agent_end",
                "isError": True,
                "error": PROMPT,
                "rawErrorPreview": KEY,
                "u": USER,
            },
            "2": PROMPT,
        },
        {"1": {"timeoutMs": 5, "url": f"http://{USER}:{KEY}@{HOST}/{MARK}/api/chat?k={KEY}"}, "2": "fetch timeout 5"},
        {"1": f"blocked model (context window too small): {MARK}!secret ctx=300 {PROMPT}"},
        {"1": f"prompt was {PROMPT}"},
    ]
    head = {"_meta": {"hostname": HOST, "date": _at(9)}, "time": _at(9), "hostname": HOST, "traceId": MARK}
    plain = f"{_at(9)} [agent/embedded] embedded run timeout: sessionId={MARK} timeoutMs=5 {PROMPT}"
    return [*(json.dumps({**head, **line}) for line in lines), plain, f'{{"embedded run timeout {PROMPT}']


def _profile(folder: Path) -> None:
    agent = folder / "agents" / "main" / "agent"
    agent.mkdir(parents=True)
    shutil.copyfile(SAMPLES / "2026.9.6" / "openclaw.json", folder / "openclaw.json")
    store = build_store(agent / "openclaw-agent.sqlite", "overflow")
    event = {"type": "message", "timestamp": _at(1), "message": {"role": "user", "content": PROMPT}, "extra": KEY}
    columns = [row[1] for row in store.execute("PRAGMA table_info(transcript_events)")]
    values = {"session_id": f"{MARK} s", "seq": 1, "event_json": json.dumps(event), "created_at": 1}
    store.execute(
        f"INSERT INTO transcript_events VALUES ({', '.join('?' * len(columns))})", [values.get(c) for c in columns]
    )
    for seq, kind in enumerate(("prompt.submitted", "model.completed"), 1):
        data = {"prompt": PROMPT, "systemPrompt": PROMPT, "promptError": PROMPT, "messagesSnapshot": [{"text": KEY}]}
        told = {"type": kind, "sessionId": f"{MARK} s", "runId": MARK, "ts": _at(seq), "data": data, "traceSchema": 1}
        store.execute(
            "INSERT INTO trajectory_runtime_events VALUES (?, ?, ?, ?, 0)", (f"{MARK} s", seq, MARK, json.dumps(told))
        )
    store.commit()
    store.close()
    catalogue = {
        "providers": {"box": {"apiKey": KEY, "baseUrl": f"http://{HOST}/", "models": [{"id": "m", "n": PROMPT}]}}
    }
    (agent / "models.json").write_text(json.dumps(catalogue), encoding="utf-8")


def _ollama(folder: Path) -> None:
    models = folder / "models"
    scratch = folder / "scratch"
    folder.mkdir()
    write_header(
        scratch,
        {
            "general.architecture": "llama",
            "general.name": PROMPT,
            "general.author": USER,
            "llama.context_length": 8192,
            "llama.block_count": 1,
            "tokenizer.chat_template": PROMPT,
            "tokenizer.ggml.tokens": [MARK, PROMPT],
        },
        [("token_embd.weight", (64, 64), "F16")],
    )
    blob = put_blob(models, scratch.read_bytes())
    scratch.unlink()
    path = put_model(models, "qwen3:v-128k", blob, parameters={"num_ctx": 131072, "stop": [PROMPT], "note": KEY})
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for kind in ("system", "template", "license", "messages"):
        media = f"application/vnd.ollama.image.{kind}"
        manifest["layers"].append(
            {"mediaType": media, "digest": put_blob(models, f"{kind} {PROMPT}".encode()), "size": 9}
        )
    manifest["layers"][0]["from"] = f"/Users/{USER}/model.gguf"
    manifest["annotations"] = {"note": PROMPT}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    logs = folder / "logs"
    logs.mkdir()
    (logs / "server.log").write_text("\n".join(_server_log(blob)), encoding="utf-8")


def _server_log(blob: str) -> list[str]:
    time = "time=2026-02-18T11:00:00.000+01:00 level="
    env = (
        f"map[OLLAMA_CONTEXT_LENGTH:0 OLLAMA_HOST:http://{HOST}:11434 OLLAMA_MODELS:/h/{USER} OLLAMA_ORIGINS:[{MARK}]]"
    )
    file = f"/Users/{USER}/.ollama/models/blobs/{blob.replace(':', '-')}"
    return [
        f'{time}INFO source=routes.go:1 msg="server config" env="{env}"',
        f'{time}INFO source=routes.go:2 msg="Listening on {HOST}:11434 (version 0.16.2)"',
        f'{time}INFO source=types.go:3 msg="inference compute" id=GPU-{MARK} library=CUDA description="RTX 4090" '
        f'total="24.0 GiB" available="23.0 GiB" note="{PROMPT}"',
        f'{time}INFO source=server.go:4 msg="starting runner" cmd="/h/{USER}/ollama runner --model {file} --x {KEY}"',
        f'{time}INFO source=server.go:5 msg="llama runner started in 6.54 seconds" user={USER}',
        f'{time}WARN source=runner.go:6 msg="truncating input prompt" limit=4096 prompt=9000 new=4096 text="{PROMPT}"',
        f'{time}ERROR source=server.go:7 msg="llm predict error: {PROMPT}" error="panic: {KEY}"',
        f'{time}WARN source=x.go:8 msg="invalid option provided" option="{PROMPT}"',
        f'{time}DEBUG source=routes.go:9 msg="chat request" prompt="{PROMPT}"',
        f'[GIN] 2026/02/18 - 11:05:00 | 500 | 5m0s | 10.{MARK} | POST "/api/chat/{MARK}?q={MARK}"',
        f"failed to open /Users/{USER}/x: {PROMPT}",
        f"GGML_ASSERT({PROMPT}) failed to run, out of memory for {USER}",
        f"slot launch_slot_: id  0 | task 0 | new prompt, n_ctx_slot = 4096, n_keep = 0, task.n_tokens = 27 {PROMPT}",
        PROMPT,
    ]
