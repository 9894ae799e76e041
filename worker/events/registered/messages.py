"""Protobuf messages as plain data, as Protobuf's own JSON has them; dates and decimals are texts, too."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from worker.events.registered.as_json import decimal_of, of_32_bits

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
    found = {field.json_name: _field(field, given, pool) for field, given in message.ListFields()}
    for field in _with_default(message.DESCRIPTOR):
        if field.json_name not in found and not _other_of_its_union(message, field):
            found[field.json_name] = _value(field, field.default_value, pool)
    return found


@lru_cache(maxsize=2_000)
def _with_default(descriptor: Any) -> tuple[Any, ...]:  # noqa: ANN401  of one implementation or the other
    return tuple(field for field in descriptor.fields if field.has_default_value)


def _other_of_its_union(message: Message, field: FieldDescriptor) -> bool:
    union = field.containing_oneof
    return union is not None and message.WhichOneof(union.name) is not None


def _field(field: FieldDescriptor, given: Any, pool: DescriptorPool) -> Plain:  # noqa: ANN401  any field's
    if not field.is_repeated:
        return _value(field, given, pool)
    kind = field.message_type
    if kind is not None and kind.has_options and kind.GetOptions().map_entry:
        of = kind.fields_by_name["value"]
        return {_name(key): _value(of, given[key], pool) for key in given}
    return [_value(field, each, pool) for each in given]


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
    return of_32_bits(given) if field.type == FieldDescriptor.TYPE_FLOAT else given


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
