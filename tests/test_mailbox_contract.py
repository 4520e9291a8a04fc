"""The promises of `gateway.ports`, kept by every adapter: memory, folder, SFTP in process, and a real OpenSSH."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.mailboxes import (
    InFolder,
    InMemory,
    Notebook,
    OneUser,
    Place,
    assert_told,
    look,
    read,
    send,
    serving,
    sha256_of,
)
from support.openssh import Sshd

from gateway.errors import Conflict, Denied, Gone, TransportError

KINDS = ["memory", "folder", "sftp", "openssh"]


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("sshd")).start()
    yield server
    server.stop()


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A new empty mailbox of each kind. A new adapter adds a branch here, and no test."""
    folder = tmp_path / "boite"
    folder.mkdir()
    if request.param == "memory":
        yield InMemory(str(tmp_path))
    elif request.param == "folder":
        yield InFolder(folder, "folder", {"path": str(folder), "after": "remove"})
    elif request.param == "sftp":
        with serving(OneUser(tmp_path)) as settings:
            yield InFolder(folder, "sftp", {**settings, "path": "boite"}, Notebook("le-bon-1"))
    else:
        server: Sshd = request.getfixturevalue("sshd")
        reach = {"host": "127.0.0.1", "port": server.port, "user": server.user, "host_key": server.host_key_line}
        yield InFolder(folder, "sftp", {**reach, "path": str(folder), "key_file": str(server.key_file)})


@pytest.fixture
def mailbox(place: Place) -> Iterator[Any]:
    mailbox = place.open()
    yield mailbox
    mailbox.close()


@pytest.fixture
def keeping(place: Place) -> Iterator[Any]:
    """A mailbox that moves what was taken into recus/."""
    mailbox = place.open(after="move")
    yield mailbox
    mailbox.close()


def test_what_is_sent_arrives_byte_for_byte_and_nothing_else(place: Place, mailbox: Any) -> None:
    data = os.urandom(1 << 20) + b"one byte more than whole chunks"
    receipt = send(mailbox, "lot.xml", data)
    assert place.files() == {"lot.xml": data}
    assert (receipt.name, receipt.size, receipt.sha256) == ("lot.xml", len(data), sha256_of(data))
    assert not receipt.already


def test_what_waits_is_read_byte_for_byte(place: Place, mailbox: Any) -> None:
    data = os.urandom((1 << 20) + 7)
    place.put("lot.xml", data)
    (file,) = mailbox.waiting()
    assert (file.name, file.size) == ("lot.xml", len(data))
    assert read(mailbox, file) == data


def test_an_empty_file_is_a_file(place: Place, mailbox: Any) -> None:
    send(mailbox, "vide.xml", b"")
    (file,) = mailbox.waiting()
    assert read(mailbox, file) == b"" == place.files()["vide.xml"]


def test_an_empty_mailbox_lists_nothing(mailbox: Any) -> None:
    assert mailbox.waiting() == []


def test_look_finds_what_send_made(mailbox: Any) -> None:
    assert look(mailbox, "lot.xml", b"<lot/>") is None
    send(mailbox, "lot.xml", b"<lot/>")
    found = look(mailbox, "lot.xml", b"<lot/>")
    assert found is not None
    assert found.already


def test_the_same_bytes_again_are_a_success_that_says_already(place: Place, mailbox: Any) -> None:
    send(mailbox, "lot.xml", b"<lot/>")
    assert send(mailbox, "lot.xml", b"<lot/>").already
    assert place.files() == {"lot.xml": b"<lot/>"}


def test_other_bytes_under_the_name_are_a_conflict_and_stay(place: Place, mailbox: Any) -> None:
    place.put("lot.xml", b"<other size/>")
    with pytest.raises(Conflict):
        look(mailbox, "lot.xml", b"<lot/>")
    with pytest.raises(Conflict):
        send(mailbox, "lot.xml", b"<lot/>")
    assert place.files() == {"lot.xml": b"<other size/>"}


def test_a_file_that_comes_between_look_and_rename_is_not_overwritten(place: Place, mailbox: Any) -> None:
    with pytest.raises(Conflict):
        send(mailbox, "lot.xml", b"<ours/>", before_commit=lambda: place.put("lot.xml", b"<the others'/>"))
    assert place.files() == {"lot.xml": b"<the others'/>"}


def test_what_before_commit_raises_goes_through_and_leaves_nothing(place: Place, mailbox: Any) -> None:
    def taken_away() -> None:
        raise RuntimeError("the lease is lost")

    with pytest.raises(RuntimeError, match="the lease is lost"):
        send(mailbox, "lot.xml", b"<lot/>", before_commit=taken_away)
    assert place.files() == {}


def test_before_commit_runs_when_the_name_is_not_there_yet(place: Place, mailbox: Any) -> None:
    seen: list[bool] = []
    send(mailbox, "lot.xml", b"<lot/>", before_commit=lambda: seen.append("lot.xml" in place.files()))
    assert seen == [False]


def test_bytes_that_are_not_the_promised_ones_are_not_delivered(place: Place, mailbox: Any) -> None:
    with pytest.raises(TransportError, match="promised"):
        mailbox.send("lot.xml", io.BytesIO(b"<changed on disk/>"), 6, sha256_of(b"<lot/>"), lambda: None)
    assert place.files() == {}


def test_unfinished_files_and_markers_are_not_listed(place: Place, mailbox: Any) -> None:
    place.put(".lot.xml.part", b"half")
    place.put("lot.xml", b"<lot/>")
    place.put("lot.xml.done", b"")
    place.put("autre.xml", b"<lot/>")
    assert [(file.name, file.marker) for file in mailbox.waiting()] == [("autre.xml", False), ("lot.xml", True)]


def test_what_a_cut_attempt_left_is_replaced(place: Place, mailbox: Any) -> None:
    data = b"<lot/>"
    place.put(".lot.xml.part", b"<lo")
    place.put(f".lot.xml.{sha256_of(data)[:8]}.part", b"<lo")
    send(mailbox, "lot.xml", data)
    assert place.files()["lot.xml"] == data


def test_reading_a_file_that_was_replaced_is_gone(place: Place, mailbox: Any) -> None:
    place.put("lot.xml", b"<first/>")
    (file,) = mailbox.waiting()
    place.put("lot.xml", b"<second one/>")
    with pytest.raises(Gone):
        read(mailbox, file)


def test_reading_a_file_that_left_is_gone(place: Place, mailbox: Any) -> None:
    place.put("lot.xml", b"<lot/>")
    (file,) = mailbox.waiting()
    mailbox.remove(file)
    with pytest.raises(Gone):
        read(mailbox, file)


def test_removing_twice_is_removing_once(place: Place, mailbox: Any) -> None:
    place.put("lot.xml", b"<lot/>")
    place.put("autre.xml", b"<lot/>")
    file = mailbox.waiting()[1]
    mailbox.remove(file)
    mailbox.remove(file)
    assert place.files() == {"autre.xml": b"<lot/>"}


def test_another_file_of_the_same_name_is_never_removed(place: Place, mailbox: Any) -> None:
    place.put("lot.xml", b"<first/>")
    (file,) = mailbox.waiting()
    place.put("lot.xml", b"<second one/>")
    with pytest.raises(Gone):
        mailbox.remove(file)
    assert place.files() == {"lot.xml": b"<second one/>"}


def test_the_marker_leaves_with_its_file(place: Place, mailbox: Any) -> None:
    place.put("lot.xml", b"<lot/>")
    place.put("lot.xml.done", b"")
    mailbox.remove(mailbox.waiting()[0])
    assert place.files() == {}


def test_taken_files_move_into_recus_and_never_over_one_another(place: Place, keeping: Any) -> None:
    for data in (b"<first/>", b"<second one/>"):
        place.put("lot.xml", data)
        (file,) = keeping.waiting()
        keeping.remove(file)
        keeping.remove(file)
    assert place.files() == {}
    assert place.taken() == {"lot.xml": b"<first/>", "lot-2.xml": b"<second one/>"}
    assert keeping.waiting() == []


@pytest.mark.parametrize("name", ["", ".", "..", "../lot.xml", "a/lot.xml", "a\\lot.xml", "/lot.xml", "a\0b", "a\nb"])
def test_a_name_that_is_a_path_is_refused(place: Place, mailbox: Any, name: str) -> None:
    place.put("lot.xml", b"<lot/>")
    with pytest.raises(Denied):
        send(mailbox, name, b"<lot/>")
    with pytest.raises(Denied):
        look(mailbox, name, b"<lot/>")
    (file,) = mailbox.waiting()
    for verb in (mailbox.remove, lambda file: read(mailbox, file)):
        with pytest.raises(Denied):
            verb(replace(file, name=name))
    assert place.files() == {"lot.xml": b"<lot/>"}


@pytest.mark.parametrize(
    "name", ["état de compte.xml", "e\u0301tat.xml", "deux  espaces .xml", "lot (1).xml", "日本.xml"]
)
def test_names_people_give_survive(place: Place, mailbox: Any, name: str) -> None:
    place.put(name, b"<lot/>")
    (file,) = mailbox.waiting()
    assert file.name == name
    assert read(mailbox, file) == b"<lot/>"
    mailbox.remove(file)
    assert place.files() == {}


def test_a_failing_sink_is_our_own_trouble(place: Place, mailbox: Any) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "our own disk is full")

    place.put("lot.xml", b"<lot/>")
    (file,) = mailbox.waiting()
    with pytest.raises(OSError, match="our own disk is full"):
        mailbox.read(file, Full())
    assert read(mailbox, file) == b"<lot/>"


def test_closing_twice_is_harmless_and_use_opens_again(place: Place, mailbox: Any) -> None:
    place.put("lot.xml", b"<lot/>")
    assert len(mailbox.waiting()) == 1
    mailbox.close()
    mailbox.close()
    assert len(mailbox.waiting()) == 1


def test_links_fifos_and_folders_are_told_about_and_never_followed(place: Place, mailbox: Any, tmp_path: Path) -> None:
    if not isinstance(place, InFolder):
        pytest.skip("a box in memory holds only files")
    place.put("lot.xml", b"<lot/>")
    secret = tmp_path / "secret.xml"
    secret.write_bytes(b"another agency's")
    (place.folder / "lien.xml").symlink_to(secret)
    (place.folder / "mort.xml").symlink_to(tmp_path / "nowhere")
    (place.folder / "dossier.xml").mkdir()
    (place.folder / "archives").mkdir()
    os.mkfifo(place.folder / "fifo.xml")
    odd = ("lien.xml", "mort.xml", "dossier.xml", "fifo.xml")
    assert_told(mailbox, {"lot.xml": None} | dict.fromkeys(odd, "not_a_file"))
    assert {path.name for path in place.folder.iterdir()} == {*odd, "archives", "lot.xml"}
    assert secret.read_bytes() == b"another agency's"


def test_a_name_that_is_not_text_is_left_alone(place: Place, mailbox: Any) -> None:
    if not isinstance(place, InFolder):
        pytest.skip("a box in memory has text for names")
    place.put("lot.xml", b"<lot/>")
    (place.folder / os.fsdecode(b"caf\xe9.xml")).write_bytes(b"<lot/>")
    listed = {file.name: file.refused for file in mailbox.waiting()}
    assert listed in ({"lot.xml": None}, {"lot.xml": None, "caf\\xe9.xml": "name"})  # a server may hide it from us
    assert_told(mailbox, listed)


def test_a_channel_that_answers_at_once_puts_the_answer_into_the_receipt() -> None:
    place = InMemory("answers")
    place.box.answer = lambda name, data: (f"{name}.recev.xml", b"<received>" + data + b"</received>")
    receipt = send(place.open(), "lot.xml", b"<lot/>")
    assert (receipt.reply_name, receipt.reply) == ("lot.xml.recev.xml", b"<received><lot/></received>")
    again = send(place.open(), "lot.xml", b"<lot/>")
    assert again.already
    assert again.reply == receipt.reply
