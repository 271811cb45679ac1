"""Five turns that every agent is given, and the files and classes that they come to."""

from __future__ import annotations

from scripted_script import MARK, WINDOW, Reply, Touch

NEW = {"one": True, "few": False, "many": False, "full": True, "cut": True}  # whether a turn begins a session
EDITED = {"one": "a", "few": "bcd", "many": "efghij"}  # the files that each turn changes


def message(name: str) -> str:
    """Return what the user writes for a turn."""
    return f"{MARK}:{name}; please do it"


def turns(folder: str) -> dict[str, tuple[Reply, ...]]:
    """Return the answers of each turn, working on the files of a folder. All counts differ, so none can hide."""

    def touches(what: str, letters: str) -> tuple[Touch, ...]:
        return tuple(Touch(what, f"{folder}/{letter}.py") for letter in letters)

    return {
        "one": (
            Reply(10_100, 0, 31, touches("read", "a")),
            Reply(10_250, 10_100, 42, touches("edit", "a")),
            Reply(10_400, 10_250, 53),
        ),
        "few": (
            Reply(10_700, 10_400, 64, touches("read", "bcd")),
            Reply(11_300, 10_700, 75, touches("edit", "bcd")),
            Reply(11_900, 11_300, 86),
        ),
        "many": (
            Reply(12_100, 0, 97, touches("read", "efgh")),
            Reply(12_900, 12_100, 108, touches("edit", "efgh")),
            Reply(13_800, 12_900, 119, touches("write", "ij")),
            Reply(14_200, 13_800, 130),
        ),
        "full": (Reply(WINDOW + 4_464, 0, 0, overflow=True), Reply(9_900, 0, 20, text="Compacted.")),
        "cut": (Reply(10_050, 0, 8_192, text="And then", cut=True), Reply(10_600, 10_050, 75, text="the rest.")),
    }
