"""Which files a tool call read or changed, by its name and arguments, whoever's agent it is.

A call counts as it was made, whether it succeeded or not: transcripts differ in what they tell of that. Searching and
listing (grep, glob, ls) read no file. Of shell commands only these count, split at ``;``, ``&&``, ``||``, ``|`` and
line ends: cat, head, tail, less, more, nl, bat and ``sed -n`` read the files that they name; ``sed -i``, ``tee``,
``>`` and ``>>`` change them, and so does a patch in ``apply_patch``. What a program does that a command starts is
not known.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_EDIT = frozenset(
    {
        "applydiff", "applypatch", "createfile", "deletefile", "edit", "editfile", "editor", "insertcontent",
        "multiedit", "newfile", "notebookedit", "patch", "replace", "replaceinfile", "searchandreplace",
        "strreplace", "write", "writefile", "writetofile",
    }
)  # fmt: skip
_READ = frozenset(
    {
        "cat", "notebookread", "open", "openfile", "read", "readfile", "readfiles", "readmanyfiles", "view",
        "viewfile", "viewimage",
    }
)  # fmt: skip
_SHELL = frozenset(
    {
        "bash", "exec", "execcommand", "executecommand", "localshell", "runcommand", "runcommands",
        "runshellcommand", "runterminalcmd", "shell", "shellcommand",
    }
)  # fmt: skip
_EDITOR = frozenset({"strreplaceeditor", "strreplacebasededittool"})
_PATH_KEYS = ("file_path", "filePath", "path", "absolute_path", "notebook_path", "target_file", "filename", "file")
_LIST_KEYS = ("paths", "files", "file_paths")
_PATCH_KEYS = ("input", "patch", "patchText", "patch_text", "diff")
_COMMAND_KEYS = ("command", "cmd", "script", "commands")
_PATCHED = re.compile(r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+)$|^\+\+\+ (?:b/)?(\S+)", re.MULTILINE)
_BETWEEN = re.compile(r"&&|\|\||[;\n|]")
_REDIRECTED = re.compile(r"(?<![<>&\d])>{1,2}\s*(?!&)([^\s;|&<>()]+)")
_HERE = re.compile(r"<<-?\s*[^\s<]+")
_READERS = frozenset({"cat", "head", "tail", "less", "more", "nl", "bat"})
_PROGRAMS = _READERS | {"sed", "tee"}
_LONGEST_COMMAND = 20_000
_MOST_FILES = 1_000
_NAMED = re.compile(r"[^a-z]")


@dataclass(frozen=True, slots=True)
class Touched:
    """Paths as the agent wrote them: what a call read and what it changed."""

    read: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()


def touched(name: str, arguments: object) -> Touched:
    """Return the files of one tool call. Arguments may be an object or the JSON of one. Never raises."""
    plain = _NAMED.sub("", name.rpartition("__")[2].rpartition(".")[2].lower())
    values = _arguments(arguments)
    if plain in _SHELL:
        return _of_command(_command(values, arguments))
    if plain in _EDITOR:
        paths = tuple(_paths(values))
        return Touched(read=paths) if values.get("command") == "view" else Touched(edited=paths)
    if plain in _EDIT:
        return Touched(edited=tuple(_paths(values)) or tuple(_patched(values, arguments)))
    return Touched(read=tuple(_paths(values))) if plain in _READ else Touched()


def _arguments(arguments: object) -> Mapping[str, Any]:
    if isinstance(arguments, str) and arguments.lstrip().startswith("{"):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return {}
    return arguments if isinstance(arguments, dict) else {}


def _paths(values: Mapping[str, Any]) -> Iterator[str]:
    for key in _PATH_KEYS:
        value = values.get(key)
        if isinstance(value, str) and value:
            yield value
            return
    for key in _LIST_KEYS:
        items = values.get(key)
        for item in items[:_MOST_FILES] if isinstance(items, list) else ():
            value = next(_paths(item), None) if isinstance(item, dict) else item
            if isinstance(value, str) and value:
                yield value


def _patched(values: Mapping[str, Any], arguments: object) -> Iterator[str]:
    texts = [values.get(key) for key in _PATCH_KEYS] if values else [arguments]
    for text in texts:
        if isinstance(text, str):
            yield from _files_of_patch(text)


def _files_of_patch(text: str) -> Iterator[str]:
    for number, found in enumerate(_PATCHED.finditer(text)):
        path = (found[1] or found[2]).strip()
        if number >= _MOST_FILES:
            return
        if path != "/dev/null":
            yield path


def _command(values: Mapping[str, Any], arguments: object) -> str:
    if not values:
        return arguments if isinstance(arguments, str) else ""
    given = next((values[key] for key in _COMMAND_KEYS if key in values), "")
    if isinstance(given, list):
        words = [word for word in given if isinstance(word, str)]
        # ["bash", "-lc", "..."]: the last word is the script. Else the words are one command.
        shells = {"bash", "sh", "zsh", "powershell", "pwsh"}
        if len(words) > 2 and words[0].rpartition("/")[2] in shells and words[1].startswith("-"):
            return words[-1]
        return shlex.join(words)
    return given if isinstance(given, str) else ""


def _of_command(command: str) -> Touched:
    if "*** Begin Patch" in command:
        return Touched(edited=tuple(_files_of_patch(command)))
    command = command[:_LONGEST_COMMAND]
    here = _HERE.search(command)
    if here is not None:  # what follows is a document: only its first line is a command
        command = command[: here.start()] + command[here.end() :].partition("\n")[0]
    read: list[str] = []
    edited = [word.strip("'\"") for word in _REDIRECTED.findall(command)]
    for part in _BETWEEN.split(_REDIRECTED.sub(" ", command)):
        if _program(part) in _PROGRAMS:
            _of_simple(_words(part), read, edited)
    return Touched(tuple(read), tuple(path for path in edited if path and not path.startswith(("/dev/", "$"))))


def _program(part: str) -> str:
    return (part.split(None, 1) or [""])[0].rpartition("/")[2]


def _words(part: str) -> list[str]:
    if not any(sign in part for sign in "'\"\\#"):
        return part.split()
    try:
        return shlex.split(part)
    except ValueError:
        return part.split()


def _of_simple(words: list[str], read: list[str], edited: list[str]) -> None:
    program, rest = _program(words[0]), words[1:]
    named = [word for word in rest if not word.startswith("-") and not _is_number(word) and not set(word) & set("*?$")]
    if program == "tee":
        edited += named
    elif program == "sed":
        inplace = any(word.startswith("-i") for word in rest)
        if inplace or any(word.startswith("-n") for word in rest):
            (edited if inplace else read).extend(named[1:])  # the first is the script
    elif program in _READERS:
        read += named


def _is_number(word: str) -> bool:
    return word.lstrip("+").isdigit()
