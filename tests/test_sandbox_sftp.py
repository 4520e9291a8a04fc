"""The sandbox's doors, knocked on with a real SSH client: logins, isolation, names, and a clean stop."""

from __future__ import annotations

import io
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import paramiko
import pytest
from paramiko.ssh_exception import AuthenticationException, ChannelException, SSHException

from gateway.sandbox.sftp_server import Account, HangUp, SftpServer, StaticUsers, host_key_in

ESCAPES = [
    "../18002/depot/theirs.xml",
    "depot/../../18002/depot/theirs.xml",
    "/../18002/depot/theirs.xml",
    "depot/..",
    "..",
    "/depot/./../../18002",
    "..\\18002\\depot\\theirs.xml",
    "depot\\..\\theirs.xml",
    "C:/theirs.xml",
    "depot/a\nb.xml",
    "depot/a\x00b.xml",
    "depot/\u202elmx.xml",
    "depot/a:b.xml",
]


class Temporary:
    """One user whose password must be changed on first use."""

    def __init__(self, root: Path) -> None:
        self.root, self.password, self.must_change, self.hang_up = root, "temporary-1", True, False

    def login(self, user: str, password: str) -> Account | None:
        right = user == "18001" and password == self.password
        return Account(self.root, must_change=self.must_change, deposit="depot") if right else None

    def key(self, user: str, line: str) -> Account | None:
        return None

    def change(self, user: str, new: str) -> bool:
        if len(new) < 8:
            return False
        self.password, self.must_change = new, False
        if self.hang_up:
            raise HangUp
        return True


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Start servers; afterwards everything must be gone: threads too."""
    before = set(threading.enumerate())
    servers: list[SftpServer] = []

    def start(*args: object, **kwargs: object) -> int:
        servers.append(SftpServer(*args, **kwargs))  # type: ignore[arg-type]
        return servers[-1].start()

    yield start
    for server in servers:
        server.stop()
        server.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) <= before


def tree(path: Path, *folders: str) -> Path:
    for folder in folders or ("depot", "retour"):
        (path / folder).mkdir(parents=True)
    return path


def connect(port: int) -> paramiko.Transport:
    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", port)))
    transport.start_client(timeout=10)
    return transport


def sftp(transport: paramiko.Transport) -> paramiko.SFTPClient:
    client = paramiko.SFTPClient.from_transport(transport)
    assert client is not None
    return client


def answering(*answers: str) -> Callable[..., list[str]]:
    waiting = list(answers)
    return lambda _title, _instructions, prompts: [waiting.pop(0) for _ in prompts]


def two_users(tmp_path: Path) -> StaticUsers:
    """Numbers that are prefixes of each other."""
    return StaticUsers({n: (f"secret-{n}", tree(tmp_path / n)) for n in ("1800", "18001", "18002")})


def test_a_temporary_password_is_changed_in_the_dialogue(tmp_path: Path, serve: Callable[..., int]) -> None:
    users = Temporary(tree(tmp_path / "18001"))
    port = serve(users)
    seen: list[str] = []

    def answer(_title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        seen.extend([instructions, *(text for text, _ in prompts)])
        return ["temporary-1"] if len(prompts) == 1 else ["a-new-one-42", "a-new-one-42"]

    with closing(connect(port)) as transport:
        transport.auth_interactive("18001", answer)
        assert sftp(transport).listdir("/") in (["depot", "retour"], ["retour", "depot"])
    assert seen == ["", "Password: ", "You must change your password", "New password: ", "Retype new password: "]
    with closing(connect(port)) as transport:
        transport.auth_interactive("18001", answering("a-new-one-42"))
        assert transport.is_authenticated()


@pytest.mark.parametrize("answers", [("temporary-1", "one-password", "another-one"), ("temporary-1", "short", "short")])
def test_a_bad_new_password_changes_nothing(
    tmp_path: Path, serve: Callable[..., int], answers: tuple[str, ...]
) -> None:
    users = Temporary(tree(tmp_path / "18001"))
    with closing(connect(serve(users))) as transport, pytest.raises(AuthenticationException):
        transport.auth_interactive("18001", answering(*answers))
    assert users.password == "temporary-1"


def test_a_temporary_password_at_a_plain_login_is_hung_up_on(tmp_path: Path, serve: Callable[..., int]) -> None:
    port = serve(Temporary(tree(tmp_path / "18001")))
    with closing(connect(port)) as transport:
        with pytest.raises(SSHException):
            transport.auth_password("18001", "temporary-1")
        assert not transport.is_active()


def test_the_line_may_be_cut_right_after_the_password_changed(tmp_path: Path, serve: Callable[..., int]) -> None:
    users = Temporary(tree(tmp_path / "18001"))
    users.hang_up = True
    port = serve(users)
    with closing(connect(port)) as transport, pytest.raises(SSHException):
        transport.auth_interactive("18001", answering("temporary-1", "a-new-one-42", "a-new-one-42"))
    with closing(connect(port)) as transport:
        transport.auth_password("18001", "a-new-one-42")


def test_three_failures_lock_the_account_and_say_so(tmp_path: Path, serve: Callable[..., int]) -> None:
    port = serve(two_users(tmp_path))
    for _ in range(3):
        with closing(connect(port)) as transport, pytest.raises(AuthenticationException):
            transport.auth_password("18001", "wrong")
    said: list[str] = []

    def answer(_title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        said.append(instructions)
        return ["secret-18001" for _ in prompts]

    with closing(connect(port)) as transport, pytest.raises(AuthenticationException):
        transport.auth_interactive("18001", answer)
    assert any("locked" in text for text in said)
    with closing(connect(port)) as transport:
        transport.auth_password("18002", "secret-18002")  # nobody else is


def test_nobody_comes_in_without_proving_who_they_are(tmp_path: Path, serve: Callable[..., int]) -> None:
    port = serve(two_users(tmp_path))
    with closing(connect(port)) as transport, pytest.raises(SSHException):
        transport.auth_none("18001")
    with closing(connect(port)) as transport, pytest.raises(SSHException):
        transport.open_session(timeout=5)
    with closing(connect(port)) as transport, pytest.raises(AuthenticationException):
        transport.auth_interactive("18001", lambda *_: [])
    with closing(connect(port)) as transport, pytest.raises(AuthenticationException):
        transport.auth_interactive("18001", lambda *_: ["secret-18001", "and more"])


def test_a_key_opens_only_its_own_users_door(tmp_path: Path, serve: Callable[..., int]) -> None:
    key = host_key_in(tmp_path / "key")
    line = f"{key.get_name()} {key.get_base64()}"
    users = {n: ("secret", tree(tmp_path / n)) for n in ("18001", "18002")}
    port = serve(StaticUsers(users, keys={"18001": [line]}))
    with closing(connect(port)) as transport:
        transport.auth_publickey("18001", key)
        assert "depot" in sftp(transport).listdir("/")
    with closing(connect(port)) as transport, pytest.raises(AuthenticationException):
        transport.auth_publickey("18002", key)


def test_each_user_sees_only_their_own_folder(tmp_path: Path, serve: Callable[..., int]) -> None:
    port = serve(two_users(tmp_path))
    (tmp_path / "18002" / "depot" / "theirs.xml").write_bytes(b"<theirs/>")
    with closing(connect(port)) as transport:
        transport.auth_password("1800", "secret-1800")
        client = sftp(transport)
        client.putfo(io.BytesIO(b"mine"), "depot/mine.xml")
        assert (tmp_path / "1800" / "depot" / "mine.xml").read_bytes() == b"mine"
        for path in ESCAPES:
            for act in (client.lstat, client.stat, client.listdir, client.remove, client.open, client.mkdir):
                with pytest.raises(OSError):
                    act(path)
            with pytest.raises(OSError):
                client.open(path, "w")
            with pytest.raises(OSError):
                client.rename("depot/mine.xml", path)
            with pytest.raises(OSError):
                client.truncate(path, 0)
    assert not (tmp_path / "18001" / "depot" / "mine.xml").exists()
    assert (tmp_path / "18002" / "depot" / "theirs.xml").read_bytes() == b"<theirs/>"


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links and FIFOs")
def test_links_and_pipes_are_shown_but_never_followed(tmp_path: Path, serve: Callable[..., int]) -> None:
    port = serve(two_users(tmp_path))
    depot = tmp_path / "18001" / "depot"
    (tmp_path / "18002" / "depot" / "theirs.xml").write_bytes(b"<theirs/>")
    (depot / "link.xml").symlink_to(tmp_path / "18002" / "depot" / "theirs.xml")
    (depot / "folder").symlink_to(tmp_path / "18002" / "depot")
    os.mkfifo(depot / "pipe.xml")
    with closing(connect(port)) as transport:
        transport.auth_password("18001", "secret-18001")
        client = sftp(transport)
        assert sorted(client.listdir("depot")) == ["folder", "link.xml", "pipe.xml"]
        for path in ("depot/link.xml", "depot/folder/theirs.xml", "depot/pipe.xml", "depot/folder"):
            with pytest.raises(OSError):
                client.open(path)
        with pytest.raises(OSError):
            client.open("depot/link.xml", "w")
        with pytest.raises(OSError):
            client.symlink("/etc/passwd", "depot/new.xml")
    assert (tmp_path / "18002" / "depot" / "theirs.xml").read_bytes() == b"<theirs/>"


def test_a_rename_never_overwrites(tmp_path: Path, serve: Callable[..., int]) -> None:
    port = serve(two_users(tmp_path))
    depot = tmp_path / "18001" / "depot"
    (depot / "first.xml").write_bytes(b"first")
    (depot / ".second.part").write_bytes(b"second")
    with closing(connect(port)) as transport:
        transport.auth_password("18001", "secret-18001")
        client = sftp(transport)
        for rename in (client.rename, client.posix_rename):
            with pytest.raises(OSError):
                rename("depot/.second.part", "depot/first.xml")
        client.rename("depot/.second.part", "depot/second.xml")
    assert (depot / "first.xml").read_bytes() == b"first"
    assert sorted(path.name for path in depot.iterdir()) == ["first.xml", "second.xml"]


def test_the_hook_hears_of_finished_files_only(tmp_path: Path, serve: Callable[..., int]) -> None:
    users = Temporary(tree(tmp_path / "18001"))
    users.must_change = False
    heard: list[tuple[str, str, bytes]] = []
    port = serve(users, on_file=lambda user, path: heard.append((user, path.name, path.read_bytes())))
    with closing(connect(port)) as transport:
        transport.auth_password("18001", "temporary-1")
        client = sftp(transport)
        with client.open("depot/.a.xml.part", "w") as file:
            file.write(b"one")
        assert heard == []
        client.rename("depot/.a.xml.part", "depot/a.xml")
        assert heard == [("18001", "a.xml", b"one")]
        with client.open("depot/b.xml", "w") as file:
            file.write(b"two")
            file.flush()
            assert not (users.root / "depot" / "b.xml").exists()
        assert heard[1:] == [("18001", "b.xml", b"two")]
        abandoned = client.open("depot/c.xml", "w")
        abandoned.write(b"half")
        abandoned.flush()
    for path, mode in (("a.xml", "w"), ("retour/x.xml", "w"), ("depot/a.xml", "w")):
        with closing(connect(port)) as transport:
            transport.auth_password("18001", "temporary-1")
            with pytest.raises(OSError):
                sftp(transport).open(path, mode)
    assert len(heard) == 2


def test_a_hook_may_cut_the_line_after_the_rename(tmp_path: Path, serve: Callable[..., int]) -> None:
    def hang_up(_user: str, _path: Path) -> None:
        raise HangUp

    users = Temporary(tree(tmp_path / "18001"))
    users.must_change = False
    port = serve(users, on_file=hang_up)
    with closing(connect(port)) as transport:
        transport.auth_password("18001", "temporary-1")
        client = sftp(transport)
        client.open("depot/.a.part", "w").close()
        with pytest.raises((EOFError, OSError, SSHException)):
            client.rename("depot/.a.part", "depot/a.xml")
    assert (users.root / "depot" / "a.xml").exists()


def test_there_is_no_shell_and_no_way_through(tmp_path: Path, serve: Callable[..., int]) -> None:
    port = serve(two_users(tmp_path))
    with closing(connect(port)) as transport:
        transport.auth_password("18001", "secret-18001")
        for ask in (
            lambda channel: channel.invoke_shell(),
            lambda channel: channel.exec_command("id"),
            lambda channel: channel.get_pty(),
            lambda channel: channel.invoke_subsystem("netconf"),
        ):
            with pytest.raises(SSHException):
                ask(transport.open_session())
        with pytest.raises(ChannelException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 1))
        with pytest.raises(SSHException):
            transport.request_port_forward("127.0.0.1", 0)


def test_the_host_key_survives_a_restart(tmp_path: Path, serve: Callable[..., int]) -> None:
    first = SftpServer(two_users(tmp_path), host_key_in(tmp_path / "host_key"))
    again = SftpServer(StaticUsers({}), host_key_in(tmp_path / "host_key"))
    assert first.host_key_line == again.host_key_line
    assert first.host_key_line.startswith("ssh-ed25519 AAAA")
    assert (tmp_path / "host_key").stat().st_mode & 0o77 == 0 or os.name == "nt"


def test_big_files_come_back_whole(tmp_path: Path, serve: Callable[..., int]) -> None:
    data = os.urandom(3_000_001)
    port = serve(two_users(tmp_path))
    with closing(connect(port)) as transport:
        transport.auth_password("18001", "secret-18001")
        client = sftp(transport)
        client.putfo(io.BytesIO(data), "depot/.big.part")
        sink = io.BytesIO()
        client.getfo("depot/.big.part", sink)
    assert sink.getvalue() == data
