"""The error of a Hugging Face model that cannot be read."""

from __future__ import annotations

from truelimit.domain.message import said


class HfConfigError(ValueError):
    """A config.json or safetensors file of no use: says where, what was found, what was expected and what to do."""

    def __init__(self, where: str, what: str, expected: str, do: str) -> None:
        """Keep the sentence."""
        super().__init__(
            said("{where}: {what}; expected {expected}; {do}", where=where, what=what, expected=expected, do=do)
        )
