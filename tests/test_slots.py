"""Each document is judged in a process with limits: it costs its slot, and nobody else anything."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.family import document, family, invoice, rule
from support.house import House, paimt, sample

from gateway import catalog
from gateway.app import open_app
from gateway.config import Config, GatewayConfig
from gateway.errors import JudgingError
from gateway.report import InvoiceIndex, Report
from gateway.resources import data_dir
from gateway.slots import Allowance, Slots
from gateway.slots.answers import AT_ONCE, Rows, by_column, plain, report
from gateway.slots.frames import GarbageError, frame, receive
from gateway.stages.loop import WorkLoop
from gateway.stages.validate import Validate
from gateway.store import deposits
from gateway.validation import Limits, judge, shipped

SHIPPED = data_dir("schemas")
FOREVER = rule("FOREVER", "invoice", 'must = { matches = ["number", "S-(a+)+"] }')
ENDLESS = document(invoice(1)).replace("<no>1</no>", f"<no>{'a' * 50}1</no>")  # honest to see, ages to match
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    own = tmp_path_factory.mktemp("schemas")
    family(own, rules=FOREVER)
    return [own, SHIPPED]


@pytest.fixture(scope="module")
def slots(folders: list[Path]) -> Iterator[Slots]:
    made = Slots(folders)
    yield made
    made.close()


def judged(slots: Slots, text: str | bytes, owner: str = "AGE-1", **how: Any) -> Report:
    data = text.encode() if isinstance(text, str) else text
    return slots.judge(owner, io.BytesIO(data), "a.xml", **how)


def told(report: Report) -> str:
    assert report.verdict == "not_judged"
    (found,) = report.findings
    assert found.code == "NOT_JUDGED"
    return found.message["en"]


def gone(pid: int) -> bool:
    """Whether the process ended within ten seconds."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


# -- the same verdict --


@pytest.mark.parametrize("file", sorted((SHIPPED / "ramq-rfp" / "samples").glob("*.xml"))[::4], ids=lambda f: f.stem)
def test_a_slot_says_what_this_process_would_say(file: Path, slots: Slots) -> None:
    data, here, there = file.read_bytes(), list[InvoiceIndex](), list[InvoiceIndex]()
    expected = judge(io.BytesIO(data), "a.xml", shipped(), sink=here.append)
    assert judged(slots, data, sink=there.append) == expected
    assert there == here


def test_a_large_document_goes_in_and_its_rows_come_out_in_pieces(slots: Slots) -> None:
    one = paimt()
    inside = one[one.index("<fact_") : one.rindex("</fact_")]
    inside += one[one.rindex("</fact_") :].partition(">")[0] + ">"
    data, rows = one.replace(inside, inside * 600), list[InvoiceIndex]()
    assert len(data) > 1 << 20
    found = judged(slots, data, sink=rows.append)
    assert found == judge(io.BytesIO(data.encode()), "a.xml", shipped())
    assert [index.ordinal for index in rows] == list(range(1, found.invoices + 1))
    assert found.invoices == 1200


def test_how_a_document_is_judged_reaches_its_process(slots: Slots) -> None:
    text = document(invoice(1)).replace("<lot", '<?xml version="1.0" encoding="utf-16"?><lot', 1)
    assert [f.code for f in judged(slots, text).findings] == ["UTF16_DECLARED"]
    taken = judged(slots, text, tolerances=["utf16_declared"], severities={"FOREVER": "info"}, limits=Limits(depth=99))
    assert next((f.code, f.severity) for f in taken.findings) == ("UTF16_DECLARED", "warning")
    assert [f.code for f in judged(slots, paimt(), limits=Limits(document_bytes=10)).findings] == ["HOSTILE_SIZE"]


# -- limits --


def test_a_document_that_computes_too_long_is_not_judged_and_costs_no_other(folders: list[Path]) -> None:
    slots = Slots(folders, Allowance(seconds=1, seconds_per_megabyte=0))
    try:
        assert "1 s of computing" in told(judged(slots, ENDLESS))
        assert slots.processes() == {}
        assert judged(slots, paimt()).verdict == "valid"
    finally:
        slots.close()


def test_a_document_that_never_answers_is_ended_by_the_clock(folders: list[Path]) -> None:
    slots = Slots(folders, Allowance(seconds=1000, patience=0.001))
    try:
        assert "no answer had come" in told(judged(slots, ENDLESS))
    finally:
        slots.close()


@pytest.mark.parametrize("megabytes", [42, 44, 46, 47, 48, 49, 50, 52, 54])
def test_want_of_memory_is_never_a_verdict(megabytes: int, folders: list[Path]) -> None:
    """About where a process has just enough, or not quite."""
    text = paimt().replace("<fact_", f"<!--{'x' * 1_500_000}--><fact_", 1)
    slots = Slots(folders, Allowance(memory_bytes=megabytes * 1_000_000))
    try:
        found = judged(slots, text)
        assert found.verdict == "not_judged" or found == judge(io.BytesIO(text.encode()), "a.xml", shipped())
    except JudgingError:
        pass  # not even room to begin
    finally:
        slots.close()


def test_the_defaults_are_those_of_the_configuration() -> None:
    said, built_in = GatewayConfig(), Allowance()
    assert said.judge_seconds == built_in.seconds
    assert said.judge_seconds_per_megabyte == built_in.seconds_per_megabyte
    assert said.judge_patience == built_in.patience
    assert said.judge_memory_bytes == built_in.memory_bytes
    assert said.judge_documents == built_in.documents


# -- whose process it is --


def test_a_process_stays_for_its_owner_and_sees_nobody_elses_documents(folders: list[Path]) -> None:
    slots = Slots(folders, Allowance(documents=2))
    try:
        judged(slots, paimt(), "AGE-1")
        (first,) = slots.processes()
        judged(slots, paimt(), "AGE-1")
        assert slots.processes() == {}, "it judged as many as one may"
        judged(slots, paimt(), "AGE-1")
        judged(slots, paimt(), "AGE-2")
        kept = slots.processes()
        assert first not in kept
        assert len(kept) == min(2, os.cpu_count() or 1)
        for number in range(3, 6):
            judged(slots, paimt(), f"AGE-{number}")
        assert len(slots.processes()) <= (os.cpu_count() or 1)
    finally:
        slots.close()
    assert all(gone(pid) for pid in kept)


@LINUX
def test_a_process_inherits_nothing(slots: Slots, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("A_SECRET", "canary")
    with (tmp_path / "open.txt").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        judged(slots, paimt(), "AGE-fresh")
        pid = next(pid for pid, owner in slots.processes().items() if owner == "AGE-fresh")
    proc = Path(f"/proc/{pid}")
    assert b"canary" not in (proc / "environ").read_bytes()
    held = [str(one.readlink()) for one in (proc / "fd").iterdir()]
    assert {name for name in held if not name.startswith("pipe:")} == {"/dev/null"}
    limits = (proc / "limits").read_text()
    assert f"Max address space         {256 << 20}" in limits
    assert "Max core file size        0" in limits
    assert os.getsid(pid) == pid, "a terminal's Ctrl-C is not for it"


def test_a_process_that_died_while_it_waited_is_replaced(slots: Slots) -> None:
    judged(slots, paimt(), "AGE-dead")
    pid = next(pid for pid, owner in slots.processes().items() if owner == "AGE-dead")
    os.kill(pid, signal.SIGTERM)
    assert gone(pid)
    assert judged(slots, paimt(), "AGE-dead").verdict == "valid"


@LINUX
def test_a_process_ends_with_the_service_that_was_killed(folders: list[Path]) -> None:
    program = (
        "import io, sys, threading, time; from pathlib import Path; from gateway.slots import Allowance, Slots\n"
        "slots = Slots([Path(f) for f in sys.argv[2:]], Allowance(seconds=1000))\n"
        "work = lambda: slots.judge('A', io.BytesIO(sys.argv[1].encode()), 'a.xml')\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "while not slots.processes(): time.sleep(0.01)\n"
        "print(*slots.processes(), flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, ENDLESS, *map(str, folders)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        pid = int(service.stdout.readline())
        service.kill()
    assert gone(pid)


def test_a_service_that_ends_says_nothing_of_the_document_at_hand(folders: list[Path]) -> None:
    slots = Slots(folders)
    slots.close()
    with pytest.raises(JudgingError):
        judged(slots, paimt())


def test_what_rows_have_in_common_is_kept_once() -> None:
    """A lot of 100,000 invoices has one account, a few practitioners and a handful of days."""
    common = {"practice": "231236", "account": "personal:231236", "kind": "fact", "first_service": "2024-12-01"}
    pieces = [Rows(1).take(json.loads(json.dumps(piece([ROW | common | {"ordinal": n}])))) for n in (1, 2)]
    first, second = (found for one in pieces for found in one)
    assert all(getattr(first, name) is getattr(second, name) for name in common)
    assert (first.account, first.first_service) == ("personal:231236", date(2024, 12, 1))


# -- a process that a document took over --


ROW: dict[str, Any] = dict.fromkeys(InvoiceIndex._fields) | {"ordinal": 1, "line": 1, "lines": 1, "valid": True}
ROW |= {name: value for name, value in InvoiceIndex._field_defaults.items() if name not in ROW or ROW[name] is None}


def piece(values: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows as a process says them, whether they may be so or not."""
    return {"rows": len(values), "columns": [[one[name] for one in values] for name in ROW]}


def answer(text: str = "{}") -> dict[str, Any]:
    """What an honest process says of a document that is this text."""
    return {"report": plain(judge(io.BytesIO(text.encode()), "a.xml", shipped())), "again": True}


@pytest.fixture(scope="module")
def taken_over() -> Iterator[Slots]:
    made = Slots([SHIPPED], Allowance(patience=10), module="tests.support.liar")
    yield made
    made.close()


@pytest.mark.parametrize(
    "said",
    [
        [],
        ["\xff\xff\xff\xff"],
        ["\x00\x00\x00\x05[1,2]"],
        ["\x00\x00\x00\x03NaN"],
        ["\x00\x02\x00\x00" + "[" * (1 << 17)],
        {"report": None},
        {"failed": "memory", "more": 1},
        {"rows": 1},
        {"rows": 1, "columns": []},
        {"rows": 1, "columns": [[1]] * len(ROW)},
        {"rows": 1, "columns": [*piece([ROW])["columns"], [1]]},
        {"rows": "1", "columns": piece([ROW])["columns"]},
        {"rows": -1, "columns": piece([ROW])["columns"]},
        {"rows": True, "columns": piece([ROW])["columns"]},
        {"rows": 3, "columns": piece([ROW, ROW | {"ordinal": 2}])["columns"]},
        {"rows": 0, "columns": [[]] * len(ROW)},
        {"rows": 1, "columns": [*ROW.values()]},
        piece([ROW | {"valid": 1}]),
        piece([ROW | {"lines": -1}]),
        piece([ROW | {"ordinal": 1 << 60}]),
        piece([ROW | {"number": ["1"]}]),
        piece([ROW | {"amount_cents": 1.5}]),
        piece([ROW | {"first_service": "2024-13-01"}]),
        piece([ROW | {"first_service": ""}]),
        piece([ROW | {"first_service": "20241201"}]),
        piece([ROW | {"number": "1" * 1001}]),
        piece([ROW | {"number": "\0"}]),
        piece([ROW | {"number": "\ud800"}]),
        piece([ROW | {"kind": "\ud800"}]),
        piece([ROW | {"line": 1 << 31}]),
        piece([ROW, ROW]),
        piece([ROW]) | {"more": 1},
        {"rows": 2, "columns": [[value] for value in ROW.values()]},
        {"rows": AT_ONCE + 1, "columns": [[*range(AT_ONCE + 1)], *[[value] for value in [*ROW.values()][1:]]]},
        {"again": True},
        answer(),  # of another document
    ],
    ids=range(36),
)
def test_nothing_is_believed_that_is_not_in_its_form(said: Any, taken_over: Slots) -> None:
    assert "an answer that cannot be used" in (text := told(judged(taken_over, json.dumps(said), sink=print))) or (
        "broke off" in text
    )
    assert taken_over.processes() == {}


def test_more_rows_than_a_document_may_hold_are_not_taken(taken_over: Slots) -> None:
    many = [
        piece([ROW | {"ordinal": n} for n in range(start, start + AT_ONCE)]) for start in range(0, 102_000, AT_ONCE)
    ]
    found = judged(taken_over, json.dumps(many), limits=Limits(invoices=1), sink=lambda _row: None)
    assert "cannot be used (rows)" in told(found)


SPOILED: list[tuple[str, Any]] = [
    ("verdict", "receivable"),
    ("verdict", ["valid"]),
    ("verdict", "valid"),  # though it lists an error
    ("sha256", "0" * 64),
    ("file", "b.xml"),
    ("invoices", -1),
    ("invoices", True),
    ("invalid_invoices", 9),
    ("findings_total", 0),
    ("findings", {}),
    ("findings", [{}]),
    ("index", {"sender": 1}),
    ("authority", "nobody"),
    ("not_checked", [1]),
    ("more", 1),
]


@pytest.mark.parametrize(("name", "value"), SPOILED, ids=[f"{name}-{n}" for n, (name, _) in enumerate(SPOILED)])
def test_a_report_is_believed_whole_or_not_at_all(name: str, value: Any) -> None:
    said = json.loads(json.dumps(plain(judge(io.BytesIO(b"<a/>"), "a.xml", shipped()))))
    assert report(said, "a.xml", said["sha256"]).verdict == "invalid"
    with pytest.raises(GarbageError):
        report(said | {name: value}, "a.xml", said["sha256"])


def test_no_row_is_believed_twice_in_pieces_either() -> None:
    rows = Rows(10)
    assert [one.ordinal for one in rows.take(piece([ROW, ROW | {"ordinal": 2}]))] == [1, 2]
    with pytest.raises(GarbageError):
        rows.take(piece([ROW | {"ordinal": 3}, ROW | {"ordinal": 2}]))


def test_rows_come_back_as_they_were() -> None:
    seen: list[InvoiceIndex] = []
    judge(io.BytesIO(paimt().encode()), "a.xml", shipped(), sink=seen.append)
    for many in (seen, [*seen, seen[0]._replace(ordinal=9, valid=False, first_service=None, number=None)]):
        heard = receive(io.BytesIO(frame(by_column(many))))
        assert heard is not None
        assert Rows(len(many)).take(heard) == many
        with pytest.raises(GarbageError):
            Rows(len(many) - 1).take(heard)


# -- the stage --


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def test_a_hostile_lot_of_one_agency_delays_no_other(house: House, folders: list[Path]) -> None:
    """Agency 1's document computes for ages; agency 2's lot is judged meanwhile, though there is less to do for 1."""
    house.agency("AGE-2", "18002")
    house.account("personal:231299", "AGE-2")
    house.deposit("endless.xml", ENDLESS)
    house.deposit("honest.xml", paimt(sender="18002").replace("231234", "231299"), "SRC-2")
    house.collected()
    house.collected("SRC-2")
    slots = Slots(folders, Allowance(seconds=1000))
    loop = WorkLoop(replace(house.rooms, judge=slots.judge, catalog=catalog.load(folders)), [Validate()])
    try:
        runs = loop.start()
        assert len(runs) == 2
        while not any(run.done() for run in runs):
            time.sleep(0.01)
        assert {batch.agency_id: batch.state for batch in house.all(deposits.Batch)} == {
            "AGE-1": "COLLECTED",
            "AGE-2": "VALIDATED",
        }
        while "AGE-1" not in (working := slots.processes()).values():  # it may still be starting
            assert len([run for run in runs if run.done()]) == 1
            time.sleep(0.01)
        (stuck,) = (pid for pid, owner in working.items() if owner == "AGE-1")
        os.kill(stuck, signal.SIGTERM)
        assert [run.result().worked for run in runs] == [1, 1]
    finally:
        slots.close()  # first: what it ends, the loop waits for
        loop.close()
    held = next(batch for batch in house.all(deposits.Batch) if batch.agency_id == "AGE-1")
    assert (held.state, held.reason) == ("HELD", "NOT_JUDGED")
    assert "SIGTERM" in house.replies("report")[0].facts["findings"][0]["message"]["fr"]
    with house.store.write() as tx:
        deposits.release(tx, held, reason="looked at it")
    assert held.state == "COLLECTED", "it may be judged again"


def test_the_service_judges_in_slots(tmp_path: Path) -> None:
    config = Config(GatewayConfig(state_dir=tmp_path / "var", judge_seconds=3, judge_documents=7))
    with open_app(config) as app:
        found = app.rooms.judge(
            "AGE-1", io.BytesIO(sample("ramq-rfp", "valid_dem_annu_two_invoices").encode()), "a.xml"
        )
        assert (found.verdict, list(app.slots.processes().values())) == ("valid", ["AGE-1"])
        assert (app.slots.allowance.seconds, app.slots.allowance.documents) == (3, 7)
        pids = list(app.slots.processes())
    assert all(gone(pid) for pid in pids)
