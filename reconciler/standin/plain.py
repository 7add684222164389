"""Values as data that JSON can hold, and back, by what their types say.

Dataclasses, collections, enums and the structs of the wire. A task config, of which thousands of
tasks may be made, is kept once and then named by its number.
"""

import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import IntEnum
from functools import cache
from operator import attrgetter
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from reconciler.thrift.structs import TaskConfig, ThriftStruct, Union

# Known to msgspec from here on: it crashes when two threads ask for a type at once, the first time.
for _cls in (*ThriftStruct.__subclasses__(), *Union.__subclasses__()):
    msgspec.json.Decoder(_cls)


class Configs:
    """Task configs by number, each of them once."""

    def __init__(self, kept: Iterable[Any] = ()) -> None:
        self._all = [msgspec.convert(data, TaskConfig) for data in kept]
        # By identity, since most are one object, and by content, since some are two alike.
        self._numbers: dict[int, int] = {}
        self._alike: dict[bytes, int] = {}

    def number(self, config: TaskConfig) -> int:
        found = self._numbers.get(id(config))
        if found is None:
            found = self._alike.setdefault(msgspec.json.encode(config), len(self._all))
            self._numbers[id(config)] = found
            if found == len(self._all):
                self._all.append(config)
        return found

    def config(self, number: int) -> TaskConfig:
        return self._all[number]

    def dump(self) -> Any:
        return msgspec.to_builtins(self._all)


def plain(value: Any, configs: Configs) -> Any:
    """Return a value as data; what type it was of is not in there."""
    kind: Any = type(value)
    return _plainer(kind)(value, configs)


@cache
def _plainer(kind: Any) -> Callable[[Any, Configs], Any]:
    """Return how values of a type become data: most of a world are a few types many times."""
    if issubclass(kind, TaskConfig):
        return lambda value, configs: configs.number(value)
    if issubclass(kind, ThriftStruct | Union):
        return lambda value, _: msgspec.to_builtins(value)
    if issubclass(kind, IntEnum):
        return lambda value, _: value.value
    if issubclass(kind, bytes):
        return lambda value, _: value.decode()
    if is_dataclass(kind):
        return _plain_dataclass(kind)
    if issubclass(kind, Mapping):
        return lambda value, cs: [[plain(k, cs), plain(v, cs)] for k, v in value.items()]
    if issubclass(kind, list | tuple):
        return lambda value, configs: [plain(item, configs) for item in value]
    if issubclass(kind, set | frozenset):
        return lambda value, configs: sorted(plain(item, configs) for item in value)
    return lambda value, _: value


def _plain_dataclass(kind: Any) -> Callable[[Any, Configs], Any]:
    getters = tuple(attrgetter(f.name) for f in fields(kind))
    return lambda value, configs: [plain(get(value), configs) for get in getters]


def rebuilt(hint: Any, data: Any, configs: Configs) -> Any:
    """Return the value of a type that the data was made of."""
    return _rebuilder(hint)(data, configs)


@cache
def _rebuilder(hint: Any) -> Callable[[Any, Configs], Any]:
    """Return how data becomes a value of a type."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = _rebuilder(_not_none(args))
        return lambda data, configs: None if data is None else inner(data, configs)
    if origin is not None and issubclass(origin, Mapping):
        key, item = map(_rebuilder, args)
        return lambda data, configs: {key(k, configs): item(v, configs) for k, v in data}
    if origin is tuple and args[-1] is not Ellipsis:
        each = tuple(map(_rebuilder, args))
        return lambda data, cs: tuple(f(d, cs) for f, d in zip(each, data, strict=True))
    if origin is not None:
        inner = _rebuilder(args[0])
        return lambda data, configs: origin(inner(item, configs) for item in data)
    return _plain_rebuilder(hint)


def _plain_rebuilder(hint: Any) -> Callable[[Any, Configs], Any]:
    if hint is TaskConfig:
        return lambda data, configs: configs.config(data)
    if hint is bytes:
        return lambda data, _: data.encode()
    if is_dataclass(hint):
        return _dataclass_rebuilder(hint)
    if isinstance(hint, type) and issubclass(hint, ThriftStruct | Union):
        return lambda data, _: msgspec.convert(data, hint)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return lambda data, _: hint(data)
    return lambda data, _: data


def _dataclass_rebuilder(cls: Any) -> Callable[[Any, Configs], Any]:
    hints = get_type_hints(cls)
    names = tuple(f.name for f in fields(cls))
    # Looked up when they are first needed: one may have itself in it.
    each = tuple(hints[name] for name in names)

    def rebuild(data: Any, configs: Configs) -> Any:
        values = (rebuilt(hint, held, configs) for hint, held in zip(each, data, strict=True))
        return cls(**dict(zip(names, values, strict=True)))

    return rebuild


def _not_none(args: tuple[Any, ...]) -> Any:
    (hint,) = (arg for arg in args if arg is not type(None))
    return hint
