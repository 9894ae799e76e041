"""Reads a customer from XML bytes, and writes one to XML bytes."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from lxml import etree

from worker.customer import namespaces
from worker.customer.documents import Json, Unreadable, require_utf8
from worker.customer.shape import CUSTOMER, Child, Shape

_DECLARATION: Final = re.compile(rb"""\s*<\?xml\s(?:(?!\?>).)*""", re.DOTALL)
_ENCODING: Final = re.compile(rb"""\sencoding\s*=\s*["']([^"']*)["']""")
_FAULTS: Final = {code: name for name, code in vars(etree.ErrorTypes).items() if isinstance(code, int)}
_MOST: Final = 1024 * 1024
"""Bytes of XML that one thread reads, or one document."""

# What the API's XML never has: attributes (but xsi's hints to tools), and text between elements. Found in one pass.
_FOREIGN: Final = etree.XPath(
    "//@*[namespace-uri() != 'http://www.w3.org/2001/XMLSchema-instance'] | //*[*]/text()[normalize-space()]"
)

_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"

_DECLARED: Final = " ".join(
    f'xmlns{":" if prefix else ""}{prefix.removesuffix(":")}="{uri}"' for uri, prefix in namespaces.PREFIXES.items()
)
_ROOT: Final = f"<customer {_DECLARED}>"
# A carriage return would be read as a line feed unless it is written as a reference.
_ESCAPES: Final = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}
_SPECIAL: Final = re.compile("[&<>\r]")


class _Apart:
    """Reads documents in a thread, a new one for every `_MOST` bytes.

    libxml2 keeps each name that it meets, of elements and whatever else is markup, until the thread ends that met it;
    with too many of them it reads nothing more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._left = _MOST

    def read(self, raw: bytes, max_depth: int) -> Json:
        """As `read_xml`; one document at a time."""
        with self._lock:
            self._left -= len(raw)
            if self._left < 0:
                self._thread.shutdown(wait=False)
                self._thread, self._left = ThreadPoolExecutor(max_workers=1), _MOST - len(raw)
            return self._thread.submit(_read, raw, max_depth).result()


_APART: Final = _Apart()


def read_xml(raw: bytes, max_depth: int) -> Json:
    """The customer in the form of the API's JSON; elements that the API does not know keep their place and name.

    Prefixes do not matter, namespaces do. Comments and processing instructions are skipped. Nothing is ever fetched.
    Raises Unreadable.
    """
    _require_plain(raw)
    return _APART.read(raw, max_depth)


def _read(raw: bytes, max_depth: int) -> Json:
    root = _parse(raw, max_depth)
    if root.tag != f"{{{namespaces.CUSTOMER}}}customer":
        raise Unreadable("the root element is not `customer` of the API's customer namespace")
    document = _element(root, CUSTOMER, max_depth - 1)
    foreign = _FOREIGN(root)
    return {**_named(foreign), **document} if foreign and isinstance(document, dict) else document


def _require_plain(raw: bytes) -> None:
    require_utf8(raw)
    declaration = _DECLARATION.match(raw)
    declared = _ENCODING.search(declaration[0]) if declaration else None
    if declared and declared[1].upper() not in (b"UTF-8", b"US-ASCII", b"ASCII"):
        raise Unreadable("the XML declares another encoding than UTF-8")
    if b"<!DOCTYPE" in raw:
        raise Unreadable("holds a document type declaration (DTD), which events must not")


def _parse(raw: bytes, max_depth: int) -> etree._Element:
    """Parse the bytes as UTF-8, whatever encoding they declare."""
    parser = etree.XMLParser(
        encoding="utf-8",
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
    if levels < 1:
        raise Unreadable("nested deeper than allowed")
    document: dict[str, Json] = {}
    for each in node:
        child = shape.tags.get(each.tag)  # type: ignore[arg-type]  # types-lxml allows tags that only comments have
        if child and _is_nil(each):
            continue
        if child is None:
            _require_depth(each, levels)
            document[_foreign_name(each, shape)] = ""
        elif child.many:
            document.setdefault(child.name, []).append(_child(each, child, levels))
        elif child.name in document:
            raise Unreadable(f"the element {child.name} stands twice where only one may stand")
        else:
            document[child.name] = _child(each, child, levels)
    return document


def _childless(text: str, shape: Shape) -> Json:
    """An element without children: its text as a bare value in place of the wrapper, or no value at all."""
    return text if text.strip() else {child.name: [] for child in shape.children.values() if child.many}


def _child(node: etree._Element, child: Child, levels: int) -> Json:
    if child.shape is not None:
        return _element(node, child.shape, levels - 1)
    return {} if len(node) else node.text or ""


def _is_nil(node: etree._Element) -> bool:
    """Whether the element has xsi:nil, and so counts as absent. Raises Unreadable for one that holds something."""
    said = node.get(_NIL, "false").strip()
    if said not in ("true", "1", "false", "0"):
        raise Unreadable("an xsi:nil is neither true nor false")
    nil = said in ("true", "1")
    if nil and (len(node) or (node.text or "").strip()):
        raise Unreadable("an element has xsi:nil and holds something all the same")
    return nil


def _foreign_name(node: etree._Element, shape: Shape) -> str:
    """The name of an unknown element; its namespace is added where only that makes it unknown."""
    name = etree.QName(node)
    return f"{name.localname}{{{name.namespace or ''}}}" if name.localname in shape.children else name.localname


def _require_depth(node: etree._Element, levels: int) -> None:
    level = [node]
    while level:
        levels -= 1
        if levels < 0:
            raise Unreadable("nested deeper than allowed")
        level = [child for each in level for child in each]


def _named(foreign: list[etree._ElementUnicodeResult]) -> dict[str, str]:
    """An empty entry for each attribute, and for text between elements: no such name is known to the API."""
    return {f"@{each.attrname}" if each.is_attribute else "#text": "" for each in foreign}


def write_xml(customer: dict[str, Json]) -> bytes:
    """The customer in the API's XML, with the prefixes of its examples; it must be valid."""
    parts = [_ROOT]
    _write(customer, CUSTOMER, parts)
    parts.append("</customer>")
    return "".join(parts).encode()


def _write(element: dict[str, Json], shape: Shape, parts: list[str]) -> None:
    children, prefix = shape.children, namespaces.PREFIXES[shape.namespace]
    for name, value in element.items():
        child, tag = children[name], prefix + name
        for item in value if child.many else (value,):
            if child.shape is None:
                text = item.translate(_ESCAPES) if _SPECIAL.search(item) else item
                parts.append(f"<{tag}>{text}</{tag}>")
            else:
                parts.append(f"<{tag}>")
                _write(item, child.shape, parts)
                parts.append(f"</{tag}>")
