"""Values as data that JSON can hold, and back, by what their types say.

Dataclasses, collections, enums and the structs of the wire. A task config, of which thousands of
tasks may be made, is kept once and then named by its number.
"""

import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import IntEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from reconciler.thrift.structs import TaskConfig, ThriftStruct, Union


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
    if isinstance(value, TaskConfig):
        return configs.number(value)
    if isinstance(value, ThriftStruct | Union):
        return msgspec.to_builtins(value)
    if isinstance(value, IntEnum):
        return value.value
    if isinstance(value, bytes):
        return value.decode()
    if is_dataclass(value):
        return [plain(getattr(value, f.name), configs) for f in fields(value)]
    if isinstance(value, Mapping):
        return [[plain(k, configs), plain(v, configs)] for k, v in value.items()]
    if isinstance(value, list | tuple):
        return [plain(item, configs) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item, configs) for item in value)
    return value


def rebuilt(hint: Any, data: Any, configs: Configs) -> Any:
    """Return the value of a type that the data was made of."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return None if data is None else rebuilt(_not_none(args), data, configs)
    if origin is not None and issubclass(origin, Mapping):
        key, item = args
        return {rebuilt(key, k, configs): rebuilt(item, v, configs) for k, v in data}
    if origin is tuple and args[-1] is not Ellipsis:
        return tuple(rebuilt(a, d, configs) for a, d in zip(args, data, strict=True))
    if origin is not None:
        return origin(rebuilt(args[0], item, configs) for item in data)
    return _rebuilt_plain(hint, data, configs)


def _rebuilt_plain(hint: Any, data: Any, configs: Configs) -> Any:
    if hint is TaskConfig:
        return configs.config(data)
    if hint is bytes:
        return data.encode()
    if is_dataclass(hint):
        return _dataclass(hint, data, configs)
    if isinstance(hint, type) and issubclass(hint, ThriftStruct | Union):
        return msgspec.convert(data, hint)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint(data)
    return data


def _dataclass(cls: Any, data: Any, configs: Configs) -> Any:
    hints = _hints(cls)
    values = zip(fields(cls), data, strict=True)
    return cls(**{f.name: rebuilt(hints[f.name], held, configs) for f, held in values})


@cache
def _hints(cls: Any) -> Mapping[str, Any]:
    return get_type_hints(cls)


def _not_none(args: tuple[Any, ...]) -> Any:
    (hint,) = (arg for arg in args if arg is not type(None))
    return hint
