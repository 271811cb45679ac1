"""Who asks: what they run, what they may spend, what they would not live with."""

from __future__ import annotations

from dataclasses import dataclass, field

from truelimit.units import Seconds, Tokens, Usd, Watts


@dataclass(frozen=True, slots=True)
class Job:
    """A model that must run, and how deep its work goes: ``context`` tokens of prompt in one request.

    ``quantization`` None: the one that is asked for most (Q4_K_M). ``kv_type`` is that of both caches.
    """

    model: str
    context: Tokens
    quantization: str | None = None
    kv_type: str = "f16"


@dataclass(frozen=True, slots=True)
class Profile:
    """A buyer. Empty tuples and None mean that it does not matter.

    ``budget`` is what may be spent beside the ``resale`` of what is owned. ``backends`` and ``operating_systems``
    are those that the buyer wants to live with. ``deadline`` is how long a prompt of a job's context may be read.
    ``hours_a_week`` of full load and ``usd_per_kwh`` give the cost of power over ``years``. ``private``: prompts must
    not leave the house, so a cloud model is no alternative. ``most`` is what to order by: ``price``, ``memory``,
    ``decode`` or ``prefill``. ``requests_a_week`` with ``answer_tokens`` price the cloud alternative.
    ``least_decode`` is the slowest answer that will do, in tokens/s: 5 is what a person reads (assumed: some 230 words
    a minute of 1.3 tokens). ``most_cards`` is how many accelerators the machine may have.
    """

    name: str
    jobs: tuple[Job, ...]
    budget: Usd | None = None
    backends: tuple[str, ...] = ()
    operating_systems: tuple[str, ...] = ()
    today: str | None = None
    private: bool = False
    power_limit: Watts | None = None
    quiet: bool = False
    deadline: Seconds = Seconds(300.0)
    years: float = 3.0
    hours_a_week: float = 20.0
    usd_per_kwh: Usd = Usd(0.30)
    resale: Usd = Usd(0.0)
    most: str = "price"
    requests_a_week: int = 0
    answer_tokens: Tokens = Tokens(500)
    cloud_models: tuple[str, ...] = field(default_factory=tuple)
    story: str = ""
    least_decode: float = 5.0
    most_cards: int | None = None
