"""Statements of account: what became of each invoice, one document per account and system, one parcel per number."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from lxml import etree

from gateway import xmlsafe
from gateway.catalog import Catalog
from gateway.messages import say
from gateway.sandbox.ledger import Due, Entry
from gateway.sandbox.prices import money
from gateway.sandbox.rules import OLD

FAMILY = "etat-compte"
SMALLEST_PAYMENT = 2000  # cents: less is carried to the next statement
_PERIOD_DAYS = 14
_FOREIGN = 2500  # cents, paid for an invoice that reached the payer by another way
_REDUCED, _REFUSED, _IN_PROCESS = "statement_reduced", "statement_refused", "statement_in_process"
_CODES = {_REDUCED: ("9951", "995"), _REFUSED: ("9952", "996"), _IN_PROCESS: ("9953", "997")}
_SETTLED = ("PAIE", "MODIF", "REFUS", "REVIS")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One entry of a statement. `paid` is a change in cents, and may be negative."""

    kind: str
    paid: int
    entry: Entry | None  # None: not one of ours
    why: str | None = None
    again: bool = False  # a later statement will say more


@dataclass(frozen=True, slots=True)
class Payment:
    """What is done with the sum, in cents: before + total = paid + after."""

    total: int
    before: int
    paid: int
    after: int


def outcome(entry: Entry) -> Outcome:
    """What this statement says of an invoice: by its serial number, so that every run tells the same story."""
    if not entry.live:
        return Outcome("ANNU", -entry.paid, entry)
    if entry.reported in _SETTLED:
        return Outcome("REVIS", entry.cents - entry.paid, entry)
    if entry.serial % 10 == 9 and entry.reported is None:
        return Outcome("COUR", 0, entry, _IN_PROCESS, again=True)
    if entry.serial % 10 == 3:
        return Outcome("MODIF", entry.cents * 9 // 10, entry, _REDUCED)
    if entry.serial % 10 == 6:
        return Outcome("REFUS", 0, entry, _REFUSED)
    return Outcome("PAIE", entry.cents, entry)


def outcomes(entries: Iterable[Entry]) -> list[Outcome]:
    """All entries of a statement; the last is about an invoice that came by another way."""
    return [*(outcome(entry) for entry in entries), Outcome("PAIE", _FOREIGN, None)]


def settle(total: int, before: int) -> Payment:
    """Pay what is there, unless it is too little (or a debt): then carry it."""
    there = before + total
    paid = there if there >= SMALLEST_PAYMENT else 0
    return Payment(total, before, paid, there - paid)


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything one document says."""

    serial: int
    day: date
    due: Due
    outcomes: Sequence[Outcome]

    @property
    def number(self) -> str:
        """no_etat_compte, and the name of its file."""
        return f"{self.day:%Y}{self.serial:08d}"

    @property
    def payment(self) -> Payment:
        return settle(sum(one.paid for one in self.outcomes), self.due.carried)


class Writer:
    """Writes statements in our own layout (FORMATS section 3)."""

    def __init__(self, catalog: Catalog) -> None:
        self._root = catalog.document(FAMILY, "etat_compte").root
        self._namespace = etree.QName(self._root).namespace
        self._messages = catalog.families[FAMILY].messages

    def write(self, statement: Statement) -> bytes:
        due, day = statement.due, statement.day
        root = etree.Element(self._root, nsmap=cast(dict[str, str], {None: self._namespace}))  # None: no prefix
        head = {
            "no_etat_compte": statement.number,
            "dat_etat_compte": day.isoformat(),
            "per_paimt": f"{day.year}{(day.timetuple().tm_yday - 1) // _PERIOD_DAYS + 1:02d}",
            "mode_remu": "ACTE",
            "cod_syst": due.system,
            "no_trnsm": due.number,
        }
        self._put_all(root, head)
        self._put_all(self._put(root, "compte"), _account(due))
        self._put_all(self._put(root, "paiement"), _paid(statement))
        listed = self._put(root, "liste_entree")
        for one in statement.outcomes:
            self._entry(self._put(listed, "entree"), statement, one)
        total = {"nb_entree": str(len(statement.outcomes)), "mnt_total": money(statement.payment.total)}
        self._put_all(self._put(root, "total"), total)
        etree.indent(root)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    def _entry(self, element: xmlsafe.Element, statement: Statement, one: Outcome) -> None:
        self._put(element, "typ_entree", one.kind)
        entry = one.entry
        self._put_all(element, _foreign(statement) if entry is None else _ours(entry))
        self._put(element, "mnt_paie", money(one.paid))
        if one.why is not None:
            code = _CODES[one.why][statement.due.system == OLD]
            message = self._put(self._put(element, "liste_msg_expl"), "msg_expl")
            self._put(message, "cod_msg_expl", code)
            text = self._messages.get(code, {}).get("fr") or say(f"sandbox.{one.why}", "fr")
            self._put(message, "txt_msg_expl", text)

    def _put(self, parent: xmlsafe.Element, name: str, text: str | None = None) -> xmlsafe.Element:
        child = etree.SubElement(parent, f"{{{self._namespace}}}{name}")
        child.text = text
        return child

    def _put_all(self, parent: xmlsafe.Element, values: Mapping[str, str | None]) -> None:
        for name, text in values.items():
            if text is not None:
                self._put(parent, name, text)


def _account(due: Due) -> dict[str, str | None]:
    kind, _, number = due.account.partition(":")
    if kind == "personal":
        return {"typ_moda_paimt": "1", "id_prof": number}
    # all this payer can tell of an account is who billed to it: several people make it a collective one
    alone = due.practices[0] if len(due.practices) == 1 else None
    return {"typ_moda_paimt": "2", "id_prof": alone, "no_cpte_admin": number}


def _paid(statement: Statement) -> dict[str, str | None]:
    payment = statement.payment
    return {
        "dat_paimt": statement.day.isoformat(),
        "typ_paimt": "DEPOT" if payment.paid else "AUCUN",
        "no_paimt": statement.number if payment.paid else None,
        "mnt_verse": money(payment.paid),
        "mnt_retenu": money(0),
        "mnt_report_avant": money(payment.before),
        "mnt_report_apres": money(payment.after),
    }


def _ours(entry: Entry) -> dict[str, str | None]:
    return {
        "no_fact_ramq": entry.payer_number,
        "no_fact_ext": entry.external,
        "id_prof": entry.practice,
        "id_elm_fact": entry.code,
        "dat_serv_elm_fact": entry.service.isoformat() if entry.service else None,
        "mnt_prel": money(entry.cents),
    }


def _foreign(statement: Statement) -> dict[str, str | None]:
    """Web form or paper: a number nobody here ever saw. The old system gives none."""
    number = None if statement.due.system == OLD else f"2{statement.serial:010d}"
    return {"no_fact_ramq": number, "id_prof": statement.due.practices[0] if statement.due.practices else None}


def pack(members: Sequence[tuple[str, bytes]], day: date) -> bytes:
    """The parcel: the same bytes for the same statements."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def refusal(code: str, text: str) -> bytes:
    """What is answered when no statement can be given (root Erreurs_DS)."""
    root = etree.Element("Erreurs_DS")
    etree.SubElement(root, "CodeErreur").text = code
    etree.SubElement(root, "Erreur").text = text
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
