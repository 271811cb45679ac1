"""An agent: which models it routes to, what it believes of their limits, how long it waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.limits import SetBy
    from truelimit.domain.provenance import Known, Missing
    from truelimit.units import Seconds, Tokens

ConfigPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ConfigPlace:
    """A key in a configuration file, with its line (1-based) where it is present."""

    file: str
    path: ConfigPath
    line: int | None = None

    def __str__(self) -> str:
        """Return ``file: a.b[0].c (line 12)``."""
        keys = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.path).lstrip(".")
        return f"{self.file}: {keys}" + (f" (line {self.line})" if self.line else "")


@dataclass(frozen=True, slots=True)
class Timeout:
    """One timer on the path of a request.

    ``bounds``: what it ends: ``headers`` (silence before the first byte), ``first-event`` (silence between the
    headers and the first event), ``idle`` (silence between bytes), ``events`` (after the headers, no event, whatever
    comments come), ``request`` (one attempt), ``run`` (all attempts of a turn), ``command`` (all attempts of a turn
    that one command of the agent started, and of no other), ``load``, ``compaction``.
    ``place`` is the key that would change it; None where no key of this version moves it.
    ``unlimited`` timers are not given at all. ``remedy`` says what can be done when there is no key.
    """

    name: str
    seconds: Known[Seconds]
    set_by: SetBy
    bounds: str
    place: ConfigPlace | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class AgentTimer:
    """A timer of an agent and how often in all it asks before it lets go of a request that this timer ended."""

    timeout: Timeout
    attempts: Known[int]


@dataclass(frozen=True, slots=True)
class AgentDefaults:
    """The timers that an agent comes with, those of its settings in their place once these are read.

    ``agent`` is its name in records of work, ``name`` the one that people know, ``version`` that which was looked at.
    """

    agent: str
    name: str
    version: str
    timers: tuple[AgentTimer, ...]


@dataclass(frozen=True, slots=True)
class AgentSetting:
    """What a person's settings say of one timer of an agent, for the models of one provider.

    ``url``: the provider's address; None: for all; ``model``: its only model that this holds for, or None.
    ``timer`` and ``bounds`` as in Timeout. ``seconds``: what it is set
    to, or None where nothing is said of it; ``off``: it is switched off. ``attempts``: in all, where that is set.
    """

    agent: str
    url: str | None
    timer: str
    bounds: str
    seconds: Known[Seconds] | None = None
    off: bool = False
    attempts: Known[int] | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class OtherAgents:
    """How agents other than a stack's own give up: what they come with, what is set, which settings were not read."""

    defaults: tuple[AgentDefaults, ...] = ()
    settings: tuple[AgentSetting, ...] = ()
    unread: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfiguredModel:
    """What the agent's configuration holds for a model: raw evidence for the origin of its limit.

    ``listed``: the model has an entry of its own. ``sibling``: the model that it would borrow from if not.
    ``own_window``: the entry sets its context itself. Launcher marks are those that Ollama's launcher wrote.
    ``numbers``: limits that the entry holds now, by key below it (``contextWindow``, ``params.num_ctx`` ...).
    ``provider_lists_models``: the provider has a list of models, even an empty one, to which an entry can be added.
    """

    listed: bool
    own_window: bool
    max_tokens: int | None = None
    api_key_is_launcher_mark: bool = False
    costs_all_zero: bool = False
    base_url_has_v1: bool = False
    sibling: str | None = None
    sibling_window: int | None = None
    numbers: Mapping[str, int] = field(default_factory=dict)
    provider_lists_models: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One model as one agent uses it.

    ``ref`` is the agent's name for it (``ollama/qwen3-coder:30b``). ``agent_context`` is what the agent believes;
    ``agent_context_set_by`` and ``agent_context_source`` (``explicit``, ``discovered``, ``sibling``,
    ``filled-default``, ``fallback``, ``agent-cap``) tell where it came from; ``agent_context_place`` is the key
    to edit (present or to be added).
    ``request_context`` is the num_ctx that this version really sends over this api (None: it sends none).
    ``prompt_budget`` is agent_context less the compaction reserve, where the agent keeps one.
    ``model_place`` is the model's entry, ``references`` are all keys that name the model (primary, fallbacks, agents);
    ``window_keys`` are the keys below the entry that this version reads and that must agree.
    ``base_prompt`` is what the agent sends before the user's first word, ``window_floor`` the smallest window with
    which it runs at all.
    ``attempts`` is how often one visible call is tried in all; ``hidden_attempts`` those the transcript does not show.
    """

    ref: str
    provider: str
    model: str
    api: str
    base_url: str | None
    is_primary: bool
    agent_context: Known[Tokens]
    agent_context_set_by: SetBy
    agent_context_source: str
    agent_context_place: ConfigPlace
    configured: ConfiguredModel
    request_context: Known[Tokens] | None = None
    request_context_place: ConfigPlace | None = None
    output_reserve: Known[Tokens] | None = None
    compaction_reserve: Known[Tokens] | None = None
    prompt_budget: Known[Tokens] | None = None
    compaction_works: Known[bool] | None = None
    timeouts: tuple[Timeout, ...] = ()
    attempts: Known[int] | None = None
    hidden_attempts: Known[int] | None = None
    model_place: ConfigPlace | None = None
    primary_place: ConfigPlace | None = None
    window_keys: tuple[str, ...] = ("contextWindow",)
    references: tuple[ConfigPlace, ...] = ()
    base_prompt: Known[Tokens] | None = None
    window_floor: Known[Tokens] | None = None
    compaction_remedy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent found on the machine. ``generation`` names the formats and defaults that its version belongs to.

    ``read_only`` says why its configuration must not be written (None: it may).
    """

    name: str
    version: Known[str] | None
    generation: str
    config_files: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    read_only: str | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)
