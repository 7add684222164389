"""Hypothesis strategies for the structs of the wire, made from their annotations."""

import math
from enum import IntEnum
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from reconciler.thrift import structs
from reconciler.thrift.structs import ThriftStruct, Union

STRUCTS: tuple[type[Any], ...] = tuple(
    cls
    for cls in vars(structs).values()
    if isinstance(cls, type) and issubclass(cls, ThriftStruct | Union)
    if cls not in (ThriftStruct, Union)
)


@cache
def a(cls: Any) -> st.SearchStrategy[Any]:
    """Return any value of a struct or union that can travel: a union has exactly one member."""
    hints = get_type_hints(cls, include_extras=True)
    fields = {name: _values(get_args(get_args(hints[name])[0])[0]) for name in hints}
    if issubclass(cls, Union):
        return st.one_of(*(st.builds(cls, **{name: s}) for name, s in fields.items()))
    return st.builds(cls, **{name: st.none() | s for name, s in fields.items()})


@cache
def _values(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) is Annotated:
        return _marked(*get_args(hint))
    if hint is str:
        return st.text(max_size=8)
    if hint is bool:
        return st.booleans()
    if hint is float:
        # NaN is unequal to itself; it has a test of its own.
        return st.floats(allow_nan=False) | st.just(math.inf)
    return st.sampled_from(list(hint)) if issubclass(hint, IntEnum) else a(hint)


def _marked(plain: Any, mark: str) -> st.SearchStrategy[Any]:
    match mark:
        case "i32" | "i64":
            most = 2 ** (31 if mark == "i32" else 63)
            return st.integers(-most, most - 1)
        case "map":
            key, value = get_args(plain)
            return st.dictionaries(_values(key), _values(value), max_size=2)
        case _:
            return st.lists(_values(get_args(plain)[0]), max_size=2).map(tuple)
