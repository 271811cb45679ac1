"""Names of models as they are kept: of a path the file alone, of an address no user or query, nothing like a key."""

from __future__ import annotations

import re
from functools import lru_cache

_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:[spr]k[-_]|gh[oprsu]_|github_pat_|hf_|xox[abprs]-|glpat-|AIza|AKIA|eyJ)"
    r"(?=[\w\-]{0,80}\d)[\w\-]{16,}"
)
_PATH = re.compile(r"(?:[/\\~]|[A-Za-z]:[/\\]).*")
_USER = re.compile(r"(://)[^/@\s]*@")
_LONGEST = 200
REMOVED = "(removed)"


@lru_cache(4096)
def kept(name: str) -> str:
    """Return what is kept of a model's name: one line of at most 200 characters, without what is not for others."""
    text = " ".join(name.split())[:_LONGEST]
    if _PATH.fullmatch(text):
        text = text.replace("\\", "/").rstrip("/").rpartition("/")[2]
    if "://" in text:
        text = _USER.sub(r"\1", text).partition("?")[0].partition("#")[0]
    return _KEY.sub(REMOVED, text)
