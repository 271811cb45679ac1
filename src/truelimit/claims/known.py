"""What is known about a claim when it is judged, and the marks by which it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from truelimit.domain.claims import Claim, Judgement, PublishedRun, Quantity, Reading, Subject, Verdict, Withdrawal
from truelimit.domain.cloud import CloudModel
from truelimit.domain.estimates import Estimate
from truelimit.domain.message import said
from truelimit.domain.rates import PublishedRates

# Specifications are rounded and a few rows of the embedding are not read: this far above a limit is still at it.
AT_LIMIT_NAMED = 1.05
AT_LIMIT_SIZE = 1.10
# The same model and device in two builds or sources: 90 of 100 pairs differ by less.
DECODE_NOISE = 1.12
PREFILL_NOISE = 1.55
# Tokens of one pass with multi-token prediction: the most published (40 configurations of one 27B model).
MOST_TOKENS_A_PASS = 2.45
MEDIAN_TOKENS_A_PASS = 1.84
SPECULATION_SOURCE = said("sudoingX/qwen38-mtp README.md @c7bc415: 1.0 to 2.45 in 40 configurations, median 1.84")
SPARSITY = 2.0


@dataclass(frozen=True, slots=True)
class Guess:
    """The estimate of a claim's case: that of the ``usual`` backend is the plan's; ``low`` and ``high`` span all.

    A claim seldom tells the backend. The rates are in tokens/s, ``backends`` those that count, the usual one first.
    """

    usual: Estimate
    low: float
    high: float
    backends: tuple[str, ...]


Estimator = Callable[[Quantity, Reading, int], Guess | None]


@dataclass(frozen=True, slots=True)
class Known:
    """The facts for one claim: machines, readings of its model, published runs and series, the provider's model.

    ``family`` are the provider's other models of the same name. ``estimate`` gives the speed that a case would
    have, None where it can't. ``today`` is the day of the audit.
    """

    claim: Claim
    today: date
    subject: Subject | None = None
    other: Subject | None = None
    readings: tuple[Reading, ...] = ()
    runs: tuple[PublishedRun, ...] = ()
    series: tuple[PublishedRates, ...] = ()
    cloud: CloudModel | None = None
    family: tuple[CloudModel, ...] = ()
    withdrawn: tuple[Withdrawal, ...] = ()
    estimate: Estimator | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


def not_checkable(why: str, *notes: str) -> Judgement:
    """Return the judgement that nothing can be said, and why."""
    return Judgement(Verdict.NOT_CHECKABLE, why, notes=notes)
