"""Advice told in another language: no English sentence is left."""

from __future__ import annotations

from tests.support.pseudo import PSEUDO, untold

from truelimit.advice.nouns import Limit
from truelimit.advice.profile import Job, Profile
from truelimit.advice.words import cannot
from truelimit.units import Tokens


def test_reasons_of_the_decode_limit_are_messages() -> None:
    from truelimit.advice.binding import binding
    from truelimit.advice.nouns import Candidate, Performance, Span
    from truelimit.domain.provenance import Basis
    from truelimit.units import Bytes, from_gib

    job = Job("m", Tokens(8192))
    span = Span(2.5, 2.0, 3.0, Basis.ASSUMED)
    done = Performance(job, True, "", 0, None, span, span, int(from_gib(17.8)))
    item = Candidate("pc", "PC", None, False, None, Bytes(0), (), (), None, (done,), cards_alone=True)
    limit, reasons = binding(item, Profile("p", (job,)))
    assert limit is Limit.DECODE
    told = [PSEUDO.told(text) for text in (*reasons, *cannot(item, Profile("p", (job,))))]
    assert len(told) == 4
    assert untold(" ".join(told)) == []
