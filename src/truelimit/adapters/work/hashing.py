"""Names become hashes with a salt of this machine: whoever gets a record cannot try names against it."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

from truelimit.adapters.store.data_dir import data_dir

SALT_FILE = "work.salt"
_LENGTH = 12  # bytes: a collision among 10**9 records has a chance below 10**-10
_MOST_FILES = 20_000
_HASHED = re.compile(r"[0-9a-f]{24}")


class Hasher:
    """Turns names into 24 hexadecimal digits (BLAKE2b keyed with the salt)."""

    def __init__(self, salt: bytes) -> None:
        """Take the salt, of 64 bytes at most."""
        self._salt = salt[:64]
        self._files: dict[str, str] = {}

    def __call__(self, *parts: str) -> str:
        """Return the hash of names in their order."""
        mark = hashlib.blake2b(key=self._salt, digest_size=_LENGTH)
        for part in parts:
            raw = part.encode("utf-8", "surrogatepass")
            mark.update(len(raw).to_bytes(4, "big") + raw)
        return mark.hexdigest()

    def of_bytes(self, content: bytes) -> str:
        """Return the hash of a piece of a file."""
        return hashlib.blake2b(content, key=self._salt, digest_size=_LENGTH).hexdigest()

    def file(self, path: str) -> str:
        """Return the short hash of a file's path, which comes again and again."""
        found = self._files.get(path)
        if found is None:
            if len(self._files) >= _MOST_FILES:
                self._files.clear()
            found = self._files[path] = self("file", path)[:16]
        return found

    def foreign(self, text: str) -> str:
        """Return a name out of somebody's table: as it is where it is a hash already, else hashed."""
        return text if _HASHED.fullmatch(text) else self("table", text)


def hasher(folder: Path | None = None) -> Hasher:
    """Return the hasher of this machine; its salt is made once, in the data folder. Raises OSError."""
    path = (folder or data_dir()) / SALT_FILE
    try:
        salt = path.read_bytes()
    except FileNotFoundError:
        salt = _new_salt(path)
    return Hasher(salt)


def _new_salt(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    salt = secrets.token_hex(32).encode("ascii")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another run was faster: its salt holds
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(salt)
    return salt
