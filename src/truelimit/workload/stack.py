"""A stack that work is replayed on: what it lets in, how fast it reads and writes, its walls, its price."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum

from truelimit.domain.provenance import Basis
from truelimit.domain.set_by import SetBy

_NO_LIMIT = 2**31 - 1


class Outcome(IntEnum):
    """What would become of a request. The numbers are those in the result's column."""

    DONE = 0
    OVERFLOW = 1
    TRUNCATED = 2
    TIMED_OUT = 3
    NO_ROOM = 4
    NOT_ALLOWED = 5
    GONE = 6
    UNKNOWN = 7


@dataclass(frozen=True, slots=True)
class AgentWalls:
    """How one agent gives up: seconds of an attempt until its first byte and its last, of all; attempts in all.

    ``where`` names the timer of the first byte, ``basis`` is how that is known, ``bounds`` what it ends (see Timeout)
    and ``set_by`` who set it.
    """

    first: float = math.inf
    total: float = math.inf
    run: float = math.inf
    attempts: int = 1
    where: str = ""
    basis: Basis = Basis.SPECIFIED
    bounds: str = "headers"
    set_by: SetBy = SetBy.AGENT_DEFAULT


@dataclass(frozen=True, slots=True)
class ReplayStack:
    """Model, machine, server, agent limits and walls as the numbers that decide what becomes of a request.

    ``prompt_limit``: the largest prompt that the agent sends. ``served_context``: tokens of prompt and answer that the
    server holds for one request; a longer prompt is refused, or cut without a word where ``cuts_silently``.
    A token at depth d costs ``prefill_a + prefill_b * d`` seconds to read and ``decode_c + decode_d * d`` to write;
    ``prefill_spread`` and ``decode_spread`` are the relative half-widths of their 90 % intervals.
    ``first_wall``: seconds of one attempt until the first byte must come, ``total_wall`` until its last must,
    ``run_wall`` until all attempts must have ended; ``attempts`` in all, and whether one after a timeout ``resumes``
    where the last ended (the prefix cache kept what was read, as it does not of a prompt that is cut). Those walls and
    ``prompt_limit`` are of the agent that the stack was configured for; ``agents`` are the walls of others that ask the
    same server, by their number in ``Columns.agent`` less one; where there are none, those of the stack hold for all.
    ``memory_need`` and ``memory_there``: bytes that it takes and that it may take, None where that is not known.
    ``load``: seconds to load the model after ``keep_alive`` seconds of silence. ``slots`` requests at once; each keeps
    its last conversation where ``prefix_cache``, and ``cache_tokens`` more are kept in a prompt cache beside them.
    ``reads_on``: tokens of the batch that a server still reads once its client has hung up (infinite: the whole
    prompt); its slot is taken until then.
    A cloud model has prices in USD a token, an end (``ends``, seconds since 1970), and takes no private work
    (``takes_private``). Of all requests ``tokens_per_minute`` are let in, prompt and answer, those that its cache held
    only where ``counts_cached``; a request of more than that at once is refused.
    """

    id: str
    prompt_limit: int = _NO_LIMIT
    served_context: int = _NO_LIMIT
    cuts_silently: bool = False
    prefill_a: float = 0.0
    prefill_b: float = 0.0
    decode_c: float = 0.0
    decode_d: float = 0.0
    prefill_spread: float = 0.0
    decode_spread: float = 0.0
    first_wall: float = math.inf
    total_wall: float = math.inf
    run_wall: float = math.inf
    attempts: int = 1
    resumes: bool = False
    load: float = 0.0
    keep_alive: float = math.inf
    slots: int = 1
    prefix_cache: bool = True
    cache_tokens: int = 0
    fits: bool = True
    takes_private: bool = True
    usd_per_new: float = 0.0
    usd_per_cached: float = 0.0
    usd_per_output: float = 0.0
    tokens_per_minute: float = math.inf
    ends: float = math.inf
    reads_on: float = 0.0
    counts_cached: bool = True
    agents: tuple[AgentWalls, ...] = ()
    memory_need: int | None = None
    memory_there: int | None = None

    def slower(self) -> ReplayStack:
        """Return the stack at the slow end of its intervals."""
        return self._at(1 + self.prefill_spread, 1 + self.decode_spread)

    def faster(self) -> ReplayStack:
        """Return the stack at the fast end of its intervals."""
        return self._at(1 / (1 + self.prefill_spread), 1 / (1 + self.decode_spread))

    def _at(self, reading: float, writing: float) -> ReplayStack:
        return replace(
            self,
            prefill_a=self.prefill_a * reading,
            prefill_b=self.prefill_b * reading,
            decode_c=self.decode_c * writing,
            decode_d=self.decode_d * writing,
        )
