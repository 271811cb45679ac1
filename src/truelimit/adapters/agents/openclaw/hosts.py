"""What kind of host a base URL names: OpenClaw's own timers depend on it."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

_PRIVATE = tuple(
    ip_network(net)
    for net in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
_CONTAINER_HOSTS = ("host.docker.internal", "host.containers.internal", "host.lima.internal", "gateway.docker.internal")
_SELF_HOSTED = ("ollama", "lmstudio", "vllm", "sglang", "llama-cpp")
_OWN_DOMAINS = (".lan", ".home", ".internal", ".local", ".localdomain", ".home.arpa", ".ts.net")
_DEFAULT_URLS = {"ollama": "http://127.0.0.1:11434"}


class HostClass(StrEnum):
    """How OpenClaw 2026.9 sees a host: on this machine or network, self-hosted by its name, or in the cloud."""

    LOCAL = "local"
    SELF_HOSTED = "self-hosted"
    CLOUD = "cloud"


def host_class(url: str | None, provider: str) -> HostClass:
    """Return OpenClaw's class of a provider's host. A name with a public-looking domain counts as cloud."""
    host = host_of(url)
    if not host:
        return HostClass.LOCAL if is_self_hosted_id(provider) else HostClass.CLOUD
    if host == "localhost" or host.endswith(".local") or _is_private(host):
        return HostClass.LOCAL
    if host in _CONTAINER_HOSTS or ("." not in host and ":" not in host and is_self_hosted_id(provider)):
        return HostClass.SELF_HOSTED
    return HostClass.CLOUD


def is_own(url: str | None, provider: str) -> bool:
    """Return whether a provider's server is the user's own, wherever OpenClaw puts it."""
    host = host_of(url)
    own_name = bool(host) and ("." not in host or host.endswith(_OWN_DOMAINS))
    return own_name or host_class(url, provider) is not HostClass.CLOUD


def is_self_hosted_id(provider: str) -> bool:
    """Return whether a provider id is one of those that OpenClaw knows as self-hosted runtimes."""
    return provider.lower().startswith(_SELF_HOSTED) and provider.lower() != "ollama-cloud"


def is_ollama(url: str | None, provider: str) -> bool:
    """Return whether OpenClaw 2026.9 takes a provider for Ollama: by its id, or by loopback and port 11434."""
    if provider.lower() == "ollama":
        return True
    host = host_of(url)
    return _port(url) == 11434 and (host in ("localhost", "::1") or host.startswith("127."))


def default_url(provider: str) -> str | None:
    """Return where OpenClaw looks for a provider without a base URL, or None."""
    return _DEFAULT_URLS.get(provider.lower())


def host_of(url: str | None) -> str:
    """Return the host of a URL in small letters; empty where there is none."""
    try:
        return (urlsplit(url or "").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_private(host: str) -> bool:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return any(address.version == net.version and address in net for net in _PRIVATE)


def _port(url: str | None) -> int | None:
    try:
        return urlsplit(url or "").port
    except ValueError:
        return None
