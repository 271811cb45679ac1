"""Frozen dataclasses that cost a quarter of the standard library's to define.

``dataclasses`` compiles up to seven functions for each class (half a millisecond), and the nouns of one command are two
hundred classes: that was a third of a run. Here the constructor alone is compiled; the functions that are alike in all
classes are shared. All that is said of a dataclass holds: fields, defaults, ``replace``, ``asdict``, equality, hash,
representation, refusal to change. To go without: import ``dataclass`` from ``dataclasses`` again.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from reprlib import recursive_repr
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool = False, slots: bool = False) -> Callable[[type], type]:
        """Return a decorator for a dataclass, as the standard library's with these options."""
        return _frozen if frozen and slots else dataclasses.dataclass(frozen=frozen, slots=slots)


__all__ = ["dataclass"]

_ABSENT = object()


class _Shared:
    """The functions that all frozen classes have alike."""

    __slots__ = ()
    __compared__: Callable[[Any], tuple[object, ...]]

    @recursive_repr()
    def __repr__(self) -> str:
        told = (f"{field.name}={getattr(self, field.name)!r}" for field in _fields(self) if field.repr)
        return f"{type(self).__qualname__}({', '.join(told)})"

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        compared = self.__compared__
        return compared(self) == compared(other)

    def __hash__(self) -> int:
        return hash(self.__compared__(self))

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __getstate__(self) -> list[object]:
        return [getattr(self, field.name) for field in _fields(self)]

    def __setstate__(self, state: list[object]) -> None:
        for field, value in zip(_fields(self), state, strict=True):
            object.__setattr__(self, field.name, value)


_SHARED = {name: value for name, value in vars(_Shared).items() if isinstance(value, FunctionType)}


def _fields(value: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(value)


def _frozen(made: type) -> type:
    """Return the class with slots, a constructor, and the shared functions that it does not define itself."""
    _check(made)
    shared = {name: function for name, function in _SHARED.items() if name not in vars(made)}
    cls: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(made)
    cls.__init__ = _first_constructor(cls)
    cls.__compared__ = _compared([field.name for field in _fields(cls) if field.compare])
    for name, function in shared.items():
        setattr(cls, name, function)
    return cls  # type: ignore[no-any-return]


def _compared(names: list[str]) -> Callable[[Any], tuple[object, ...]]:
    """Return what gives the values of these fields as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return attrgetter(names[0], names[0]) if names else _nothing


def _nothing(*_: object) -> tuple[object, ...]:
    return ()


def _check(made: type) -> None:
    """Raise TypeError for what the constructor here does not know; ``compare`` and ``hash`` of a field agree."""
    if hasattr(made, "__post_init__"):
        raise TypeError(f"{made.__qualname__} has __post_init__; import dataclass from dataclasses")
    for name, value in vars(made).items():
        if isinstance(value, dataclasses.Field) and (not value.init or value.kw_only is True or value.hash is not None):
            raise TypeError(
                f"{made.__qualname__}.{name} has options beyond a default; import dataclass from dataclasses"
            )


def _first_constructor(cls: Any) -> Callable[..., None]:
    """Return what makes the constructor with the first object: of most classes a command makes none."""

    def __init__(self: object, *values: object, **named: object) -> None:  # noqa: N807
        cls.__init__ = _constructor(cls)
        cls.__init__(self, *values, **named)

    return __init__


def _constructor(cls: Any) -> Callable[..., None]:
    """Return the ``__init__`` of a class; it sets each slot past the refusal of ``__setattr__``."""
    space: dict[str, Any] = {"_absent": _ABSENT}
    heads, lines = ["self"], []
    for field in _fields(cls):
        name, value = field.name, field.name
        space[f"_set_{name}"] = getattr(cls, name).__set__
        if field.default_factory is not dataclasses.MISSING:
            space[f"_make_{name}"] = field.default_factory
            heads.append(f"{name}=_absent")
            value = f"_make_{name}() if {name} is _absent else {name}"
        elif field.default is not dataclasses.MISSING:
            space[f"_default_{name}"] = field.default
            heads.append(f"{name}=_default_{name}")
        else:
            heads.append(name)
        lines.append(f" _set_{name}(self, {value})")
    exec(f"def __init__({', '.join(heads)}):\n" + "\n".join(lines or [" pass"]), space)  # noqa: S102
    made: Callable[..., None] = space["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    return made
