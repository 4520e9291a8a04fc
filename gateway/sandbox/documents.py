"""What an agency sent, read by the payer itself: catalog paths and schema, none of the gateway's own judgement."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

from lxml import etree

from gateway import xmlsafe
from gateway.catalog import Catalog, DocumentType, Locator
from gateway.identifiers import REQUEST_NUMBER

_MAX_BYTES = 256 * 1024 * 1024  # what a ZIP may unpack to
_DECLARED_UTF16 = re.compile(rb"""^(<\?xml[^>]*?)\s+encoding=["']utf-16["']""", re.IGNORECASE)
_KIND = re.compile(r"^fact_serv_|(_[0-9]+)+$")
_WANTED = {  # of what a catalog can tell, what this payer looks at
    *("request_number", "sender", "requester", "admin_account", "personal_account"),
    *("number", "payer_number", "token", "practice", "service", "code", "role", "amount"),
}
Values = Mapping[str, tuple[str, ...]]  # canonical field → its values


@dataclass(frozen=True, slots=True)
class Line:
    number: str | None  # the old system's lines have none
    code: str
    role: str | None
    claimed: int | None  # cents; the new system sends no amounts


@dataclass(frozen=True, slots=True)
class Invoice:
    number: str  # the sender's own; empty in a cancellation
    kind: str  # denta_chirg_denti …
    practice: str | None
    account: str | None
    sender: str | None  # only where each invoice names it
    services: tuple[date, ...]
    lines: tuple[Line, ...]
    payer_number: str | None
    token: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """A request that says what it wants. `system` is RFP or ANC, as statements call it."""

    type: DocumentType
    system: str
    number: str
    sender: str | None
    requester: str | None
    invoices: tuple[Invoice, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes nobody can judge. The answer is of type `reply` and goes by `number`, made from the file's name."""

    reply: DocumentType
    number: str


class Reader:
    """Reads deposits. Keeps compiled schemas, so one per thread."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._schemas: dict[Path, etree.XMLSchema] = {}
        self._requests = [d for f in catalog.families.values() for d in f.documents if d.role == "request"]

    def read(self, name: str, data: bytes) -> Document | Unreadable:
        """The document in a deposited file."""
        zipped = data.startswith(b"PK")
        kind: DocumentType | None = None
        try:
            xml = _only_member(data) if zipped else data
            root = _root(xml)
            kind = self._catalog.recognise(root.tag)
            if (
                kind is not None
                and kind.role == "request"
                and (kind.container == "zip") == zipped
                and self._valid(kind, root)
            ):
                return self._document(kind, root, xml)
        except (etree.XMLSyntaxError, zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError):
            pass  # whatever it is, it is the sender's: RuntimeError is zipfile's word for an encrypted member
        return self._unreadable(kind, name, data, zipped)

    def _valid(self, kind: DocumentType, root: xmlsafe.Element) -> bool:
        if kind.schema is None:
            return True
        if kind.schema not in self._schemas:
            self._schemas[kind.schema] = xmlsafe.schema(kind.schema)
        return bool(self._schemas[kind.schema].validate(root))

    def _document(self, kind: DocumentType, root: xmlsafe.Element, xml: bytes) -> Document:
        head = _values(root, kind.fields)
        invoices: tuple[Invoice, ...] = ()
        if kind.invoice is not None:
            invoices = tuple(_invoice(kind, head, element) for element in _steps(root, kind.invoice.path))
        number = _one(head, "request_number") or f"{kind.key_prefix or ''}{sha256(xml).hexdigest()[:16]}"
        system = str(self._catalog.families[kind.family].settings.get("system", "RFP"))
        return Document(kind, system, number, _one(head, "sender"), _one(head, "requester"), invoices)

    def _unreadable(self, kind: DocumentType | None, name: str, data: bytes, zipped: bool) -> Unreadable:
        """Answer in the words of what was sent; of what travels in such a file where that cannot be told."""
        if kind is None or kind.reply is None:
            kind = next((d for d in self._requests if (d.container == "zip") == zipped), self._requests[0])
        number, prefix = Path(name).stem, kind.key_prefix or ""
        shape = re.compile(re.escape(prefix) + "[0-9a-f]{16}") if prefix else REQUEST_NUMBER
        if not shape.fullmatch(number):
            number = f"{prefix or 'SANS-NUMERO-'}{sha256(data).hexdigest()[:16]}"
        return Unreadable(self._catalog.document(kind.family, str(kind.reply)), number)


def _only_member(data: bytes) -> bytes:
    """The one file of a ZIP. Raises ValueError when there are more, or too much of it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) != 1 or members[0].file_size > _MAX_BYTES:
            raise ValueError("not one member of a sensible size")
        with archive.open(members[0]) as member:
            content = member.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError("more than it said")
    return content


def _root(xml: bytes) -> xmlsafe.Element:
    """The root element. Old clients declare UTF-16 on bytes that are UTF-8: this payer reads past it."""
    root = xmlsafe.parse(_DECLARED_UTF16.sub(rb"\1", xml, count=1))
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError("a DOCTYPE")
    return root


def _invoice(kind: DocumentType, head: Values, element: xmlsafe.Element) -> Invoice:
    assert kind.invoice is not None
    own = _values(element, kind.invoice.fields)
    return Invoice(
        number=_one(own, "number") or "",
        kind=_KIND.sub("", etree.QName(element).localname),
        practice=_one(own, "practice"),
        account=_account(kind.invoice.fields, own) or _account(kind.fields, head),
        sender=_one(own, "sender"),
        services=tuple(_day(value, kind.date_format) for value in own.get("service", ())),
        lines=tuple(_line(kind, line) for line in (_steps(element, kind.line.path) if kind.line else ())),
        payer_number=_one(own, "payer_number") or _one(head, "payer_number"),
        token=_one(own, "token") or _one(head, "token"),
    )


def _line(kind: DocumentType, element: xmlsafe.Element) -> Line:
    assert kind.line is not None
    own = _values(element, kind.line.fields)
    claimed = _one(own, "amount") if kind.money == "cents" else None  # else it is what the patient paid
    return Line(_one(own, "number"), _one(own, "code") or "", _one(own, "role"), int(claimed) if claimed else None)


def _account(fields: Mapping[str, Locator], values: Values) -> str | None:
    if value := _one(values, "admin_account"):
        return f"admin:{value}"
    value = _one(values, "personal_account")
    return f"personal:{value}" if value and "personal_account" in fields else None


def _day(value: str, pattern: str) -> date:
    return datetime.strptime(value, pattern).date()  # noqa: DTZ007 - a date has no zone


def _one(values: Values, name: str) -> str | None:
    return next(iter(values.get(name, ())), None)


def _values(element: xmlsafe.Element, fields: Mapping[str, Locator]) -> dict[str, tuple[str, ...]]:
    wanted = ((name, locator) for name, locator in fields.items() if name in _WANTED)
    return {name: found for name, locator in wanted if (found := _located(element, locator))}


def _located(element: xmlsafe.Element, locator: Locator) -> tuple[str, ...]:
    if len(locator) == 1:
        return tuple(_texts(element, locator[0]))
    return ("-".join(next(_texts(element, path), "") for path in locator),)


def _texts(element: xmlsafe.Element, path: str) -> Iterator[str]:
    above, _, last = path.rpartition("/")
    for parent in _steps(element, above):
        if last.startswith("@"):
            found = [parent.get(last[1:], "")]
        else:
            found = [child.text or "" for child in _steps(parent, last)]
        yield from (text.strip() for text in found if text.strip())


def _steps(element: xmlsafe.Element, path: str) -> Iterator[xmlsafe.Element]:
    """The elements a path of local names leads to; `*` stands for any letters."""
    step, _, rest = path.partition("/")
    if not step:
        yield element
        return
    for child in element.iterchildren("{*}*"):
        name = str(child.tag).rpartition("}")[2]
        if name == step or ("*" in step and fnmatchcase(name, step)):
            yield from _steps(child, rest) if rest else (child,)
