"""truelimit: the true limit of a local language-model stack, with its arithmetic."""

from __future__ import annotations

__version__ = "0.1.0"
