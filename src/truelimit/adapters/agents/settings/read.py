"""Settings of all agents whose work is read and whose whole configuration is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.adapters.agents.settings import claude_code, cline, codex, opencode, pi, qwen_code
from truelimit.adapters.agents.settings.values import says_something

if TYPE_CHECKING:
    from truelimit.app.ports import Places
    from truelimit.domain.agent import AgentSetting
    from truelimit.domain.provenance import Missing

_READERS = (claude_code.settings, cline.settings, codex.settings, opencode.settings, pi.settings, qwen_code.settings)


def agent_settings(places: Places) -> tuple[tuple[AgentSetting, ...], tuple[Missing, ...]]:
    """Return what files of the home (and, but for an isolated one, variables) set, and which files cannot be read."""
    missing: list[Missing] = []
    found = [item for read in _READERS for item in read(places, missing) if says_something(item)]
    return tuple(found), tuple(missing)
