"""The customer: an individual with exactly one contact person, or a group with any number of them."""

from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from worker.customer import namespaces
from worker.customer.contact_person import ContactPersons, OneContactPerson
from worker.customer.custom_attribute import CustomerAttributes
from worker.customer.element import FILLED, Text, Text20, Text50, Text124, Text255, Text1024, Value, element
from worker.customer.rules import Beside, configured, digits

Role = Literal["Partner", "Reseller", "Customer"]
Referral = Literal["Website", "Customer", "Partner", "Employee", "Reseller"]


@element(namespaces.PLATFORM, page="Create Group Customer")
class Department(TypedDict):
    """The department that the customer belongs to."""

    name: Annotated[Text, FILLED, configured("departments")]


@element(namespaces.CUSTOMER, page="Create Group Customer")
class Group(TypedDict):
    """What only a group customer has. `region` has no wrapper, although its values are configured."""

    type: Value[Annotated[Text, FILLED, configured("group_types")]]
    region: NotRequired[Annotated[Text, configured("group_regions")]]
    numberOfMembers: NotRequired[Annotated[Text, digits(19)]]
    income: NotRequired[Text20]
    currency: NotRequired[Text255]
    registrationNumber: NotRequired[Text255]
    affiliation: NotRequired[Text50]


@element(namespaces.CUSTOMER, page="Create Individual Customer")
class IndividualType(TypedDict):
    """The kind of an individual customer."""

    value: Literal["individual"]


@element(namespaces.CUSTOMER, page="Create Group Customer")
class GroupType(TypedDict):
    """The kind of a group customer."""

    value: Literal["group"]
    group: Group


# Whether departmentalization is enabled is a setting; the event does not say it.
_IF_ENABLED = Beside("required", "required where departmentalization is enabled")


class _Departmental(TypedDict, total=False):
    department: Annotated[Department, _IF_ENABLED]


class _Details(TypedDict, total=False):
    """What an individual and a group have in common."""

    level: Value[Annotated[Text, configured("levels")]]
    role: Value[Role]
    pin: Text255
    howReferred: Value[Referral]
    industry: Value[Annotated[Text, configured("industries")]]
    marketSegment: Text50
    entitlements: Text1024
    customAttributes: CustomerAttributes


class _AsIndividual(TypedDict):
    type: IndividualType


class _AsGroup(TypedDict):
    type: GroupType
    customerName: Annotated[Text124, FILLED]


class _AsAny(TypedDict, total=False):
    type: Any
    customerName: Annotated[Text124, FILLED]


class _WithOnePerson(TypedDict):
    contactPersons: OneContactPerson


class _WithPersons(TypedDict, total=False):
    contactPersons: ContactPersons


# The order of the parts is the order of the API's examples.


@element(namespaces.CUSTOMER, page="Create Individual Customer")
class IndividualCustomer(_Departmental, _AsIndividual, _Details, _WithOnePerson):
    """An individual. It has no name of its own: the API takes its contact person's."""


@element(namespaces.CUSTOMER, page="Create Group Customer")
class GroupCustomer(_Departmental, _AsGroup, _Details, _WithPersons):
    """A group: a company, a club, a household."""


@element(namespaces.CUSTOMER, page="Create Group Customer")
class AnyCustomer(_Departmental, _AsAny, _Details, _WithPersons):
    """What can be said of a customer whose kind is not known; no such customer is valid."""
