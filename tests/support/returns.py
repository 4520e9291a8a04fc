"""The way back in small: a house with receive, match and distribute, requests that went out, and a payer's answers."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.house import House, sample

from gateway.identifiers import new_id
from gateway.models import Batch, Invoice, Line, Reply, Request, Submission
from gateway.stages import Outcome
from gateway.stages.distribute import Distribute
from gateway.stages.match import Match
from gateway.stages.receive import Receive
from gateway.states import BatchState, RequestState
from gateway.store import moves

TOKEN = "12345678"
_RFP = 'xmlns="urn:ramq-gouv-qc-ca:RFP"'
_DP = 'xmlns="urn:agency-gateway:dp-racin-recev:1.0"'


@dataclass
class Fact:
    """One invoice of a reply. `ramq`: the payer's number, when it is receivable."""

    number: str | None
    ramq: str | None = None
    cents: tuple[int, ...] = (4500,)  # of its lines
    token: str | None = TOKEN
    code: str | None = None  # a message

    def xml(self) -> str:
        status = 1 if self.ramq and self.code is None else 2
        return (
            "<fact_recev>"
            + (f"<no_fact_ext>{self.number}</no_fact_ext>" if self.number else "")
            + (self._id() if self.ramq else "")
            + f"<sta_recev>{status}</sta_recev>"
            + (message(self.code) if self.code else "")
            + (self._lines(status) if self.number else "")
            + "</fact_recev>"
        )

    def _id(self) -> str:
        return (
            f"<id_fact_ramq_recev><no_fact_ramq>{self.ramq}</no_fact_ramq>"
            f"<jeton_comm>{self.token}</jeton_comm></id_fact_ramq_recev>"
        )

    def _lines(self, status: int) -> str:
        lines = "".join(
            f"<ligne_fact_recev><no_ligne_fact>{n}</no_ligne_fact><sta_recev>{status}</sta_recev>"
            f"<mnt_prel>{cents / 100:.2f}</mnt_prel></ligne_fact_recev>"
            for n, cents in enumerate(self.cents, 1)
        )
        return f"<liste_ligne_fact_recev>{lines}</liste_ligne_fact_recev>"


def message(code: str, root: str = "recev") -> str:
    return (
        f"<liste_msg_expl_{root}><msg_expl_{root}><cod_msg_expl_{root}>{code}</cod_msg_expl_{root}>"
        f"<txt_msg_expl_{root}>Fictif.</txt_msg_expl_{root}></msg_expl_{root}></liste_msg_expl_{root}>"
    )


def recev(number: str | None, *facts: Fact, kind: str = "paimt", code: str | None = None, status: int = 0) -> str:
    """A reply to a request; receivable when one of its invoices is."""
    status = status or (1 if any(fact.ramq and fact.code is None for fact in facts) else 2)
    listed = f"<liste_fact_recev>{''.join(f.xml() for f in facts)}</liste_fact_recev>" if facts else ""
    echoed = f"<no_dem_ext>{number}</no_dem_ext>" if number else ""
    said = message(code) if code else ""
    return f"<dem_{kind}_recev {_RFP}>{echoed}<sta_recev>{status}</sta_recev>{said}{listed}</dem_{kind}_recev>"


def statement(number: str = "EC-2026-000101", **changes: str) -> str:
    """A statement for 18001 and personal:231234, with some texts replaced."""
    text = sample("etat-compte", "valid_etat_compte_personal_account").replace("EC-2026-000101", number)
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def parcel(**members: str | bytes) -> bytes:
    """A ZIP of documents."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.xml", data)
    return target.getvalue()


class ReturnHouse(House):
    """A house whose payer has something to say."""

    def __init__(self, folder: Path, **payer: Any) -> None:
        super().__init__(folder, **{"returns_finished": "rename"} | payer)
        self.receive, self.match, self.distribute = Receive(), Match(), Distribute()

    # -- what went out before --

    def transmitted(
        self,
        number: str = "D-1",
        invoices: Sequence[str] = ("F-1", "F-2"),
        *,
        document: str = "dem_paimt",
        about: Sequence[Invoice] = (),
        agency: str = "AGE-1",
        under: str = "18001",
        **values: Any,
    ) -> Request:
        """A request at the payer (or where `values` say), with its submissions and, when new, its invoices."""
        action = {"dem_modif": "modify", "dem_annu": "cancel"}.get(document, "new")
        source, state = agency.replace("AGE", "SRC"), values.pop("state", RequestState.TRANSMITTED)
        with self.store.write() as tx:
            batch = Batch(
                id=new_id("LOT"),
                agency_id=agency,
                source_id=source,
                name="lot.xml",
                size=1,
                sha256="00",
                archive_ref="-",
                state=BatchState.COLLECTED,
                received_at=tx.now,
            )
            moves.born(tx, batch, "collected")
            request = Request(
                **{
                    "id": new_id("DEM"),
                    "batch_id": batch.id,
                    "agency_id": agency,
                    "source_id": source,
                    "ordinal": 1,
                    "payer": "sandbox",
                    "number": under,
                    "format": "ramq-rfp",
                    "document": document,
                    "action": action,
                    "no_dem_ext": number,
                    "sha256": "00",
                    "size": 1,
                    "archive_ref": "-",
                    "wire_name": f"{number}.xml",
                    "state": RequestState.READY,
                    "attempts": 1,
                    "invoices": len(invoices) or len(about),
                    "created_at": tx.now,
                }
                | values
            )
            moves.born(tx, request, "judged")
            self._bring(tx, request, state)
            for ordinal, own in enumerate(invoices or [None] * len(about), 1):
                self._submit(tx, request, ordinal, own, about[ordinal - 1] if about else None)
        return request

    def _bring(self, tx: Any, request: Request, state: RequestState) -> None:
        if state in (RequestState.TRANSMITTING, RequestState.TRANSMITTED):
            moves.take(tx, request, RequestState.TRANSMITTING, "transmitting", owner="worker-0", seconds=300)
        if state == RequestState.TRANSMITTED:
            moves.move(tx, request, state, "delivered", transmitted_at=tx.now)
        elif state != request.state:
            moves.move(tx, request, state, "in_doubt", holds=["in_doubt"])

    def _submit(self, tx: Any, request: Request, ordinal: int, own: str | None, about: Invoice | None) -> None:
        where = {"request_id": request.id, "ordinal": ordinal, "batch_id": request.batch_id}
        invoice = about
        if invoice is None:
            invoice = Invoice(
                **where, id=new_id("FAC"), agency_id=request.agency_id, payer=request.payer, no_fact_ext=own
            )
            tx.session.add(invoice)
        tx.session.add(
            Submission(
                **where,
                agency_id=request.agency_id,
                invoice_id=invoice.id,
                action=request.action,
                no_fact_ext=own,
                no_fact_ramq=about.no_fact_ramq if about else None,
                jeton_comm=about.jeton_comm if about else None,
            )
        )

    # -- the way back --

    def left(self, name: str, data: str | bytes, number: str = "18001") -> None:
        """The payer leaves a file for a transmission number."""
        self.boxes.box[f"returns:{number}"].put(name, data if isinstance(data, bytes) else data.encode())

    def fetched(self, number: str = "18001") -> Outcome:
        return self.receive.run(self.rooms, f"sandbox:{number}")

    def matched(self, number: str = "18001") -> Outcome:
        return self.match.run(self.rooms, f"sandbox:{number}")

    def distributed(self, source: str = "SRC-1") -> Outcome:
        return self.distribute.run(self.rooms, source)

    def answered(self, name: str, data: str | bytes, number: str = "18001") -> list[Reply]:
        """Left, fetched and matched: the replies that came of it."""
        before = {reply.id for reply in self.all(Reply)}
        self.left(name, data, number)
        self.fetched(number)
        self.matched(number)
        return [reply for reply in self.all(Reply) if reply.id not in before]

    def at_the_agency(self, source: str = "SRC-1") -> dict[str, bytes]:
        return {name: kept.data for name, kept in self.boxes.box[f"returns:{source}"].files.items()}

    def at_the_payer_for_us(self, number: str = "18001") -> list[str]:
        return sorted(self.boxes.box[f"returns:{number}"].files)

    def invoice(self, own: str) -> Invoice:
        (found,) = (invoice for invoice in self.all(Invoice) if invoice.no_fact_ext == own)
        return found

    def submissions(self, request: Request) -> list[Submission]:
        return sorted((s for s in self.all(Submission) if s.request_id == request.id), key=lambda s: s.ordinal)

    def lines(self, request: Request) -> list[Line]:
        return [line for line in self.all(Line) if line.request_id == request.id]

    def now(self, record: Any) -> Any:
        """The record as it is in the database."""
        (found,) = (other for other in self.all(type(record)) if other.id == record.id)
        return found


def sha256(data: str | bytes) -> str:
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()
