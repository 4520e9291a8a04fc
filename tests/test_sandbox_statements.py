"""Statements of the sandbox: valid, to the cent, once per account and system, for the number that sent."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree
from support.sandbox import (
    cancellation,
    catalog,
    drop,
    ids,
    invoice,
    modification,
    old,
    old_name,
    payment,
    price,
    texts,
    valid,
    zipped,
)

from gateway.clock import FixedClock
from gateway.sandbox import Sandbox
from gateway.sandbox.ledger import Entry
from gateway.sandbox.statements import outcome, settle

DAY = date(2026, 6, 15)
ENTRY = ("liste_entree", "entree")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 6, 1, 16, tzinfo=UTC))


@pytest.fixture
def sandbox(tmp_path: Path, clock: FixedClock) -> Sandbox:
    sandbox = Sandbox(tmp_path / "payer", catalog(), clock)
    sandbox.add("18001")
    return sandbox


def send(sandbox: Sandbox, name: str, *invoices: str, account: str | None = None) -> list[tuple[str, str]]:
    reply = drop(sandbox, f"{name}.xml", payment(name, *invoices, account=account))
    assert reply is not None
    return ids(reply)


def issued(sandbox: Sandbox, day: date = DAY) -> dict[str, etree._Element]:
    """Every statement of the day by its number's parcel and member, valid and with sums that tie."""
    found = {}
    for parcel in sandbox.issue_statements(day):
        with zipfile.ZipFile(io.BytesIO(parcel.read_bytes())) as archive:
            for name in archive.namelist():
                root = valid(archive.read(name))
                assert name == f"{texts(root, 'no_etat_compte')[0]}.xml"
                ties(root)
                found[f"{parcel.name}!{name}"] = root
    return found


def ties(root: etree._Element) -> None:
    """FORMATS section 3, to the cent."""

    def amount(*path: str) -> Decimal:
        return Decimal(texts(root, *path)[0])

    paid = [Decimal(text) for text in texts(root, *ENTRY, "mnt_paie")]
    assert amount("total", "mnt_total") == sum(paid)
    assert int(texts(root, "total", "nb_entree")[0]) == len(paid)
    before, after = amount("paiement", "mnt_report_avant"), amount("paiement", "mnt_report_apres")
    assert before + sum(paid) - amount("paiement", "mnt_retenu") == amount("paiement", "mnt_verse") + after
    assert after < 20


def only(statements: dict[str, etree._Element]) -> etree._Element:
    [root] = statements.values()
    return root


def entry(root: etree._Element, payer_number: str) -> dict[str, str]:
    for element in root.iter("{*}entree"):
        values = {etree.QName(child).localname: child.text or "" for child in element}
        if values.get("no_fact_ramq") == payer_number:
            return values
    raise AssertionError(payer_number)


def test_ten_invoices_are_paid_reduced_refused_and_in_process(sandbox: Sandbox) -> None:
    numbers = [number for number, _ in send(sandbox, "D-1", *(invoice(f"F-{n}") for n in range(10)))]
    root = only(issued(sandbox))
    assert texts(root, *ENTRY, "typ_entree") == [
        "PAIE", "PAIE", "MODIF", "PAIE", "PAIE", "REFUS", "PAIE", "PAIE", "COUR", "PAIE", "PAIE",
    ]  # fmt: skip
    cents = price("ramq-rfp", "01100")
    assert entry(root, numbers[0])["mnt_paie"] == entry(root, numbers[0])["mnt_prel"] == f"{cents / 100:.2f}"
    assert Decimal(entry(root, numbers[2])["mnt_paie"]) < Decimal(cents) / 100
    assert (entry(root, numbers[5])["mnt_paie"], entry(root, numbers[8])["mnt_paie"]) == ("0.00", "0.00")
    codes = texts(root, *ENTRY, "liste_msg_expl", "msg_expl", "cod_msg_expl")
    assert [len(code) for code in codes] == [4, 4, 4]
    foreign = texts(root, *ENTRY, "no_fact_ramq")[-1]
    assert foreign not in numbers
    assert texts(root, "paiement", "typ_paimt") == ["DEPOT"]


def test_what_was_in_process_is_settled_by_the_next_statement(sandbox: Sandbox) -> None:
    numbers = [number for number, _ in send(sandbox, "D-1", *(invoice(f"F-{n}") for n in range(10)))]
    issued(sandbox)
    second = only(issued(sandbox, DAY + timedelta(days=14)))
    assert texts(second, *ENTRY, "typ_entree") == ["PAIE", "PAIE"]
    assert entry(second, numbers[8])["mnt_paie"] == f"{price('ramq-rfp', '01100') / 100:.2f}"
    assert issued(sandbox, DAY + timedelta(days=28)) == {}


def test_each_account_and_system_has_its_own_statement(sandbox: Sandbox) -> None:
    xml = old("170105")
    send(sandbox, "D-1", invoice("F-1"))
    send(sandbox, "D-2", invoice("F-2"), account="12345")
    drop(sandbox, f"{old_name(xml)}.zip", zipped(xml))
    statements = issued(sandbox)
    assert {key.split("!")[0] for key in statements} == {f"EC_18001_{DAY}.zip"}
    seen = {
        (texts(r, "cod_syst")[0], *texts(r, "compte", "typ_moda_paimt"), *texts(r, "compte", "no_cpte_admin"))
        for r in statements.values()
    }
    assert seen == {("RFP", "1"), ("RFP", "2", "12345"), ("ANC", "1")}


def test_the_old_system_has_three_digit_codes_and_no_numbers_of_its_own(sandbox: Sandbox) -> None:
    xml = old("170105", "170106", "170107")
    drop(sandbox, f"{old_name(xml)}.zip", zipped(xml))
    root = only(issued(sandbox))
    assert texts(root, *ENTRY, "no_fact_ramq") == []
    assert texts(root, *ENTRY, "no_fact_ext") == [f"18001-8001001-{n:04d}" for n in (1, 2, 3)]
    assert [len(c) for c in texts(root, *ENTRY, "liste_msg_expl", "msg_expl", "cod_msg_expl")] == [3]


def test_a_collective_account_names_no_practitioner(sandbox: Sandbox) -> None:
    send(sandbox, "D-1", invoice("F-1"), account="12345")
    assert texts(only(issued(sandbox)), "compte", "id_prof") == ["231234"]
    other = payment("D-2", invoice("F-2", practice="231235"), account="12345").replace(
        b"<demdr><typ_id_intvn>1</typ_id_intvn><id_intvn>231234<",
        b"<demdr><typ_id_intvn>1</typ_id_intvn><id_intvn>231235<",
    )
    drop(sandbox, "D-2.xml", other)
    assert texts(only(issued(sandbox, DAY + timedelta(days=14))), "compte", "id_prof") == []


def test_a_second_parcel_of_a_day_has_a_name_of_its_own(sandbox: Sandbox) -> None:
    send(sandbox, "D-1", invoice("F-1"))
    [first] = sandbox.issue_statements(DAY)
    first.unlink()  # fetched
    send(sandbox, "D-2", invoice("F-2"))
    [second] = sandbox.issue_statements(DAY)
    assert (first.name, second.name) == (f"EC_18001_{DAY}.zip", f"EC_18001_{DAY}_2.zip")


def test_a_statement_goes_to_the_number_that_sent_last(sandbox: Sandbox) -> None:
    sandbox.add("18002")
    send(sandbox, "D-1", invoice("F-1"))
    drop(sandbox, "D-2.xml", payment("D-2", invoice("F-2"), sender="18002"), "18002")
    [parcel] = sandbox.issue_statements(DAY)
    assert parcel.parent == sandbox.returns("18002")
    assert list(sandbox.returns("18001").iterdir()) == []


def test_a_paid_invoice_that_changes_is_revised_and_one_cancelled_is_taken_back(sandbox: Sandbox) -> None:
    [(one, token), (two, other)] = send(sandbox, "D-1", invoice("F-1"), invoice("F-2"))
    issued(sandbox)
    drop(sandbox, "M-1.xml", modification("M-1", one, token, invoice("F-1", ["21211"])))
    drop(sandbox, "A-1.xml", cancellation("A-1", (two, other)))
    root = only(issued(sandbox, DAY + timedelta(days=14)))
    change = price("ramq-rfp", "21211") - price("ramq-rfp", "01100")
    assert (entry(root, one)["typ_entree"], entry(root, one)["mnt_paie"]) == ("REVIS", f"{change / 100:.2f}")
    assert entry(root, two)["typ_entree"] == "ANNU"
    assert entry(root, two)["mnt_paie"] == f"-{price('ramq-rfp', '01100') / 100:.2f}"


def test_an_invoice_cancelled_before_any_statement_never_shows(sandbox: Sandbox) -> None:
    [(number, token)] = send(sandbox, "D-1", invoice("F-1"))
    drop(sandbox, "A-1.xml", cancellation("A-1", (number, token)))
    assert issued(sandbox) == {}


def test_a_sum_under_twenty_dollars_is_carried_and_a_debt_too() -> None:
    small = settle(total=1999, before=0)
    assert (small.paid, small.after) == (0, 1999)
    enough = settle(total=1, before=small.after)
    assert (enough.paid, enough.after) == (2000, 0)
    debt = settle(total=-500, before=0)
    assert (debt.paid, debt.after) == (0, -500)


def test_what_is_carried_comes_back_on_the_next_statement(sandbox: Sandbox) -> None:
    [(number, token)] = send(sandbox, "D-1", invoice("F-1", ["71101"]))
    issued(sandbox)
    drop(sandbox, "A-1.xml", cancellation("A-1", (number, token)))
    debt = only(issued(sandbox, DAY + timedelta(days=14)))
    [after] = texts(debt, "paiement", "mnt_report_apres")
    assert Decimal(after) < 0
    assert texts(debt, "paiement", "typ_paimt") == ["AUCUN"]
    send(sandbox, "D-2", invoice("F-2", ["71101", "21211"]))
    assert texts(only(issued(sandbox, DAY + timedelta(days=28))), "paiement", "mnt_report_avant") == [after]


def test_an_invoice_is_told_the_same_way_every_time() -> None:
    fresh = Entry(3, "F-1", "70000000003", "231234", None, None, 1001, True, None, 0)
    assert outcome(fresh) == outcome(fresh)
    assert outcome(fresh).paid == 900
    assert outcome(replace(fresh, serial=9)).again
    assert outcome(replace(fresh, serial=9, reported="COUR")).kind == "PAIE"


def test_statements_may_come_by_the_clock(tmp_path: Path, clock: FixedClock) -> None:
    sandbox = Sandbox(tmp_path / "payer", catalog(), clock, statements_every=14)
    sandbox.add("18001")
    send(sandbox, "D-1", invoice("F-1"))
    sandbox.process()
    assert list(sandbox.returns("18001").iterdir()) == []
    clock.advance(timedelta(days=14))
    sandbox.process()
    sandbox.process()
    assert [path.name for path in sandbox.returns("18001").iterdir()] == ["EC_18001_2026-06-15.zip"]


def test_another_process_may_issue_while_one_serves(sandbox: Sandbox, tmp_path: Path) -> None:
    send(sandbox, "D-1", invoice("F-1"))
    sandbox.start()
    other = Sandbox(tmp_path / "payer", catalog(), FixedClock(datetime(2026, 6, 15, 16, tzinfo=UTC)))
    [parcel] = other.issue_statements(DAY)
    sandbox.stop()
    assert [path.name for path in sandbox.returns("18001").iterdir()] == [parcel.name]


def test_when_there_is_none_the_payer_can_say_so(sandbox: Sandbox) -> None:
    root = valid(sandbox.refuse_statement("18001", DAY).read_bytes())
    assert (root.tag, len(texts(root, "Erreur"))) == ("Erreurs_DS", 1)
