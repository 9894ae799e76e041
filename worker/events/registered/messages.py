"""Protobuf messages as plain data, as Protobuf's own JSON has them; dates and decimals are texts, too."""

import struct
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from worker.events.registered.as_json import decimal_of

Plain = Any

_LONG: Final = frozenset(
    {
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
    }
)
"""Texts, since many readers of JSON round a larger number than 2 to the 53rd."""


def plain(message: Message, pool: DescriptorPool) -> Plain:
    """Names in lowerCamelCase; a field that is not set is absent, or its schema's own default where that names one."""
    if special := _SPECIAL.get(message.DESCRIPTOR.full_name):
        return special(message, pool)
    value = partial(_value, pool=pool)
    found = {field.json_name: _field(field, given, value) for field, given in message.ListFields()}
    for field in _with_default(message):
        if field.json_name not in found and not _other_of_its_union(message, field):
            found[field.json_name] = value(field, field.default_value)
    return found


def _with_default(message: Message) -> Iterable[Any]:
    return (field for field in message.DESCRIPTOR.fields if field.has_default_value)


def _other_of_its_union(message: Message, field: FieldDescriptor) -> bool:
    union = field.containing_oneof
    return union is not None and message.WhichOneof(union.name) is not None


def _field(field: FieldDescriptor, given: Any, value: Callable[[FieldDescriptor, Any], Plain]) -> Plain:  # noqa: ANN401
    kind = field.message_type
    if kind is not None and kind.has_options and kind.GetOptions().map_entry:
        of = kind.fields_by_name["value"]
        return {_name(key): value(of, given[key]) for key in given}
    return [value(field, each) for each in given] if field.is_repeated else value(field, given)


def _name(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _value(field: FieldDescriptor, given: Any, pool: DescriptorPool) -> Plain:  # noqa: ANN401  any field's
    if field.message_type is not None:
        return plain(given, pool)
    if field.enum_type is not None:
        named = field.enum_type.values_by_number.get(given)
        return named.name if named else given
    if field.type in _LONG:
        return str(given)
    return _shortest(given) if field.type == FieldDescriptor.TYPE_FLOAT else given


def _shortest(given: float) -> float:
    """As few digits as tell it from every other number of its 32 bits: what its author wrote."""
    bits = struct.pack("f", given)
    return next(
        (short for places in (6, 7, 8) if struct.pack("f", short := float(f"{given:.{places}g}")) == bits), given
    )


Special = Callable[[Any, DescriptorPool], Plain]


def _as_json_says(message: Message, pool: DescriptorPool) -> Plain:
    return MessageToDict(message, descriptor_pool=pool)


def _wrapped(message: Any, pool: DescriptorPool) -> Plain:  # noqa: ANN401  one of the wrappers
    return _value(message.DESCRIPTOR.fields_by_name["value"], message.value, pool)


def _date(message: Any, pool: DescriptorPool) -> Plain:  # noqa: ANN401  google.type.Date
    """A part that is not known is zero: then it is no day, and its parts are told."""
    if message.year and message.month and message.day:
        return f"{message.year:04}-{message.month:02}-{message.day:02}"
    return _as_json_says(message, pool)


def _time_of_day(message: Any, _: DescriptorPool) -> Plain:  # noqa: ANN401  google.type.TimeOfDay
    fraction = f".{message.nanos:09}".rstrip("0").rstrip(".")
    return f"{message.hours:02}:{message.minutes:02}:{message.seconds:02}{fraction}"


def _decimal(message: Any, _: DescriptorPool) -> Plain:  # noqa: ANN401  confluent.type.Decimal
    return decimal_of(message.value, message.scale)


_SPECIAL: Final[dict[str, Special]] = {
    **{
        f"google.protobuf.{name}": _as_json_says
        for name in ("Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue", "Any")
    },
    **{
        f"google.protobuf.{name}Value": _wrapped
        for name in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
    },
    "google.type.Date": _date,
    "google.type.TimeOfDay": _time_of_day,
    "google.type.Decimal": lambda message, _: message.value,
    "confluent.type.Decimal": _decimal,
}
