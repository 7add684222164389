"""TJSON, the JSON protocol of Apache Thrift 0.10, to structs and back.

On the wire a value travels in a box that names its type, `{"i32": 5}`, and a struct is an object of
such boxes under their field ids. msgspec decodes straight into generated box types; closures, made
once per struct when it is first needed, then take the values out. Any bytes give a struct or a
`ProtocolError`, and nothing else.

As in Aurora's own decoder, a field of an unknown id, or of a known id and another wire type, is
skipped. `lenient` also takes an unknown enum number for unset, as a server does; a client must not,
since a state that it cannot name is not the absence of a state.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from operator import attrgetter
from types import GenericAlias
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from reconciler.thrift.structs import ScheduledTask, TaskConfig, ThriftStruct, Union

S = TypeVar("S", bound=ThriftStruct | Union)

TAGS = frozenset({"tf", "i8", "i16", "i32", "i64", "dbl", "str", "rec", "lst", "set", "map"})
INT32: Any = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
INT64: Any = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
NAMED_DOUBLES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class ProtocolError(ValueError):
    """The bytes are not what was expected: not TJSON, or not of the expected type."""


def decode(cls: type[S], data: bytes | Raw, *, lenient: bool = False) -> S:
    """Return the bare struct that the bytes hold; ProtocolError for anything else."""
    codec = _codec(cast(Any, cls), lenient)
    found: S = codec.take(parse(codec.wire, data))
    return found


def encode(value: ThriftStruct | Union) -> bytes:
    """Return the struct as compact TJSON, its fields in ascending order of their ids.

    ProtocolError when a union in it has not exactly one member that we know.
    """
    return msgspec.json.encode(_codec(type(value), False).put(value, {}))


def parse(wire: Any, data: bytes | Raw) -> Any:
    """Return the bytes as a value of a msgspec type, with every failure as a ProtocolError."""
    try:
        return _decoder(wire).decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise ProtocolError(str(fault)) from None


def prepare(cls: type[Any], *, lenient: bool = False) -> None:
    """Make all that decoding this struct needs."""
    prepare_wire(_codec(cast(Any, cls), lenient).wire)


def prepare_wire(wire: Any) -> None:
    """Make all that parsing this msgspec type needs."""
    _decoder(wire)


@cache
def _decoder(wire: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(wire)


# By identity, which is enough while a message is made.
Memo = dict[int, Raw]
# The same config is in a message as often as there are tasks of it; of the tasks there are so many
# that it pays not to have all of their parts at a time.
REPEATED, WHOLE = (TaskConfig,), (ScheduledTask,)


@dataclass(frozen=True, slots=True)
class _Codec:
    """How values of one type travel.

    `tag` names the type in a box, `wire` is what msgspec decodes the value to, `kind` the Python
    class of that; `take` makes it ours, and `put` makes of ours what msgspec encodes. The memo has
    what was encoded before in the same message.
    """

    tag: str
    wire: Any
    kind: type
    take: Callable[[Any], Any]
    put: Callable[[Any, Memo], Any]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    id: str
    codec: _Codec


@cache
def _codec(hint: Any, lenient: bool) -> _Codec:
    """Return the codec for a type as it stands in an annotation of `structs`."""
    if get_origin(hint) is Annotated:
        plain, mark = get_args(hint)
        return _marked_codec(plain, mark, lenient)
    if hint is str:
        return _Codec("str", str, str, _same, _put_same)
    if hint is bool:
        # A bool is 1 or 0 on the wire; Aurora refuses `true`.
        return _Codec("tf", Annotated[int, Meta(ge=0, le=1)], int, bool, _put_int)
    if hint is float:
        return _Codec("dbl", float | str, float, _take_double, _put_double)
    if issubclass(hint, IntEnum):
        return _Codec("i32", INT32, int, _enum_taker(hint, lenient), _put_int)
    return _union_codec(hint, lenient) if issubclass(hint, Union) else _struct_codec(hint, lenient)


def _marked_codec(plain: Any, mark: str, lenient: bool) -> _Codec:
    match mark:
        case "i32":
            return _Codec(mark, INT32, int, _same, _put_i32)
        case "i64":
            return _Codec(mark, INT64, int, _same, _put_i64)
        case "map":
            key, item = get_args(plain)
            assert key is str, "no map of api.thrift has another key"
            return _map_codec(item, lenient)
        case _:
            item, *_ = get_args(plain)
            return _sequence_codec(mark, item, lenient)


# --- structs and unions


def _fields(cls: Any, lenient: bool) -> tuple[_Field, ...]:
    """Return the fields of a struct in ascending order of their ids, as they are written."""
    hints = get_type_hints(cls, include_extras=True)
    found = []
    for name in cls.__struct_fields__:
        optional, field_id = get_args(hints[name])
        hint, _ = get_args(optional)
        found.append(_Field(name, str(field_id), _codec(hint, lenient)))
    return tuple(sorted(found, key=lambda field: int(field.id)))


def _struct_codec(cls: Any, lenient: bool) -> _Codec:
    fields = _fields(cls, lenient)
    wire = _struct_wire(cls)
    taking = tuple(
        (f.name, attrgetter(f.name), None if f.codec.take is _same else f.codec.take)
        for f in fields
    )

    def take(boxes: Any) -> Any:
        found = {}
        for name, get, convert in taking:
            box = get(boxes)
            if box is not UNSET:
                value = box.value
                if value is not UNSET:
                    found[name] = value if convert is None else convert(value)
        return cls(**found)

    putting = tuple(
        (f.id, attrgetter(f.name), f.codec.tag, None if f.codec.put is _put_same else f.codec.put)
        for f in fields
    )

    def put(value: Any, memo: Memo) -> Any:
        found = {}
        for field_id, get, tag, convert in putting:
            held = get(value)
            if held is not None:
                found[field_id] = {tag: held if convert is None else convert(held, memo)}
        return found

    if cls in WHOLE:
        return _Codec("rec", wire, wire, take, _at_once(put))
    return _Codec("rec", wire, wire, take, _once(put) if cls in REPEATED else put)


def _at_once(put: Callable[[Any, Memo], Any]) -> Callable[[Any, Memo], Any]:
    """Return a way to encode that leaves nothing but bytes."""
    return lambda value, memo: Raw(msgspec.json.encode(put(value, memo)))


def _once(put: Callable[[Any, Memo], Any]) -> Callable[[Any, Memo], Any]:
    """Return a way to encode that does it once for each value in a message."""

    def put_once(value: Any, memo: Memo) -> Any:
        found = memo.get(id(value))
        if found is None:
            found = memo[id(value)] = Raw(msgspec.json.encode(put(value, memo)))
        return found

    return put_once


@cache
def _struct_wire(cls: Any) -> type:
    """Return the msgspec type of a struct on the wire: a box per field, under the field's id."""
    fields = _fields(cls, False)
    return msgspec.defstruct(
        f"{cls.__name__}Boxes",
        [(f.name, _box(f.codec.tag, f.codec.wire) | UnsetType, UNSET) for f in fields],
        rename={f.name: f.id for f in fields},
        gc=False,
    )


@cache
def _box(tag: str, wire: Any) -> Any:
    """Return the msgspec type of the box of a value; a box of another type leaves it unset."""
    return msgspec.defstruct(
        f"{tag.title()}Box", [("value", wire | UnsetType, UNSET)], rename={"value": tag}, gc=False
    )


def _union_codec(cls: Any, lenient: bool) -> _Codec:
    """A union has exactly one member on the wire, known to us or not: TUnion fails otherwise."""
    fields = _fields(cls, lenient)
    members = {f.id: f for f in fields}
    wire = GenericAlias(dict, (str, _union_box(cls)))

    def take(boxes: Mapping[str, Any]) -> Any:
        if len(boxes) != 1:
            raise ProtocolError(f"{cls.__name__}: a union with {len(boxes)} members")
        [(field_id, box)] = boxes.items()
        field = members.get(field_id)
        value = UNSET if field is None else getattr(box, field.codec.tag)
        if field is None or value is UNSET:
            return cls()
        boxed = parse(field.codec.wire, value) if field.codec.tag == "rec" else value
        return cls(**{field.name: field.codec.take(boxed)})

    def put(value: Any, memo: Memo) -> Any:
        held = [(f, v) for f in fields if (v := getattr(value, f.name)) is not None]
        # Aurora loses data without a word over any other number. None at all is what a member
        # that we do not know was read as, so this may be the world's fault.
        if len(held) != 1:
            raise ProtocolError(f"{cls.__name__}: a union with {len(held)} members set")
        [(field, member)] = held
        return {field.id: {field.codec.tag: field.codec.put(member, memo)}}

    return _Codec("rec", wire, dict, take, put)


@cache
def _union_box(cls: Any) -> Any:
    """Return a box that can hold any member of a union.

    Members of the same tag share a field, so structs stay raw until it is known which one it is.
    """
    wires = {f.codec.tag: f.codec.wire for f in _fields(cls, False)}
    return msgspec.defstruct(
        f"{cls.__name__}Box",
        [(t, (Raw if t == "rec" else w) | UnsetType, UNSET) for t, w in wires.items()],
        gc=False,
    )


# --- containers


def _sequence_codec(mark: str, item: Any, lenient: bool) -> _Codec:
    """A set or list is `[element tag, count, elements...]`, and becomes a tuple in that order."""
    # An unknown number fails a set of enums even at a server. A struct in a
    # set is read as leniently as any other.
    is_enum = isinstance(item, type) and issubclass(item, IntEnum)
    codec = _codec(item, lenient and not is_enum)

    def take(found: list[Any]) -> tuple[Any, ...]:
        head, items = found[:2], found[2:]
        check_head(head, (codec.tag,), len(items))
        if any(type(i) is not codec.kind for i in items):
            raise ProtocolError(f"a {mark} of {codec.tag} with an element of another type")
        return tuple(items) if codec.take is _same else tuple(map(codec.take, items))

    def put(values: tuple[Any, ...], memo: Memo) -> list[Any]:
        return [codec.tag, len(values), *[codec.put(value, memo) for value in values]]

    return _Codec(mark, _list_wire(codec.wire), list, take, put)


def _map_codec(value: Any, lenient: bool) -> _Codec:
    """A map is `[key tag, value tag, count, {...}]`."""
    codec = _codec(value, lenient)

    def take(found: list[Any]) -> dict[str, Any]:
        *head, items = found or [None]
        if not isinstance(items, dict):
            raise ProtocolError("a map without its members")
        check_head(head, ("str", codec.tag), len(items))
        return {k: codec.take(v) for k, v in items.items()}

    def put(values: Mapping[str, Any], memo: Memo) -> list[Any]:
        items = {k: codec.put(v, memo) for k, v in values.items()}
        return ["str", codec.tag, len(values), items]

    return _Codec("map", _list_wire(GenericAlias(dict, (str, codec.wire))), list, take, put)


def check_head(head: list[Any], tags: tuple[str, ...], count: int) -> None:
    """Raise ProtocolError unless a container begins with these tags and this count."""
    *said, number = head or [None]
    if type(number) is not int or number != count or len(said) != len(tags):
        raise ProtocolError(f"a container of {count} is headed {head}")
    # An empty container may name any type: there is nothing to misread.
    if tuple(said) != tags and (count or not all(isinstance(s, str) and s in TAGS for s in said)):
        raise ProtocolError(f"a container of {tags} is headed {head}")


def _list_wire(item: Any) -> Any:
    """Return the msgspec type of an array of a head (text and counts) and items."""
    counts = item if get_origin(item) is Annotated else INT32
    members = str | counts
    return GenericAlias(list, (members if item in (str, counts) else members | item,))


# --- plain values


def _same(value: Any) -> Any:
    return value


def _put_same(value: Any, _: Memo) -> Any:
    return value


def _put_int(value: int, _: Memo) -> int:
    return int(value)


def _put_i32(value: int, _: Memo) -> int:
    assert -(2**31) <= value < 2**31, f"{value} is no i32"
    return value


def _put_i64(value: int, _: Memo) -> int:
    assert -(2**63) <= value < 2**63, f"{value} is no i64"
    return value


def _enum_taker(cls: type[IntEnum], lenient: bool) -> Callable[[int], IntEnum | None]:
    members = {int(member): member for member in cls}

    def take(number: int) -> IntEnum | None:
        member = members.get(number)
        if member is None and not lenient:
            raise ProtocolError(f"{number} is no {cls.__name__}")
        return member

    return take


def _take_double(value: float | str) -> float:
    if isinstance(value, float):
        return value
    if value not in NAMED_DOUBLES:
        raise ProtocolError(f"not a double: {value[:80]!r}")
    return NAMED_DOUBLES[value]


def _put_double(value: float, _: Memo) -> float | str:
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
