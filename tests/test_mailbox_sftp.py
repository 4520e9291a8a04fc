"""SFTP on hostile ground: servers that are not the one we know, lines that break, listings that lie."""

from __future__ import annotations

import io
import socket
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.hostile_sftp import Lies, Reach, entry, reaching
from support.mailboxes import Notebook, OneUser, assert_told, host_key, look, read, refusal, send, serving

from adapters.sftp import open_mailbox
from gateway.errors import Conflict, Gone, HostKeyChanged, InDoubt, Unreachable
from gateway.sandbox.sftp_server import HangUp


@pytest.fixture
def user(tmp_path: Path) -> OneUser:
    return OneUser(tmp_path)


@pytest.fixture
def lies() -> Lies:
    return Lies()


@pytest.fixture
def reach(lies: Lies) -> Iterator[Reach]:
    with reaching(lies) as open_one:
        yield open_one


# Who is there


@pytest.mark.parametrize("pin", [None, "", [], "nonsense", "ssh-ed25519 ***"])
def test_without_a_pinned_key_nothing_is_connected(pin: Any) -> None:
    secret = Notebook("le-bon-1")
    with pytest.raises(HostKeyChanged):
        open_mailbox({"host": "127.0.0.1", "port": 1, "user": "18001", "host_key": pin}, secret).waiting()
    assert secret.calls == []


def test_another_host_key_is_refused_before_any_password(user: OneUser) -> None:
    secret, other = Notebook("le-bon-1"), host_key()
    with serving(user) as settings:
        wrong = {**settings, "host_key": f"{other.get_name()} {other.get_base64()}"}
        assert isinstance(refusal(wrong, secret), HostKeyChanged)
    assert secret.calls == user.tried == []


def test_a_host_key_of_another_kind_is_refused_before_any_password(user: OneUser) -> None:
    secret = Notebook("le-bon-1")
    with serving(user) as settings:
        assert isinstance(refusal({**settings, "host_key": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB"}, secret), HostKeyChanged)
    assert secret.calls == user.tried == []


def test_during_a_change_of_keys_two_may_be_pinned(user: OneUser) -> None:
    other = host_key()
    with serving(user) as settings:
        pins = [f"{other.get_name()} {other.get_base64()}", f"{settings['host_key']} comment"]
        with closing(open_mailbox({**settings, "host_key": pins}, Notebook("le-bon-1"))) as mailbox:
            assert mailbox.waiting() == []


def test_the_cipher_is_aes_gcm(user: OneUser) -> None:
    with serving(user) as settings, closing(open_mailbox(settings, Notebook("le-bon-1"))) as mailbox:
        channel = mailbox._connection.client().get_channel()
        assert channel.get_transport().local_cipher == "aes128-gcm@openssh.com"
        assert channel.get_transport().local_compression == "none"


def test_small_requests_do_not_wait_for_each_other(user: OneUser) -> None:
    with serving(user) as settings, closing(open_mailbox(settings, Notebook("le-bon-1"))) as mailbox:
        line = mailbox._connection.client().get_channel().get_transport().sock
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


# Lines that break


def test_a_closed_port_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    key = host_key()
    settings = {"host": "127.0.0.1", "port": port, "user": "u", "host_key": f"{key.get_name()} {key.get_base64()}"}
    assert isinstance(refusal(settings, Notebook("x")), Unreachable)


def test_a_server_that_says_nothing_is_unreachable() -> None:
    key = host_key()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        reach = {"host": "127.0.0.1", "port": mute.getsockname()[1], "user": "u", "banner_timeout": 0.1}
        settings = {**reach, "host_key": f"{key.get_name()} {key.get_base64()}"}
        assert isinstance(refusal(settings, Notebook("x")), Unreachable)


def test_a_dead_connection_is_renewed_before_the_next_operation(user: OneUser) -> None:
    secret = Notebook("le-bon-1")
    with serving(user) as settings, closing(open_mailbox(settings, secret)) as mailbox:
        mailbox.waiting()
        mailbox._connection.client().get_channel().get_transport().close()
        assert mailbox.waiting() == []
    assert secret.calls == ["get", "confirm", "get", "confirm"]


def test_a_line_cut_at_the_rename_leaves_doubt_and_looking_clears_it(user: OneUser, tmp_path: Path) -> None:
    def cut(_user: str, _path: Path) -> None:
        raise HangUp

    with serving(user, on_file=cut) as settings, closing(open_mailbox(settings, Notebook("le-bon-1"))) as mailbox:
        with pytest.raises(InDoubt):
            send(mailbox, "lot.xml", b"<lot/>")
        assert look(mailbox, "lot.xml", b"<lot/>") is not None
    assert [path.name for path in tmp_path.iterdir()] == ["lot.xml"]


def test_a_line_cut_while_sending_is_unreachable_and_shows_nothing(user: OneUser, tmp_path: Path) -> None:
    with serving(user) as settings, closing(open_mailbox(settings, Notebook("le-bon-1"))) as mailbox:

        class Cut(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                mailbox._connection.client().get_channel().get_transport().close()
                return b"<lo"

        with pytest.raises(Unreachable):
            mailbox.send("lot.xml", Cut(), 6, "0" * 64, lambda: None)
        assert mailbox.waiting() == []


def test_both_names_after_a_cut_rename_are_one_file(user: OneUser, tmp_path: Path) -> None:
    with serving(user) as settings, closing(open_mailbox(settings, Notebook("le-bon-1"))) as mailbox:
        send(mailbox, "lot.xml", b"<lot/>")
        digest = look(mailbox, "lot.xml", b"<lot/>").sha256  # type: ignore[union-attr]
        (tmp_path / f".lot.xml.{digest[:8]}.part").hardlink_to(tmp_path / "lot.xml")
        assert look(mailbox, "lot.xml", b"<lot/>") is not None
    assert [path.name for path in tmp_path.iterdir()] == ["lot.xml"]


def test_reading_back_tells_equal_sizes_apart(user: OneUser, tmp_path: Path) -> None:
    (tmp_path / "lot.xml").write_bytes(b"<lot1/>")
    with serving(user) as settings:
        with closing(open_mailbox(settings, Notebook("le-bon-1"))) as mailbox:
            assert look(mailbox, "lot.xml", b"<lot2/>") is not None
        with closing(open_mailbox({**settings, "verify": "hash"}, Notebook("le-bon-1"))) as careful:
            with pytest.raises(Conflict):
                look(careful, "lot.xml", b"<lot2/>")
            assert send(careful, "autre.xml", b"<lot2/>").verified == "hash"


def test_a_folder_that_is_not_there_may_come_back(user: OneUser) -> None:
    with serving(user) as settings, closing(open_mailbox({**settings, "path": "depot"}, Notebook("le-bon-1"))) as box:
        with pytest.raises(Unreachable):
            box.waiting()
        with pytest.raises(Unreachable):
            send(box, "lot.xml", b"<lot/>")


# Servers that lie


def test_names_that_are_paths_are_told_about_as_text_and_never_used(lies: Lies, reach: Reach) -> None:
    bad = {
        "../a.xml": "../a.xml",
        "/etc/passwd": "/etc/passwd",
        "a/b.xml": "a/b.xml",
        "a\\b.xml": "a\\\\b.xml",
        "a\0.xml": "a\\x00.xml",
        "a\n.xml": "a\\n.xml",
        "\u2028.xml": "\\u2028.xml",
        "a\x1b[2J": "a\\x1b[2J",
    }
    lies.entries = [entry(name) for name in [*bad, "lot.xml", "", ".", ".."]]
    mailbox = reach()
    assert_told(mailbox, {"lot.xml": None} | dict.fromkeys(bad.values(), "name"))


def test_a_name_too_long_is_told_about_by_its_beginning(lies: Lies, reach: Reach) -> None:
    lies.entries = [entry("x" * 300)]
    (file,) = reach().waiting()
    assert (file.name[:200], file.refused) == ("x" * 200, "name")
    assert len(file.name) <= 255


def test_what_is_not_known_to_be_a_regular_file_is_only_told_about(lies: Lies, reach: Reach) -> None:
    kinds = [stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR]
    lies.entries = [entry(f"{kind}.xml", mode=kind | 0o600) for kind in kinds]
    lies.entries += [entry("no-mode.xml", mode=None), entry("no-size.xml", size=None), entry("lot.xml")]
    odd = [*(f"{kind}.xml" for kind in kinds), "no-mode.xml", "no-size.xml"]
    assert_told(reach(), {"lot.xml": None} | dict.fromkeys(odd, "not_a_file"))


def test_what_passes_through_a_folder_or_a_pipe_makes_it_no_other_entry(lies: Lies, reach: Reach) -> None:
    mailbox, looks = reach(), []
    for moment in (1, 2):
        lies.entries = [entry(f"{k}.xml", size=moment, mode=k, mtime=moment) for k in (stat.S_IFDIR, stat.S_IFIFO)]
        looks.append(mailbox.waiting())
    assert looks[0] == looks[1] != []


def test_the_same_name_twice_is_one_file(lies: Lies, reach: Reach) -> None:
    lies.entries = [entry("lot.xml", size=1), entry("lot.xml", size=2)]
    assert [(file.name, file.size) for file in reach().waiting()] == [("lot.xml", 1)]


def test_a_listing_without_an_end_is_cut_at_ten_thousand(lies: Lies, reach: Reach) -> None:
    lies.entries = [entry(f"{number}.xml") for number in range(10_050)]
    assert len(reach().waiting()) == 10_000


def test_a_file_shorter_than_announced_is_gone(lies: Lies, reach: Reach) -> None:
    lies.entries = [entry("lot.xml", size=100_000)]
    with pytest.raises(Gone):
        read(reach(), reach().waiting()[0])


def test_a_file_longer_than_announced_is_gone_after_the_announced_bytes(lies: Lies, reach: Reach) -> None:
    lies.entries, lies.endless = [entry("lot.xml", size=100_000)], True
    mailbox, sink = reach(), io.BytesIO()
    (file,) = mailbox.waiting()
    with pytest.raises(Gone):
        mailbox.read(file, sink)
    assert len(sink.getvalue()) == 100_000
