"""Fetches a file or a part of one over HTTP: bounded in size and time, with redirects, without secrets in errors."""

from __future__ import annotations

import queue
import re
import threading
from typing import TYPE_CHECKING

from truelimit.adapters.files.hf_config.error import HfConfigError
from truelimit.adapters.servers.http import shown
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.app.ports import Deadline

__all__ = ["MISSING", "Fetcher", "shown"]

MISSING = b"\0missing"
_MOST_REDIRECTS = 5
_LENGTH = re.compile(r"/(\d{1,19})$")  # of Content-Range: bytes FIRST-LAST/LENGTH
_AGAIN = said("try again, allow more time (--network-seconds), or download the files and name their folder")


class Fetcher:
    """Fetches files within one deadline."""

    def __init__(self, deadline: Deadline) -> None:
        """Keep the deadline."""
        self._deadline = deadline

    def get(self, url: str, most: int) -> bytes:
        """Return a file of at most ``most`` bytes; MISSING where the server says that there is none.

        Raises HfConfigError for everything else.
        """
        return self._fetched(url, most, None)[0]

    def part(self, url: str, count: int, first: int = 0) -> tuple[bytes, int | None]:
        """Return ``count`` bytes of a file from ``first`` on, and the file's length where the server tells it.

        MISSING and errors as ``get`` has them.
        """
        return self._fetched(url, count, first)

    def _fetched(self, url: str, most: int, first: int | None) -> tuple[bytes, int | None]:
        outcome: queue.SimpleQueue[tuple[bytes, int | None] | Exception] = queue.SimpleQueue()

        def work() -> None:
            try:
                outcome.put(self._get(url, most, first))
            except Exception as error:
                outcome.put(error)

        # A thread, because a name look-up has no timeout and a socket's starts again with every byte.
        threading.Thread(target=work, daemon=True, name="truelimit-config").start()
        try:
            result = outcome.get(timeout=self._deadline.left())
        except queue.Empty:
            raise self._error(url, said("the time for it is over"), said("the file in time")) from None
        if isinstance(result, HfConfigError):
            raise result
        if isinstance(result, Exception):
            # No text of httpx's is repeated: it may hold the address's secrets.
            raise self._error(
                url, said("no usable answer ({name})", name=type(result).__name__), said("a server that answers")
            ) from None
        return result

    def _get(self, url: str, most: int, first: int | None) -> tuple[bytes, int | None]:
        import httpx

        headers, ranged = {"accept-encoding": "identity"}, first is not None
        if first is not None:
            headers["range"] = f"bytes={first}-{first + most - 1}"
        seconds = max(self._deadline.left(), 0.001)
        options = {"follow_redirects": True, "max_redirects": _MOST_REDIRECTS, "timeout": seconds}
        with httpx.Client(**options) as client, client.stream("GET", url, headers=headers) as response:  # type: ignore[arg-type]
            if response.status_code in {404, 416}:
                return MISSING, None
            if response.status_code != (206 if ranged else 200):
                raise self._error(
                    url,
                    said("the server answered with status {status_code}", status_code=response.status_code),
                    said("status 200 or 206"),
                )
            length = _LENGTH.search(response.headers.get("content-range", ""))
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > most:
                    raise self._error(
                        url, said("more than {most:,} bytes came", most=most), said("a file of normal size")
                    )
                if self._deadline.left() <= 0:
                    raise self._error(url, said("the time for it is over"), said("the file in time"))
        if ranged and len(body) < most:
            raise self._error(url, said("{body:,} bytes came", body=len(body)), said("{most:,} bytes", most=most))
        return bytes(body), int(length[1]) if length else None

    def _error(self, url: str, what: str, expected: str) -> HfConfigError:
        return HfConfigError(shown(url), what, expected, _AGAIN)
