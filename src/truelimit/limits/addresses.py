"""Addresses: which server a base URL reaches. Nothing is looked up."""

from __future__ import annotations

import re

from truelimit.domain.frozen import dataclass

OLLAMA_PORT = 11434
_URL = re.compile(r"^(?:(https?)://)?(?:[^/@]*@)?(\[[^\]]+\]|[^/:?#]+)?(?::(\d{1,5}))?(?:[/?#]|$)", re.IGNORECASE)
_LOOPBACK = {"localhost", "0.0.0.0", "::1", "::", "0:0:0:0:0:0:0:1"}  # noqa: S104 an address to compare, not to bind
_PRIVATE = re.compile(
    r"^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd]|fe80)"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A host, all names of this machine being ``localhost``, and a port."""

    host: str
    port: int

    @property
    def is_near(self) -> bool:
        """Return whether the host is this machine or one of a private network."""
        single = "." not in self.host and ":" not in self.host
        return single or self.host.endswith((".local", ".lan", ".home", ".internal")) or bool(_PRIVATE.match(self.host))


def address_of(url: str | None) -> Address | None:
    """Return the address of a URL, or None for none or another form. Without a port: 80, or 443 for https."""
    match = _URL.match(url.strip()) if url else None
    if match is None or not match.group(2):
        return None
    host = match.group(2).strip("[]").lower()
    host = "localhost" if host in _LOOPBACK or host.startswith("127.") else host
    port = int(match.group(3)) if match.group(3) else 443 if (match.group(1) or "").lower() == "https" else 80
    return Address(host, port)


OLLAMA = Address("localhost", OLLAMA_PORT)
