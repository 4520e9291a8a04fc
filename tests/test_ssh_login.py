"""Logging in: passwords that are wrong, temporary, expired or locked, and what each may cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from paramiko.ssh_exception import SSHException
from support.hostile_sftp import Lies, Reach, reaching
from support.mailboxes import Notebook, OneUser, refusal, serving
from support.openssh import ExpiredUser, Sshd

from adapters.sftp import open_mailbox
from adapters.ssh import Server, connect
from adapters.ssh_auth import Dialogue, questions
from adapters.ssh_change import open_door
from gateway.errors import Denied, HostKeyChanged, PasswordLocked, PasswordMustChange, Unreachable
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


def test_a_secret_with_another_password_to_try_says_so_itself(user: OneUser) -> None:
    class Two(Notebook):
        def refuse(self) -> None:
            super().refuse()
            raise Unreachable("another password is worth one try")

    secret = Two("faux")
    with serving(user) as settings:
        assert isinstance(refusal(settings, secret), Unreachable)
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


def test_a_server_that_asks_for_a_new_plain_password_gets_one(lies: Lies, reach: Reach) -> None:
    lies.wants_new = 1
    secret = Notebook("le-bon-1")
    assert reach(secret).waiting() == []
    assert secret.calls == ["get", "propose", "confirm"]
    assert lies.new_passwords == [secret.new]


def test_a_new_plain_password_that_is_not_taken_is_not_offered_for_ever(lies: Lies, reach: Reach) -> None:
    lies.wants_new = 9
    secret = Notebook("le-bon-1")
    with pytest.raises(Denied, match="did not take the new password"):
        reach(secret).waiting()
    assert secret.calls == ["get", "propose"]


def test_a_line_cut_while_the_plain_password_changes_proves_nothing(lies: Lies, reach: Reach) -> None:
    lies.wants_new, lies.cuts_change = 1, True
    secret = Notebook("le-bon-1")
    with pytest.raises(Unreachable):
        reach(secret).waiting()
    assert secret.calls == ["get", "propose"]


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
    with serving(user) as settings:
        mailbox = open_mailbox({**settings, **broken}, None)
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
        (["Password: ", "Do you want to choose a new password now (y/n)? "], ["get"]),
        (["Mot de passe :", "Voulez-vous un nouveau mot de passe ?"], ["get"]),
        (["Retype new password: "], []),
        (["Password: ", "Password: "], ["get", "refuse"]),
        (["Password: ", "New password: ", "Retype new password: ", "New password: "], ["get", "propose", "propose"]),
        (["Password: ", "New password: ", "New password: "], ["get", "propose"]),
    ],
)
def test_a_prompt_that_is_not_understood_is_never_answered(rounds: list[str], calls: list[str]) -> None:
    secret = Notebook("old")
    dialogue = Dialogue(secret, questions())
    for prompt in rounds[:-1]:
        dialogue.answer("", "", [(prompt, False)])
    with pytest.raises(EOFError):
        dialogue.answer("", "", [(rounds[-1], False)])
    assert isinstance(dialogue.failure, Denied)
    assert secret.calls == calls


def test_a_dialogue_without_an_end_is_ended() -> None:
    dialogue = Dialogue(Notebook("old"), questions())
    for _ in range(12):
        dialogue.answer("Welcome", "", [])
    with pytest.raises(EOFError):
        dialogue.answer("Welcome", "", [])
    assert isinstance(dialogue.failure, Denied)


def test_a_servers_own_prompts_can_be_configured() -> None:
    dialogue = Dialogue(Notebook("old"), questions({"password": ["^NIP:$"]}))
    assert dialogue.answer("", "", [("NIP: ", False)]) == ["old"]


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


def test_openssh_makes_no_change_unasked_and_that_says_nothing_against_the_password(
    accounts: Callable[[bool], dict[str, Any]],
) -> None:
    person = ExpiredUser("Toujours-bon-1!", expired=False)
    try:
        settings, asking = {**accounts(False), "user": person.name}, Notebook("Toujours-bon-1!")
        with pytest.raises(Denied):
            open_door(settings).change(asking)
        assert asking.calls == ["get", "propose", "refuse"]  # credentials log in to find out which one counts
        with closing(open_mailbox(settings, Notebook("Toujours-bon-1!"))) as mailbox:
            mailbox.waiting()
    finally:
        person.remove()


# Changing unasked, and being asked outside the dialogue: RFC 4252 section 8 against our own server


def test_a_password_is_changed_over_ssh_before_anybody_asks(user: OneUser) -> None:
    secret = Notebook("le-bon-1")
    with serving(user) as settings:
        open_door(settings).change(secret)
    assert secret.calls == ["get", "propose", "confirm"]
    assert user.password == secret.new


def test_a_new_password_the_server_dislikes_changes_nothing(user: OneUser) -> None:
    user.takes = False
    secret = Notebook("le-bon-1")
    with serving(user) as settings, pytest.raises(Denied):
        open_door(settings).change(secret)
    assert secret.calls == ["get", "propose", "refuse"]


def test_a_change_with_the_wrong_password_changes_nothing(user: OneUser) -> None:
    secret = Notebook("faux")
    with serving(user) as settings, pytest.raises(Denied):
        open_door(settings).change(secret)
    assert secret.calls == ["get", "propose", "refuse"]
    assert user.password == "le-bon-1"


def test_a_server_that_is_not_there_or_is_another_costs_no_attempt(user: OneUser) -> None:
    secret = Notebook("le-bon-1")
    with serving(user) as settings, pytest.raises(HostKeyChanged):
        open_door({**settings, "host_key": "ssh-ed25519 " + "A" * 68}).change(secret)
    with pytest.raises(Unreachable):
        open_door(settings).change(secret)
    assert secret.calls == []


@pytest.mark.parametrize("takes", [True, False])
def test_our_own_server_asks_for_a_new_password_outside_the_dialogue_too(user: OneUser, takes: bool) -> None:
    user.must_change, user.takes = True, takes
    asked: list[str] = []

    def new_password() -> str:
        asked.append("asked")
        if len(asked) > 2:
            raise EOFError
        return "Nouveau-9x!kqz"

    with serving(user) as settings:
        server = Server.of(settings)
        with closing(connect(server)) as transport:
            if takes:
                transport.auth_plainly(server.user, "le-bon-1", new_password)
            else:
                with pytest.raises((SSHException, EOFError)):
                    transport.auth_plainly(server.user, "le-bon-1", new_password)
            assert transport.is_authenticated() is takes
    assert user.password == ("Nouveau-9x!kqz" if takes else "le-bon-1")
