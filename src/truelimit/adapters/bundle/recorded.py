"""Answers of live servers: recorded with only what the readers use, and given again on another machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from truelimit.adapters.bundle.recorded_shapes import PATHS, shaped
from truelimit.adapters.bundle.redact import Redactor
from truelimit.adapters.servers.http import HttpTrouble, carried_by, exchange
from truelimit.adapters.servers.http_exchange import RawReply
from truelimit.domain.message import said

_METRIC = re.compile(r"llamacpp:[\w:]{1,80}(?:\{\})? [\d.eE+\-]{1,30}|llamacpp:[\w:]{1,80} nan")
_SERVERS = ("llama.cpp",)


@dataclass(slots=True)
class Recorder:
    """Keeps what servers answered while it is in use."""

    redact: Redactor
    answers: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Record all exchanges within."""
        with carried_by(self._carry):
            yield

    def _carry(self, method: str, url: str, content: bytes | None, seconds: float, cap: int) -> RawReply:
        reply = exchange(method, url, content, seconds, cap)
        base, path = split(url)
        if path is not None:
            self.answers.append(self._kept(method, base, path, content, reply))
        return reply

    def _kept(self, method: str, base: str, path: str, content: bytes | None, reply: RawReply) -> dict[str, Any]:
        server = reply.headers.get("server", "")
        return {
            "method": method,
            "base": self.redact.url(base),
            "path": path,
            "question": _question(content, self.redact),
            "status": reply.status,
            "server": next((name for name in _SERVERS if name in server), ""),
            "answer": _answer(path, reply.body, self.redact),
        }


def split(url: str) -> tuple[str, str | None]:
    """Return the base of a URL and the known path that it ends with (None: not one that is recorded)."""
    path = next((path for path in PATHS if url.endswith(path)), None)
    return (url, None) if path is None else (url.removesuffix(path), path)


def _question(content: bytes | None, redact: Redactor) -> dict[str, Any]:
    """Return of a question the model's name and whether it was asked at length."""
    value = _json(content or b"{}")
    question = value if isinstance(value, dict) else {}
    model = question.get("model")
    return {"model": redact.name(model) if isinstance(model, str) else "", "verbose": question.get("verbose") is True}


def _answer(path: str, body: bytes, redact: Redactor) -> object:
    if path == "/metrics":
        lines = body.decode("utf-8", "replace").splitlines()
        return "\n".join(line for line in lines if _METRIC.fullmatch(line))
    if path == "/":
        return "Ollama is running" if b"Ollama is running" in body else ""
    return shaped(_json(body), path, redact)


def _json(body: bytes) -> object:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value


@contextmanager
def replaying(answers: Sequence[Mapping[str, Any]]) -> Iterator[None]:
    """Answer all questions within from the record; nothing goes to the network."""
    known = {_key(item): item for item in answers}

    def carry(method: str, url: str, content: bytes | None, seconds: float, cap: int) -> RawReply:  # noqa: ARG001
        base, path = split(url)
        question = _question(content, Redactor())
        item = known.get((method, base, path or "", question["model"], question["verbose"]))
        if item is None:
            raise HttpTrouble(url, said("not in the bundle"), said("a recorded answer"), said("collect it again"))
        return _reply(item)

    with carried_by(carry):
        yield


def _key(item: Mapping[str, Any]) -> tuple[str, str, str, str, bool]:
    question = item.get("question")
    asked = question if isinstance(question, dict) else {}
    texts = (str(item.get(key, "")) for key in ("method", "base", "path"))
    method, base, path = texts
    return method, base, path, str(asked.get("model", "")), asked.get("verbose") is True


def _reply(item: Mapping[str, Any]) -> RawReply:
    answer, status = item.get("answer"), item.get("status")
    body = answer if isinstance(answer, str) else json.dumps(answer)
    headers = {"server": str(item["server"])} if item.get("server") else {}
    return RawReply(status if isinstance(status, int) else 500, headers, body.encode())
