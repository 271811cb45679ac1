"""Real requests to a model server, and OpenClaw's transcript (February 2026) of what really came back.

The transcript's form is the recorded one; its numbers, times and error texts are the server's.
"""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

API = {"openai-completions": "/v1/chat/completions", "ollama": "/api/chat"}


@dataclass(frozen=True, slots=True)
class RealCall:
    """One request as its client saw it: times in UTC, tokens that the answer counts, or the error instead."""

    model: str
    api: str
    started: datetime
    ended: datetime
    prompt_tokens: int = 0
    output_tokens: int = 0
    status: int = 200
    error: str | None = None
    body: str = ""

    @property
    def seconds(self) -> float:
        """Return how long the client waited."""
        return (self.ended - self.started).total_seconds()


def words(count: int, start: str) -> str:
    """Return a text of so many items (about 12 tokens each) that shares no beginning with that of another start."""
    return f"{start}: " + " ".join(f"item {number} weighs {number * 7} grams;" for number in range(count))


def ask(url: str, model: str, prompt: str, *, api: str = "openai-completions", **more: object) -> RealCall:
    """Send one prompt and return what came back; ``timeout`` (seconds, 170) is the client's wall.

    ``more`` is added to the request. A wall that ends it gives the error text that OpenClaw writes then.
    """
    timeout = more.pop("timeout", 170.0)
    assert isinstance(timeout, float | int)
    body = {"model": model, "stream": False, "messages": [{"role": "user", "content": prompt}], **_short(api), **more}
    request = urllib.request.Request(
        url + API[api], data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    started = datetime.now(UTC)
    try:
        with urllib.request.urlopen(request, timeout=float(timeout)) as reply:
            answer = json.loads(reply.read())
    except urllib.error.HTTPError as error:
        text = error.read().decode("utf-8", "replace")
        return RealCall(
            model, api, started, datetime.now(UTC), status=error.code, body=text, error=f"{error.code} {text}"
        )
    except (OSError, TimeoutError) as error:
        timed_out = isinstance(getattr(error, "reason", error), TimeoutError | socket.timeout)
        text = "LLM request timed out." if timed_out else "fetch failed"
        return RealCall(model, api, started, datetime.now(UTC), status=0, error=text)
    return _answered(RealCall(model, api, started, datetime.now(UTC)), answer)


def _short(api: str) -> dict[str, object]:
    return {"options": {"num_predict": 2}} if api == "ollama" else {"max_tokens": 2}


def _answered(call: RealCall, answer: Mapping[str, object]) -> RealCall:
    usage = answer.get("usage")
    if isinstance(usage, dict):
        read, written = usage["prompt_tokens"], usage["completion_tokens"]
    else:
        read, written = answer["prompt_eval_count"], answer["eval_count"]
    assert isinstance(read, int)
    assert isinstance(written, int)
    return RealCall(call.model, call.api, call.started, call.ended, read, written, body=json.dumps(answer))


def write_transcript(file: Path, calls: Sequence[RealCall], provider: str = "ollama") -> Path:
    """Write the calls as a session of OpenClaw 2026.2.17. Over openai-completions a message's own time is the start."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines: list[object] = [_header(file.stem, calls[0].started)]
    for number, call in enumerate(calls):
        lines.append(_entry(2 * number, call.started, {"role": "user", "content": [{"type": "text", "text": "..."}]}))
        lines.append(_entry(2 * number + 1, call.ended, _assistant(call, provider), _stamp(call)))
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def _header(session: str, started: datetime) -> dict[str, object]:
    return {"type": "session", "version": 3, "id": session, "timestamp": _iso(started), "cwd": "~/shop"}


def _entry(number: int, time_: datetime, message: Mapping[str, object], stamp: datetime | None = None) -> object:
    return {
        "type": "message",
        "id": f"a{number:07d}",
        "parentId": f"a{number - 1:07d}" if number else None,
        "timestamp": _iso(time_),
        "message": {**message, "timestamp": round((stamp or time_).timestamp() * 1000)},
    }


def _assistant(call: RealCall, provider: str) -> dict[str, object]:
    total = call.prompt_tokens + call.output_tokens
    message: dict[str, object] = {
        "role": "assistant",
        "content": [] if call.error else [{"type": "text", "text": "..."}],
        "api": call.api,
        "provider": provider,
        "model": call.model,
        "usage": {
            "input": call.prompt_tokens,
            "output": call.output_tokens,
            "cacheRead": 0,
            "cacheWrite": 0,
            "totalTokens": total,
            "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0},
        },
        "stopReason": "error" if call.error else "stop",
    }
    return {**message, "errorMessage": call.error} if call.error else message


def _stamp(call: RealCall) -> datetime:
    return call.started if call.api == "openai-completions" else call.ended


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wait_for(check: object, seconds: float) -> bool:
    """Ask ``check()`` every 0.1 s until it is true or the time is over."""
    assert callable(check)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.1)
    return bool(check())
