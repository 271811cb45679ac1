"""Claude Code: variables, its own or those of ``env`` in ``~/.claude/settings.json``. Tried on 2.1.332.

``API_TIMEOUT_MS`` ends the silence before the first byte, and so does a limit of the connection that no setting moves.
``CLAUDE_STREAM_IDLE_TIMEOUT_MS`` is never below 300 s nor above 1,800 s; silence between events ended 300 s later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.adapters.agents.settings.document import opened
from truelimit.adapters.agents.settings.values import attempts, timed
from truelimit.domain.agent import AgentSetting
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Seconds

if TYPE_CHECKING:
    from truelimit.app.ports import Places
    from truelimit.domain.provenance import Missing

_TIMER, _IDLE, _RETRIES = "API_TIMEOUT_MS", "CLAUDE_STREAM_IDLE_TIMEOUT_MS", "CLAUDE_CODE_MAX_RETRIES"
_LEAST_IDLE, _MOST_IDLE, _AFTER = 300.0, 1_800.0, 300.0  # s
_CONNECTION = "idle limit of the connection"  # as in the table of defaults


def settings(places: Places, missing: list[Missing]) -> Iterator[AgentSetting]:
    """Yield what is set; a variable of the file stands over one of the process."""
    folder = places.environment.get("CLAUDE_CONFIG_DIR", "").strip() or str(places.home / ".claude")
    for name, text in places.environment.items():
        yield from _variable(name, text, said("environment variable {name}", name=name))
    document = opened(places.home / folder / "settings.json", "Claude Code", missing)
    for name in (_TIMER, _IDLE, _RETRIES):
        yield from _variable(name, document.get(("env", name)), str(document.place(("env", name))))


def _variable(name: str, value: object, where: str) -> Iterator[AgentSetting]:
    if name == _TIMER:
        yield timed(AgentSetting("claude-code", None, _TIMER, "headers"), value, where)
    elif name == _IDLE:
        yield _idle(timed(AgentSetting("claude-code", None, _IDLE, "events"), value, where))
    elif name == _RETRIES:
        for timer in (_TIMER, _CONNECTION):
            yield AgentSetting("claude-code", None, timer, "headers", attempts=attempts(value, where))


def _idle(setting: AgentSetting) -> AgentSetting:
    """Return the limit of silence between events as it acts; one that is switched off acts as the least."""
    told = setting.seconds
    if told is None:
        return replace(setting, off=False)
    seconds = Seconds(min(max(told.value, _LEAST_IDLE), _MOST_IDLE) + _AFTER)
    where = said("{where}, and {more:g} s more, as measured", where=told.where, more=_AFTER)
    return replace(setting, seconds=Known(seconds, where, Basis.DERIVED))
