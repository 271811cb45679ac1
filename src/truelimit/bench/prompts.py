"""Prompts that no cache knows: a new head first, then plain words, as many as make the tokens asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

_TEXT = (
    "able about above across after again against along always among answer apple area around arrive autumn away back "
    "basket beach before begin behind below between bird black board book bottle bridge bring brother build busy "
    "camera candle carry castle catch chair change circle city clean clear clock close cloud coffee cold color common "
    "copper corner cotton country cover cross dance danger dark decide deep desert dinner doctor dollar door double "
    "draw dream drive early earth east easy eight empty engine enough evening every family farm father field finger "
    "fire fish flower follow forest forget friend front fruit garden gentle glass gold grass green ground group guess "
    "happy harbor heavy hello high hill history horse hotel hour house hundred island journey judge jungle kitchen "
    "ladder language large laugh leader leave lemon letter level light listen little long lunch machine market matter "
    "meadow measure metal middle minute mirror money month moon morning mother mountain music name narrow nature near "
    "never night noise north number ocean office old open orange order paint paper parent pencil people picture place "
    "planet plant pocket poem point pretty price quick quiet quite rain reach ready record river road rock room round "
    "salt sand school season second seven shadow sharp ship shoe shore short silver simple sister skill sleep small "
    "smile snow soft song south space spring square stairs star station stone story street strong sugar summer sun "
    "table teach tell thank thing thousand ticket tiger time today tomorrow tower town train travel tree trust twenty "
    "under uncle valley village voice wagon wait walk wall warm watch water wave weather week west wheel white window "
    "winter wonder wood word work world write yellow yesterday young"
)
_WORDS = tuple(_TEXT.split())
_MULTIPLIER, _INCREMENT, _MODULUS = 1664525, 1013904223, 2**32  # Numerical Recipes: a plain linear generator
_GUESS = 1.35  # tokens a word, before a server has told


def prompt_text(head: str, words: int, seed: int) -> str:
    """Return a prompt of so many plain words behind a head. The same arguments give the same text.

    The head comes first because prompt caches match from the first token on: a new head leaves nothing to match.
    """
    state, chosen = seed % _MODULUS, [head]
    for _ in range(words):
        state = (state * _MULTIPLIER + _INCREMENT) % _MODULUS
        chosen.append(_WORDS[(state >> 16) % len(_WORDS)])
    return " ".join(chosen)


@dataclass(slots=True)
class Calibration:
    """How many words make so many tokens, learned from what the server counted.

    Each prompt has a fixed part (head, template) and one that grows with its words: two sizes tell both.
    """

    _counted: dict[int, int] = field(default_factory=dict)

    def learn(self, words: int, tokens: int) -> None:
        """Take note of what the server counted for a prompt of so many words."""
        if words > 0 and tokens > 0:
            self._counted[words] = tokens

    @property
    def is_known(self) -> bool:
        """Whether any server's count was seen."""
        return bool(self._counted)

    def words_for(self, tokens: int) -> int:
        """Return the words whose prompt has about so many tokens; at least 1."""
        fixed, each = self._line()
        return max(1, int((tokens - fixed) / each))

    def _line(self) -> tuple[float, float]:
        if not self._counted:
            return 0.0, _GUESS
        few, many = min(self._counted), max(self._counted)
        if many >= 2 * few:
            each = (self._counted[many] - self._counted[few]) / (many - few)
            if each > 0:
                return self._counted[few] - each * few, each
        return 0.0, self._counted[many] / many
