"""The events of the bench: structured CloudEvents of a wanted size, each with a number of its own."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson

NUMBER = b'"-number-"'
POINT: dict[str, Any] = {
    "type": {"value": "postal", "postal": {"type": {"value": "office"}, "address_1": "345", "city": "Mountain View"}},
    "priority": {"value": "low"},
}
PERSON: dict[str, Any] = {
    "salutation": "Mr.",
    "firstName": "-number-",
    "lastName": "Tierney",
    "jobTitle": "Manager of the western sales district",
    "contactPoints": {
        "contactPoint": [
            {"type": {"value": "email", "email": {"emailAddress": "john.tierney@example.com"}}},
            {"type": {"value": "phone", "phone": {"type": {"value": "home"}, "phoneNo": "2343456", "areaCode": "408"}}},
        ]
    },
}


def customer(size: int) -> dict[str, Any]:
    """A customer of about that many bytes: contact points are added until it is as large."""
    if size < 500:
        return {"type": {"value": "individual"}, "contactPersons": {"contactPerson": [{"firstName": "-number-"}]}}
    person: dict[str, Any] = orjson.loads(orjson.dumps(PERSON))
    data = {"type": {"value": "individual"}, "contactPersons": {"contactPerson": [person]}}
    points = person["contactPoints"]["contactPoint"]
    while len(orjson.dumps(data)) + len(orjson.dumps(POINT)) <= size:
        points.append(POINT)
    return data


@cache
def _templates(size: int) -> tuple[bytes, bytes]:
    data = customer(size)
    event = {
        "specversion": "1.0",
        "id": "-number-",
        "source": "bench",
        "type": "customer.create.requested.v1",
        "data": data,
    }
    body, whole = (orjson.dumps(each).replace(NUMBER, b'"n%d"') for each in (data, event))
    return body, whole


def body(number: int, size: int = 1000) -> bytes:
    """What is sent to the API for the event of that number."""
    return _templates(size)[0] % number


def value(number: int, size: int = 1000) -> bytes:
    """That event."""
    return _templates(size)[1] % (number, number)


@dataclass(frozen=True)
class Backlog:
    """`events` of `size` bytes; `keys` of them distinct (0: all), the first of them with a `hot` share."""

    events: int
    partitions: int = 6
    keys: int = 0
    hot: float = 0.0
    size: int = 1000

    def key(self, number: int) -> int:
        """The key of that event as a number."""
        if self.hot and number % round(1 / self.hot) == 0:
            return 0
        return number % self.keys if self.keys else number
