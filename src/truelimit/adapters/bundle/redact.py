"""What may leave the machine: names of models as they are, everything that could name a person replaced by a number."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from urllib.parse import urlsplit

NAME = re.compile(r"[\w.:/@+~\-]{1,200}")
TITLE = re.compile(r"[\w.:/@+~()\[\], \-]{1,80}")
WORD = re.compile(r"[\w.+\-]{1,40}")
BLOB = re.compile(r"sha256-[0-9a-f]{64}")
# Forms of keys and tokens that services give out: such a text is no name.
_KEY = re.compile(
    r"(?:[spr]k[-_]|gh[oprsu]_|hf_|xox[abprs]-|glpat-|AIza|AKIA|eyJ)"
    r"(?=[\w\-]{0,80}\d)(?=[\w\-]{0,80}[A-Z])[\w\-]{12,}"
)
_ABSOLUTE = re.compile(r"(?:[/\\~]|[A-Za-z]:[/\\]).*")
_OWN_DOMAINS = (".local", ".lan", ".home", ".internal", ".localdomain", ".home.arpa", ".ts.net")
_KNOWN_HOSTS = (
    "localhost",
    "host.docker.internal",
    "host.containers.internal",
    "host.lima.internal",
    "gateway.docker.internal",
    "ollama.com",
)
_MODEL_FILES = (".gguf", ".ggml", ".bin", ".safetensors")
REMOVED = "(removed)"
_COMMON_AGENTS = ("main", "default")


class Redactor:
    """Replaces names consistently within one bundle, and counts what was left out.

    Numbers are given in the order in which names are met: they can't be turned back into the names.
    """

    def __init__(self) -> None:
        """Start with nothing replaced."""
        self.left_out: Counter[str] = Counter()
        self._numbers: dict[str, dict[str, int]] = {}

    def drop(self, what: str, count: int = 1) -> None:
        """Count something that is not in the bundle; ``what`` is a literal that the catalogues have."""
        if count:
            self.left_out[what] += count

    def number(self, kind: str, text: str) -> int:
        """Return the number of a text among those of its kind, from 1."""
        known = self._numbers.setdefault(kind, {})
        return known.setdefault(text, len(known) + 1)

    def replaced(self, kind: str) -> int:
        """Return how many texts of a kind were replaced by numbers."""
        return len(self._numbers.get(kind, ()))

    def name(self, text: str) -> str:
        """Return the name of a model or provider as it is; of a path the file's name alone; anything else numbered."""
        text = text.strip()
        if not text:
            return ""
        if _ABSOLUTE.fullmatch(text):
            return self.path(text)
        if NAME.fullmatch(text) and not _KEY.search(text):
            return text
        return f"name-{self.number('names', text)}"

    def path(self, text: str) -> str:
        """Return a path with nothing of its folders: ``/models/FILE``, or a blob where Ollama keeps it.

        A file that is no model's (a folder's name cut at a space, say) is numbered.
        """
        file = text.replace("\\", "/").rstrip("/").rpartition("/")[2]
        if BLOB.fullmatch(file):
            return f"~/.ollama/models/blobs/{file}"
        safe = NAME.fullmatch(file) and file.lower().endswith(_MODEL_FILES) and not _KEY.search(file)
        return f"/models/{file}" if safe else f"/models/file-{self.number('files', text)}"

    def title(self, text: str) -> str:
        """Return a title of a few words (a chip, a model's own name), or nothing where it is none."""
        text = text.strip()
        return text if TITLE.fullmatch(text) and not _KEY.search(text) else ""

    def session(self, text: str) -> str:
        """Return a session's id numbered: it would lead to the session on its machine, or hold a telephone number."""
        if not text:
            return text
        return f"session-{self.number('session names', text):05}"

    def session_key(self, text: str) -> str:
        """Return a session's key, whose parts name channels and people, numbered; it keeps its colons' meaning."""
        head, explicit, session = text.rpartition(":explicit:")
        if explicit:
            return f"key-{self.number('session keys', head)}:explicit:{self.session(session)}"
        return f"agent:key-{self.number('session keys', text)}" if text else ""

    def agent(self, text: str) -> str:
        """Return the name of an agent's folder, numbered unless it is the usual one."""
        return text if text in _COMMON_AGENTS else f"agent-{self.number('agent names', text):03}"

    def host(self, text: str) -> str:
        """Return a host: loopback, private addresses and known names as they are, others numbered within their kind."""
        name = text.lower().rstrip(".")
        if not name or name in _KNOWN_HOSTS or name.endswith(".ollama.com"):
            return name
        try:
            address = ipaddress.ip_address(name.partition("%")[0])
        except ValueError:
            suffix = next((end for end in _OWN_DOMAINS if name.endswith(end)), ".example" if "." in name else "")
            return f"host-{self.number('host names', name)}{suffix}"
        is_own = address.is_private or address.is_loopback or address.is_unspecified
        return str(address) if is_own or name.startswith("100.") else f"host-{self.number('host names', name)}.example"

    def url(self, text: str) -> str:
        """Return scheme, host and port of a URL, and ``/v1`` where it ends with that: no user, path or query."""
        try:
            parts = urlsplit(text.strip())
            host, port = self.host(parts.hostname or ""), parts.port
        except ValueError:
            return REMOVED
        if parts.scheme not in {"http", "https"} or not host:
            return REMOVED
        host = f"[{host}]" if ":" in host else host
        path = "/v1" if parts.path.rstrip("/").endswith("/v1") else ""
        if parts.username or parts.password or parts.query or parts.path.strip("/") not in {"", "v1", "api"}:
            self.drop("users, passwords, paths and queries in addresses")
        return f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}"


def word(value: object) -> str | None:
    """Return a single word of at most 40 characters, or None."""
    return value if isinstance(value, str) and WORD.fullmatch(value) and not _KEY.search(value) else None
