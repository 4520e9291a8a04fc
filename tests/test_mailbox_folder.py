"""A folder is open ground: links swapped in, files that grow, shares without hard links, other people's files."""

from __future__ import annotations

import hashlib
import io
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from support.mailboxes import assert_told, look, read, send

from adapters.folder import Folder
from gateway.errors import Conflict, Denied, Gone, Unreachable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "depot"
    folder.mkdir()
    return folder


def test_a_file_with_a_second_name_elsewhere_is_only_told_about(folder: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.xml"
    theirs.write_bytes(b"another agency's")
    os.link(theirs, folder / "lot.xml")
    assert_told(Folder(folder), {"lot.xml": "linked_twice"})
    assert theirs.stat().st_nlink == 2


def test_a_socket_is_only_told_about(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(folder / "s.xml"))
        assert_told(Folder(folder), {"s.xml": "not_a_file"})


def test_names_that_cannot_be_labels_are_told_about_as_text(folder: Path) -> None:
    for name in (b"a\nb.xml", b"a\\b.xml", b"\xff.xml", "\u2028.xml".encode(), b"\x1b[2J.xml"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"<lot/>")
    shown = ["a\\nb.xml", "a\\\\b.xml", "\\xff.xml", "\\u2028.xml", "\\x1b[2J.xml"]
    assert_told(Folder(folder), dict.fromkeys(shown, "name"))
    assert len(list(folder.iterdir())) == 5


def test_recus_hidden_entries_markers_and_folders_of_the_agency_are_nobodys_concern(folder: Path) -> None:
    for name in ("archives", "recus"):
        (folder / name).mkdir()
    for name in (".lien.xml", ".lot.xml.part", "lot.xml.done"):
        (folder / name).symlink_to(folder / "nowhere")
    assert Folder(folder).waiting() == []


def test_what_happens_in_a_folder_called_like_a_lot_makes_it_no_other_entry(folder: Path) -> None:
    (folder / "vieux.zip").mkdir()
    before = Folder(folder).waiting()
    (folder / "vieux.zip" / "a.xml").write_bytes(b"<lot/>")
    assert Folder(folder).waiting() == before != []


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_takes_a_files_place_after_listing_is_gone_and_never_opened(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    path, secret = folder / "lot.xml", tmp_path / "secret"
    path.write_bytes(b"<lot/>")
    secret.write_bytes(b"<lot/>")
    (file,) = Folder(folder).waiting()
    path.unlink()
    {"link": lambda: path.symlink_to(secret), "fifo": lambda: os.mkfifo(path), "folder": path.mkdir}[kind]()
    with pytest.raises(Gone):
        read(Folder(folder), file)
    with pytest.raises(Gone):
        Folder(folder).remove(file)
    assert secret.read_bytes() == b"<lot/>"


def test_a_file_that_grows_while_it_is_read_is_gone(folder: Path) -> None:
    path = folder / "lot.xml"
    path.write_bytes(b"x" * (3 << 20))
    (file,) = Folder(folder).waiting()

    class Slow(io.BytesIO):
        def write(self, data: object) -> int:
            with path.open("ab") as more:
                more.write(b"y")
            return 1

    with pytest.raises(Gone):
        Folder(folder).read(file, Slow())


def test_a_file_rewritten_in_place_is_another_file(folder: Path) -> None:
    path = folder / "lot.xml"
    path.write_bytes(b"<lot 1/>")
    (file,) = Folder(folder).waiting()
    path.write_bytes(b"<lot 2/>")
    os.utime(path, ns=(file.mtime_ns + 1, file.mtime_ns + 1))
    with pytest.raises(Gone):
        read(Folder(folder), file)
    with pytest.raises(Gone):
        Folder(folder).remove(file)
    assert path.read_bytes() == b"<lot 2/>"


def test_nothing_in_recus_is_ever_overwritten_by_hand_or_by_us(folder: Path) -> None:
    (folder / "recus").mkdir()
    (folder / "recus" / "lot.xml").write_bytes(b"kept by hand")
    (folder / "lot.xml").write_bytes(b"<lot/>")
    mailbox = Folder(folder, after="move")
    mailbox.remove(mailbox.waiting()[0])
    assert (folder / "recus" / "lot.xml").read_bytes() == b"kept by hand"
    assert (folder / "recus" / "lot-2.xml").read_bytes() == b"<lot/>"


def test_recus_that_leads_elsewhere_is_not_used(folder: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "another agency's returns"
    theirs.mkdir()
    (folder / "recus").symlink_to(theirs)
    (folder / "lot.xml").write_bytes(b"<lot/>")
    mailbox = Folder(folder, after="move")
    with pytest.raises(Denied):
        mailbox.remove(mailbox.waiting()[0])
    assert (folder / "lot.xml").exists()
    assert list(theirs.iterdir()) == []


def test_a_share_without_hard_links_delivers_all_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # what a FAT or many a CIFS mount answers

    monkeypatch.setattr(os, "link", no_links)
    mailbox = Folder(folder)
    send(mailbox, "lot.xml", b"<lot/>")
    with pytest.raises(Conflict):
        send(mailbox, "lot.xml", b"<other/>")
    assert [path.name for path in folder.iterdir()] == ["lot.xml"]


def test_a_crash_between_link_and_unlink_costs_nothing(folder: Path) -> None:
    (folder / ".lot.xml.part").write_bytes(b"<lot/>")
    os.link(folder / ".lot.xml.part", folder / "lot.xml")
    assert look(Folder(folder), "lot.xml", b"<lot/>") is not None
    with pytest.raises(Conflict):
        send(Folder(folder), "lot.xml", b"<other/>")
    assert (folder / "lot.xml").read_bytes() == b"<lot/>"


def test_equal_size_is_not_enough_to_be_there_already(folder: Path) -> None:
    (folder / "lot.xml").write_bytes(b"<lot1/>")
    with pytest.raises(Conflict):
        look(Folder(folder), "lot.xml", b"<lot2/>")


def test_a_link_under_the_final_name_is_a_conflict(folder: Path, tmp_path: Path) -> None:
    (folder / "lot.xml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Conflict):
        send(Folder(folder), "lot.xml", b"<lot/>")
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_planted_under_the_unfinished_name_is_replaced_not_followed(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(b"untouched")
    (folder / ".lot.xml.part").symlink_to(target)
    send(Folder(folder), "lot.xml", b"<lot/>")
    assert target.read_bytes() == b"untouched"
    assert (folder / "lot.xml").read_bytes() == b"<lot/>"


def test_what_is_delivered_is_not_for_everybody(folder: Path) -> None:
    send(Folder(folder), "lot.xml", b"<lot/>")
    assert (folder / "lot.xml").stat().st_mode & 0o007 == 0


def test_a_folder_that_is_not_there_may_come_back(tmp_path: Path) -> None:
    mailbox = Folder(tmp_path / "unmounted")
    with pytest.raises(Unreachable):
        mailbox.waiting()
    with pytest.raises(Unreachable):
        send(mailbox, "lot.xml", b"<lot/>")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_a_folder_we_may_not_enter_is_denied(folder: Path) -> None:
    folder.chmod(0)
    try:
        with pytest.raises(Denied):
            Folder(folder).waiting()
    finally:
        folder.chmod(0o700)


def test_a_full_disk_leaves_nothing_and_may_be_tried_again(folder: Path) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(Unreachable, match="No space left"):
        Folder(folder).send("lot.xml", Failing(), 6, "0" * 64, lambda: None)
    assert list(folder.iterdir()) == []


def test_a_deposit_that_slips_in_while_the_old_one_is_taken_comes_back(folder: Path) -> None:
    """The check before the rename passed, then the agency replaced the file: what was moved is put back."""
    path = folder / "lot.xml"
    path.write_bytes(b"<new deposit/>")
    mailbox = Folder(folder, after="move")
    (file,) = mailbox.waiting()
    with pytest.raises(Gone):
        mailbox._take(path, replace(file, identity="0:0"))
    assert path.read_bytes() == b"<new deposit/>"
    assert list((folder / "recus").iterdir()) == []


@pytest.mark.parametrize("after", ["move", "remove"])
@pytest.mark.parametrize("name", ["n" * 251 + ".xml", "é" * 127 + "n", "x." + "e" * 253])
def test_the_longest_name_there_is_comes_and_goes_like_any_other(folder: Path, after: str, name: str) -> None:
    box = Folder(folder, after=after)
    for content in (b"<first/>", b"<second/>"):
        (folder / name).write_bytes(content)
        (file,) = box.waiting()
        assert read(box, file) == content
        box.remove(file)
        assert box.waiting() == []
    send(box, name, b"<lot/>")
    assert (folder / name).read_bytes() == b"<lot/>"
    taken = [path.read_bytes() for path in folder.glob("recus/*")]
    assert sorted(taken) == ([b"<first/>", b"<second/>"] if after == "move" else [])


def test_after_a_crash_between_link_and_unlink_the_final_name_wins_and_stands_alone(folder: Path) -> None:
    data = b"<lot/>"
    (folder / ".lot.xml.part").write_bytes(data)
    (folder / "lot.xml").hardlink_to(folder / ".lot.xml.part")
    receipt = Folder(folder).look("lot.xml", len(data), hashlib.sha256(data).hexdigest())
    assert receipt is not None
    assert receipt.already
    assert {path.name: path.stat().st_nlink for path in folder.iterdir()} == {"lot.xml": 1}
