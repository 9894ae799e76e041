"""A contact point: one way to reach a contact person, by phone, post or e-mail."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from worker.customer import namespaces
from worker.customer.custom_attribute import ContactPointAttributes
from worker.customer.element import FILLED, Text, Text10, Text40, Text255, Value, element
from worker.customer.rules import EMAIL_ADDRESS, From, configured, digits

PhoneType = Literal["home", "office", "mobile", "fax", "pager"]
Days = Literal["weekdays", "weekends", "any_day"]
Times = Literal["mornings", "afternoons", "evenings", "day", "anytime"]
Priority = Literal["low", "medium", "high"]


@element(namespaces.CONTACT_POINT, page="Create Contact Point")
class Availability(TypedDict, total=False):
    """When somebody answers the phone."""

    days: Value[Days]
    times: Value[Times]


@element(namespaces.CONTACT_POINT, page="Create Contact Point")
class Phone(TypedDict):
    """A phone number in its parts."""

    type: Value[PhoneType]
    phoneNo: Annotated[Text40, FILLED]
    countryCode: NotRequired[Annotated[Text, digits(9)]]
    areaCode: NotRequired[Text10]
    extension: NotRequired[Text10]
    availability: NotRequired[Availability]


@element(namespaces.CONTACT_POINT, page="Create Individual Customer Examples")
class Postal(TypedDict):
    """A postal address. No readable page states its limits or its types, so only the shape is checked."""

    # That these two are required is stated for a newer version of the API only.
    type: Annotated[Value[Text], From("Create Customer (v3)")]
    address_1: Annotated[Text, FILLED, From("Create Customer (v3)")]
    address_2: NotRequired[Text]
    city: NotRequired[Text]
    state: NotRequired[Text]
    zip: NotRequired[Text]
    country: NotRequired[Annotated[Text, configured("countries"), From("Get Customer Attributes")]]
    region: NotRequired[Text]


@element(namespaces.CONTACT_POINT, page="Create Contact Point")
class Email(TypedDict):
    """An e-mail address."""

    emailAddress: Annotated[Text255, EMAIL_ADDRESS]


@element(namespaces.CONTACT_POINT, page="Create Contact Point")
class PhoneContact(TypedDict):
    """Reached by phone."""

    value: Literal["phone"]
    phone: Phone


@element(namespaces.CONTACT_POINT, page="Create Contact Point")
class PostalContact(TypedDict):
    """Reached by post."""

    value: Literal["postal"]
    postal: Postal


@element(namespaces.CONTACT_POINT, page="Create Contact Point")
class EmailContact(TypedDict):
    """Reached by e-mail."""

    value: Literal["email"]
    email: Email


@element(namespaces.CONTACT_POINT, page="Create Contact Point")
class ContactPoint(TypedDict):
    """A contact point and how much it matters."""

    type: Annotated[PhoneContact | PostalContact | EmailContact, Field(discriminator="value")]
    priority: NotRequired[Value[Priority]]
    customAttributes: NotRequired[ContactPointAttributes]


@element(namespaces.CONTACT_POINT, page="Create Contact Person")
class ContactPoints(TypedDict):
    """The contact points of one contact person."""

    contactPoint: Annotated[list[ContactPoint], Field(min_length=1)]
