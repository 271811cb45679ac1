"""One HTTP exchange in a thread of its own, so that no step of it can outlast its time.

A socket's timeout starts again with each byte, and a name look-up has none; a thread that is waited for, and whose
socket is shut when the time is over, bounds them all.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

    import httpx


class LateError(Exception):
    """The exchange did not end in time."""


class OversizeError(Exception):
    """The body passed its cap (``by_size``), or came compressed, so that its size could not be bounded."""

    def __init__(self, *, by_size: bool) -> None:
        """Keep which of the two it was."""
        super().__init__()
        self.by_size = by_size


@dataclass(frozen=True, slots=True)
class RawReply:
    """Status, headers with lower-case names, and the undecoded body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """A request and what comes back; made for one use."""

    def __init__(
        self, method: str, url: str, content: bytes | None, seconds: float, cap: int, *, trust_env: bool
    ) -> None:
        """Keep the request; nothing is sent yet. ``seconds`` bounds the whole, ``cap`` the body in bytes."""
        self._request = (method, url, content)
        self._seconds = seconds
        self._cap = cap
        self._trust_env = trust_env
        self._outcome: queue.SimpleQueue[RawReply | Exception] = queue.SimpleQueue()
        self._socket: socket.socket | None = None
        self._over = threading.Event()

    def run(self) -> RawReply:
        """Return the answer. Raises LateError, OversizeError, or what httpx raises."""
        thread = threading.Thread(target=self._work, daemon=True, name="truelimit-http")
        thread.start()
        try:
            outcome = self._outcome.get(timeout=self._seconds)
        except queue.Empty:
            self._stop()
            raise LateError from None
        if isinstance(outcome, Exception):
            raise LateError() if _is_timeout(outcome) else outcome
        return outcome

    def _stop(self) -> None:
        """Wake the thread out of whatever it waits for."""
        self._over.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _work(self) -> None:
        try:
            self._outcome.put(self._exchange())
        except Exception as error:
            self._outcome.put(error)

    def _exchange(self) -> RawReply:
        import httpx

        method, url, content = self._request
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        if content is not None:
            headers["content-type"] = "application/json"
        with httpx.Client(
            timeout=self._seconds, trust_env=self._trust_env, follow_redirects=False, verify=_tls(url)
        ) as client:
            extensions: dict[str, Any] = {"trace": self._note_socket}
            with client.stream(method, url, content=content, headers=headers, extensions=extensions) as response:
                body = b"".join(self._bounded(response))
                return RawReply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)

    def _bounded(self, response: httpx.Response) -> Iterator[bytes]:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise OversizeError(by_size=False)
        size = 0
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > self._cap:
                raise OversizeError(by_size=True)
            if self._over.is_set():
                raise LateError
            yield chunk

    def _note_socket(self, name: str, info: Mapping[str, Any]) -> None:
        """Keep the socket that the connection made (httpcore's trace extension), to be able to shut it."""
        if name in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = info["return_value"].get_extra_info("socket")
            if self._over.is_set():
                raise LateError


def _tls(url: str) -> ssl.SSLContext:
    """Return the TLS settings: for plain http an empty store, because loading certificates costs 20-50 ms."""
    import ssl

    if url.lower().startswith("https:"):
        return ssl.create_default_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _is_timeout(error: Exception) -> bool:
    import httpx

    return isinstance(error, LateError | httpx.TimeoutException)
