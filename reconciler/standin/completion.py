"""What a struct looks like once Aurora has taken it in.

Its wrappers know no unset number, flag or collection: they become 0, false and empty, and go out
as that. Texts, enums, structs and unions stay unset. A set holds nothing twice.
"""

from collections.abc import Callable, Iterator
from enum import IntEnum
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from reconciler.thrift.structs import ThriftStruct, Union

S = TypeVar("S", bound=ThriftStruct | Union)
Complete = Callable[[Any], Any]


def completed(value: S) -> S:
    """Return the struct as Aurora keeps it, everything in it included."""
    cls: Any = type(value)
    steps = _steps(cls)
    found = {name: step(getattr(value, name)) for name, step in steps}
    done: S = cls(**found)
    return done


@cache
def _steps(cls: Any) -> tuple[tuple[str, Complete], ...]:
    return tuple(_each_step(cls))


def _each_step(cls: type) -> Iterator[tuple[str, Complete]]:
    hints = get_type_hints(cls, include_extras=True)
    for name, hint in hints.items():
        optional, _ = get_args(hint)
        wire_type, *_ = get_args(optional)
        if issubclass(cls, Union):
            yield name, _kept(wire_type)
        else:
            yield name, _filled(wire_type)


def _filled(wire_type: Any) -> Complete:
    """Return how a field is completed where zero and empty stand for unset."""
    if get_origin(wire_type) is Annotated:
        plain, mark = get_args(wire_type)
        if mark in ("i32", "i64"):
            return lambda value: value or 0
        if mark == "map":
            return lambda value: dict(value or {})
        return _filled_items(get_args(plain)[0], is_set=mark == "set")
    if wire_type is bool:
        return lambda value: value or False
    if wire_type is float:
        return lambda value: float(value or 0)
    return _kept(wire_type)


def _filled_items(item_type: Any, *, is_set: bool) -> Complete:
    keep = _kept(item_type)

    def fill(values: tuple[Any, ...] | None) -> tuple[Any, ...]:
        items = map(keep, values or ())
        return tuple(dict.fromkeys(items)) if is_set else tuple(items)

    return fill


def _kept(wire_type: Any) -> Complete:
    """Return how a value is completed that stays unset if it is."""
    if wire_type is float:
        return lambda value: None if value is None else float(value)
    plain = not isinstance(wire_type, type) or issubclass(wire_type, str | int | float | IntEnum)
    if plain:
        return lambda value: value
    return lambda value: None if value is None else completed(value)
