"""SFTP with hostile servers, cut lines and passwords that must change: what each is called, and what it may cost."""

from __future__ import annotations

import io
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.hostile_sftp import Lies, entry, lying
from support.mailboxes import Notebook, OneUser, host_key, look, read, send, serving
from support.openssh import ExpiredUser, Sshd

from adapters.sftp import open_mailbox
from adapters.ssh_auth import Dialogue, questions
from gateway.errors import (
    Conflict,
    Denied,
    Gone,
    HostKeyChanged,
    InDoubt,
    PasswordLocked,
    PasswordMustChange,
    TransportError,
    Unreachable,
)
from gateway.sandbox.sftp_server import HangUp

Reach = Callable[..., Any]


@pytest.fixture
def user(tmp_path: Path) -> OneUser:
    return OneUser(tmp_path)


@pytest.fixture
def lies() -> Lies:
    return Lies()


@pytest.fixture
def reach(lies: Lies) -> Iterator[Reach]:
    """Open mailboxes on a lying server."""
    with lying(lies) as settings:
        opened: list[Any] = []

        def open_one(secret: Notebook | None = None, **more: Any) -> Any:
            opened.append(open_mailbox({**settings, **more}, secret or Notebook("le-bon-1")))
            return opened[-1]

        yield open_one
        for mailbox in opened:
            mailbox.close()


def refusal(settings: dict[str, Any], secret: Notebook) -> TransportError:
    """How a first look at a mailbox fails."""
    with closing(open_mailbox(settings, secret)) as mailbox, pytest.raises(TransportError) as caught:
        mailbox.waiting()
    return caught.value


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


# Passwords


def test_a_right_password_is_confirmed_once_per_connection(user: OneUser) -> None:
    secret = Notebook("le-bon-1")
    with serving(user) as settings, closing(open_mailbox(settings, secret)) as mailbox:
        mailbox.waiting()
        mailbox.waiting()
    assert secret.calls == ["get", "confirm"]


def test_a_wrong_password_is_denied_and_refused_after_one_attempt(user: OneUser) -> None:
    secret = Notebook("faux")
    with serving(user) as settings:
        failure = refusal(settings, secret)
    assert type(failure) is Denied
    assert secret.calls == ["get", "refuse"]
    assert user.tried == ["faux"]


def test_no_attempt_left_means_no_attempt(user: OneUser) -> None:
    secret = Notebook("le-bon-1", budget=0)
    with serving(user) as settings:
        failure = refusal(settings, secret)
    assert "no attempt left" in str(failure)
    assert user.tried == []


def test_a_temporary_password_is_changed_on_the_way_in(user: OneUser) -> None:
    user.must_change = True
    secret = Notebook("le-bon-1")
    with serving(user) as settings, closing(open_mailbox(settings, secret)) as mailbox:
        assert mailbox.waiting() == []
    assert secret.calls == ["get", "propose", "propose", "confirm"]
    assert user.password == secret.new


def test_a_new_password_that_is_not_taken_says_nothing_against_the_old_one(user: OneUser) -> None:
    user.must_change, user.takes = True, False
    secret = Notebook("le-bon-1")
    with serving(user) as settings:
        assert type(refusal(settings, secret)) is Denied
    assert secret.calls == ["get", "propose", "propose"]


def test_a_line_cut_while_the_password_changes_proves_nothing(user: OneUser) -> None:
    def cut(_user: str, _new: str) -> bool:
        raise HangUp

    user.must_change, user.change = True, cut  # type: ignore[method-assign]
    secret = Notebook("le-bon-1")
    with serving(user) as settings:
        assert isinstance(refusal(settings, secret), Unreachable)
    assert secret.calls == ["get", "propose", "propose"]


def test_a_locked_account_is_no_evidence_against_the_password(user: OneUser) -> None:
    user.locked = True
    secret = Notebook("le-bon-1")
    with serving(user) as settings:
        assert isinstance(refusal(settings, secret), PasswordLocked)
    assert secret.calls == ["get"]


def test_a_server_without_the_dialogue_gets_the_plain_password(lies: Lies, reach: Reach) -> None:
    secret = Notebook("le-bon-1")
    assert reach(secret).waiting() == []
    assert secret.calls == ["get", "confirm"]
    assert lies.passwords == ["le-bon-1"]


def test_a_plain_password_that_is_refused_is_tried_once(lies: Lies, reach: Reach) -> None:
    lies.refuses = True
    secret = Notebook("faux")
    with pytest.raises(Denied):
        reach(secret).waiting()
    assert secret.calls == ["get", "refuse"]
    assert lies.passwords == ["faux"]


def test_a_server_that_hangs_up_on_a_plain_password_wants_a_new_one(lies: Lies, reach: Reach) -> None:
    lies.hangs_up = True
    secret = Notebook("le-bon-1")
    with pytest.raises(PasswordMustChange):
        reach(secret).waiting()
    assert secret.calls == ["get"]


def test_a_server_for_keys_only_never_sees_the_password(lies: Lies, reach: Reach) -> None:
    lies.only_keys = True
    secret = Notebook("le-bon-1")
    with pytest.raises(Denied):
        reach(secret).waiting()
    assert secret.calls == lies.passwords == []


def test_an_agencys_password_comes_from_a_file(user: OneUser, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("le-bon-1\n")
    with serving(user) as settings, closing(open_mailbox({**settings, "password_file": str(file)}, None)) as mailbox:
        assert len(mailbox.waiting()) == 1


@pytest.mark.parametrize(
    "broken", [{}, {"password_file": "/nowhere"}, {"key_file": "/nowhere"}, {"key_file": __file__}]
)
def test_without_a_usable_proof_of_who_we_are_nobody_asks_to_come_in(user: OneUser, broken: dict[str, str]) -> None:
    with serving(user) as settings, closing(open_mailbox({**settings, **broken}, None)) as mailbox:
        with pytest.raises(Denied):
            mailbox.waiting()
    assert user.tried == []


@pytest.mark.parametrize(
    ("rounds", "answers"),
    [
        (["Password: "], ["old"]),
        (["(18001@payer) Password:"], ["old"]),
        (["18001's password:"], ["old"]),
        (["Mot de passe :"], ["old"]),
        (["Veuillez saisir votre mot de passe : "], ["old"]),
        (["Password: ", "Current password: ", "New password: ", "Retype new password: "], ["old", "old", "new", "new"]),
        (["Password: ", "(current) UNIX password: ", "Enter new UNIX password: "], ["old", "old", "new"]),
        (["Password: ", "New password: ", "New password (again): "], ["old", "new", "new"]),
        (["Mot de passe :", "Nouveau mot de passe :", "Confirmez le nouveau mot de passe :"], ["old", "new", "new"]),
        (["Mot de passe :", "Mot de passe actuel :", "Nouveau mot de passe :"], ["old", "old", "new"]),
        (["Mot de passe :", "Nouveau mot de passe :", "Retapez le nouveau mot de passe :"], ["old", "new", "new"]),
    ],
)
def test_prompts_in_both_languages_are_understood(rounds: list[str], answers: list[str]) -> None:
    secret = Notebook("old", new="new")
    dialogue = Dialogue(secret, questions())
    assert [dialogue.answer("", "", [(prompt, False)])[0] for prompt in rounds] == answers
    assert secret.calls.count("get") == 1


@pytest.mark.parametrize(
    ("rounds", "calls"),
    [
        (["Verification code: "], []),
        (["One-time password: "], []),
        (["Mot de passe à usage unique :"], []),
        (["What is your mother's name?"], []),
        (["Username: "], []),
        (["Retype new password: "], []),
        (["Password: ", "Password: "], ["get", "refuse"]),
        (["Password: ", "New password: ", "Retype new password: ", "New password: "], ["get", "propose", "propose"]),
    ],
)
def test_a_prompt_that_is_not_understood_is_never_answered(rounds: list[str], calls: list[str]) -> None:
    secret = Notebook("old")
    dialogue = Dialogue(secret, questions())
    with pytest.raises(EOFError):
        for prompt in rounds:
            dialogue.answer("", "", [(prompt, False)])
    assert isinstance(dialogue.failure, Denied)
    assert secret.calls == calls


def test_a_dialogue_without_an_end_is_ended() -> None:
    dialogue = Dialogue(Notebook("old"), questions())
    with pytest.raises(EOFError):
        for _ in range(100):
            dialogue.answer("Welcome", "", [])
    assert isinstance(dialogue.failure, Denied)


def test_a_servers_own_prompts_can_be_configured() -> None:
    dialogue = Dialogue(Notebook("old"), questions({"password": ["^NIP:$"]}))
    assert dialogue.answer("", "", [("NIP: ", False)]) == ["old"]


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


def test_names_that_are_paths_are_not_listed(lies: Lies, reach: Reach) -> None:
    bad = [
        "../a.xml",
        "/etc/passwd",
        "a/b.xml",
        "a\\b.xml",
        "a\0.xml",
        "a\n.xml",
        "",
        "x" * 300,
        "\u2028.xml",
        "a\x1b[2J",
    ]
    lies.entries = [entry(name) for name in [*bad, "lot.xml"]]
    assert [file.name for file in reach().waiting()] == ["lot.xml"]


def test_only_regular_files_are_listed(lies: Lies, reach: Reach) -> None:
    kinds = [stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR]
    lies.entries = [entry(f"{kind}.xml", mode=kind | 0o600) for kind in kinds]
    lies.entries += [entry("no-mode.xml", mode=None), entry("no-size.xml", size=None), entry("lot.xml")]
    assert [file.name for file in reach().waiting()] == ["lot.xml"]


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


# A real OpenSSH with the system's accounts


@pytest.fixture
def expired() -> Iterator[ExpiredUser]:
    user = ExpiredUser("Temporaire-1!")
    yield user
    user.remove()


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Callable[[bool], dict[str, Any]]]:
    """Start sshd on the system's accounts: with the dialogue, or with plain passwords only."""
    servers: list[Sshd] = []

    def start(keyboard: bool) -> dict[str, Any]:
        servers.append(Sshd(tmp_path, pam=True, keyboard=keyboard).start())
        return {"host": "127.0.0.1", "port": servers[-1].port, "host_key": servers[-1].host_key_line, "path": "/"}

    yield start
    for server in servers:
        server.stop()


def test_openssh_changes_an_expired_password_in_the_dialogue(
    expired: ExpiredUser, accounts: Callable[[bool], dict[str, Any]]
) -> None:
    settings, first = {**accounts(True), "user": expired.name}, Notebook("Temporaire-1!")
    with closing(open_mailbox(settings, first)) as mailbox:
        mailbox.waiting()
    assert first.calls == ["get", "propose", "propose", "confirm"]
    second = Notebook(first.new)
    with closing(open_mailbox(settings, second)) as mailbox:
        mailbox.waiting()
    assert second.calls == ["get", "confirm"]


def test_openssh_that_takes_plain_passwords_only_says_that_it_must_change(
    expired: ExpiredUser, accounts: Callable[[bool], dict[str, Any]]
) -> None:
    secret = Notebook("Temporaire-1!")
    assert isinstance(refusal({**accounts(False), "user": expired.name}, secret), PasswordMustChange)
    assert secret.calls == ["get"]
