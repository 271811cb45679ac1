"""Reads the header of a GGUF on a web server, by ranges: some megabytes of a file of many gigabytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truelimit.adapters.files.gguf.error import GgufError, ShortError
from truelimit.adapters.files.gguf.parse import Parsed, check_start, parse
from truelimit.adapters.files.gguf.split import header_of, part_count, part_names
from truelimit.adapters.servers.http import shown
from truelimit.domain.message import said
from truelimit.domain.model import ModelHeader
from truelimit.units import MIB

if TYPE_CHECKING:
    import httpx

    from truelimit.app.ports import Deadline

FIRST_BYTES = MIB
MOST_BYTES = 64 * MIB
_GROWTH = 4
_MOST_REDIRECTS = 5
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")


def read_remote_header(url: str, deadline: Deadline) -> ModelHeader:
    """Return the header of the model at ``url`` (any part of a split model), basis MEASURED.

    Fetches 1 MiB, and four times as much whenever that does not hold the header, up to 64 MiB; redirects are followed.
    Raises GgufError for whatever is not a readable GGUF, for servers without range requests, and when ``deadline``
    is over. Neither user name, password nor query of the URL is kept.
    """
    import queue
    import threading

    outcome: queue.SimpleQueue[ModelHeader | Exception] = queue.SimpleQueue()

    def work() -> None:
        try:
            outcome.put(_read(url, deadline))
        except Exception as error:
            outcome.put(error)

    # A thread, because a name look-up has no timeout and a socket's starts again with every byte.
    threading.Thread(target=work, daemon=True, name="truelimit-gguf").start()
    try:
        result = outcome.get(timeout=deadline.left())
    except queue.Empty:
        raise _late(url) from None
    if isinstance(result, Exception):
        raise _explained(url, result) from None
    return result


def _read(url: str, deadline: Deadline) -> ModelHeader:
    from urllib.parse import urlsplit, urlunsplit

    import httpx

    seconds = max(deadline.left(), 0.001)
    with httpx.Client(follow_redirects=True, max_redirects=_MOST_REDIRECTS, timeout=seconds) as client:
        found = _Remote(client, url, deadline).header()
        count = part_count(found[0])
        if count == 1:
            return header_of([found], shown(url))
        folder, _, name = urlsplit(url).path.rpartition("/")
        paths = [f"{folder}/{part}" for part in part_names(name, count, shown(url))]
        urls = [urlunsplit(urlsplit(url)._replace(path=path)) for path in paths]
        return header_of([_Remote(client, part, deadline).header() for part in urls], shown(url))


class _Remote:
    """One file on a server, of which ever more is fetched."""

    def __init__(self, client: httpx.Client, url: str, deadline: Deadline) -> None:
        self._client, self._url, self._deadline = client, url, deadline
        self._bytes = b""
        self._size: int | None = None

    def header(self) -> tuple[Parsed, int]:
        """Return what the header says, and the length of the file."""
        target = FIRST_BYTES
        while True:
            size = self._fetch(target)
            check_start(self._bytes[:8], shown(self._url))
            try:
                return parse(self._bytes, shown(self._url)), size
            except ShortError as short:
                if len(self._bytes) >= size:
                    raise
                if target >= MOST_BYTES or short.needs > MOST_BYTES:
                    raise self._error(
                        said("the header is longer than {most_bytes:,} bytes", most_bytes=MOST_BYTES),
                        said("a model's header"),
                        said("download the file"),
                    ) from None
                target = min(MOST_BYTES, max(_GROWTH * target, short.needs))

    def _fetch(self, target: int) -> int:
        """Fetch the bytes up to ``target``; return the length of the whole file."""
        start = len(self._bytes)
        headers = {"range": f"bytes={start}-{target - 1}", "accept-encoding": "identity"}
        with self._client.stream("GET", self._url, headers=headers) as response:
            end, size = self._check(response, start, target)
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if self._deadline.left() <= 0:
                    raise _late(self._url)
                if start + len(body) > end:
                    raise self._error(
                        said("the server sent more than it announced"),
                        said("{end:,} bytes", end=end - start),
                        _TRY_AGAIN,
                    )
        if start + len(body) < end:
            raise self._error(
                said("{body:,} bytes came", body=len(body)),
                said("{end:,} bytes as announced", end=end - start),
                _TRY_AGAIN,
            )
        self._bytes += body
        self._size = size
        return size

    def _check(self, response: httpx.Response, start: int, target: int) -> tuple[int, int]:
        """Return where the bytes of this answer end, and the length of the file, by its Content-Range."""
        if response.status_code == 200:
            raise self._error(
                said("the server ignores range requests"), said("status 206"), said("download the file, and name it")
            )
        if response.status_code != 206:
            raise self._error(
                said("the server answered with status {status_code}", status_code=response.status_code),
                said("status 206"),
                _CHECK_URL,
            )
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise self._error(
                said("the answer is compressed, unasked"), said("plain bytes"), said("download the file, and name it")
            )
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if match is None:
            raise self._error(
                said("no usable Content-Range"), said("bytes FIRST-LAST/LENGTH"), said("download the file, and name it")
            )
        first, last, size = (int(number) for number in match.groups())
        if first != start or last != min(target, size) - 1 or self._size not in {None, size}:
            raise self._error(
                said("the server sent bytes {first:,} to {last:,} of {size:,}", first=first, last=last, size=size),
                said("bytes {start:,} to {target:,}", start=start, target=target - 1),
                _TRY_AGAIN,
            )
        return last + 1, size

    def _error(self, what: str, expected: str, do: str) -> GgufError:
        return GgufError(shown(self._url), what, expected, do)


_TRY_AGAIN = said("try again, or download the file and name it")
_CHECK_URL = said("check the address (it must be the file's own, not its page)")


def _late(url: str) -> GgufError:
    return GgufError(
        shown(url),
        said("the time for it is over"),
        said("the header in time"),
        said("allow more time (--network-seconds), or download the file"),
    )


def _explained(url: str, error: Exception) -> GgufError:
    """Return the error as one of ours; no text of httpx's is repeated, as it may hold the URL's secrets."""
    import httpx

    if isinstance(error, GgufError):
        return error
    if isinstance(error, httpx.TimeoutException):
        return _late(url)
    if isinstance(error, httpx.TooManyRedirects):
        return GgufError(
            shown(url),
            said("redirects without end"),
            said("at most {most_redirects}", most_redirects=_MOST_REDIRECTS),
            _CHECK_URL,
        )
    if isinstance(error, httpx.ConnectError):
        return GgufError(shown(url), said("no connection"), said("a server that answers"), _CHECK_URL)
    return GgufError(
        shown(url), said("no usable answer ({name})", name=type(error).__name__), said("HTTP with ranges"), _CHECK_URL
    )
