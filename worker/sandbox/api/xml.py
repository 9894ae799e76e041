"""Reads and writes the API's XML, as the same tree that its JSON gives."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from worker.sandbox.api.elements import ANY_CUSTOMER, COMMON, CUSTOMER, PERSON, PLATFORM, POINT, Block, Element, Several
from worker.sandbox.api.validation import MALFORMED, UNSUPPORTED, Problem, shown

_PREFIXES = {None: CUSTOMER, "ns1": PERSON, "ns2": PLATFORM, "ns3": COMMON, "ns4": POINT}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class MalformedXml(Exception):
    """The body is not XML that the API reads; the text says why, without repeating any of the body."""


def parse(body: bytes) -> etree._Element:
    """The root element. Raises MalformedXml for what is not well-formed, has a document type, or is deeper than 256.

    Entities are not resolved, and nothing outside the body is read.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedXml("the body is not well-formed XML") from error
    document = root.getroottree().docinfo
    if document.internalDTD is not None or document.externalDTD is not None:
        raise MalformedXml("a document type is not allowed")
    return root


def read_customer(root: etree._Element) -> tuple[dict[str, Any], list[Problem]]:
    """The customer as the tree that its JSON would give, and a problem for each element that has no place in it."""
    problems: list[Problem] = []
    if root.tag != f"{{{CUSTOMER}}}customer":
        return {}, [Problem(UNSUPPORTED, "", f"the root must be 'customer' in the namespace {CUSTOMER}")]
    return _read_block(root, ANY_CUSTOMER, "", problems), problems


def _read_block(node: etree._Element, block: Block, path: str, problems: list[Problem]) -> dict[str, Any]:
    _refuse_text(node, path, problems)
    tree: dict[str, Any] = {}
    for child in node:
        name, element = _known(child, {**block.children, **block.variants}, path, problems)
        if element is None:
            continue
        if name in tree:
            problems.append(Problem(MALFORMED, path, f"element '{name}' is repeated"))
        tree[name] = _read(child, element, f"{path}.{name}" if path else name, problems)
    return tree


def _read(node: etree._Element, element: Element, path: str, problems: list[Problem]) -> object:
    if isinstance(element, Block):
        return _read_block(node, element, path, problems)
    if isinstance(element, Several):
        return _read_several(node, element, path, problems)
    if len(node):
        problems.append(Problem(MALFORMED, path, "must hold text alone"))
    return node.text or ""


def _read_several(node: etree._Element, several: Several, path: str, problems: list[Problem]) -> dict[str, Any]:
    _refuse_text(node, path, problems)
    items: list[dict[str, Any]] = []
    for child in node:
        _, element = _known(child, {several.item: several.of}, path, problems)
        if element is not None:
            items.append(_read_block(child, several.of, f"{path}.{several.item}[{len(items)}]", problems))
    return {several.item: items}


def _known(
    child: etree._Element, elements: Mapping[str, Element], path: str, problems: list[Problem]
) -> tuple[str, Element | None]:
    name = etree.QName(child)
    element = elements.get(name.localname)
    if element is not None and element.ns == name.namespace:
        return name.localname, element
    why = f"unsupported element '{shown(name.localname)}'" + ("" if element is None else " (wrong namespace)")
    problems.append(Problem(UNSUPPORTED, path, why))
    return name.localname, None


def _refuse_text(node: etree._Element, path: str, problems: list[Problem]) -> None:
    if (node.text and node.text.strip()) or any(child.tail and child.tail.strip() for child in node):
        problems.append(Problem(MALFORMED, path, "must hold elements alone"))


def write_customers(customers: list[tuple[int, dict[str, Any]]]) -> bytes:
    """The answer of a search: `customers` around each `customer`, which has its id as an attribute."""
    root = etree.Element(f"{{{CUSTOMER}}}customers", nsmap=_PREFIXES)
    for customer_id, tree in customers:
        node = etree.SubElement(root, f"{{{CUSTOMER}}}customer", {"id": str(customer_id)})
        _write(node, tree, ANY_CUSTOMER)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _write(node: etree._Element, tree: object, element: Element) -> None:
    if isinstance(tree, str):
        node.text = _NOT_XML.sub("\ufffd", tree)
        return
    for name, child, value in _parts(tree, element):
        _write(etree.SubElement(node, f"{{{child.ns}}}{name}"), value, child)


def _parts(tree: object, element: Element) -> Iterator[tuple[str, Element, object]]:
    if isinstance(element, Several) and isinstance(tree, dict):
        yield from ((element.item, element.of, item) for item in tree.get(element.item, []))
    elif isinstance(element, Block) and isinstance(tree, dict):
        known: dict[str, Element] = {**element.children, **element.variants}
        yield from ((name, known[name], tree[name]) for name in known if name in tree)


def write_flat(root: str, ns: str, fields: Mapping[str, str]) -> bytes:
    """A root element whose children hold only text, as both kinds of errors have it."""
    node = etree.Element(f"{{{ns}}}{root}", nsmap={None: ns})
    for name, text in fields.items():
        etree.SubElement(node, f"{{{ns}}}{name}").text = _NOT_XML.sub("\ufffd", text)
    return etree.tostring(node)


def read_login(body: bytes) -> tuple[str, str] | None:
    """User name and password, exactly as sent; None for another document. Raises MalformedXml."""
    root = parse(body)
    texts = {str(child.tag): child.text or "" for child in root}
    names = (f"{{{PLATFORM}}}userName", f"{{{PLATFORM}}}password")
    if root.tag != f"{{{PLATFORM}}}login" or set(texts) != set(names):
        return None
    return texts[names[0]], texts[names[1]]
