"""Folds the lines of a log into failed calls: each line that tells of a failure becomes a call, or adds to one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from truelimit.adapters.agents.openclaw import json_values as read
from truelimit.adapters.agents.openclaw.call_merge import NEAR_SECONDS
from truelimit.adapters.agents.openclaw.error_reading import FEBRUARY, SEPTEMBER, read_error
from truelimit.adapters.agents.openclaw.transcript import AGENT
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.session import Call, CallError, ErrorKind, Outcome
from truelimit.units import Tokens

_MOST_OPEN = 4096
_NEAR = timedelta(seconds=NEAR_SECONDS)
_LOOK_BACK = 64
_FIELD = re.compile(r"(\w{1,40})=(\S{1,400})")
_RETRY = re.compile(r"transient (same-model retry|retry window elapsed).{0,20}? for (\S{1,200})")
_REASON = re.compile(r"reason=(\w{1,40})")
_BLOCKED = re.compile(r"blocked model \(context window too small\): (\S{1,200}) ctx=(\d{1,9})")
_MODEL_PATHS = ("/api/chat", "/api/generate", "/completions", "/responses", "/messages")


@dataclass(slots=True)
class Sent:
    """A prompt that was sent: for whom, when, and how large the agent thought it was."""

    session: str = ""
    provider: str = ""
    model: str = ""
    started: datetime | None = None
    estimate: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its time, its text, its fields, the trace that it belongs to, and where it stands."""

    time: datetime
    text: str
    fields: Mapping[str, Any]
    trace: str
    where: str


@dataclass(slots=True)
class LogCalls:
    """The failed calls so far, and the prompts on their way by trace and by model."""

    calls: list[Call] = field(default_factory=list)
    without_model: int = 0
    _by_trace: dict[object, Sent] = field(default_factory=dict)
    _by_model: dict[object, Sent] = field(default_factory=dict)

    def feed(self, line: Line) -> None:
        """Take one line. Lines that tell of no failure only say which prompt is on its way."""
        text, event = line.text, line.fields.get("event")
        if "[context-overflow-precheck]" in text:
            self._precheck(line)
        elif text.startswith("embedded run timeout"):
            self._run_timeout(line)
        elif "[context-overflow-diag]" in text:
            self._overflow(line)
        elif "fetch timeout" in text:
            self._fetch_timeout(line)
        elif event == "embedded_run_agent_end" or text.startswith("embedded run agent end"):
            self._agent_end(line)
        elif event == "embedded_run_failover_decision":
            self._decision(line)
        elif (retry := _RETRY.search(text)) is not None:
            self._retry(line, retry.group(1), retry.group(2))
        elif (blocked := _BLOCKED.search(text)) is not None:
            error = read_error(f"model context window too small ({blocked.group(2)} tokens)", SEPTEMBER)
            self._failed(line, error, Sent("", *_model(blocked.group(1))))

    def _precheck(self, line: Line) -> None:
        named = _named(line.text)
        provider, model = _model(named.get("provider", ""))
        sent = Sent(_session(named), provider, model, line.time, _whole(named.get("estimatedPromptTokens")))
        _keep(self._by_trace, line.trace, sent)
        _keep(self._by_model, (provider, model), sent)

    def _run_timeout(self, line: Line) -> None:
        named = _named(line.text)
        sent = self._by_trace.get(line.trace) or Sent()
        ms = _whole(named.get("timeoutMs"))
        began = sent.started or (line.time - timedelta(milliseconds=ms) if ms else None)
        session = read.name(named.get("sessionId")) or sent.session
        self._failed(line, read_error(line.text[:400], SEPTEMBER), replace(sent, session=session, started=began))
        sent.started = None

    def _overflow(self, line: Line) -> None:
        head, _, text = line.text.partition(" error=")
        named = _named(head)
        sent = self._by_trace.get(line.trace) or Sent(_session(named), *_model(named.get("provider", "")))
        version = SEPTEMBER if "observedTokens" in named else FEBRUARY
        self._failed(line, read_error(text, version), sent, _whole(named.get("observedTokens")))

    def _fetch_timeout(self, line: Line) -> None:
        url = read.words(line.fields.get("url") or _named(line.text).get("url")).partition("?")[0].rstrip("/")
        if not url.endswith(_MODEL_PATHS):
            return
        sent = self._by_trace.get(line.trace)
        if sent is None:
            self.without_model += 1
            return
        limit, elapsed = (read.number(line.fields.get(key)) for key in ("timeoutMs", "elapsedMs"))
        text = line.text if limit is None else f"fetch timeout after {limit}ms"
        began = line.time - timedelta(milliseconds=elapsed) if elapsed else sent.started
        self._failed(line, read_error(text, SEPTEMBER), replace(sent, started=began))
        sent.started = None

    def _agent_end(self, line: Line) -> None:
        named: Mapping[str, Any] = line.fields or _named(line.text)
        if named.get("isError") not in {True, "true"}:
            return
        shown = read.words(line.fields.get("error")) or line.text.partition(" error=")[2]
        raw = read.words(line.fields.get("rawErrorPreview"))
        self._failed(line, read_error(f"{raw} | {shown}" if raw else shown, SEPTEMBER), self._sent(line, named))

    def _decision(self, line: Line) -> None:
        if line.fields.get("timedOut") is True:
            self._failed(line, _timed_out(), self._sent(line, line.fields))

    def _retry(self, line: Line, kind: str, ref: str) -> None:
        """Take the end of an attempt. Other reasons than a timeout have a line of their own, with the error text."""
        reason = _REASON.search(line.text)
        sent = self._by_model.get(_model(ref))
        ended_window = kind.startswith("retry window")
        if ended_window and (sent is None or sent.started is None):
            return
        if ended_window or (reason is not None and reason.group(1) == "timeout"):
            self._failed(line, _timed_out(), sent or Sent("", *_model(ref)))

    def _sent(self, line: Line, named: Mapping[str, Any]) -> Sent:
        provider, model = read.name(named.get("provider")), read.name(named.get("model"))
        known = self._by_trace.get(line.trace) or self._by_model.get((provider, model))
        return known or Sent("", provider, model)

    def _failed(self, line: Line, error: CallError, sent: Sent, observed: int | None = None) -> None:
        """Keep a failed call, unless a line just before told of the same one: then the fuller of both stays."""
        call = _call(line, error, sent, observed)
        sent.started = None
        recent = range(len(self.calls) - 1, max(-1, len(self.calls) - _LOOK_BACK), -1)
        before = next((index for index in recent if _same(self.calls[index], call)), None)
        if before is None:
            self.calls.append(call)
        else:
            self.calls[before] = _fuller(self.calls[before], call)


def _call(line: Line, error: CallError, sent: Sent, observed: int | None) -> Call:
    started = sent.started if sent.started is not None and sent.started <= line.time else None
    prompt = _prompt(error, observed, sent.estimate, line.where)
    return Call(
        sent.session,
        AGENT,
        sent.provider,
        sent.model,
        "",
        line.where,
        started,
        line.time,
        Outcome.ERROR,
        prompt,
        error=error,
    )


def _same(known: Call, call: Call) -> bool:
    near = known.ended is not None and call.ended is not None and abs(call.ended - known.ended) <= _NEAR
    models = not known.model or not call.model or (known.provider, known.model) == (call.provider, call.model)
    return near and models and (not known.session or not call.session or known.session == call.session)


def _fuller(known: Call, call: Call) -> Call:
    """Return one call of two lines: the clearer error, and session, model and numbers of whichever line has them."""
    errors = [error for error in (known.error, call.error) if error is not None]
    error = max(
        errors, key=lambda item: (item.kind is not ErrorKind.OTHER, item.seconds is not None, bool(item.prompt))
    )
    advice = next((item.advice_key for item in errors if item.advice_key), None)
    prompts = [prompt for prompt in (known.prompt_tokens, call.prompt_tokens) if prompt is not None]
    return replace(
        known,
        session=known.session or call.session,
        provider=known.provider or call.provider,
        model=known.model or call.model,
        started=known.started or call.started,
        prompt_tokens=min(prompts, key=lambda item: item.basis is Basis.DERIVED, default=None),
        error=replace(error, misread=any(item.misread for item in errors), advice_key=advice),
    )


def _timed_out() -> CallError:
    return read_error("request timed out", SEPTEMBER)


def _prompt(error: CallError, observed: int | None, estimate: int | None, where: str) -> Known[Tokens] | None:
    if error.prompt or observed:
        return Known(Tokens(error.prompt or observed or 0), said("{where}: error text", where=where), Basis.REPORTED)
    if estimate:
        return Known(
            Tokens(estimate), said("{where}: estimatedPromptTokens (the agent's estimate)", where=where), Basis.DERIVED
        )
    return None


def _named(text: str) -> dict[str, str]:
    return dict(_FIELD.findall(text[:4000]))


def _whole(digits: str | None) -> int | None:
    return int(digits) if digits and digits.isascii() and digits.isdecimal() and len(digits) <= 12 else None


def _model(ref: str) -> tuple[str, str]:
    provider, _, model = ref.rstrip(";,:").partition("/")
    return read.name(provider), read.name(model)


def _session(named: Mapping[str, str]) -> str:
    """Return a session's id where the line tells it, else its key (which holds colons)."""
    file = named.get("sessionFile", "").replace("\\", "/")
    if file.endswith(".jsonl"):
        return read.name(PurePosixPath(file).stem)
    key = named.get("sessionKey", "")
    return read.name(key.rpartition(":explicit:")[2] if ":explicit:" in key else key)


def _keep(table: dict[object, Sent], key: object, sent: Sent) -> None:
    """Remember a prompt, forgetting the oldest one when there are very many."""
    if key:
        table.pop(key, None)
        table[key] = sent
        if len(table) > _MOST_OPEN:
            del table[next(iter(table))]
