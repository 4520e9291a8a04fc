"""The only place that makes an XML parser. No entity is resolved, nothing is fetched, no limit is lifted.

Always parse bytes or a binary stream, never a file name: by name libxml2 would un-gzip, and what was judged would not
be what is sent (RELIABILITY section 3). A DOCTYPE is refused by the guard before anything reaches these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from xml.parsers import expat

from lxml import etree

_OPTIONS: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "collect_ids": False,
}
Element = etree._Element


def parse(data: bytes, *, strip_blanks: bool = False) -> Element:
    """The root element of a document. Raises etree.XMLSyntaxError when it is not well-formed."""
    return etree.fromstring(data, parser=etree.XMLParser(remove_blank_text=strip_blanks, **_OPTIONS))


def events(source: BinaryIO, *, wanted: tuple[str, ...] = ("start", "end")) -> Iterator[tuple[str, Element]]:
    """Start and end events in document order, for documents too large to hold. Raises etree.XMLSyntaxError."""
    yield from etree.iterparse(source, events=wanted, **_OPTIONS)


def puller(root: str, *, encoding: str | None = None) -> etree.XMLPullParser:
    """A parser to feed block by block that hands out the start of elements named `root` (Clark notation): the way to
    the live tree of a document too large to hold. Comments and instructions are not in it; `encoding` overrides what
    the document declares."""
    options = _OPTIONS | {"remove_comments": True, "remove_pis": True, "encoding": encoding}
    return etree.XMLPullParser(events=("start",), tag=root, **options)


def parts(encoding: str | None = None, *, lean: bool = False) -> Callable[[bytes], Element]:
    """`parse` for many small documents one after the other, with one parser, without their comments and instructions:
    what is judged chunk by chunk. `encoding` overrides what they declare. `lean`: without the blanks between tags
    either, which is right where there are no comments or instructions."""
    options = _OPTIONS | {"remove_blank_text": lean}
    parser = etree.XMLParser(remove_comments=True, remove_pis=True, encoding=encoding, **options)
    return partial(etree.fromstring, parser=parser)


def schema(path: Path) -> etree.XMLSchema:
    """A compiled XML schema from our own schema folders (never from a document). Raises etree.XMLSchemaParseError."""
    parser = etree.XMLParser(**_OPTIONS)
    return etree.XMLSchema(etree.parse(path.as_uri(), parser=parser))


def schema_of(root: Element) -> etree.XMLSchema:
    """A compiled XML schema from a tree of ours. Raises etree.XMLSchemaParseError."""
    return etree.XMLSchema(root)


def positions(encoding: str | None = None) -> expat.XMLParserType:
    """A bare expat parser that expands nothing, for line and column of start tags.
    `encoding` overrides what the document declares."""
    parser = expat.ParserCreate(encoding)
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    return parser
