"""Values that many tests need: the API's own examples, records, events, generated customers."""

from pathlib import Path
from typing import Any, Final

import orjson
import typer
from hypothesis import assume
from hypothesis import strategies as st

from worker.intake.dispatch import Dispatch
from worker.model.records import Record

SEEDS: Final = Path(__file__).parent / "seeds"
"""The examples from the API's own pages, word for word."""


SMALL_CUSTOMER: Final = {
    "type": {"value": "individual"},
    "contactPersons": {"contactPerson": [{"firstName": "Jack"}]},
}
"""The smallest valid customer, in the API's form."""


def seed(name: str) -> bytes:
    """An example by its file name: `individual-required` or `individual-all`, with `.json` or `.xml`."""
    return (SEEDS / name).read_bytes()


def record(value: bytes | None, *headers: tuple[str, bytes | None]) -> Record:
    """That value as the record at offset 7 of partition 3 of `requests`."""
    return Record("requests", 3, 7, 1_764_000_000_000, b"key", value, headers)


ATTRIBUTES: Final = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "urn:crm",
    "type": "customer.create.requested.v1",
    "subject": "customer-17",
}
"""The attributes of a valid CloudEvent."""


def structured(data: Any, **attributes: Any) -> Record:  # any JSON value
    """A structured CloudEvent with that data; an attribute that is None is left out."""
    merged = {**ATTRIBUTES, "data": data, **attributes}
    value = orjson.dumps({name: item for name, item in merged.items() if item is not None})
    return record(value, ("content-type", b"application/cloudevents+json"))


def binary(value: bytes | None, media: str = "application/json", **attributes: str | None) -> Record:
    """A binary CloudEvent with that value; an attribute that is None is left out."""
    merged = {**ATTRIBUTES, **attributes}
    headers = [(f"ce_{name}", item.encode()) for name, item in merged.items() if item is not None]
    return record(value, *headers, ("content-type", media.encode()))


# --- customers --------------------------------------------------------------------------------------------------------

_CHARACTERS: Final = st.one_of(
    st.sampled_from("aZ09 <>&\"'\t\n\r\x7f\x85é漢😀\ud7ff\ue000\ufffd\U0010ffff"),
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
)
_ATTRIBUTE_CHARACTERS: Final = st.sampled_from("aZ09 @:._-&,()?#='\"\x80é漢😀")


def texts(limit: int = 40, *, empty: bool = True) -> st.SearchStrategy[str]:
    """Texts that XML can hold: short ones, and ones of exactly `limit` characters."""
    short = st.text(_CHARACTERS, min_size=0 if empty else 1, max_size=min(limit, 6))
    return short | _CHARACTERS.map(lambda character: character * limit)


def one_of(values: str) -> st.SearchStrategy[str]:
    """One of the values, which are separated by bars."""
    return st.sampled_from(values.split("|"))


def wrapped(values: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Each value as `{"value": ...}`."""
    return values.map(lambda value: {"value": value})


def element(**children: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Elements with their children in the API's order; children whose name ends with an underscore are always there."""
    required = {name.removesuffix("_"): values for name, values in children.items() if name.endswith("_")}
    optional = {name: values for name, values in children.items() if not name.endswith("_")}
    order = [name.removesuffix("_") for name in children]
    mixed = st.fixed_dictionaries(required, optional=optional)
    full = st.fixed_dictionaries({**required, **optional})
    return (mixed | full).map(lambda found: {name: found[name] for name in order if name in found})


def _digits(limit: int) -> st.SearchStrategy[str]:
    return st.integers(0, 10**limit - 1).map(str) | st.just("9" * limit) | st.just("0" * limit)


_DATES: Final = one_of("1965-12-09T00:00:00.000Z|1900-01-01|1999-12-31T23:59:59+05:30|2000-02-29T12:00Z")
_EMAILS: Final = st.integers(0, 10**9).map(lambda number: f"e{number}'+@x.example") | st.integers(0, 10**9).map(
    lambda number: f"{number:0243d}@x.example"
)
_ATTRIBUTES: Final = element(
    customAttribute_=st.lists(
        element(
            attribName_=texts(empty=False),
            attribValues_=element(
                attribValue_=st.lists(wrapped(st.text(_ATTRIBUTE_CHARACTERS, max_size=6)), min_size=1, max_size=2)
            ),
        ),
        min_size=1,
        max_size=2,
    )
)
_PHONE: Final = element(
    type_=wrapped(one_of("home|office|mobile|fax|pager")),
    phoneNo_=texts(40, empty=False),
    countryCode=_digits(9),
    areaCode=texts(10),
    extension=texts(10),
    availability=element(
        days=wrapped(one_of("weekdays|weekends|any_day")),
        times=wrapped(one_of("mornings|afternoons|evenings|day|anytime")),
    ),
)
_POSTAL: Final = element(
    type_=wrapped(one_of("office|home")),
    address_1_=texts(empty=False),
    address_2=texts(),
    city=texts(),
    state=texts(),
    zip=texts(),
    country=texts(),
    region=texts(),
)
_CONTACT_POINT: Final = element(
    type_=st.one_of(
        element(value_=st.just("phone"), phone_=_PHONE),
        element(value_=st.just("postal"), postal_=_POSTAL),
        element(value_=st.just("email"), email_=element(emailAddress_=_EMAILS)),
    ),
    priority=wrapped(one_of("low|medium|high")),
    customAttributes=_ATTRIBUTES,
)
_CONTACT_PERSON: Final = element(
    salutation=one_of("Mr.|Mrs.|Ms.|Miss"),
    firstName_=texts(124, empty=False),
    middleName=texts(124),
    lastName=texts(124),
    loginId=texts(255),
    gender=wrapped(one_of("male|female")),
    identification=element(type=texts(), value=texts(255)),
    suffix=wrapped(one_of("jr.|sr.|i|ii|iii")),
    initials=texts(16),
    secretQuestion=texts(255),
    secretAnswer=texts(255),
    hasDirectMailingConsent=one_of("true|false"),
    hasDirectCallingConsent=one_of("true|false"),
    hasHoldingDataConsent=one_of("true|false"),
    jobTitle=texts(255),
    employmentStatus=wrapped(one_of("part-time|full-time|temporary|contract|intern|unemployed")),
    priority=texts(255),
    dateOfBirth=_DATES,
    maritalStatus=wrapped(one_of("married|single|separated|divorced|widowed")),
    type=wrapped(texts()),
    firstNameFurigana=texts(124),
    middleNameFurigana=texts(124),
    lastNameFurigana=texts(124),
    startGreeting=texts(255),
    endGreeting=texts(255),
    spouseName=texts(512),
    emergencyContact=texts(50),
    occupation=texts(255),
    incomeLevel=texts(255),
    educationLevel=wrapped(one_of("high school|graduate|post graduate|doctorate")),
    race=texts(),
    dependents=texts(),
    isSmoker=texts(),
    hobbies=texts(),
    interests=texts(),
    contactOrder=texts(),
    customAttributes=_ATTRIBUTES,
    contactPoints=element(contactPoint_=st.lists(_CONTACT_POINT, min_size=1, max_size=2)),
)
_GROUP: Final = element(
    type_=wrapped(texts(empty=False)),
    region=texts(),
    numberOfMembers=_digits(19),
    income=texts(20),
    currency=texts(255),
    registrationNumber=texts(255),
    affiliation=texts(50),
)


def _customers() -> st.SearchStrategy[dict[str, Any]]:
    details: dict[str, st.SearchStrategy[Any]] = {
        "level": wrapped(texts()),
        "role": wrapped(one_of("Partner|Reseller|Customer")),
        "pin": texts(255),
        "howReferred": wrapped(one_of("Website|Customer|Partner|Employee|Reseller")),
        "industry": wrapped(texts()),
        "marketSegment": texts(50),
        "entitlements": texts(1024),
        "customAttributes": _ATTRIBUTES,
    }
    department = element(name_=texts(empty=False))
    individual = element(
        department=department,
        type_=element(value_=st.just("individual")),
        **details,
        contactPersons_=element(contactPerson_=st.lists(_CONTACT_PERSON, min_size=1, max_size=1)),
    )
    group = element(
        department=department,
        type_=element(value_=st.just("group"), group_=_GROUP),
        customerName_=texts(124, empty=False),
        **details,
        contactPersons=element(contactPerson_=st.lists(_CONTACT_PERSON, min_size=1, max_size=2)),
    )
    return individual | group


def _emails_differ(customer: dict[str, Any]) -> bool:
    persons = customer.get("contactPersons", {}).get("contactPerson", [])
    points = [point for person in persons for point in person.get("contactPoints", {}).get("contactPoint", [])]
    emails = [point["type"]["email"]["emailAddress"] for point in points if point["type"]["value"] == "email"]
    return len(emails) == len(set(emails))


_CUSTOMERS: Final = _customers()


@st.composite
def valid_customers(draw: st.DrawFn) -> dict[str, Any]:
    """Valid customers in exactly the API's form, with any elements, up to their limits; for use without a catalog."""
    customer = draw(_CUSTOMERS)
    assume(_emails_differ(customer))
    return customer


def commands_of(app: typer.Typer) -> set[str]:
    """The command names that may follow `customer-worker`."""
    return set(typer.main.get_group(app).commands)


def committable(dispatch: Dispatch) -> dict[int, int]:
    """The offset that a commit would store now, by partition."""
    return {number: progress.offset for number, progress in dispatch.to_store().items()}
