"""OLLAMA_HOST: the forms that Ollama accepts, as an address to ask."""

from __future__ import annotations

import ipaddress

USUAL = "http://127.0.0.1:11434"
_PORTS = {"http": "80", "https": "443"}
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - replaced, not bound


def url_of(host: str | None) -> str:
    """Return the URL to ask for a value of OLLAMA_HOST (``envconfig/config.go``).

    ``host``, ``host:port``, ``:port``, an IPv6 address, each with or without ``http://`` or ``https://`` and a path.
    Without a scheme the port is 11434 unless given, with one it is that of the scheme. An address that means
    "all of them" becomes loopback. An unusable port becomes the default.
    """
    text = (host or "").strip().strip("\"'")
    scheme, separator, rest = text.partition("://")
    scheme, rest = (scheme.lower(), rest) if separator else ("http", text)
    default = _PORTS.get(scheme, "11434") if separator else "11434"
    hostport, _, path = rest.rpartition("@")[2].partition("/")
    name, port = _split(hostport)
    name = _ANY_ADDRESS.get(name.strip("[]"), name)
    path = "/" + path.strip("/") if path.strip("/") else ""
    return f"{scheme}://{name}:{port if _is_port(port) else default}{path}"


def _split(hostport: str) -> tuple[str, str]:
    """Return name and port; an IPv6 address comes back in brackets."""
    bare = hostport.strip("[]")
    if _is_ipv6(bare):
        return f"[{bare}]", ""
    name, _, port = hostport.rpartition(":") if ":" in hostport else (hostport, "", "")
    return name, port


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536
