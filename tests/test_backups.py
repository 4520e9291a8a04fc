"""Backups: consistent while others write, sealed, whole or not there at all, and brought back held."""

from __future__ import annotations

import io
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlmodel import SQLModel
from support import records
from support.copies import KEY, Copied, copied
from support.dying import Killed, die_at
from support.keys import Given
from support.unsealed import Unsealed

from gateway import anchors, backups, instance, platform
from gateway.archive import Shelf
from gateway.backups import POINTS, restore
from gateway.backups.fence import examine
from gateway.backups.release import release
from gateway.backups.restore import POINTS as RESTORE_POINTS
from gateway.backups.sealed import FRAME, Damaged, seal, unseal
from gateway.clock import FixedClock
from gateway.config import paths
from gateway.errors import BackupError, ConfigError, SealingError
from gateway.sealing import Masters
from gateway.store import Store, chain, deposits
from gateway.store import backups as rows

CANARY = "F-CANARI-1"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Copied]:
    with copied(tmp_path) as made:
        yield made
    platform.listen(None)


def given(place: Copied, number: str) -> None:
    place.lot(f"LOT-{number}", f"<lot>{CANARY} {number}</lot>".encode() * 100)


def archived(state: Path) -> dict[str, bytes]:
    """Every archived document, in plain."""
    sealed = Unsealed(state)
    return {lying.ref: sealed.read(lying.ref) for lying in Shelf(sealed.folder).each()}


def dumped(database: Path) -> list[str]:
    """Every row but those a restoration adds."""
    with closing(sqlite3.connect(database)) as db:
        return [line for line in db.iterdump() if "backup_" not in line and "chain_head" not in line]


def test_what_is_restored_is_what_was_there(place: Copied, tmp_path: Path) -> None:
    given(place, "D-1")
    made = place.backup()
    before, documents = dumped(place.state / "gateway.db"), archived(place.state)
    restored = place.restored(tmp_path / "elsewhere")
    assert (restored.files, restored.purged) == (made.manifest.files, 0)
    assert documents
    assert archived(tmp_path / "elsewhere") == documents
    assert dumped(tmp_path / "elsewhere" / "gateway.db") == before


def test_what_lies_there_already_is_not_copied_again(place: Copied) -> None:
    given(place, "D-1")
    first = place.backup()
    assert first.copied == first.manifest.files > 0
    assert place.backup().copied == 0
    given(place, "D-2")
    third = place.backup()
    assert 0 < third.copied == third.manifest.files - first.manifest.files


def test_files_an_operator_added_and_the_anchors_come_back(place: Copied, tmp_path: Path) -> None:
    letter = place.state / "payer" / "letters" / "2026-01-01.toml"
    letter.parent.mkdir(parents=True)
    letter.write_text("title = 'Lettre'\n")
    anchors.add(place.parts.config.anchors, place.clock.now(), 0, chain.GENESIS)
    place.backup()
    place.restored(tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "payer" / "letters" / "2026-01-01.toml").read_text() == letter.read_text()
    assert anchors.last(tmp_path / "elsewhere" / "anchors.jsonl") == anchors.last(place.parts.config.anchors)


def test_a_backup_made_while_others_write_is_whole(place: Copied) -> None:
    given(place, "D-0")
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            given(place, str(number))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            place.backup()
            assert backups.rehearse(place.parts, place.folder).documents > 0
    finally:
        ended.set()
        writer.join()


def test_nothing_in_the_folder_can_be_read_without_the_key(place: Copied, tmp_path: Path) -> None:
    given(place, "D-1")
    manifest = place.backup().manifest
    key = (place.state / KEY).read_bytes().split()[-1]
    written = b"".join(path.read_bytes() for path in place.folder.root.rglob("*") if path.is_file())
    assert written
    assert not any(token in written for token in (CANARY.encode(), b"Laurier", b"SQLite format", key))
    other = Masters(Given(b"2" * 32))
    with pytest.raises(SealingError):
        restore(place.folder, manifest.name, tmp_path / "x", other, place.clock, actor="a")
    assert not list((tmp_path / "state" / "scratch").glob("*"))


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_it_is_made_the_last_good_one_stays(point: str, tmp_path: Path) -> None:
    with copied(tmp_path, backup={"keep": 2}) as place:
        for number in ("D-1", "D-2"):
            given(place, number)
            place.backup()
        good, documents = place.folder.names()[-1], archived(place.state)
        given(place, "D-3")
        die_at(point)
        with pytest.raises(Killed):
            place.backup()
        assert good in place.folder.names()
        backups.rehearse(place.parts, place.folder, good)
        place.restored(tmp_path / "elsewhere", good)
        assert archived(tmp_path / "elsewhere").items() >= documents.items()
        place.backup()
        assert backups.rehearse(place.parts, place.folder).documents > len(documents)
        assert not list(place.folder.root.rglob("*.part"))


@pytest.mark.parametrize("point", RESTORE_POINTS)
def test_killed_while_it_is_restored_the_place_cannot_be_worked_with(point: str, place: Copied, tmp_path: Path) -> None:
    given(place, "D-1")
    place.backup()
    elsewhere = tmp_path / "elsewhere"
    die_at(point)
    with pytest.raises(Killed):
        place.restored(elsewhere)
    with pytest.raises(ConfigError, match="was not carried through"):
        instance.settle(paths(elsewhere).instance)
    place.restored(elsewhere)
    assert archived(elsewhere) == archived(place.state)
    assert instance.settle(paths(elsewhere).instance).held is not None


def test_old_backups_go_with_what_only_they_held(place: Copied, tmp_path: Path) -> None:
    with copied(tmp_path / "two", backup={"keep": 2}) as two:
        for number in range(4):
            given(two, f"D-{number}")
            made = two.backup()
        assert made.dropped == 1
        assert len(two.folder.names()) == 2
        objects = [path for path in (two.folder.root / "objects").rglob("*") if path.is_file()]
        assert len(objects) == made.manifest.files + 2 * 2  # two databases, two lists
        backups.rehearse(two.parts, two.folder)


def alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("what", ["document", "database", "list", "manifest", "gone"])
def test_a_rehearsal_names_what_is_no_longer_whole(what: str, place: Copied) -> None:
    given(place, "D-1")
    manifest = place.backup().manifest
    objects = place.folder.root / "objects"
    document = next(path for path in objects.glob("*/LOT-*/*"))
    match what:
        case "document":
            alter(document)
        case "gone":
            document.unlink()
        case "manifest":
            path = place.folder.root / "backups" / f"{manifest.name}.json"
            path.write_text(path.read_text().replace(f'"files": {manifest.files}', '"files": 9'))
        case _:
            item = manifest.database if what == "database" else manifest.index
            alter(next(objects.glob(f"*/HOUSE/{item.sha256}")))
    with pytest.raises(BackupError):
        backups.rehearse(place.parts, place.folder)
    with place.store.read() as tx:
        assert rows.last(tx, rows.REHEARSED) is None


def test_a_rehearsal_leaves_a_date_and_nothing_else(place: Copied) -> None:
    given(place, "D-1")
    name = place.backup().manifest.name
    seen = backups.rehearse(place.parts, place.folder)
    with place.store.read() as tx:
        news = rows.last(tx, rows.REHEARSED)
        assert news is not None
        assert (news.backup, news.at) == (name, place.clock.now())
        assert len(list(rows.archived(tx))) == seen.documents
    assert not paths(place.state).scratch.exists()


def test_a_folder_takes_one_house_only(place: Copied, tmp_path: Path) -> None:
    place.backup()
    with copied(tmp_path / "other") as other:
        other.folder = place.folder
        with pytest.raises(BackupError, match="another gateway"):
            other.backup()
        other.folder = backups.Folder(tmp_path)
        with pytest.raises(BackupError, match="not empty"):
            other.backup()


def test_nothing_is_restored_over_something(place: Copied) -> None:
    place.backup()
    with pytest.raises(BackupError, match="there is"):
        restore(
            place.folder,
            place.folder.names()[-1],
            place.state,
            place.parts.keyring.masters,
            place.clock,
            actor="Tremblay",
        )


# -- who speaks for the house --


def test_a_restored_house_is_held_until_a_person_releases_it(place: Copied, tmp_path: Path) -> None:
    made_at = place.backup().manifest.made_at
    place.restored(tmp_path / "elsewhere")
    place.moved_to(tmp_path / "elsewhere")
    held = examine(place.parts)
    assert held is not None
    assert (held.why, held.made_at) == ("restored", made_at)
    with pytest.raises(BackupError, match="is held"):
        place.backup()
    assert release(place.parts, reason="the disk broke") == [place.folder.root]
    assert examine(place.parts) is None
    with place.store.read() as tx:
        assert rows.last(tx, rows.RELEASED) is not None
    place.backup()


def test_an_old_machine_switched_on_again_starts_held(place: Copied, tmp_path: Path) -> None:
    place.backup()
    old = place.state
    place.restored(tmp_path / "elsewhere")
    place.moved_to(tmp_path / "elsewhere")
    assert examine(place.parts) is not None
    release(place.parts, reason="the old machine does not start")
    place.moved_to(old)
    held = examine(place.parts)
    assert held is not None
    assert held.why == "taken_over"
    with pytest.raises(BackupError, match="is held"):
        place.backup()


def test_a_machine_that_works_on_after_another_took_over_is_held_at_its_next_backup(
    place: Copied, tmp_path: Path
) -> None:
    place.backup()
    old = place.state
    place.restored(tmp_path / "elsewhere")
    place.moved_to(tmp_path / "elsewhere")
    release(place.parts, reason="by mistake")
    place.moved_to(old)
    with pytest.raises(BackupError, match="another machine"):
        place.backup()
    assert instance.held(paths(old).instance) is not None


@pytest.mark.parametrize("known", ["backup", "anchor"])
def test_an_older_database_put_back_by_hand_starts_held(known: str, place: Copied, tmp_path: Path) -> None:
    place.store.copy_to(tmp_path / "older.db")
    given(place, "D-1")
    if known == "backup":
        place.backup()
    else:
        with place.store.read() as tx:
            head = chain.head(tx)
        anchors.add(place.parts.config.anchors, place.clock.now(), head.events, head.hash)
    assert examine(place.parts) is None
    place.store.close()
    (place.state / "gateway.db").write_bytes((tmp_path / "older.db").read_bytes())
    held = examine(place.parts)
    assert held is not None
    assert held.why == "behind"
    release(place.parts, reason="we know")
    assert examine(place.parts) is None


def test_a_place_that_cannot_tell_whether_it_is_held_does_nothing(place: Copied) -> None:
    paths(place.state).instance.write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        examine(place.parts)


def test_a_copy_of_the_database_holds_what_is_committed(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    records.settle(store)
    with store.write() as tx:
        records.request(tx, records.batch(tx))
    with store.read() as tx:
        head = chain.head(tx)
    store.copy_to(tmp_path / "copy.db")
    copy = Store.open(tmp_path / "copy.db", clock)
    with copy.read() as tx:
        assert chain.head(tx) == head
        assert chain.examine(tx).flaw is None
        assert len(deposits.every(tx)) == 1
    copy.close()


def test_a_frame_that_was_moved_left_out_or_cut_off_is_found() -> None:
    def opened(data: bytes, owner: str = "LOT-1") -> bytes:
        return b"".join(unseal(b"k" * 32, owner, io.BytesIO(data)))

    def sealed(plain: bytes, owner: str = "LOT-1") -> bytes:
        sink = io.BytesIO()
        seal(b"k" * 32, owner, io.BytesIO(plain), sink)
        return sink.getvalue()

    plain = bytes(range(256)) * (FRAME // 128)
    whole = sealed(plain)
    assert opened(whole) == plain
    assert opened(sealed(b"")) == b""
    frame = FRAME + 4 + 12 + 16
    first, second = whole[17 : 17 + frame], whole[17 + frame :]
    bad: list[Callable[[], bytes]] = [
        lambda: opened(whole, "LOT-2"),
        lambda: opened(whole[:17] + second + first),
        lambda: opened(whole[:17] + first),
        lambda: opened(whole[:17] + second),
        lambda: opened(whole[:-1]),
        lambda: opened(whole + b"x"),
        lambda: opened(sealed(plain)[:17] + first + second),
        lambda: opened(b""),
        lambda: opened(whole[:17]),
    ]
    for one in bad:
        with pytest.raises(Damaged):
            one()


def test_every_column_that_says_where_bytes_are_is_in_a_backup() -> None:
    said = {(c.class_.__tablename__, c.key) for c, _ in rows.REFS}
    assert said == {(t.name, c) for t in SQLModel.metadata.sorted_tables for c in t.c.keys() if c.endswith("_ref")}  # noqa: SIM118
