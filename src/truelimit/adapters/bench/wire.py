"""The way to one endpoint: its address, a key if it wants one, plain questions and streamed requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from truelimit.adapters.bench.stream import Headers, Line, Stream, StreamError, bearer, keyed
from truelimit.adapters.servers.http import HttpTrouble, carried_by, shown
from truelimit.adapters.servers.http_exchange import RawReply
from truelimit.app.bench_ports import BenchError, Sign, Watch
from truelimit.bench.nouns import Reply
from truelimit.domain.message import Message, counted, said
from truelimit.limits.addresses import address_of
from truelimit.units import KIB, Seconds, Tokens

_ERROR_BODY = 64 * KIB
_ERROR_CHARS = 200


@dataclass(slots=True)
class Progress:
    """How far a streamed answer has come, as its reader notes it; ``read`` tokens where the server tells them."""

    headers: float | None = None
    first: float | None = None
    last: float | None = None
    parts: int = 0
    read: int | None = None
    cancelled: bool = False
    seconds: float = 0.0

    def part(self, at: float) -> None:
        """Note a part of the answer's text."""
        self.first = at if self.first is None else self.first
        self.last = at
        self.parts += 1

    @property
    def sign(self) -> Sign:
        """The same for the one who watches."""
        return Sign(Seconds(self.seconds), None if self.read is None else Tokens(self.read), self.parts)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no stream: its status and body (parsed where it is JSON)."""

    status: int
    value: object


@dataclass(frozen=True, slots=True)
class Wire:
    """``base`` is the address without ``/v1``; the key is in no text that this gives out."""

    base: str
    key: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The address as reports may show it."""
        return shown(self.base)

    @property
    def is_local(self) -> bool:
        """Whether the server runs on this machine."""
        address = address_of(self.base)
        return address is not None and address.host == "localhost"

    @property
    def is_far(self) -> bool:
        """Whether the server is outside this network, so that proxies of the environment make sense."""
        address = address_of(self.base)
        return address is None or not (self.is_local or address.is_near)

    def asking(self) -> AbstractContextManager[None]:
        """Let plain questions within carry the key."""
        if self.key is None:
            return nullcontext()

        def carry(method: str, url: str, content: bytes | None, seconds: float, cap: int) -> RawReply:
            return keyed(method, url, content, seconds, cap, key=self.key, trust_env=self.is_far)

        return carried_by(carry)

    def lines(
        self, path: str, body: object, seconds: float, watch: Watch, progress: Progress
    ) -> Iterator[tuple[float, bytes] | Refusal]:
        """Send a request and yield the lines of its answer with their times, or one Refusal.

        It ends early, ``progress.cancelled`` set, after ``seconds`` or when ``watch`` says so. Raises BenchError.
        """
        headers = {"content-type": "application/json", "accept-encoding": "identity", **bearer(self.key)}
        stream = Stream(self.base + path, json.dumps(body).encode(), headers, trust_env=self.is_far)
        refused: int | None = None
        text = b""
        try:
            for part in stream.parts():
                progress.seconds = part.seconds
                if part.seconds > seconds or not watch(progress.sign):
                    progress.cancelled = True
                    return
                if isinstance(part, Headers):
                    progress.headers = part.seconds
                    refused = part.status if part.status != 200 else None
                elif isinstance(part, Line) and refused is not None:
                    text = (text + part.data)[:_ERROR_BODY]
                elif isinstance(part, Line):
                    yield part.seconds, part.data
        except StreamError as error:
            raise BenchError(_broken(self.name + path, error, progress)) from None
        if refused is not None:
            yield Refusal(refused, parsed(text))


def seen(progress: Progress, where: str) -> Reply:
    """Return what the client saw of a request, for the server's numbers to be put beside."""
    headers, first, last = (
        None if value is None else Seconds(value) for value in (progress.headers, progress.first, progress.last)
    )
    return Reply(
        headers_seconds=headers,
        first_token_seconds=first,
        last_token_seconds=last,
        total_seconds=Seconds(progress.seconds),
        chunks=progress.parts,
        cancelled=progress.cancelled,
        where=where,
    )


def parsed(text: bytes) -> object:
    """Return JSON as a value, or None."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def trouble(error: HttpTrouble) -> BenchError:
    """Return the error of a plain question as one of a benchmark."""
    if error.status == 401:
        return key_wanted(error.url)
    return BenchError(str(error))


def key_wanted(where: str) -> BenchError:
    """Return the error of a server that wants a key."""
    return BenchError(
        said(
            "{where}: status 401: it wants an API key; name the environment variable that holds it with "
            "--api-key-env NAME",
            where=where,
        )
    )


def refusal_words(where: str, refusal: Refusal, words: Callable[[object], str | None]) -> BenchError:
    """Return the error for an answer of another status than 200; the server's own words, shortened, are in it."""
    if refusal.status == 401:
        return key_wanted(where)
    if refusal.status == 403:
        return BenchError(said("{where}: status 403: refused", where=where))
    theirs = words(refusal.value)
    return BenchError(
        said(
            "{where}: status {status}{told}; expected a streamed answer; look at the server's log",
            where=where,
            status=str(refusal.status),
            told=said(": {words}", words=_short(theirs)) if theirs else "",
        )
    )


def _broken(where: str, error: StreamError, progress: Progress) -> Message:
    if error.kind == "connect":
        return said("{where}: nothing answers; expected a model server; start it, or correct the address", where=where)
    if error.kind == "oversize":
        return said(
            "{where}: the answer is larger than any of a model; check which program answers at this address",
            where=where,
        )
    when = counted("after {count} part of the answer", "after {count} parts of the answer", progress.parts)
    return said(
        "{where}: the connection broke {when} ({cause}); look at the server's log and try again",
        where=where,
        when=when if progress.parts else said("before the answer began"),
        cause=error.cause,
    )


def own_words(where: str, words: str) -> BenchError:
    """Return the error for a stream that carries one; the server's own words, shortened, are in it."""
    return BenchError(
        said(
            "{url}: {reason}; look at the server's log",
            url=where,
            reason=_short(words),
        )
    )


def _short(words: str) -> str:
    """Return the words of a server, not too many; what is short enough may be a message of ours and stays one."""
    return words if len(words) <= _ERROR_CHARS else words[:_ERROR_CHARS]
