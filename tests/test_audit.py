"""The history proves itself: whatever is changed in it is found, and named, also by those who have only its anchors."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlmodel import col
from structlog.testing import capture_logs
from support import records
from support.house import House

from gateway import anchors
from gateway.anchors import AnchorsError
from gateway.app import App, open_app
from gateway.cli import main
from gateway.clock import FixedClock, SystemClock, today
from gateway.config import load
from gateway.messages import LANGUAGES, say
from gateway.models import ChainHead, Event
from gateway.platform import WINDOWS
from gateway.stages.anchor import Anchor, LostAnchor
from gateway.states import ReplyState, RequestState
from gateway.store import Store, Tx, audit, chain, moves
from gateway.store.chain import Flaw, Head
from gateway.store.engine import table_of

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
LINK: dict[str, Any] = {
    "chain_version": 1,
    "previous_hash": chain.GENESIS,
    "record_kind": "batch",
    "record_id": "LOT-1",
    "from_state": None,
    "to_state": "COLLECTED",
    "at": NOON,
    "actor": "élise",
    "reason": "collected",
    "detail": {"b": 1, "a": [True, None, "x"]},
}
EVENTS = 6


@pytest.fixture
def written(store: Store) -> Store:
    """A chain of six events."""
    records.settle(store)
    with store.write() as tx:
        for _ in range(EVENTS):
            records.batch(tx)
    assert examined(store).flaw is None
    return store


def examined(store: Store, *known: Head) -> chain.Examined:
    with store.read() as tx:
        return chain.examine(tx, known)


def head(store: Store) -> Head:
    with store.read() as tx:
        return chain.head(tx)


def tamper(store: Store, *statements: Any) -> None:
    with store.write() as tx:
        for statement in statements:
            tx.session.execute(statement)


def make_anew(tx: Tx, start: int) -> None:
    """What a patient forger does: every hash from `start` on again, and the head."""
    table = table_of(Event)
    rows = tx.session.execute(select(table).order_by(table.c.seq)).mappings().all()
    previous, count = chain.GENESIS, 0
    for row in rows:
        link = {name: row[name] for name in chain.LINK} | {"previous_hash": previous}
        previous = row["hash"] if row["seq"] < start else chain.link_hash(link)
        seq, count = row["seq"], count + 1
        tx.session.execute(
            update(Event).where(col(Event.seq) == seq).values(previous_hash=link["previous_hash"], hash=previous)
        )
    tx.session.execute(update(ChainHead).values(hash=previous, events=count))


def test_the_canonical_form_is_what_the_documentation_says() -> None:
    said = (
        '{"actor":"\\u00e9lise","at":"2026-03-02T17:00:00.000000+00:00","chain_version":1,'
        '"detail":{"a":[true,null,"x"],"b":1},"from_state":null,"previous_hash":"'
        + "0"
        * 64
        + '","reason":"collected",'
        '"record_id":"LOT-1","record_kind":"batch","to_state":"COLLECTED"}'
    )
    assert chain.canonical(LINK).decode() == said
    assert chain.link_hash(LINK) == hashlib.sha256(said.encode()).hexdigest()


def test_what_is_no_link_is_not_brought_into_the_form() -> None:
    for wrong in ({"at": "yesterday"}, {"detail": b"bytes"}):
        with pytest.raises(TypeError):
            chain.canonical(LINK | wrong)


CHANGES: dict[str, Any] = {
    "seq": 100,
    "record_kind": "reply",
    "record_id": "LOT-other",
    "from_state": "HELD",
    "to_state": "REFUSED",
    "at": NOON + timedelta(microseconds=1),
    "actor": "somebody",
    "reason": "other",
    "detail": {"a": 1},
    "chain_version": 2,
    "previous_hash": "1" * 64,
    "hash": "2" * 64,
}


def test_every_column_of_an_event_is_tampered_with_below() -> None:
    assert set(CHANGES) == {column.name for column in table_of(Event).c}


@pytest.mark.parametrize("column", CHANGES)
def test_whatever_column_is_changed_the_entry_is_named(written: Store, column: str) -> None:
    tamper(written, update(Event).where(col(Event.seq) == 3).values({column: CHANGES[column]}))
    seen = examined(written)
    assert seen.flaw == Flaw(3, "missing" if column == "seq" else "altered")
    assert seen.events == 2


def test_an_entry_whose_own_hash_was_made_anew_is_betrayed_by_the_next(written: Store) -> None:
    with written.write() as tx:
        tx.session.execute(update(Event).where(col(Event.seq) == 3).values(actor="nobody"))
        row = tx.session.execute(select(table_of(Event)).where(col(Event.seq) == 3)).mappings().one()
        tx.session.execute(
            update(Event).where(col(Event.seq) == 3).values(hash=chain.link_hash({n: row[n] for n in chain.LINK}))
        )
    assert examined(written).flaw == Flaw(4, "altered")


@pytest.mark.parametrize(("gone", "why"), [(1, "missing"), (4, "missing"), (EVENTS, "head")])
def test_a_deleted_entry_is_named(written: Store, gone: int, why: str) -> None:
    tamper(written, delete(Event).where(col(Event.seq) == gone))
    assert examined(written).flaw == Flaw(gone, why)


def test_an_inserted_entry_is_named_wherever_it_was_put(written: Store) -> None:
    forged = LINK | {"at": NOON, "previous_hash": head(written).hash}
    row = {**forged, "hash": chain.link_hash(forged)}
    tamper(written, insert(table_of(Event)).values(seq=EVENTS + 1, **row))
    assert examined(written).flaw == Flaw(EVENTS + 1, "head")
    tamper(written, update(Event).where(col(Event.seq) == EVENTS + 1).values(seq=-1))
    assert examined(written).flaw == Flaw(1, "missing")


def test_entries_that_changed_places_are_named(written: Store) -> None:
    swap = ((2, 100), (5, 2), (100, 5))
    tamper(written, *(update(Event).where(col(Event.seq) == old).values(seq=new) for old, new in swap))
    assert examined(written).flaw == Flaw(2, "altered")


def test_a_copy_of_an_entry_in_the_place_of_another_is_named(written: Store) -> None:
    with written.write() as tx:
        row = dict(tx.session.execute(select(table_of(Event)).where(col(Event.seq) == 2)).mappings().one())
        tx.session.execute(delete(Event).where(col(Event.seq) == 4))
        tx.session.execute(insert(table_of(Event)).values(row | {"seq": 4, "hash": "3" * 64}))
    assert examined(written).flaw == Flaw(4, "altered")


@pytest.mark.parametrize("left", [0, 1, 5])
def test_a_tail_cut_with_its_head_is_known_only_to_the_anchor(written: Store, left: int) -> None:
    before = head(written)
    with written.write() as tx:
        tx.session.execute(delete(Event).where(col(Event.seq) > left))
        make_anew(tx, EVENTS + 1)
    assert examined(written).flaw is None
    assert examined(written, before).flaw == Flaw(left + 1, "cut")


def test_a_history_made_anew_is_known_only_to_the_anchors_which_say_where(written: Store) -> None:
    first, second = Head(2, hash_of(written, 2)), Head(5, hash_of(written, 5))
    with written.write() as tx:
        tx.session.execute(update(Event).where(col(Event.seq) == 4).values(reason="other"))
        make_anew(tx, 4)
    assert examined(written).flaw is None
    seen = examined(written, second, first)
    assert (seen.flaw, seen.anchors, seen.events) == (Flaw(3, "rewritten", 5), 1, 2)


def hash_of(store: Store, seq: int) -> str:
    with store.read() as tx:
        return str(tx.session.scalar(select(col(Event.hash)).where(col(Event.seq) == seq)))


def test_anchors_of_a_history_that_grew_since_agree(written: Store) -> None:
    known = [Head(0, chain.GENESIS), Head(3, hash_of(written, 3)), head(written)]
    seen = examined(written, *known, *known)
    assert (seen.flaw, seen.anchors, seen.events, seen.hash) == (None, 6, EVENTS, head(written).hash)
    assert examined(written, Head(0, "1" * 64)).flaw is not None


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("column", ["at", "detail", "record_id", "chain_version"])
def test_what_sqlite_keeps_and_nobody_can_read_is_named(written: Store, column: str) -> None:
    """It keeps any bytes in any column; the examination does not stop at them."""
    with written.write() as tx:
        tx.session.execute(text(f"UPDATE event SET {column} = x'7b' WHERE seq = 4"))
    assert examined(written).flaw in (Flaw(4, "unreadable"), Flaw(4, "altered"))


def test_a_chain_longer_than_a_page_is_followed_to_its_end(written: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "PAGE", 4)
    assert examined(written).events == EVENTS
    tamper(written, update(Event).where(col(Event.seq) == 5).values(actor="x"))
    assert examined(written).flaw == Flaw(5, "altered")


def test_an_examination_keeps_one_page_in_memory(store: Store) -> None:
    records.settle(store)
    with store.write() as tx:
        moves.tell(tx, "registry", ((f"X-{n}", "told", {"n": n}) for n in range(2 * chain.PAGE + 1)))
    asked: list[str] = []
    with store.read() as tx:
        execute = tx.session.execute

        def counted(statement: Any, *args: Any, **kw: Any) -> Any:
            asked.append(str(statement))
            return execute(statement, *args, **kw)

        tx.session.execute = counted  # type: ignore[method-assign]
        assert chain.examine(tx).events == 2 * chain.PAGE + 1
    assert sum("LIMIT" in statement for statement in asked) == 4


# -- the file of anchors --


def test_an_anchor_is_added_and_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    assert anchors.last(file) is None
    anchors.add(file, NOON, 3, "a" * 64)
    first = file.read_bytes()
    anchors.add(file, NOON + timedelta(days=1), 5, "b" * 64)
    assert file.read_bytes().startswith(first)
    assert [(one.events, one.hash[0]) for one in anchors.every(file)] == [(3, "a"), (5, "b")]
    assert WINDOWS or file.stat().st_mode & 0o777 == 0o600


def test_a_line_the_machine_died_in_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    anchors.add(file, NOON, 3, "a" * 64)
    with file.open("ab") as opened:
        opened.write(b'{"at": "2026-03-0')
    assert [one.events for one in anchors.every(file)] == [3]


@pytest.mark.parametrize("line", [b"{}", b"[]", b"\xff", b'{"at": "2026-03-02T17:00:00", "events": 1, "hash": "x"}'])
def test_a_line_that_is_no_anchor_is_named(tmp_path: Path, line: bytes) -> None:
    file = tmp_path / "anchors.jsonl"
    anchors.add(file, NOON, 3, "a" * 64)
    with file.open("ab") as opened:
        opened.write(line + b"\n")
    with pytest.raises(AnchorsError, match="2"):
        list(anchors.every(file))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_head_is_anchored_once_a_day(house: House) -> None:
    file = house.rooms.config.anchors
    for _ in range(3):
        Anchor().run(house.rooms, "all")
    assert len(list(anchors.every(file))) == 1
    house.clock.advance(timedelta(days=1))
    with capture_logs() as logs:
        Anchor().run(house.rooms, "all")
    assert len(list(anchors.every(file))) == 2
    assert [(line["event"], line["hash"]) for line in logs] == [("audit_anchor", head(house.store).hash)]
    house.close()


def test_a_history_that_lost_its_anchor_gets_no_new_one(house: House) -> None:
    anchors.add(house.rooms.config.anchors, house.clock.now() - timedelta(days=2), 9999, "a" * 64)
    with capture_logs() as logs, pytest.raises(LostAnchor):
        Anchor().run(house.rooms, "all")
    assert [line["event"] for line in logs] == ["audit_chain_lost_its_anchor"]
    assert len(list(anchors.every(house.rooms.config.anchors))) == 1
    house.close()


# -- the commands --


class Line:
    """The command line on one state folder with six events and an anchor of the first four."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config, self._capsys = folder / "gateway.toml", capsys
        self.config.write_text("[gateway]\nstate_dir = 'var'\n", "utf-8")
        with self.opened() as app:
            records.settle(app.store)
            for count in (4, 2):
                with app.store.write() as tx:
                    for _ in range(count):
                        records.batch(tx)
                if count == 4:
                    self("audit", "anchor")
            self.anchors, self.store = app.config.anchors, app.store

    def opened(self) -> AbstractContextManager[App]:
        return open_app(load(self.config))

    def __call__(self, *words: str, lang: str = "en") -> int:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*words, "--config", str(self.config), "--lang", lang])
        got = self._capsys.readouterr()
        self.said, self.complained = got.out, got.err
        return int(end.value.code or 0)


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(tmp_path, capsys)


def test_a_whole_history_is_said_to_be_whole(line: Line) -> None:
    assert line("audit", "verify") == 0
    assert "6 event(s)" in line.said
    assert "agrees with the 1 anchor(s)" in line.said
    assert line("audit", "verify", "--json") == 0
    told = json.loads(line.said)
    assert (told["whole"], told["events"], told["anchors_agreed"], told["first_bad"]) == (True, 6, 1, None)


def test_the_first_bad_entry_is_named_in_both_languages(line: Line) -> None:
    with line.opened() as app:
        tamper(app.store, update(Event).where(col(Event.seq) == 3).values(actor="x"))
    assert line("audit", "verify", lang="fr") == 1
    assert "Première inscription en cause : 3" in line.said
    assert line("audit", "verify", "--json") == 1
    assert (json.loads(line.said)["first_bad"], json.loads(line.said)["why"]) == (3, "altered")


def test_a_cut_tail_is_found_by_a_copy_of_the_anchors_when_the_file_was_cut_too(line: Line, tmp_path: Path) -> None:
    copy = shutil.copy(line.anchors, tmp_path / "copy.jsonl")
    with line.opened() as app, app.store.write() as tx:
        tx.session.execute(delete(Event).where(col(Event.seq) > 2))
        make_anew(tx, EVENTS + 1)
    assert line("audit", "verify") == 1
    assert "First bad entry: 3" in line.said
    line.anchors.unlink()
    assert line("audit", "verify") == 0
    assert "No anchor" in line.said
    assert line("audit", "verify", "--anchors", str(copy)) == 1


def test_an_anchor_file_that_is_not_there_or_damaged_is_said_so(line: Line, tmp_path: Path) -> None:
    assert line("audit", "verify", "--anchors", str(tmp_path / "absent")) == 2
    with line.anchors.open("ab") as opened:
        opened.write(b"{}\n")
    assert line("audit", "verify") == 2
    assert "line 2" in line.complained
    assert line("audit", "anchor") == 2


@pytest.mark.parametrize("why", ["altered", "unreadable", "missing", "head", "cut", "rewritten"])
def test_every_way_to_be_bad_has_its_sentence(why: str) -> None:
    assert all(say(f"audit.why_{why}", lang, seq=3, until=5, good=2) for lang in LANGUAGES)


# -- the registers --


def test_who_looked_at_a_record_is_in_the_chain_and_not_in_the_record_s_own_history(line: Line) -> None:
    with line.opened() as app, app.store.read() as tx:
        lot = str(tx.session.scalar(select(col(Event.record_id)).where(col(Event.seq) == 2)))
    assert line("show", lot, "--json", "--actor", "louise") == 0
    assert [event["reason"] for event in json.loads(line.said)["history"]] == ["collected"]
    day = str(today(SystemClock()))
    assert line("audit", "export", "looks", "--from", day, "--format", "json", "--actor", "marc") == 0
    (seen, itself) = json.loads(line.said)
    assert (seen["actor"], seen["kind"], seen["record"], seen["command"]) == ("louise", "batch", lot, "show")
    assert (itself["actor"], itself["record"]) == ("marc", "looks")
    assert line("audit", "verify") == 0


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("register", ["looks", "access", "communications"])
def test_a_register_is_a_table_and_a_page_in_both_languages(
    line: Line, tmp_path: Path, register: str, lang: str
) -> None:
    day = str(today(SystemClock()))
    assert line("audit", "export", register, "--from", day, lang=lang) == 0
    assert say("audit.column_at" if register != "access" else "audit.column_actor", lang) in line.said.splitlines()[0]
    page = tmp_path / "page.html"
    assert line("audit", "export", register, "--from", day, "--format", "html", "--out", str(page), lang=lang) == 0
    assert say(f"audit.title_{register}", lang) in page.read_text("utf-8")
    assert line("audit", "export", register, "--out", str(page)) == 2  # never over another file


def test_an_unknown_register_or_form_is_named(line: Line) -> None:
    assert line("audit", "export", "everything") == 2
    assert line("audit", "export", "looks", "--format", "xls") == 2
    assert "xls" in line.complained


def test_a_person_named_like_a_formula_is_none_in_a_spreadsheet(line: Line) -> None:
    line("audit", "export", "access", "--from", str(today(SystemClock())), "--actor", "=1+1")
    assert "\r\n'=1+1,1,1,0," in line.said or "\n'=1+1,1,1,0," in line.said


def test_what_went_to_a_payer_and_to_an_agency_is_a_communication(store: Store, clock: FixedClock) -> None:
    records.settle(store)
    with store.write() as tx:
        request = records.request(tx, records.batch(tx), format="ramq-rfp")
        moves.take(tx, request, RequestState.TRANSMITTING, "taken", owner="w", seconds=60)
        moves.move(tx, request, RequestState.TRANSMITTED, "receipt", transmitted_at=tx.now)
        moves.note(tx, request, "waits")
        reply = records.reply(tx, agency_id=records.AGENCY, state=ReplyState.MATCHED)
        moves.take(tx, reply, ReplyState.DISTRIBUTING, "taken", owner="w", seconds=60)
        moves.move(tx, reply, ReplyState.DISTRIBUTED, "delivered")
    with store.read() as tx:
        now = clock.now()
        found = list(audit.communications(tx, now, now + timedelta(days=1)))
        assert list(audit.communications(tx, now - timedelta(days=1), now)) == []
        (person,) = audit.accesses(tx, now, now + timedelta(days=1))
    assert [(one.record, one.nature, one.purpose, one.recipient) for one in found] == [
        (request.id, "ramq-rfp", "payment", "sandbox"),
        (reply.id, "receivability", "answer", records.AGENCY),
    ]
    assert (person.actor, person.looks, person.others) == ("system", 0, 8)


def test_a_configuration_is_told_by_its_hashes_once(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    seen = []
    for workers in (4, 4, 5):
        file.write_text(f"[gateway]\nworkers = {workers}\n", "utf-8")
        with store.write() as tx:
            seen.append(audit.settings(tx, load(file).digests()))
    assert seen == [sorted(load(file).digests()), [], ["gateway"]]
    with store.read() as tx:
        assert "workers" not in str(tx.session.scalars(select(col(Event.detail))).all())
