"""XML bytes -> plain data, and a customer -> XML bytes."""

import re
from typing import Final

from lxml import etree

from worker.customer import namespaces
from worker.customer.documents import Json, Unreadable, require_utf8
from worker.customer.shape import CUSTOMER, Child, Shape

_ENCODING: Final = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']+)["']""")
_FAULTS: Final = {code: name for name, code in vars(etree.ErrorTypes).items() if isinstance(code, int)}
_ATTRIBUTES: Final = etree.XPath("boolean(//@*[namespace-uri() != 'http://www.w3.org/2001/XMLSchema-instance'])")

_DECLARED: Final = " ".join(
    f'xmlns{":" if prefix else ""}{prefix.removesuffix(":")}="{uri}"' for uri, prefix in namespaces.PREFIXES.items()
)
_ROOT: Final = f"<customer {_DECLARED}>"
# A carriage return would be read as a line feed unless it is written as a reference.
_ESCAPES: Final = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}
_SPECIAL: Final = re.compile("[&<>\r]")


def read_xml(raw: bytes, max_depth: int) -> Json:
    """The customer in the form of the API's JSON; what the API does not know keeps its place and name.

    Prefixes do not count, namespaces do. Comments and processing instructions are skipped. Nothing is ever fetched.
    """
    _require_plain(raw)
    root = _parse(raw, max_depth)
    if root.tag != f"{{{namespaces.CUSTOMER}}}customer":
        raise Unreadable("the root element is not `customer` of the API's customer namespace")
    document = _element(root, CUSTOMER, max_depth - 1)
    return _with_attributes(document, root) if _ATTRIBUTES(root) else document


def _require_plain(raw: bytes) -> None:
    require_utf8(raw)
    declared = _ENCODING.match(raw[:200])
    if declared and declared[1].upper() not in (b"UTF-8", b"US-ASCII", b"ASCII"):
        raise Unreadable("the XML declares another encoding than UTF-8")
    if b"<!DOCTYPE" in raw:
        raise Unreadable("holds a document type declaration (DTD), which events must not")


def _parse(raw: bytes, max_depth: int) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_blank_text=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable(_explained(error, max_depth)) from None


def _explained(error: etree.XMLSyntaxError, max_depth: int) -> str:
    if "depth" in (error.msg or ""):
        return f"nested deeper than {max_depth} levels"
    fault = _FAULTS.get(error.code, "malformed").removeprefix("ERR_").lower().replace("_", " ")
    line, column = error.position
    return f"not XML: {fault} (line {line} column {column})"


def _element(node: etree._Element, shape: Shape, levels: int) -> Json:
    if not len(node):
        return _childless(node.text or "", shape)
    document: dict[str, Json] = {}
    for each in node:
        child = shape.tags.get(str(each.tag))
        if child is None:
            _require_depth(each, levels)
            document[_foreign_name(each, shape)] = ""
        else:
            _put(document, child, _child(each, child, levels - 1))
    if _text_between(node):
        document["#text"] = ""
    return document


def _childless(text: str, shape: Shape) -> Json:
    """A bare value in place of its wrapper, or nothing."""
    return text if text.strip() else {child.name: [] for child in shape.children.values() if child.many}


def _child(node: etree._Element, child: Child, levels: int) -> Json:
    if child.shape:
        return _element(node, child.shape, levels)
    return {} if len(node) else node.text or ""


def _put(document: dict[str, Json], child: Child, value: Json) -> None:
    if child.many:
        document.setdefault(child.name, []).append(value)
    elif child.name in document:
        raise Unreadable(f"the element {child.name} stands twice where only one may stand")
    else:
        document[child.name] = value


def _foreign_name(node: etree._Element, shape: Shape) -> str:
    """Its local name, with the namespace behind it where that is what makes it foreign."""
    name = etree.QName(node)
    return f"{name.localname}{{{name.namespace or ''}}}" if name.localname in shape.children else name.localname


def _require_depth(node: etree._Element, levels: int) -> None:
    level = [node]
    while level:
        levels -= 1
        if levels < 0:
            raise Unreadable("nested deeper than allowed")
        level = [child for each in level for child in each]


def _text_between(node: etree._Element) -> bool:
    return bool(node.text and node.text.strip()) or any(each.tail and each.tail.strip() for each in node)


def _with_attributes(document: Json, root: etree._Element) -> Json:
    """The API's elements have no attributes; each is reported as an element that it does not know."""
    names = {f"@{name}": "" for each in root.iter() for name in each.attrib}
    return {**names, **document} if isinstance(document, dict) else document


def write_xml(customer: dict[str, Json]) -> bytes:
    """The API's form, with the prefixes of its examples; the customer must be valid."""
    parts = [_ROOT]
    _write(customer, CUSTOMER, parts)
    parts.append("</customer>")
    return "".join(parts).encode()


def _write(element: dict[str, Json], shape: Shape, parts: list[str]) -> None:
    prefix = namespaces.PREFIXES[shape.namespace]
    for name, value in element.items():
        child = shape.children[name]
        for item in value if child.many else (value,):
            if child.shape is None:
                parts.append(f"<{prefix}{name}>{_escaped(item)}</{prefix}{name}>")
            else:
                parts.append(f"<{prefix}{name}>")
                _write(item, child.shape, parts)
                parts.append(f"</{prefix}{name}>")


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text
