"""TBinary, the binary protocol of Apache Thrift 0.10, to structs and back.

A value has no name of its type around it here: a field has a number for it, and what follows must
be that. As libthrift does, a container is read as what api.thrift says, whatever the bytes say that
it holds. So bytes that are wrong may be read as something else, and are, as they are there.

Any bytes give a struct or a `ProtocolError`, and nothing else. An unknown enum number is unset, as
a server takes it; a client of ours speaks TJSON.
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

from reconciler.thrift.structs import ThriftStruct, Union
from reconciler.thrift.tjson import ProtocolError

S = TypeVar("S", bound=ThriftStruct | Union)

STOP, BOOL, BYTE, DOUBLE, I16, I32, I64 = 0, 2, 3, 4, 6, 8, 10
STRING, STRUCT, MAP, SET, LIST = 11, 12, 13, 14, 15
_FIXED = {BOOL: 1, BYTE: 1, DOUBLE: 8, I16: 2, I32: 4, I64: 8}
_READABLE = {*_FIXED, STRING, STRUCT, MAP, SET, LIST}

_I16, _I32, _I64, _DOUBLE = (struct.Struct(f">{code}") for code in "hiqd")


class NegativeLengthError(ProtocolError):
    """A text or a container says that it is shorter than nothing; libthrift tells the caller."""


def decode(cls: type[S], reader: "Reader") -> S:
    """Return the bare struct that comes next; ProtocolError for anything else."""
    with _bounded():
        found: S = _codec(cast(Any, cls)).take(reader)
    return found


def pass_over(reader: "Reader") -> None:
    """Read the bare struct that comes next, whatever it is; ProtocolError when it is none."""
    with _bounded():
        reader.skip(STRUCT)


@contextmanager
def _bounded() -> Iterator[None]:
    """Turn what is nested more deeply than we can follow into what callers know."""
    try:
        yield
    except RecursionError:
        raise ProtocolError("nested too deeply") from None


def encode(value: ThriftStruct | Union) -> bytes:
    """Return the struct as bytes, its fields in ascending order of their ids.

    ProtocolError when a union in it has not exactly one member that we know.
    """
    out = bytearray()
    _codec(type(value)).put(out, value)
    return bytes(out)


# --- the bytes


class Reader:
    """Bytes, and how far they were read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise ProtocolError(f"{end - len(self._data)} more bytes were expected")
        found = self._data[self._at : end]
        self._at = end
        return found

    def byte(self) -> int:
        return self.take(1)[0]

    def i16(self) -> int:
        found: int = _I16.unpack(self.take(2))[0]
        return found

    def i32(self) -> int:
        found: int = _I32.unpack(self.take(4))[0]
        return found

    def i64(self) -> int:
        found: int = _I64.unpack(self.take(8))[0]
        return found

    def double(self) -> float:
        found: float = _DOUBLE.unpack(self.take(8))[0]
        return found

    def text(self) -> str:
        return self.take(self.length()).decode(errors="replace")

    def length(self) -> int:
        found = self.i32()
        if found < 0:
            raise NegativeLengthError(f"Negative length: {found}")
        return found

    def field(self) -> tuple[int, int]:
        """Return type and id of the next field; a STOP has none."""
        kind = self.byte()
        return kind, 0 if kind == STOP else self.i16()

    def skip(self, kind: int) -> None:
        """Pass over a value; of a type that there is not, over nothing."""
        if kind in _FIXED:
            self.take(_FIXED[kind])
        elif kind == STRING:
            self.take(self.length())
        elif kind == STRUCT:
            while (found := self.byte()) != STOP:
                self.i16()
                self.skip(found)
        elif kind in (SET, LIST):
            self._skip_items((self.byte(),), self.length())
        elif kind == MAP:
            self._skip_items((self.byte(), self.byte()), self.length())

    def _skip_items(self, kinds: tuple[int, ...], count: int) -> None:
        if all(kind in _FIXED for kind in kinds):
            self.take(count * sum(_FIXED[kind] for kind in kinds))
        elif any(kind in _READABLE for kind in kinds):
            for _ in range(count):
                for kind in kinds:
                    self.skip(kind)


# --- values


@dataclass(frozen=True, slots=True)
class _Codec:
    """How values of one type travel: the number of the type, and both ways."""

    kind: int
    take: Callable[[Reader], Any]
    put: Callable[[bytearray, Any], None]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    id: int
    codec: _Codec
    head: bytes


@cache
def _codec(hint: Any) -> _Codec:
    """Return the codec for a type as it stands in an annotation of `structs`."""
    if get_origin(hint) is Annotated:
        plain, mark = get_args(hint)
        return _marked_codec(plain, mark)
    if hint is str:
        return _Codec(STRING, Reader.text, put_text)
    if hint is bool:
        return _Codec(BOOL, lambda reader: reader.byte() == 1, lambda out, v: out.append(int(v)))
    if hint is float:
        return _Codec(DOUBLE, Reader.double, lambda out, v: out.extend(_DOUBLE.pack(v)))
    if issubclass(hint, IntEnum):
        members = {int(member): member for member in hint}
        return _Codec(I32, lambda reader: members.get(reader.i32()), put_i32)
    return _union_codec(hint) if issubclass(hint, Union) else _struct_codec(hint)


def _marked_codec(plain: Any, mark: str) -> _Codec:
    match mark:
        case "i32":
            return _Codec(I32, Reader.i32, put_i32)
        case "i64":
            return _Codec(I64, Reader.i64, lambda out, v: out.extend(_I64.pack(v)))
        case "map":
            return _map_codec(*get_args(plain))
        case _:
            item, *_ = get_args(plain)
            return _sequence_codec(SET if mark == "set" else LIST, item)


def put_i32(out: bytearray, value: int) -> None:
    """Append a whole number of four bytes."""
    out.extend(_I32.pack(value))


def put_text(out: bytearray, value: str) -> None:
    """Append a text, which is told with its length."""
    told = value.encode(errors="replace")
    put_i32(out, len(told))
    out.extend(told)


# --- structs and unions


def _fields(cls: Any) -> tuple[_Field, ...]:
    """Return the fields of a struct in ascending order of their ids, as they are written."""
    hints = get_type_hints(cls, include_extras=True)
    found = []
    for name in cls.__struct_fields__:
        optional, field_id = get_args(hints[name])
        codec = _codec(get_args(optional)[0])
        found.append(_Field(name, field_id, codec, bytes([codec.kind]) + _I16.pack(field_id)))
    return tuple(sorted(found, key=lambda field: field.id))


def _struct_codec(cls: Any) -> _Codec:
    fields = _fields(cls)
    known = {(f.codec.kind, f.id): f for f in fields}

    def take(reader: Reader) -> Any:
        found = {}
        while (head := reader.field())[0] != STOP:
            field = known.get(head)
            if field is None:
                reader.skip(head[0])
            else:
                found[field.name] = field.codec.take(reader)
        return cls(**found)

    def put(out: bytearray, value: Any) -> None:
        for field in fields:
            held = getattr(value, field.name)
            if held is not None:
                out.extend(field.head)
                field.codec.put(out, held)
        out.append(STOP)

    return _Codec(STRUCT, take, put)


def _union_codec(cls: Any) -> _Codec:
    fields = _fields(cls)
    known = {(f.codec.kind, f.id): f for f in fields}

    def take(reader: Reader) -> Any:
        head = reader.field()
        field = known.get(head)
        if field is None:
            reader.skip(head[0])
        value = None if field is None else field.codec.take(reader)
        # The end, libthrift supposes, and does not look.
        reader.field()
        return cls() if field is None or value is None else cls(**{field.name: value})

    def put(out: bytearray, value: Any) -> None:
        held = [(f, v) for f in fields if (v := getattr(value, f.name)) is not None]
        if len(held) != 1:
            raise ProtocolError(f"{cls.__name__}: a union with {len(held)} members set")
        [(field, member)] = held
        out.extend(field.head)
        field.codec.put(out, member)
        out.append(STOP)

    return _Codec(STRUCT, take, put)


# --- containers


def _sequence_codec(kind: int, item: Any) -> _Codec:
    codec = _codec(item)
    is_enum = isinstance(item, type) and issubclass(item, IntEnum)

    def take(reader: Reader) -> tuple[Any, ...]:
        reader.byte()
        found = tuple(codec.take(reader) for _ in range(reader.length()))
        if is_enum and None in found:
            # Java's sets of enums take no null.
            raise ProtocolError(f"an unknown number among {item.__name__}s")
        return found

    def put(out: bytearray, values: tuple[Any, ...]) -> None:
        out.append(codec.kind)
        put_i32(out, len(values))
        for value in values:
            codec.put(out, value)

    return _Codec(kind, take, put)


def _map_codec(key: Any, value: Any) -> _Codec:
    keys, values = _codec(key), _codec(value)

    def take(reader: Reader) -> dict[Any, Any]:
        reader.take(2)
        count = reader.length()
        return {keys.take(reader): values.take(reader) for _ in range(count)}

    def put(out: bytearray, held: dict[Any, Any]) -> None:
        out.extend((keys.kind, values.kind))
        put_i32(out, len(held))
        for name, item in held.items():
            keys.put(out, name)
            values.put(out, item)

    return _Codec(MAP, take, put)
