"""Protobuf messages as plain data, in the form of Protobuf's own JSON; dates and decimals are texts, too."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from worker.events.registered.as_json import decimal_text, of_32_bits
from worker.events.registered.room import NAME, Room

Plain = Any


class Making(NamedTuple):
    """What is shared while one value is converted: the known message types, and how much JSON may still be made."""

    pool: DescriptorPool
    room: Room


_LONG: Final = frozenset(
    {
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
    }
)
"""Types whose numbers become texts, since many readers of JSON round numbers above 2 to the 53rd."""


def plain(message: Message, making: Making) -> Plain:
    """The message with its fields' names in lowerCamelCase.

    A field that is not set is absent, or has its default where the schema names one.
    """
    if special := _SPECIAL.get(message.DESCRIPTOR.full_name):
        return special(message, making)
    found = {field.json_name: _field(field, given, making) for field, given in message.ListFields()}
    for field in _with_default(message.DESCRIPTOR):
        if field.json_name not in found and not _other_of_its_union(message, field):
            found[field.json_name] = _default(field, making)
    making.room.take(1 + NAME * len(found) + sum(map(len, found)))
    return found


def _default(field: FieldDescriptor, making: Making) -> Plain:
    """The field's default. It takes room by itself, since no byte of the value stands for it."""
    if isinstance(field.default_value, str | bytes):
        making.room.take(len(field.default_value))
    return _value(field, field.default_value, making)


@lru_cache(maxsize=2_000)
def _with_default(descriptor: Any) -> tuple[Any, ...]:  # noqa: ANN401  of one implementation or the other
    return tuple(field for field in descriptor.fields if field.has_default_value)


def _other_of_its_union(message: Message, field: FieldDescriptor) -> bool:
    union = field.containing_oneof
    return union is not None and message.WhichOneof(union.name) is not None


def _field(field: FieldDescriptor, given: Any, making: Making) -> Plain:  # noqa: ANN401  any field's
    if not field.is_repeated:
        return _value(field, given, making)
    kind = field.message_type
    if kind is not None and kind.has_options and kind.GetOptions().map_entry:
        of = kind.fields_by_name["value"]
        return {_name(key): _value(of, given[key], making) for key in given}
    return [_value(field, each, making) for each in given]


def _name(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _value(field: FieldDescriptor, given: Any, making: Making) -> Plain:  # noqa: ANN401  any field's
    if field.message_type is not None:
        return plain(given, making)
    if field.enum_type is not None:
        return _symbol(field.enum_type.values_by_number.get(given), given, making)
    if field.type in _LONG:
        return str(given)
    return of_32_bits(given) if field.type == FieldDescriptor.TYPE_FLOAT else given


def _symbol(named: Any, given: int, making: Making) -> Plain:  # noqa: ANN401  a value of an enum
    if not named:
        return given
    making.room.take_text(named.name)
    return named.name


Special = Callable[[Any, Making], Plain]


def _as_json_says(message: Message, making: Making) -> Plain:
    return MessageToDict(message, descriptor_pool=making.pool)


def _wrapped(message: Any, making: Making) -> Plain:  # noqa: ANN401  one of the wrappers
    return _value(message.DESCRIPTOR.fields_by_name["value"], message.value, making)


def _date(message: Any, making: Making) -> Plain:  # noqa: ANN401  google.type.Date
    """A date as a text; in parts where one of them is zero, which means not known."""
    if message.year and message.month and message.day:
        return f"{message.year:04}-{message.month:02}-{message.day:02}"
    return _as_json_says(message, making)


def _time_of_day(message: Any, _: Making) -> Plain:  # noqa: ANN401  google.type.TimeOfDay
    fraction = f".{message.nanos:09}".rstrip("0").rstrip(".")
    return f"{message.hours:02}:{message.minutes:02}:{message.seconds:02}{fraction}"


def _decimal(message: Any, making: Making) -> Plain:  # noqa: ANN401  confluent.type.Decimal
    text = decimal_text(message.value, message.scale)
    making.room.take_text(text)
    return text


def _any(message: Any, making: Making) -> Plain:  # noqa: ANN401  google.protobuf.Any
    """The type and the content of an Any; under `value` where the content is no object of fields."""
    if not message.ListFields():
        return {}
    try:
        kind = making.pool.FindMessageTypeByName(message.type_url.rpartition("/")[2])
    except KeyError:
        raise TypeError(message.type_url) from None
    held = plain(GetMessageClass(kind).FromString(message.value), making)
    told = {"@type": message.type_url}
    return {**told, "value": held} if kind.full_name in _SPECIAL else {**told, **held}


_SPECIAL: Final[dict[str, Special]] = {
    **{
        f"google.protobuf.{name}": _as_json_says
        for name in ("Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue")
    },
    **{
        f"google.protobuf.{name}Value": _wrapped
        for name in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
    },
    "google.protobuf.Any": _any,
    "google.type.Date": _date,
    "google.type.TimeOfDay": _time_of_day,
    "google.type.Decimal": lambda message, _: message.value,
    "confluent.type.Decimal": _decimal,
}
