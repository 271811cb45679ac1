"""A frozen class behaves as the standard library's dataclass with the same options does."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, astuple, field, fields, is_dataclass, replace
from typing import Any, Generic, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truelimit.domain.frozen import dataclass

T = TypeVar("T")
Decorator = Callable[..., Callable[[type], type]]


@dataclass(frozen=True, slots=True)
class Point(Generic[T]):
    """A point."""

    x: T
    y: float = 0.5
    tags: dict[str, int] = field(default_factory=dict)
    secret: str = field(default="", repr=False)
    note: str = field(default="", compare=False)

    @property
    def twice(self) -> float:
        return self.y * 2


@dataclass(frozen=True, slots=True)
class Place(Point[int]):
    """A point with a name; its super class has defaults, so it must too."""

    name: str = "here"


def _classes(make: Decorator) -> tuple[type, ...]:
    class One:
        """One field."""

        value: object

    class Three:
        """Defaults of both kinds, and fields that are not shown or not compared."""

        first: object
        second: object = 7
        items: list[object] = field(default_factory=list, compare=False)
        hidden: object = field(default=None, repr=False)

    class Nothing:
        """No field."""

    class Told:
        """Functions of its own."""

        value: object

        def __repr__(self) -> str:
            return "told"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self))

        def __hash__(self) -> int:
            return 5

    one, three, nothing, told = (make(frozen=True, slots=True)(kind) for kind in (One, Three, Nothing, Told))

    class Four:
        """A class with a super class."""

        fourth: object = ()

    four = make(frozen=True, slots=True)(type("Four", (three,), dict(vars(Four))))
    return one, three, nothing, told, four


OURS, THEIRS = _classes(dataclass), _classes(dataclasses.dataclass)
VALUES = st.one_of(st.integers(), st.floats(), st.text(), st.none(), st.tuples(st.integers(), st.text()))


@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4))
def test_it_says_what_the_standard_librarys_does(one: list[object], other: list[object]) -> None:
    for ours, theirs in zip(OURS, THEIRS, strict=True):
        for values in (one, other, one[:1]):
            assert _done(repr, ours, values) == _done(repr, theirs, values)
            assert _done(asdict, ours, values) == _done(asdict, theirs, values)
            assert _done(astuple, ours, values) == _done(astuple, theirs, values)
        assert _equal(ours, one, other) == _equal(theirs, one, other)


def _done(what: Callable[[Any], object], kind: type, values: list[object]) -> str:
    try:
        return repr(what(kind(*values)))
    except TypeError:
        return "TypeError"


def _equal(kind: type, one: list[object], other: list[object]) -> object:
    try:
        left, right, again = kind(*one), kind(*other), kind(*one)
    except TypeError:
        return None
    return left == right, left == again, left != right, left == one, hash(left) == hash(again)


def test_its_fields_slots_and_signature_are_the_standard_librarys() -> None:
    for ours, theirs in zip(OURS, THEIRS, strict=True):
        assert is_dataclass(ours)
        assert [(f.name, f.default, f.compare, f.repr) for f in fields(ours)] == [
            (f.name, f.default, f.compare, f.repr) for f in fields(theirs)
        ]
        assert ours.__slots__ == theirs.__slots__  # type: ignore[attr-defined]
        assert ours.__match_args__ == theirs.__match_args__  # type: ignore[attr-defined]
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
        assert ours.__doc__ == theirs.__doc__


@pytest.mark.parametrize("kind", [OURS[1], THEIRS[1]])
def test_nothing_in_it_can_be_changed(kind: Any) -> None:
    made = kind(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'first'"):
        made.first = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'second'"):
        del made.second
    with pytest.raises((FrozenInstanceError, TypeError)):
        made.other = 2
    assert not hasattr(made, "__dict__")
    assert made.first == 1


def test_a_default_that_is_made_is_made_for_each() -> None:
    one, other = OURS[1](1), OURS[1](1)
    assert one.items == [] == other.items
    assert one.items is not other.items
    assert OURS[1](1, items=None).items is None


@pytest.mark.parametrize("values", [(), (1, 2, [], None, 5)])
def test_arguments_that_do_not_fit_are_refused(values: tuple[object, ...]) -> None:
    with pytest.raises(TypeError, match="__init__"):
        OURS[1](*values)
    with pytest.raises(TypeError, match="unexpected keyword"):
        OURS[1](first=1, third=2)


def test_a_copy_with_another_value_and_copies_by_way_of_bytes() -> None:
    place = Place(1, tags={"a": 1}, name="there")
    assert replace(place, x=2) == Place(2, tags={"a": 1}, name="there")
    assert replace(place, x=2) != place
    for again in (pickle.loads(pickle.dumps(place)), copy.copy(place), copy.deepcopy(place)):
        assert again == place
        assert again.name == "there"


def test_classes_of_one_family_are_told_apart() -> None:
    point, place = Point(1), Place(1)
    assert point != place
    assert isinstance(place, Point)
    assert place.twice == 1.0
    assert repr(place) == "Place(x=1, y=0.5, tags={}, note='', name='here')"
    assert Point[int](1) == point
    match place:
        case Point(x, y):
            assert (x, y) == (1, 0.5)


def test_what_holds_itself_is_shown_once() -> None:
    items: list[object] = []
    holder = OURS[0](items)
    items.append(holder)
    assert repr(holder).endswith("One(value=[...])")


def test_options_that_it_does_not_know_are_refused_where_the_class_is_made() -> None:
    class Late:
        value: int

        def __post_init__(self) -> None: ...

    class Hidden:
        value: int = field(default=1, init=False)

    for kind in (Late, Hidden):
        with pytest.raises(TypeError, match="import dataclass from dataclasses"):
            dataclass(frozen=True, slots=True)(kind)


def test_with_other_options_it_is_the_standard_librarys() -> None:
    class Open:
        value: int

    made: Any = dataclass(slots=True)(Open)
    item = made(1)
    item.value = 2
    assert item == made(2)
    assert made.__hash__ is None
