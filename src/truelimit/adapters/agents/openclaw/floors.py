"""What OpenClaw sends before the first word, the smallest window it accepts, and how to get it to compact."""

from __future__ import annotations

from truelimit.adapters.agents.openclaw.used_models import UsedModel
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Tokens

# Measured with a one-word prompt in an empty workspace, bytes / 4: requests of 34.9 kB (2026.2.17), 39.8 kB (2026.9.6).
_BASE_PROMPT = {True: 8_700, False: 10_000}
# Below these every run is refused: "Model context window too small (N tokens)", in both versions' own words.
_WINDOW_FLOOR = {True: 16_000, False: 4_000}
_COMPACTION_REMEDY = (
    said("upgrade OpenClaw to a version of March 2026 or later: there compaction works over the native Ollama api"),
    said('or set the provider\'s api to "openai-completions" and its baseUrl to end in /v1'),
)


def base_prompt(used: UsedModel) -> Known[Tokens]:
    """Return the tokens of tools and system prompt: a derived figure, for an empty workspace."""
    where = said("{label}: request for one word in an empty workspace, bytes / 4", label=used.release.label)
    return Known(Tokens(_BASE_PROMPT[used.release.february]), where, Basis.DERIVED)


def window_floor(used: UsedModel) -> Known[Tokens]:
    """Return the smallest window with which OpenClaw runs at all."""
    where = said('{label}: "Model context window too small"', label=used.release.label)
    return Known(Tokens(_WINDOW_FLOOR[used.release.february]), where, Basis.SPECIFIED)


def compaction_remedy(used: UsedModel) -> tuple[str, ...]:
    """Return what makes compaction work where this version cannot over this api."""
    return _COMPACTION_REMEDY if used.release.february and used.api == "ollama" else ()
