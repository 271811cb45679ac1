"""How long this machine takes for a call: the seconds of the staged weeks are made of it, not measured."""

from __future__ import annotations

from dataclasses import dataclass

# Apple M2 Ultra, qwen3moe 30B.A3B Q8_0 (llama.cpp benches/mac-m2-ultra/mac-m2-ultra.md): a token at depth d is read in
# A + B * d seconds. Written in C + D * d: 84.7 tokens/s at depth 0 and 20.0 at 131,072, as truelimit carries that
# series over to Q4_K_M.
A, B = 0.000_345_9, 5.778e-8
C, D = 0.011_81, 2.914e-7
LOAD = 6.5  # s, as the server's log of 18 February tells it
KEEP_ALIVE = 300.0  # s after the last answer: OLLAMA_KEEP_ALIVE:5m0s in that log


@dataclass(slots=True)
class Server:
    """The one slot of the server: when its last answer ended, whose conversation it holds, how many tokens of it."""

    until: float = float("-inf")
    holds: str = ""
    held: int = 0

    def seconds(self, session: str, at: float, prompt: int, output: int, pace: float) -> float:
        """Return the seconds of a call that is asked at ``at`` (s), and keep what the slot holds after it.

        ``pace``: how much longer this call takes than at the rates above, as no two of a real machine take the same.
        """
        gone = at - self.until > KEEP_ALIVE
        cached = min(self.held, prompt) if session == self.holds and not gone else 0
        new = prompt - cached
        work = new * (A + B * (cached + new / 2)) + output * (C + D * (prompt + output / 2))
        took = (LOAD if gone else 0.0) + pace * work
        self.until, self.holds, self.held = at + took, session, prompt + output
        return took
