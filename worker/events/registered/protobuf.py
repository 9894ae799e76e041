"""Protobuf: finds which message of its file a value is, and reads that message as JSON."""

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from worker.customer.documents import Unreadable
from worker.events.registered.as_json import as_json
from worker.events.registered.messages import Making, plain
from worker.events.registered.room import Room
from worker.events.registered.schema import Read

_MOST_INDEXES = 32
_LONGEST = 5
"""A number of a message's place takes at most so many bytes."""


def protobuf_reader(descriptors: bytes) -> Read:
    """A reader for a compiled set of files, the last of which is the schema's own."""
    files = FileDescriptorSet.FromString(descriptors)
    pool = DescriptorPool()
    for file in files.file:
        pool.Add(file)
    own = files.file[-1]
    classes: dict[tuple[int, ...], type[Message]] = {}

    def to_json(body: bytes, most: int) -> bytes:
        indexes, start = _indexes(body)
        if (class_ := classes.get(indexes)) is None:
            class_ = classes[indexes] = GetMessageClass(pool.FindMessageTypeByName(_name(own, indexes)))
        try:
            return as_json(plain(class_.FromString(body[start:]), Making(pool, Room(most))))
        except (DecodeError, ValueError, TypeError, RecursionError) as error:
            if isinstance(error, Unreadable):
                raise
            raise Unreadable(f"the value is not as its Protobuf schema says ({type(error).__name__})") from None

    return to_json


def _name(file: FileDescriptorProto, indexes: tuple[int, ...]) -> str:
    """The message's full name.

    The first index is among the file's messages, each next one inside the message before.
    """
    inside, path = list(file.message_type), [file.package] if file.package else []
    for index in indexes:
        if not 0 <= index < len(inside):
            raise Unreadable("the value is a message that its Protobuf schema does not have")
        found: DescriptorProto = inside[index]
        path.append(found.name)
        inside = list(found.nested_type)
    return ".".join(path)


def _indexes(body: bytes) -> tuple[tuple[int, ...], int]:
    """The indexes of the message, and where it begins. They are a count and so many numbers, zigzag; a 0 means [0]."""
    count, at = _number(body, 0)
    if count == 0:
        return (0,), at
    if not 0 < count <= _MOST_INDEXES:
        raise Unreadable("the value does not say which message of its Protobuf schema it is")
    found = []
    for _ in range(count):
        index, at = _number(body, at)
        found.append(index)
    return tuple(found), at


def _number(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(body[at : at + _LONGEST]):
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), at + place + 1
    raise Unreadable("the value does not say which message of its Protobuf schema it is")
