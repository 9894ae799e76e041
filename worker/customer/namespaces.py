"""The five XML namespaces of the resource, with the prefixes that the API's own examples use."""

from typing import Final

_MODEL = "http://bindings.egain.com/ws/model/v12/gen/"

CUSTOMER: Final = _MODEL + "interaction/customer"
CONTACT_PERSON: Final = _MODEL + "interaction/contactperson"
PLATFORM: Final = _MODEL + "platform"
COMMON: Final = _MODEL + "common"
CONTACT_POINT: Final = _MODEL + "interaction/contactpoint"

PREFIXES: Final = {CUSTOMER: "", CONTACT_PERSON: "ns1:", PLATFORM: "ns2:", COMMON: "ns3:", CONTACT_POINT: "ns4:"}
"""Each namespace with the prefix that it is written with; the customer's own is the default namespace."""
