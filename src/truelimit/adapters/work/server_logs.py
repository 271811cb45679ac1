"""Requests as a server's log tells them (Ollama of every era, llama-server), with what it said of reading and writing.

A server knows no sessions: a request that found half or more of its prompt, or of the one before it, in the cache goes
on with that conversation; any other begins one. It knows no turns either. A client that went away is cancelled here:
whether a timer or a person ended it only the client can tell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from truelimit.adapters.files.server_log import read_server_log
from truelimit.adapters.work.context import Context, Reading
from truelimit.adapters.work.talk import Counts, Talk
from truelimit.domain import server
from truelimit.domain.provenance import Missing
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.units import Seconds, Tokens

_PATHS = (
    "/api/chat", "/api/generate", "/v1/chat/completions", "/v1/completions", "/v1/messages", "/v1/responses",
    "/chat/completions", "/completion", "/completions", "/infill",
)  # fmt: skip
_SLACK = 2.0  # access lines tell whole seconds
_BAD = 400
_GONE = 499
_REFUSED = "refused"
_CUT = "cut"  # stands for the task until its own line comes, which older runners do not print
_NEAR = 8  # tokens by which the two lines differ
_LATE = 4  # requests after which an engine still says that one was cancelled
_ENGINE = {"crash": Ending.CRASHED, "out-of-memory": Ending.CRASHED, "load-timeout": Ending.TIMED_OUT}


@dataclass(slots=True)
class _Draft:
    """One request as far as the log told of it. Times are seconds since 1970."""

    where: str
    task: str
    at: float | None
    prompt: int | None
    cached: int | None = None
    kept: int | None = None
    output: int | None = None
    read: float | None = None
    written: float | None = None
    began: float | None = None
    ended: float | None = None
    ending: Ending | None = None
    model: str = ""


def read(path: Path, context: Context, memory: dict[str, Any]) -> Reading:
    """Return the requests of one log. Never raises."""
    _ = memory
    log = read_server_log(path)
    if log.kind is None:
        return Reading(missing=log.missing or (Missing(f"server log {path}", "no log of a server that is known"),))
    drafts = _Drafts()
    for event in log.events:
        drafts.see(event)
    drafts.end()
    return Reading(_requests(drafts.done, f"{log.kind.value}-log", context), log.damaged, log.missing)


class _Drafts:
    """Joins the events of requests: by task, and by time with the access line that ends each."""

    def __init__(self) -> None:
        self.done: list[_Draft] = []
        self._open: list[_Draft] = []
        self._model = ""
        self._failed: Ending | None = None

    def see(self, event: server.Event) -> None:
        at = event.time.timestamp() if event.time else None
        match event:
            case server.ModelLoaded():
                self._model = _model(event.model)
            case server.PromptTruncated():
                draft = _Draft(event.where, _CUT, at, int(event.prompt), kept=int(event.kept), ending=Ending.TRUNCATED)
                self._add(draft)
            case server.PromptStarted():
                self._start(event, at)
            case server.PromptRead() | server.AnswerWritten() | server.RequestCancelled():
                self._progress(event, at)
            case server.PromptRefused():
                self._add(_Draft(event.where, _REFUSED, at, event.prompt, ending=Ending.OVERFLOW))
            case server.PoolExhausted():
                self._fail(Ending.OVERFLOW)
            case server.EngineFailed():
                self._failed = _ENGINE.get(event.reason, Ending.CRASHED)
                self._fail(self._failed)
            case server.RequestEnded() if event.path.partition("?")[0] in _PATHS:
                self._access(event, at)

    def end(self) -> None:
        """Finish what no access line told of."""
        self.done += self._open
        self._open = []

    def _add(self, draft: _Draft) -> None:
        draft.model = self._model
        self._open.append(draft)

    def _start(self, event: server.PromptStarted, at: float | None) -> None:
        self.done += [item for item in self._open if item.task == event.task]
        self._open = [item for item in self._open if item.task != event.task]
        draft = _Draft(event.where, event.task, at, int(event.prompt), event.cached)
        cut = next((item for item in reversed(self._open) if item.task == _CUT), None)
        if cut is not None and cut.kept is not None and abs(cut.kept - event.prompt) <= _NEAR:
            self._open.remove(cut)  # the same request: it is read after it was cut
            draft.prompt, draft.kept, draft.ending = cut.prompt, cut.kept, Ending.TRUNCATED
        self._add(draft)

    def _progress(
        self, event: server.PromptRead | server.AnswerWritten | server.RequestCancelled, at: float | None
    ) -> None:
        draft = next((item for item in reversed(self._open) if item.task == event.task), None)
        if draft is None and isinstance(event, server.RequestCancelled):
            self._cancelled(event)
            return
        if draft is None:
            draft = _Draft(event.where, event.task, at, None)
            self._add(draft)
        match event:
            case server.PromptRead():
                draft.read = float(event.seconds)
                if draft.prompt is None and event.from_depth is not None:
                    draft.prompt, draft.cached = event.from_depth + event.evaluated, event.from_depth
            case server.AnswerWritten():
                draft.written, draft.output = float(event.seconds), int(event.tokens)
            case server.RequestCancelled():
                draft.ending = Ending.CANCELLED

    def _cancelled(self, event: server.RequestCancelled) -> None:
        """The word on a request whose access line came first: the last that failed without a reason."""
        for draft in reversed(self.done[-_LATE:]):
            if draft.ending in {None, Ending.UNKNOWN} and event.task in {"", draft.task} and draft.output is None:
                draft.ending = Ending.CANCELLED
                return

    def _fail(self, ending: Ending) -> None:
        for draft in self._open:
            if draft.written is None and draft.ending is None:
                draft.ending = ending

    def _access(self, event: server.RequestEnded, at: float | None) -> None:
        if at is None:
            return
        began = at - event.seconds
        refused = _BAD <= event.status < _GONE
        for draft in sorted(self._open, key=lambda item: (item.task == _REFUSED) is not refused):
            if draft.at is None or began - _SLACK <= draft.at <= at + _SLACK:
                self._open.remove(draft)
                self._finish(draft, event, at)
                return
        if event.status >= _GONE:
            draft = _Draft(event.where, "", at, None, model=self._model)
            self._finish(draft, event, at)

    def _finish(self, draft: _Draft, event: server.RequestEnded, at: float) -> None:
        draft.began, draft.ended = at - event.seconds, at
        if draft.ending in {None, Ending.TRUNCATED} and event.status >= _GONE:  # cut, and then it did not end well
            draft.ending = Ending.CANCELLED if event.status == _GONE else self._failed or Ending.UNKNOWN
        self._failed = None
        self.done.append(draft)


def _model(name: str | None) -> str:
    """Return a model without the folder that its file lies in."""
    plain = (name or "").replace("\\", "/").rpartition("/")[2]
    return plain[: len("sha256-") + 12] if plain.startswith("sha256-") else plain


def _requests(drafts: list[_Draft], source: str, context: Context) -> list[WorkRequest]:
    found: dict[str, WorkRequest] = {}
    before: _Draft | None = None
    talk = Talk(source, "unknown", "")
    for number, draft in enumerate(drafts):
        if before is None or not _goes_on(before, draft):
            mark = f"{draft.at}" if draft.at is not None else f"{draft.where} {number}"
            talk = Talk(source, "unknown", context.hasher(source, "conversation", mark, f"{draft.prompt}"))
            talk.tells_cache = True
        before = draft if draft.prompt is not None else before
        item = _request(draft, talk, context)
        found[item.id] = item
    return list(found.values())


def _goes_on(before: _Draft, draft: _Draft) -> bool:
    if not draft.cached or not draft.prompt or not before.prompt:
        return False
    return draft.cached * 2 >= min(draft.prompt, before.prompt)


def _request(draft: _Draft, talk: Talk, context: Context) -> WorkRequest:
    talk.model, talk.failed = draft.model, []
    began, ended = draft.began, draft.ended
    if began is None and draft.at is not None and draft.read is not None:
        began, ended = draft.at, draft.at + draft.read + (draft.written or 0.0)
    mark = f"{draft.at}" if draft.at is not None else draft.where
    key = context.hasher(talk.source, mark, draft.task, f"{draft.prompt} {draft.output}")
    counts = Counts(draft.prompt, draft.cached, draft.output)
    item = talk.ended(
        key, ended if ended is not None else draft.at, counts, context,
        ending=draft.ending or Ending.DONE, began=began, first_token=draft.read,
    )[0]  # fmt: skip
    if draft.kept is not None and item.cached_tokens is not None:  # the rest was cut off: nobody read it
        item = replace(item, new_tokens=Tokens(max(0, draft.kept - item.cached_tokens)))
    return item if item.duration is not None or draft.read is None else _timed(item, draft)


def _timed(item: WorkRequest, draft: _Draft) -> WorkRequest:
    """A log without times still tells how long reading and writing took: waiting is not in it."""
    return replace(item, duration=Seconds(round((draft.read or 0.0) + (draft.written or 0.0), 3)))
