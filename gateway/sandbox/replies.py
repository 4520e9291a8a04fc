"""Receivability replies as documents: FORMATS of the new system, and our own for the old one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from lxml import etree

from gateway import xmlsafe
from gateway.catalog import DocumentType, Family
from gateway.messages import say
from gateway.sandbox.prices import money
from gateway.sandbox.rules import CODES, OLD, Answer, InvoiceAnswer, LineAnswer

_STATUS = {True: "1", False: "2"}


class Writer:
    """Writes one family's replies."""

    def __init__(self, family: Family, reply: DocumentType, system: str) -> None:
        self._messages: Mapping[str, Mapping[str, str]] = family.messages
        self._root, self._old = reply.root, system == OLD
        self._namespace = etree.QName(reply.root).namespace

    def write(self, answer: Answer) -> bytes:
        """The reply document, UTF-8."""
        root = etree.Element(self._root, nsmap=cast(dict[str, str], {None: self._namespace}))  # None: no prefix
        self._put(root, "no_dem_ext", answer.number)
        self._put(root, "sta_recev", _STATUS[answer.receivable])
        self._messages_below(root, answer.says)
        if answer.invoices is not None:
            listed = self._put(root, "liste_fact_recev")
            for invoice in answer.invoices:
                self._invoice(self._put(listed, "fact_recev"), invoice)
        return _bytes(root)

    def again(self, first: bytes) -> bytes:
        """The first reply once more, saying that it is (9012); the old system has no word for that."""
        if self._old:
            return first
        root = xmlsafe.parse(first)
        status = root.find(f"{{{self._namespace}}}sta_recev")
        assert status is not None  # we wrote it
        own = self._messages_below(root, ("repeated",))
        earlier = root.find(f"{{{self._namespace}}}liste_msg_expl_recev")
        if earlier is not None and earlier is not own:
            earlier.append(own[0])
            root.remove(own)
        else:
            status.addnext(own)
        return _bytes(root)

    def _invoice(self, element: xmlsafe.Element, answer: InvoiceAnswer) -> None:
        if answer.invoice.number:
            self._put(element, "no_fact_ext", answer.invoice.number)
        if answer.payer_number and answer.token:
            ids = self._put(element, "id_fact_ramq_recev")
            self._put(ids, "no_fact_ramq", answer.payer_number)
            self._put(ids, "jeton_comm", answer.token)
        self._put(element, "sta_recev", _STATUS[answer.receivable])
        if self._old:
            if answer.receivable and answer.lines:
                self._put(element, "mnt_prel", money(answer.cents))
            said = (*answer.says, *(word for line in answer.lines for word in line.says))
            self._messages_below(element, dict.fromkeys(said))
            return
        self._messages_below(element, answer.says)
        if answer.lines:
            listed = self._put(element, "liste_ligne_fact_recev")
            for line in answer.lines:
                self._line(self._put(listed, "ligne_fact_recev"), line)

    def _line(self, element: xmlsafe.Element, line: LineAnswer) -> None:
        self._put(element, "no_ligne_fact", line.number or "")
        self._put(element, "sta_recev", _STATUS[line.cents is not None])
        if line.cents is not None:
            self._put(element, "mnt_prel", money(line.cents))
            self._put(element, "formu_expl", line.formula or "")
        self._messages_below(element, line.says)

    def _messages_below(self, element: xmlsafe.Element, says: Iterable[str]) -> xmlsafe.Element:
        listed = etree.Element(f"{{{self._namespace}}}liste_msg_expl_recev")
        for word in says:
            code = CODES[word][self._old]
            message = self._put(listed, "msg_expl_recev")
            self._put(message, "cod_msg_expl_recev", code)
            text = self._messages.get(code, {}).get("fr") or say(f"sandbox.{word}", "fr")
            self._put(message, "txt_msg_expl_recev", text)
        if len(listed):
            element.append(listed)
        return listed

    def _put(self, parent: xmlsafe.Element, name: str, text: str | None = None) -> xmlsafe.Element:
        child = etree.SubElement(parent, f"{{{self._namespace}}}{name}")
        child.text = text
        return child


def _bytes(root: xmlsafe.Element) -> bytes:
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
