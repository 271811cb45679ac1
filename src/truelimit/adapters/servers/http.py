"""One way to ask a server over HTTP: bounded in time and size, and every failure says what to do.

The whole exchange (name look-up, connection, headers, body) ends within the smaller of ``timeout`` and what
is left of the deadline, also against a server that sends a byte now and then. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from truelimit.adapters.servers.http_exchange import Exchange, LateError, OversizeError, RawReply
from truelimit.domain.message import said
from truelimit.units import MIB

if TYPE_CHECKING:
    from truelimit.app.ports import Deadline

BODY_CAP = 8 * MIB
TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer: HTTP status, headers with lower-case names, and the body.

    ``value`` is the parsed body where ``is_json``, else the body as text.
    """

    status: int
    headers: Mapping[str, str]
    value: object
    is_json: bool = True


class HttpTrouble(Exception):
    """A server could not be asked, or did not answer as it should.

    ``url`` holds neither user names, passwords nor query. ``status`` is the HTTP status, None when there was no
    answer. ``value`` is the body of the answer (parsed where it is JSON) for callers that read error bodies;
    it is not part of the message.
    """

    def __init__(
        self, url: str, what: str, expected: str, do: str, *, status: int | None = None, value: object = None
    ) -> None:
        """Keep the parts; the message is one line made of them."""
        self.url = shown(url)
        self.status = status
        self.what = what
        self.expected = expected
        self.do = do
        self.value = value
        super().__init__(
            said("{url}: {what}; expected {expected}; {do}", url=self.url, what=what, expected=expected, do=do)
        )


def get_json(url: str, deadline: Deadline, *, timeout: float = TIMEOUT, cap: int = BODY_CAP) -> object:
    """Return the parsed JSON that a GET answers with status 2xx.

    ``timeout`` in seconds for the whole exchange, ``cap`` in bytes of body. Raises HttpTrouble.
    """
    return _json_value(url, fetch("GET", url, deadline, timeout=timeout, cap=cap))


def post_json(url: str, body: object, deadline: Deadline, *, timeout: float = TIMEOUT, cap: int = BODY_CAP) -> object:
    """Return the parsed JSON that a POST of ``body`` (sent as JSON) answers with status 2xx. Raises HttpTrouble."""
    return _json_value(url, fetch("POST", url, deadline, body=body, timeout=timeout, cap=cap))


def get_text(url: str, deadline: Deadline, *, timeout: float = TIMEOUT, cap: int = BODY_CAP) -> str:
    """Return the body of a GET as text, whatever its type. Raises HttpTrouble."""
    reply = _raise_for_status(url, fetch("GET", url, deadline, timeout=timeout, cap=cap, parse=False))
    return str(reply.value)


def fetch(
    method: str,
    url: str,
    deadline: Deadline,
    *,
    body: object = None,
    timeout: float = TIMEOUT,
    cap: int = BODY_CAP,
    parse: bool = True,
) -> HttpReply:
    """Return the answer to one request, whatever its status: for callers that read error bodies and headers.

    Raises HttpTrouble when there is no HTTP answer in time, or when it is larger than ``cap``.
    """
    seconds = min(timeout, deadline.left())
    if seconds <= 0:
        raise HttpTrouble(
            url, said("not asked: the time for all servers is used up"), said("time left"), said("allow more time")
        )
    content = None if body is None else json.dumps(body).encode()
    try:
        answer = _CARRIER.get()(method, _checked(url), content, seconds, cap)
    except Exception as error:
        raise _trouble(url, error, seconds, cap) from None
    value, is_json = _parsed(answer.body) if parse else (_text(answer.body), False)
    return HttpReply(answer.status, answer.headers, value, is_json)


def exchange(method: str, url: str, content: bytes | None, seconds: float, cap: int) -> RawReply:
    """Return what the server at a checked URL answers. Raises as Exchange does."""
    return Exchange(method, url, content, seconds, cap, trust_env=not _is_local(url)).run()


Carrier = Callable[[str, str, bytes | None, float, int], RawReply]
_CARRIER: ContextVar[Carrier] = ContextVar("carrier", default=exchange)


@contextmanager
def carried_by(carrier: Carrier) -> Iterator[None]:
    """Let another carrier bring the answers to all questions within: one that records them, or gives recorded ones."""
    token = _CARRIER.set(carrier)
    try:
        yield
    finally:
        _CARRIER.reset(token)


def shown(url: str, unreadable: str = said("(unreadable address)")) -> str:
    """Return the URL without user name, password, query and fragment: what reports may show."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))
    except ValueError:
        return unreadable


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise HttpTrouble(url, said("not an address"), "http://HOST:PORT", said("correct the address"))
    return url


def _is_local(url: str) -> bool:
    """Return whether proxies of the environment make no sense: this machine, its network, a bare host name."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".localhost", ".lan"))


def _text(body: bytes) -> str:
    return body.decode("utf-8", errors="replace")


def _parsed(body: bytes) -> tuple[object, bool]:
    try:
        return json.loads(body), True
    except (ValueError, RecursionError):
        return _text(body), False


def _json_value(url: str, reply: HttpReply) -> object:
    _raise_for_status(url, reply)
    if reply.is_json:
        return reply.value
    raise HttpTrouble(
        url,
        said("status {status}, but the body is not JSON", status=reply.status),
        said("a JSON answer"),
        said("check that the address is that of the model server"),
        status=reply.status,
        value=reply.value,
    )


def _raise_for_status(url: str, reply: HttpReply) -> HttpReply:
    if 200 <= reply.status < 300:
        return reply
    what, do = _STATUS.get(
        reply.status, (said("answered with status {status}", status=reply.status), said("look at the server's log"))
    )
    if 300 <= reply.status < 400:
        target = shown(reply.headers.get("location", "")) or "elsewhere"
        what, do = said("redirects to {target} (not followed)", target=target), said("name the final address")
    raise HttpTrouble(url, what, said("status 200"), do, status=reply.status, value=reply.value)


_STATUS = {
    401: (
        said("status 401: it wants an API key"),
        said("start the server without a key, or name an address that needs none"),
    ),
    403: (said("status 403: it refuses this client or host name"), said("use the address that the server is bound to")),
    404: (said("status 404: it does not know this path"), said("check which program answers at this address")),
    501: (said("status 501: this feature is switched off"), said("start the server with the flag that switches it on")),
    503: (said("status 503: it is loading or busy"), said("try again when it is ready")),
}


def _trouble(url: str, error: Exception, seconds: float, cap: int) -> HttpTrouble:
    """Return the trouble for an exchange that gave no usable answer; no text of the answer is repeated."""
    if isinstance(error, HttpTrouble):
        return error
    if isinstance(error, LateError):
        return HttpTrouble(
            url,
            said("no complete answer within {seconds:.1f} s", seconds=seconds),
            said("an answer in time"),
            said("allow more time"),
        )
    if isinstance(error, OversizeError):
        what = (
            said("the answer is larger than {cap:,} bytes", cap=cap)
            if error.by_size
            else said("the answer is compressed, unasked")
        )
        return HttpTrouble(
            url, what, said("a plain answer of normal size"), said("check which program answers at this address")
        )
    if "Connect" in type(error).__name__:
        return _connection_trouble(url, error)
    what = said("the answer cannot be understood ({name})", name=type(error).__name__)
    return HttpTrouble(url, what, "HTTP", said("check which program answers at this address"))


def _connection_trouble(url: str, error: BaseException) -> HttpTrouble:
    """Return the trouble for a connection that failed, told by the first cause: TLS, name, or nobody there."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    if "SSL" in type(error).__name__:
        return HttpTrouble(
            url, said("no TLS connection"), said("a trusted certificate"), said("check the certificate, or use http://")
        )
    if type(error).__name__ == "gaierror":
        return HttpTrouble(
            url, said("the host name is unknown"), said("a name that resolves"), said("correct the address")
        )
    return HttpTrouble(url, said("nothing answers"), said("a model server"), said("start it, or name its address"))
