"""Pi: ``retry`` in ``~/.pi/agent/settings.json``. Tried on 0.73.1: rounds of attempts, for all providers alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.adapters.agents.settings.document import Document, opened
from truelimit.adapters.agents.settings.values import attempts_at, timed_at
from truelimit.domain.agent import AgentSetting
from truelimit.domain.provenance import Basis, Known

if TYPE_CHECKING:
    from truelimit.app.ports import Places
    from truelimit.domain.provenance import Missing

_ROUNDS, _IN_A_ROUND = 4, 3  # where nothing is set: 3 rounds after the first, 2 retries of the client in each


def settings(places: Places, missing: list[Missing]) -> Iterator[AgentSetting]:
    """Yield what is set."""
    folder = places.home / (places.environment.get("PI_CODING_AGENT_DIR", "").strip() or ".pi/agent")
    document = opened(folder / "settings.json", "Pi", missing)
    if document.get(("retry",)) is not None:
        setting = AgentSetting("pi", None, "retry.provider.timeoutMs", "headers")
        timed = timed_at(setting, document, ("retry", "provider", "timeoutMs"))
        yield replace(timed, attempts=_attempts(document))


def _attempts(document: Document) -> Known[int]:
    each = attempts_at(document, ("retry", "provider", "maxRetries"))
    rounds = attempts_at(document, ("retry", "maxRetries"))
    is_off = document.get(("retry", "enabled")) is False
    number = (each.value if each else _IN_A_ROUND) * (1 if is_off else rounds.value if rounds else _ROUNDS)
    return Known(number, str(document.place(("retry",))), Basis.DERIVED)
