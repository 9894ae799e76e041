"""A contact person: somebody to talk to at a customer; an individual customer is exactly one."""

from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from worker.customer import namespaces
from worker.customer.contact_point import ContactPoints
from worker.customer.custom_attribute import ContactPersonAttributes
from worker.customer.element import FILLED, Text, Text16, Text50, Text124, Text255, Text512, Value, element
from worker.customer.rules import PAST_DATE, Beside, From, configured

Salutation = Literal["Mr.", "Mrs.", "Ms.", "Miss"]
Gender = Literal["male", "female"]
Suffix = Literal["jr.", "sr.", "i", "ii", "iii"]
Consent = Literal["true", "false"]
EmploymentStatus = Literal["part-time", "full-time", "temporary", "contract", "intern", "unemployed"]
MaritalStatus = Literal["married", "single", "separated", "divorced", "widowed"]
EducationLevel = Literal["high school", "graduate", "post graduate", "doctorate"]


@element(namespaces.CONTACT_PERSON, page="Create Contact Person")
class Identification(TypedDict, total=False):
    """A document that proves who somebody is."""

    type: Annotated[Text, configured("identification_types")]
    value: Text255


@element(namespaces.CONTACT_PERSON, page="Create Contact Person")
class ContactPerson(TypedDict, total=False):
    """One person; only the first name is required.

    No readable page states a rule for race, dependents, isSmoker, hobbies, interests and contactOrder: any text passes.
    """

    salutation: Salutation
    firstName: Required[Annotated[Text124, FILLED]]
    middleName: Text124
    lastName: Text124
    loginId: Text255
    gender: Value[Gender]
    identification: Identification
    suffix: Value[Suffix]
    initials: Text16
    secretQuestion: Text255
    secretAnswer: Text255
    hasDirectMailingConsent: Consent
    hasDirectCallingConsent: Consent
    hasHoldingDataConsent: Consent
    jobTitle: Text255
    employmentStatus: Value[EmploymentStatus]
    priority: Text255
    dateOfBirth: Annotated[Text, PAST_DATE]
    maritalStatus: Value[MaritalStatus]
    type: Value[Annotated[Text, configured("contact_types")]]
    firstNameFurigana: Text124
    middleNameFurigana: Text124
    lastNameFurigana: Text124
    startGreeting: Text255
    endGreeting: Text255
    spouseName: Text512
    emergencyContact: Text50
    occupation: Text255
    incomeLevel: Text255
    educationLevel: Annotated[Value[EducationLevel], From("Edit Contact Person")]
    race: Text
    dependents: Text
    isSmoker: Text
    hobbies: Text
    interests: Text
    contactOrder: Text
    customAttributes: ContactPersonAttributes
    contactPoints: ContactPoints


# pydantic does not check the items of a list that is too long, and would leave their violations untold.
_EXACTLY_ONE = Beside("count", "exactly one", keywords={"maxItems": 1})


@element(namespaces.CONTACT_PERSON, page="Create Individual Customer")
class OneContactPerson(TypedDict):
    """The contact person of an individual customer."""

    contactPerson: Annotated[list[ContactPerson], Field(min_length=1), _EXACTLY_ONE]


@element(namespaces.CONTACT_PERSON, page="Create Group Customer")
class ContactPersons(TypedDict):
    """The contact persons of a group customer."""

    contactPerson: Annotated[list[ContactPerson], Field(min_length=1)]
