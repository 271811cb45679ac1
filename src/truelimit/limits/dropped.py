"""Messages that Ollama dropped whole, which no count and no line of its usual log betrays (only DEBUG tells it).

Ollama drops messages from the front until the rest fits, so what it counts lies just below what it serves, and stops
growing. The agent's own estimate says how much was meant to be sent. An estimate alone proves nothing: it was measured
at 1.2 to 1.3 times the count, and is more where a model's tokens are long.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate, term
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Server, ServerKind
from truelimit.domain.session import Call, Outcome

if TYPE_CHECKING:
    from truelimit.units import Tokens

_SURE = 0.75  # of an estimate: what was sent at least
_LARGEST_TURN = 0.25  # of what is served: more than that is no usual turn, and would excuse any distance


def dropped_messages(
    calls: Sequence[Call], served: Known[Tokens] | None, server: Server | None
) -> list[tuple[Call, str, Calculation]]:
    """Return the answered calls of one session whose messages were dropped, with the words and the calculation.

    All of it must hold: the server is Ollama; three quarters of the estimate are more than it serves; the count is less
    than that by no more than one turn of this conversation adds; and it is no larger than the count before it.
    """
    if served is None or server is None or server.kind is not ServerKind.OLLAMA:
        return []
    places = [place for place, call in enumerate(calls) if call.estimated_tokens is not None]
    return [found for place in places if (found := _dropped(calls[: place + 1], served)) is not None]


def _dropped(calls: Sequence[Call], served: Known[Tokens]) -> tuple[Call, str, Calculation] | None:
    call, earlier = calls[-1], [count for item in calls[:-1] if (count := _counted(item)) is not None]
    count, estimated = _counted(call), call.estimated_tokens
    if count is None or estimated is None or not earlier or _SURE * estimated <= served.value:
        return None
    turn = min(_one_turn(earlier), _LARGEST_TURN * served.value)
    if count > earlier[-1] or not 0 <= served.value - count <= turn:
        return None
    words = said(
        "the agent estimated {estimated:,} tokens and shortened nothing; the server counted {number:,}, no more than "
        "the {earlier:,} before and within one turn of the {served:,} that it serves: it dropped messages",
        estimated=estimated,
        number=count,
        earlier=earlier[-1],
        served=served.value,
    )
    sent = Term(
        "estimated_tokens", estimated, "tokens", said("{where}: the agent's estimate", where=call.where), Basis.DERIVED
    )
    window = term("served_context", served, "tokens")
    return (
        call,
        words,
        calculate(said("{sure} * estimated_tokens - served_context", sure=_SURE), "tokens", sent, window),
    )


def _one_turn(counts: Sequence[int]) -> int:
    """Tokens that a turn of this conversation added at most; 0 where none is known to have added any."""
    return max((after - before for before, after in itertools.pairwise(counts)), default=0)


def _counted(call: Call) -> int | None:
    known = call.prompt_tokens
    answered = call.outcome is Outcome.DONE and known is not None and known.basis is Basis.REPORTED
    return known.value if answered and known is not None else None
