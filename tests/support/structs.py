"""The structs of the wire: any value of one, and what a value says."""

import json
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


def said(value: Any) -> Any:
    """Return a struct as plain values in which only what has meaning differs.

    Sets lose their order. What is unset, zero or empty is left out: to Aurora they are one.
    """
    if isinstance(value, ThriftStruct | Union):
        told = {f: said(getattr(value, f)) for f in value.__struct_fields__}
        return {k: v for k, v in told.items() if v not in (None, 0, False, "", [], {})}
    if isinstance(value, tuple):
        return sorted((said(v) for v in value), key=lambda v: json.dumps(v, sort_keys=True))
    return value
