"""The messages of `calls` in the binary protocol, which Aurora's own Python client speaks.

Written strictly, with a version before the name; read either way, as Aurora's servlet does.
"""

import msgspec

from reconciler.thrift import binary
from reconciler.thrift.binary import NegativeLengthError, Reader
from reconciler.thrift.calls import (
    CALL,
    EXCEPTION,
    METHODS,
    REPLY,
    ApplicationError,
    ApplicationException,
    Call,
    Reply,
    UnknownMethod,
    UnreadableArguments,
    args_struct,
    arguments,
)
from reconciler.thrift.structs import Response, ThriftStruct
from reconciler.thrift.tjson import ProtocolError

VERSION_1, VERSION_MASK = 0x80010000, 0xFFFF0000


def decode_call(data: bytes) -> Call:
    """Return the call that the bytes begin with, read as a server does.

    Raises UnknownMethod, UnreadableArguments where the caller is told of it, and ProtocolError.
    """
    reader = Reader(data)
    method, message_type, seqid = _head(reader)
    if method not in METHODS:
        binary.pass_over(reader)
        raise UnknownMethod(method, seqid)
    try:
        found = binary.decode(args_struct(method), reader)
    except NegativeLengthError as fault:
        raise UnreadableArguments(method, seqid, str(fault)) from None
    return Call(method, seqid, message_type, msgspec.structs.asdict(found))


def encode_call(method: str, seqid: int, **args: object) -> bytes:
    """Return the call as bytes; an argument that is None is not sent."""
    return _message(method, CALL, seqid, arguments(method, args))


def encode_reply(method: str, seqid: int, response: Response) -> bytes:
    """Return the reply of a server as bytes."""
    return _message(method, REPLY, seqid, Reply(success=response))


def encode_exception(method: str, seqid: int, message: str, type: int) -> bytes:
    """Return a TApplicationException as bytes."""
    fault = ApplicationException(message=message, type=type)
    return _message(method, EXCEPTION, seqid, fault)


def decode_reply(data: bytes, method: str) -> Response:
    """Return the response to a call of `method`; ApplicationError if the server raised one."""
    reader = Reader(data)
    name, message_type, _ = _head(reader)
    if name != method:
        raise ProtocolError(f"asked {method}, answered {name[:80]!r}")
    if message_type == EXCEPTION:
        fault = binary.decode(ApplicationException, reader)
        raise ApplicationError(fault.message or "", fault.type or 0)
    response = binary.decode(Reply, reader).success
    if message_type != REPLY or response is None:
        raise ProtocolError(f"{method}: a reply without a response")
    return response


def _head(reader: Reader) -> tuple[str, int, int]:
    """Return method, message type and seqid, with a version before them or without."""
    first = reader.i32()
    if first >= 0:
        return reader.take(first).decode(errors="replace"), reader.byte(), reader.i32()
    if (first & VERSION_MASK) != VERSION_1:
        raise ProtocolError(f"a message of version {first & VERSION_MASK:#x}")
    return reader.text(), first & 0xFF, reader.i32()


def _message(method: str, message_type: int, seqid: int, body: ThriftStruct) -> bytes:
    out = bytearray((VERSION_1 | message_type).to_bytes(4))
    binary.put_text(out, method)
    binary.put_i32(out, seqid)
    out.extend(binary.encode(body))
    return bytes(out)
