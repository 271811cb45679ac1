"""What a version of OpenClaw and of Ollama takes, and what must be done once a key has changed: the port Gate."""

from __future__ import annotations

from truelimit.adapters.agents.openclaw.generations import FEBRUARY
from truelimit.adapters.agents.openclaw.keys import accepts
from truelimit.domain.agent import ConfigPath
from truelimit.domain.message import said

_WINDOW_KEYS = {"contextWindow", "contextTokens", "num_ctx"}
_WHOLE_NUMBER_PARAMETERS = frozenset(
    {
        *("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread"),
        *("num_keep", "num_predict", "seed", "top_k", "repeat_last_n"),
    }
)


class OpenClawGate:
    """Keys by generation (openclaw/keys.py); definition parameters by the Options of Ollama's API."""

    def accepts(self, generation: str, path: ConfigPath) -> bool:
        """Return whether this generation knows the key: both refuse a whole file that holds one they don't know."""
        return accepts(generation, path)

    def accepts_parameter(self, name: str) -> bool:
        """Return whether the name is a whole-number parameter of Ollama; its API stores any other without a word."""
        return name in _WHOLE_NUMBER_PARAMETERS

    def after_edit(self, generation: str, paths: tuple[ConfigPath, ...]) -> tuple[str, ...]:
        """Return how the change takes effect, and who would overwrite it."""
        if not paths:
            return ()
        notes = [_takes_effect(generation)]
        if any(path[-1] in _WINDOW_KEYS for path in paths):
            notes.append(
                said(
                    "`ollama launch openclaw` rewrites contextWindow with a number of its own: run `truelimit` after it"
                )
            )
        return tuple(notes)


def _takes_effect(generation: str) -> str:
    """February's own ``config set`` asks for a restart; September reloads by itself (hybrid, unless switched off)."""
    if generation == FEBRUARY:
        return said(
            "restart the gateway (`openclaw gateway restart`): this version says of itself that it must be restarted"
        )
    return said("the gateway takes the change over by itself, without a restart, unless gateway.reload.mode is off")
