"""F1: two thousand names that try to lead elsewhere, at every door where somebody else's name comes in."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.keys import Loose
from support.mailboxes import look, send
from support.tally import MINIMUM, Count
from support.zips import UTF8, Entry, pack

from adapters import listing
from adapters.folder import Folder
from adapters.memory import Box, Memory
from adapters.names import is_label, shown
from gateway.archive import Archive
from gateway.errors import Denied, Gone, StoreError, TransportError
from gateway.ports import WaitingFile
from gateway.stages.distribute.artefacts import artefact_name
from gateway.validation import members, open_member
from hostile.traversal import names

NAMES = names()
HONEST = ("lot.xml", "Été à Montréal (2).zip", "a..b.xml", "...xml", "-rf.xml", "100%.xml", "a" * 251 + ".xml")
XML = b"<lot/>"
BAIT = b"canari"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Path]:
    """A mailbox deep in a tree that is full of what names try to reach; nothing of that may change."""
    deposit = tmp_path / "a" / "b" / "18001" / "lots"
    deposit.mkdir(parents=True)
    for name in ("gateway.toml", "registry.toml", "master.key", "gateway.db", "lot.xml", "sitecustomize.py", "NUL"):
        for place in (tmp_path, tmp_path / "a", tmp_path / "a" / "b", deposit.parent):
            (place / name).write_bytes(BAIT)
    neighbour = tmp_path / "a" / "b" / "18010" / "lots"
    neighbour.mkdir(parents=True)
    (neighbour / "a.xml").write_bytes(BAIT)
    before = _seen(tmp_path, deposit)
    yield deposit
    assert _seen(tmp_path, deposit) == before


def _seen(folder: Path, but: Path) -> dict[Path, bytes | None]:
    """Everything below the folder that is not in the mailbox itself."""
    found = [path for path in folder.rglob("*") if but not in path.parents]
    return {path: path.read_bytes() if path.is_file() else None for path in found}


def refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except (Denied, Gone):
        return True
    return False


def test_there_are_two_thousand_of_them_and_each_is_a_label_or_refused() -> None:
    assert len(set(NAMES)) >= MINIMUM["F1"]
    for name in NAMES:
        assert not is_label(name) or not {"/", "\\", "\0", "\n"} & set(name), name
    assert not any(map(is_label, ("", ".", "..")))
    assert all(map(is_label, HONEST))


def test_no_name_leads_a_delivery_out_of_its_folder(world: Path, tally: Count) -> None:
    box, let_in = Folder(world), 0
    for name in NAMES:
        try:
            receipt = send(box, name, XML)
        except Denied:
            assert refused(lambda n=name: look(box, n, XML))
            continue
        except TransportError:  # too long for this system once it is temporary
            continue
        let_in += 1
        assert (world / receipt.name).read_bytes() == XML
        (world / receipt.name).unlink()
    assert list(world.iterdir()) == []
    assert [send(box, name, XML).name for name in HONEST] == sorted(HONEST, key=HONEST.index)
    tally("F1", refused=len(NAMES) - let_in, harmless=let_in, twins=len(HONEST))


def test_no_listed_name_is_read_or_removed_elsewhere(world: Path, tally: Count) -> None:
    box = Folder(world)
    for name in NAMES:
        file = WaitingFile(name, len(BAIT), 0, "0:0")
        sink = io.BytesIO()
        assert refused(lambda f=file, s=sink: box.read(f, s)) or not sink.getvalue()
        assert refused(lambda f=file: box.remove(f)) or not (world / "recus").exists()
        assert sink.getvalue() == b""
    tally("F1", refused=len(NAMES))


def test_a_payers_names_are_labels_or_told_about_as_text(tally: Count) -> None:
    labels = 0
    for name in NAMES:
        found = listing.described(name, 0o100644, 6, 0, "6:0")
        if found is None:
            continue
        assert found.name.encode("utf-8")
        assert all(sign.isprintable() or sign == "\xad" or ord(sign) > 0x7F for sign in found.name)
        if found.refused is None:
            labels += 1
            assert is_label(found.name)
        else:
            assert found.name == shown(name)
            assert refused(lambda f=found: listing.takable(f))
    tally("F1", refused=len(NAMES) - labels, harmless=labels)


def test_no_name_in_an_archive_leads_elsewhere(world: Path, monkeypatch: pytest.MonkeyPatch, tally: Count) -> None:
    monkeypatch.chdir(world)
    let_in = 0
    for name in NAMES:
        source = io.BytesIO(pack(Entry(name.encode("utf-8", "surrogatepass")[:65_000], XML, flags=UTF8)))
        found = members(source, "lot.zip")
        assert bool(found.findings) != bool(found.members)
        assert all(len(f.message["fr"]) < 400 and f.message["fr"].isprintable() for f in found.findings)
        for member in found.members:
            let_in += 1
            parts = member.name.split("/")
            assert not {"", ".", ".."} & set(parts)
            assert "\\" not in member.name
            with open_member(source, member) as stream:
                assert stream.read() == XML
    assert list(world.iterdir()) == []
    tally("F1", refused=len(NAMES) - let_in, harmless=let_in)


def test_no_reference_leads_the_archive_elsewhere(world: Path, tally: Count) -> None:
    archive = Archive(world / "archive", Loose())
    for name in NAMES:
        for act in (archive.open, archive.size):
            with pytest.raises(StoreError):
                act(name)
        with pytest.raises(ValueError, match="cannot own"):
            archive.put(f"{name}/", io.BytesIO(XML))
        archive.erase(name)
    assert list((world / "archive").iterdir()) == []
    tally("F1", refused=len(NAMES))


def test_what_an_agency_gets_is_named_by_us(tally: Count) -> None:
    for name in NAMES:
        made = artefact_name("report", name, name, "0" * 64, "json")
        assert made.isascii()
        assert is_label(made)
        assert made.startswith("report_")
        assert len(made) <= 200
    tally("F1", harmless=len(NAMES))


def test_a_box_in_memory_refuses_the_same_names(tally: Count) -> None:
    box = Memory(Box())
    wrong = [name for name in NAMES if is_label(name) == refused(lambda n=name: look(box, n, XML))]
    assert wrong == []
    tally("F1", refused=sum(not is_label(name) for name in NAMES), harmless=sum(map(is_label, NAMES)))
