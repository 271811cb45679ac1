"""A safe form in JSON for what readers found: known classes by name, nothing that runs when it is read.

Only the classes that a reader names are written or made again; anything else in a file is an error. Rows of one class
are written by column, because many thousands of them are read at the start of a run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any

from truelimit.domain.message import Message, said, told_again

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLAIN = (str, int, float, bool, type(None))


class CodecError(ValueError):
    """A value that has no place in the form, or a form that no value has."""


class Codec:
    """Writes values of some dataclasses and enums, and makes them again."""

    def __init__(self, *classes: type) -> None:
        """Allow these classes, and no other."""
        self._classes = {item.__name__: item for item in classes}
        self._names = {item: tuple(field.name for field in fields(item)) for item in classes if is_dataclass(item)}

    def encode(self, value: Any) -> Any:
        """Return a value as JSON can hold it. Raises CodecError for a class that is not allowed."""
        if isinstance(value, Enum):
            return {"enum": self._name(type(value)), "is": value.value}
        if isinstance(value, Message):
            return {"said": self._message(value)}
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, datetime):
            return {"time": _micros(value), "offset": _offset(value)}
        if isinstance(value, timedelta):
            return {"span": value // _MICROSECOND}
        if isinstance(value, Mapping):
            return {"map": [[self.encode(key), self.encode(item)] for key, item in value.items()]}
        for name, kind in _SERIES.items():
            if isinstance(value, kind):
                return {name: [self.encode(item) for item in value]}
        names = self._names.get(type(value))
        if names is None:
            raise CodecError(f"no form for {type(value).__name__}")
        return {"class": type(value).__name__, "is": [self.encode(getattr(value, name)) for name in names]}

    def decode(self, form: Any) -> Any:
        """Return the value of a form. Raises CodecError, or what a constructor raises for wrong fields."""
        if not isinstance(form, dict):
            return form
        if "class" in form:
            return self._class(form["class"])(*[self.decode(item) for item in form["is"]])
        if "enum" in form:
            return self._class(form["enum"])(form["is"])
        if "time" in form:
            return _datetime(form["time"], form["offset"])
        if "span" in form:
            return form["span"] * _MICROSECOND
        if "said" in form:
            template, many, values, shape = form["said"]
            return told_again(template, many, {name: self.decode(item) for name, item in values.items()}, shape)
        if "map" in form:
            return {self.decode(key): self.decode(item) for key, item in form["map"]}
        for name, kind in _SERIES.items():
            if name in form:
                return kind(self.decode(item) for item in form[name])
        raise CodecError("no value has this form")

    def _message(self, value: Message) -> list[Any]:
        """A word of an enum within a message is told like a fixed word, so it is kept as one."""
        values = {name: said(item.value) if isinstance(item, Enum) else item for name, item in value.values.items()}
        return [value.template, value.many, {name: self.encode(item) for name, item in values.items()}, value.form]

    def rows(self, items: Sequence[Any], skip: int = 0) -> Any:
        """Return rows of one dataclass by column, without its first ``skip`` fields. Raises as ``encode`` does."""
        if not items:
            return None
        kind = type(items[0])
        if kind not in self._names:
            raise CodecError(f"no form for {kind.__name__}")
        names = self._names[kind][skip:]
        return {kind.__name__: [self.column([getattr(item, name) for item in items]) for name in names]}

    def made_rows(self, form: Any, *first: list[Any]) -> list[Any]:
        """Return the rows of columns, after those for the fields that were skipped. Raises as ``decode`` does."""
        if form is None:
            return []
        ((name, columns),) = form.items()
        made = [*first, *[self.made_column(column) for column in columns]]
        if len({len(column) for column in made}) != 1:
            raise CodecError("columns of different lengths")
        return list(map(self._class(name), *made))

    def column(self, values: list[Any]) -> Any:
        """Return one column: plain values as they are, times as one text, few different values by their number."""
        kinds = {type(value) for value in values}
        if kinds <= _NUMBERS and (len(kinds) > 1 or float in kinds or len(set(values)) > 1):
            return values
        if kinds == {datetime}:
            return {"times": _texts(values)}
        if kinds == _TIMES:
            return {"times": ",".join("" if value is None else _texts([value]) for value in values)}
        try:
            numbers, few = _numbered(values)
        except TypeError:
            return {"each": [self.encode(value) for value in values]}
        if len(few) * 2 > len(values) > 2:
            return {"each": [self.encode(value) for value in values]}
        if len(few) == 1:
            return {"all": self.encode(few[0]), "count": len(values)}
        return {"few": [self.encode(value) for value in few], "of": numbers}

    def made_column(self, form: Any) -> list[Any]:
        """Return the values of a column. Raises as ``decode`` does."""
        if isinstance(form, list):
            return form
        if "times" in form:
            return _times(form["times"])
        if "all" in form:
            if form["count"] > _MOST_ROWS:
                raise CodecError(f"more than {_MOST_ROWS} rows")
            return [self.decode(form["all"])] * form["count"]
        if "few" in form:
            few = [self.decode(item) for item in form["few"]]
            return [few[number] for number in form["of"]]
        return [self.decode(item) for item in form["each"]]

    def _name(self, kind: type) -> str:
        if self._classes.get(kind.__name__) is not kind:
            raise CodecError(f"no form for {kind.__name__}")
        return kind.__name__

    def _class(self, name: str) -> Callable[..., Any]:
        found = self._classes.get(name)
        if found is None:
            raise CodecError(f"a class that is not known: {name!r}")
        return found


_NUMBERS = {int, float, type(None)}
_TIMES = {datetime, type(None)}
_MOST_ROWS = 10_000_000
_SERIES: dict[str, Any] = {"tuple": tuple, "list": list, "set": set, "deque": deque}


def _numbered(values: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """Return the number of each value among the different ones, and those. Raises TypeError for one without a hash."""
    if len(set(map(type, values))) == 1:
        few = {value: number for number, value in enumerate(dict.fromkeys(values))}
        return [few[value] for value in values], list(few)
    numbers: dict[tuple[type, Any], int] = {}
    found = [numbers.setdefault((type(value), value), len(numbers)) for value in values]
    return found, [value for _, value in numbers]


def _micros(time: datetime) -> int:
    if time.tzinfo is None:
        raise CodecError("a time without a zone")
    return (time - _EPOCH) // _MICROSECOND


def _offset(time: datetime) -> int:
    return (time.utcoffset() or timedelta()) // _MICROSECOND


def _zone(offset: int) -> timezone:
    return timezone(offset * _MICROSECOND) if offset else UTC


def _datetime(micros: int, offset: int) -> datetime:
    time = _EPOCH + micros * _MICROSECOND
    return time.astimezone(_zone(offset)) if offset else time


def _texts(times: list[datetime]) -> str:
    """Return times with their zones as ISO 8601, the form that Python reads several times faster than a number."""
    if any(time.tzinfo is None for time in times):
        raise CodecError("a time without a zone")
    return ",".join(map(datetime.isoformat, times))


def _times(text: str) -> list[datetime | None]:
    parts = text.split(",")
    if "" in parts:
        return [datetime.fromisoformat(part) if part else None for part in parts]
    return list(map(datetime.fromisoformat, parts))
