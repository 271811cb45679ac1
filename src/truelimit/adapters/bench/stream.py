"""One streamed request in a thread of its own: each part comes with its time, and it can be taken back at once.

The thread notes the times, so that what its reader does with a part delays nothing. Taking back shuts the socket,
which is how any server learns that its client has gone.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from truelimit.adapters.servers.http_exchange import RawReply
from truelimit.units import MIB

if TYPE_CHECKING:
    import ssl

    import httpx

_TICK = 0.1  # seconds between two looks at the reader's wish
_CONNECT = 10.0  # seconds
_MOST = 64 * MIB
_LONGEST_LINE = 4 * MIB


@dataclass(frozen=True, slots=True)
class Headers:
    """The answer began: status and headers (lower-case names), seconds since the request was made."""

    seconds: float
    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the body, and when its end came."""

    seconds: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing came for a moment."""

    seconds: float


class StreamError(Exception):
    """The exchange broke: ``kind`` is connect, broken or oversize; ``cause`` the name of what was raised."""

    def __init__(self, kind: str, cause: str = "") -> None:
        """Keep kind and cause."""
        super().__init__(kind, cause)
        self.kind = kind
        self.cause = cause


class Stream:
    """A request and its streamed answer; made for one use."""

    def __init__(self, url: str, content: bytes, headers: Mapping[str, str], *, trust_env: bool) -> None:
        """Keep the request; nothing is sent yet."""
        self._url, self._content, self._headers, self._trust_env = url, content, headers, trust_env
        self._parts: queue.SimpleQueue[tuple[float, object]] = queue.SimpleQueue()
        self._socket: socket.socket | None = None
        self._over = threading.Event()
        self._began = 0.0

    def parts(self) -> Iterator[Headers | Line | Tick]:
        """Send the request; yield headers, lines, and ticks in between, to the end. Raises StreamError.

        Leaving the loop, in whatever way, takes the request back.
        """
        self._began = time.perf_counter()
        threading.Thread(target=self._work, daemon=True, name="truelimit-bench").start()
        try:
            yield from self._received()
        finally:
            self.stop()

    def stop(self) -> None:
        """Take the request back: the server sees its client go."""
        self._over.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _received(self) -> Iterator[Headers | Line | Tick]:
        rest = b""
        while True:
            try:
                seconds, part = self._parts.get(timeout=_TICK)
            except queue.Empty:
                yield Tick(time.perf_counter() - self._began)
                continue
            if isinstance(part, StreamError):
                raise part
            if isinstance(part, Headers):
                yield part
            elif isinstance(part, bytes):
                *lines, rest = (rest + part).split(b"\n")
                yield from (Line(seconds, line) for line in lines)
                if len(rest) > _LONGEST_LINE:
                    raise StreamError("oversize")
            else:
                if rest:
                    yield Line(seconds, rest)
                return

    def _put(self, part: object) -> None:
        self._parts.put((time.perf_counter() - self._began, part))

    def _work(self) -> None:
        try:
            self._exchange()
            self._put(None)
        except StreamError as error:
            self._put(error)
        except Exception as error:
            kind = "connect" if "Connect" in type(error).__name__ else "broken"
            self._put(StreamError(kind, type(error).__name__))

    def _exchange(self) -> None:
        import httpx

        limits = httpx.Timeout(None, connect=_CONNECT)
        with httpx.Client(timeout=limits, trust_env=self._trust_env, verify=tls(self._url)) as client:
            extensions: dict[str, Any] = {"trace": self._note_socket}
            request = client.stream(
                "POST", self._url, content=self._content, headers=dict(self._headers), extensions=extensions
            )
            with request as response:
                named = {key.lower(): value for key, value in response.headers.items()}
                self._put(Headers(time.perf_counter() - self._began, response.status_code, named))
                self._read(response)

    def _read(self, response: httpx.Response) -> None:
        size = 0
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > _MOST:
                raise StreamError("oversize")
            if self._over.is_set():
                return
            self._put(chunk)

    def _note_socket(self, name: str, info: Mapping[str, Any]) -> None:
        """Keep the socket that the connection made (httpcore's trace extension), to be able to shut it."""
        if name in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = info["return_value"].get_extra_info("socket")
            if self._over.is_set():
                raise StreamError("broken", "taken back")


def tls(url: str) -> ssl.SSLContext:
    """Return the TLS settings: for plain http an empty store, because loading certificates costs 20-50 ms."""
    import ssl

    if url.lower().startswith("https:"):
        return ssl.create_default_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def keyed(
    method: str, url: str, content: bytes | None, seconds: float, cap: int, *, key: str | None, trust_env: bool
) -> RawReply:
    """Return a plain answer to a request that carries a key. Raises as ``adapters.servers.http_exchange`` does."""
    import httpx

    from truelimit.adapters.servers.http_exchange import OversizeError

    headers = {"accept": "application/json", "accept-encoding": "identity", **bearer(key)}
    if content is not None:
        headers["content-type"] = "application/json"
    with (
        httpx.Client(timeout=seconds, trust_env=trust_env, verify=tls(url)) as client,
        client.stream(method, url, content=content, headers=headers) as response,
    ):
        body = b""
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > cap:
                raise OversizeError(by_size=True)
        return RawReply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)


def bearer(key: str | None) -> dict[str, str]:
    """Return the header that carries a key, or none."""
    return {"authorization": f"Bearer {key}"} if key else {}
