"""A parser of options whose help and errors are in the language of the run."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from truelimit.cli.speech import say, tell
from truelimit.cli.terminal import terminal_columns
from truelimit.domain.message import said


def bad_value(text: str) -> argparse.ArgumentTypeError:
    """Return the error to raise for a value that an option cannot take, in the language of the run."""
    return argparse.ArgumentTypeError(tell(text))


def _word(text: str) -> str:
    """One of argparse's own sentences."""
    return say().look_up(text)


def _words(one: str, many: str, count: int) -> str:
    return say().look_up(one, many, count)


# argparse looks its own sentences up by these two names, in a catalogue of the whole process: ours is per run.
setattr(argparse, "_", _word)  # noqa: B010
setattr(argparse, "ngettext", _words)  # noqa: B010


class _Formatter(argparse.HelpFormatter):
    """Help as wide as the terminal; argparse makes one of these for each option, only to check it."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"width": terminal_columns(80) - 2, **options})


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` that tells its messages; the words of argparse itself come from the same catalogue.

    It has the option of the language, which ``cli.speech`` reads before: here it stands for the help.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"formatter_class": _Formatter, **options})
        help_text = said("the language to speak: en, hi (default: TRUELIMIT_LANG, else en); JSON is English")
        self.add_argument("--lang", metavar="TAG", help=help_text)

    def format_help(self) -> str:
        """Return the help in the language of the run."""
        self.description, self.epilog = _told(self.description), _told(self.epilog)
        for group in self._action_groups:
            group.title, group.description = _told(group.title), _told(group.description)
        for action in self._actions:
            action.help = _told(action.help)
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Print the usage and the error, and leave with 2."""
        super().error(tell(message))


def _told(text: str | None) -> str | None:
    return None if text is None else tell(text)
