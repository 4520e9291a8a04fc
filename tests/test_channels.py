"""Mail, webhooks and syslog over real sockets: what leaves, in whose language, signed how; and what never leaves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.command import call
from support.dying import Killed
from support.hook import Hook, hook
from support.house import AUTUMN, House
from support.smtp import MailServer, certificate, mail_server

from gateway import anchors, channels
from gateway.alerts import reconcile
from gateway.channels import mail, webhook
from gateway.config import AlertsConfig, Config, GatewayConfig, MailConfig, RecipientConfig, load
from gateway.errors import ConfigError, Denied, TransportError, Unreachable
from gateway.models import Alert, AlertNotice, Message
from gateway.platform import WINDOWS
from gateway.ports import Letter
from gateway.stages.anchor import Anchor
from gateway.stages.tell import Tell
from gateway.stages.watch import Watch
from gateway.store.alerts import Symptom

KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()
NAMES = {"AGE-1": "Agence AGE-1", "AGE-2": "Agence AGE-2"}
LETTER = Letter("MSG-1", AUTUMN, "Où ça ?", "Ligne\n.\nété\n", {"id": "MSG-1", "é": 1}, "ALE-1")
SYMPTOM = Symptom("unreachable", "sandbox:18001", "AGE-1", "warning", facts={"code": "unreachable", "since": None})


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def posting(server: MailServer, **said: Any) -> MailConfig:
    values = {"host": "127.0.0.1", "port": server.port, "tls": "none", "sender": "passerelle@example.org"}
    return MailConfig(**values | said)


# -- mail --


def test_mail_arrives_as_it_was_written(tmp_path: Path) -> None:
    with mail_server(MailServer()) as server:
        mail.send(posting(server), "garde@example.org", LETTER)
    (got,) = server.mail
    assert (got["Subject"], got["To"], got["Message-ID"]) == ("Où ça ?", "garde@example.org", "<MSG-1@example.org>")
    assert (got["Auto-Submitted"], got["References"]) == ("auto-generated", "<ALE-1@example.org>")
    assert got.get_content().replace("\r\n", "\n") == LETTER.text
    assert server.recipients == ["garde@example.org"]
    assert mail.written("a@b.c", "d@e.f", LETTER).as_bytes() == mail.written("a@b.c", "d@e.f", LETTER).as_bytes()


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_password_is_said_over_tls_only(way: str, tls: tuple[ssl.SSLContext, Path], tmp_path: Path) -> None:
    context, ca = tls
    (tmp_path / "password").write_text("zqMotDePasse\n")
    said = {"tls": way, "ca_file": str(ca), "user": "nous", "password_file": str(tmp_path / "password")}
    with mail_server(MailServer(context, implicit=way == "tls", login=("nous", "zqMotDePasse"))) as server:
        mail.send(posting(server, **said), "garde@example.org", LETTER)
    assert len(server.mail) == 1
    assert {safe for safe, words in server.heard if not words.startswith(("EHLO", "ehlo", "STARTTLS"))} == {True}


def test_without_a_safe_line_nothing_is_said(tls: tuple[ssl.SSLContext, Path], tmp_path: Path) -> None:
    context, ca = tls
    with mail_server(MailServer(context, starttls=False)) as server, pytest.raises(Denied):  # a line somebody strips
        mail.send(posting(server, tls="starttls", ca_file=str(ca)), "garde@example.org", LETTER)
    with mail_server(MailServer(context)) as stranger, pytest.raises(Denied):  # a certificate nobody vouches for
        mail.send(posting(stranger, tls="starttls"), "garde@example.org", LETTER)
    verbs = {words.split()[0].upper() for one in (server, stranger) for _, words in one.heard}
    assert verbs <= {"EHLO", "STARTTLS", "QUIT"}
    with pytest.raises(Denied):
        mail.send(posting(server, user="nous", password_file=str(tmp_path / "none")), "garde@example.org", LETTER)


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"RCPT": "450 later"}, Unreachable),
        ({"RCPT": "550 nobody"}, TransportError),
        ({"END": "451 disk"}, Unreachable),
        ({"END": "554 spam"}, TransportError),
        ({"MAIL": ""}, Unreachable),
        ({"DATA": ""}, Unreachable),
    ],
)
def test_what_a_server_says_tells_whether_to_try_again(answers: dict[str, str], error: type[TransportError]) -> None:
    with mail_server(MailServer(answers=answers)) as server, pytest.raises(TransportError) as caught:
        mail.send(posting(server), "garde@example.org", LETTER)
    assert type(caught.value) is error


def test_a_wrong_password_and_nobody_there_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong")
    login = {"user": "nous", "password_file": str(tmp_path / "password")}
    with mail_server(MailServer(login=("nous", "right"))) as server, pytest.raises(Denied) as caught:
        mail.send(posting(server, **login), "garde@example.org", LETTER)
    assert "wrong" not in str(caught.value)
    with pytest.raises(Unreachable):
        mail.send(posting(server), "garde@example.org", LETTER)


# -- webhooks --


def hooked(made: Hook, folder: Path, **said: Any) -> RecipientConfig:
    (folder / "key").write_text(KEY)
    values = {"name": "hook", "kind": "webhook", "url": f"http://127.0.0.1:{made.port}/in?a=1"}
    return RecipientConfig(**values | {"secret_file": str(folder / "key")} | said)


def test_a_webhook_is_signed_so_that_the_receiver_can_check_it(tmp_path: Path) -> None:
    with hook(Hook()) as made:
        webhook.post(hooked(made, tmp_path), LETTER, AUTUMN)
    ((path, headers, body),) = made.came
    assert (path, json.loads(body)) == ("/in?a=1", LETTER.data)
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("MSG-1", str(int(AUTUMN.timestamp())))
    signed = b"MSG-1." + headers["webhook-timestamp"].encode() + b"." + body
    right = base64.b64encode(hmac.new(b"k" * 24, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{right}"


def test_no_redirect_is_followed(tmp_path: Path) -> None:
    with hook(Hook()) as elsewhere:
        there = f"http://127.0.0.1:{elsewhere.port}/"
        for status in (301, 302, 303, 307, 308):
            with hook(Hook(status, there)) as made, pytest.raises(TransportError):
                webhook.post(hooked(made, tmp_path), LETTER, AUTUMN)
    assert elsewhere.came == []


@pytest.mark.parametrize(
    ("status", "error"), [(500, Unreachable), (429, Unreachable), (403, Denied), (400, TransportError)]
)
def test_a_status_tells_whether_to_try_again(status: int, error: type[TransportError], tmp_path: Path) -> None:
    with hook(Hook(status)) as made, pytest.raises(TransportError) as caught:
        webhook.post(hooked(made, tmp_path), LETTER, AUTUMN)
    assert type(caught.value) is error


def test_a_webhook_over_https_asks_for_a_certificate(tls: tuple[ssl.SSLContext, Path], tmp_path: Path) -> None:
    context, ca = tls
    with hook(Hook(), context) as made:
        url = f"https://127.0.0.1:{made.port}/"
        webhook.post(hooked(made, tmp_path, url=url, ca_file=str(ca)), LETTER, AUTUMN)
        with pytest.raises(Denied):
            webhook.post(hooked(made, tmp_path, url=url), LETTER, AUTUMN)
    assert len(made.came) == 1


@pytest.mark.parametrize("content", ["", "short", "whsec_!!!", "whsec_AAAA"])
def test_a_key_that_is_none_sends_nothing(content: str, tmp_path: Path) -> None:
    with hook(Hook()) as made:
        recipient = hooked(made, tmp_path)
        (tmp_path / "key").write_text(content)
        with pytest.raises(Denied):
            webhook.post(recipient, LETTER, AUTUMN)
    assert made.came == []


@pytest.mark.parametrize(
    "block",
    [
        'kind = "webhook"\nurl = "http://example.org/"\nsecret_file = "k"',
        'kind = "webhook"\nurl = "http://127.0.0.1.example.org/"\nsecret_file = "k"',
        'kind = "webhook"\nurl = "https://user:pw@example.org/"\nsecret_file = "k"',
        'kind = "webhook"\nurl = "file:///etc/passwd"\nsecret_file = "k"',
        'kind = "webhook"\nurl = "https://example.org/"',
        'kind = "mail"',
        'kind = "mail"\nto = "a@b.c, d@e.f"',
        'kind = "mail"\nto = "a@b.c\\nBcc: d@e.f"',
        'kind = "mail"\nto = "a@b.c"\nquiet = { critical = "20:00-06:00" }',
        'kind = "mail"\nto = "a@b.c"\nquiet = { warning = "25:00-06:00" }',
        'kind = "mail"\nto = "a@b.c"',  # and no server
    ],
)
def test_a_recipient_that_could_not_be_told_is_refused_at_the_start(block: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f'[[alert]]\nname = "x"\n{block}\n', "utf-8")
    with pytest.raises(ConfigError):
        load(file)


def test_mail_in_clear_leaves_to_this_machine_only(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    for host, well in (("127.0.0.1", True), ("localhost", True), ("mail.example.org", False)):
        file.write_text(f'[mail]\nhost = "{host}"\ntls = "none"\nsender = "a@b.c"\n', "utf-8")
        if well:
            assert load(file).mail.host == host
        else:
            with pytest.raises(ConfigError, match="TLS"):
                load(file)


# -- telling --


def at_work(house: House, mail_to: MailServer | None, *recipients: RecipientConfig, **gateway: Any) -> None:
    config = house.rooms.config
    said = replace(
        config,
        gateway=config.gateway.model_copy(update=gateway),
        recipients=recipients,
        mail=posting(mail_to) if mail_to else MailConfig(),
    )
    house.rooms = replace(house.rooms, config=said)


def raised(house: House, *symptoms: Symptom) -> None:
    with house.store.write() as tx:
        reconcile(tx, symptoms, {"unreachable", "disk"}, AlertsConfig(), house.rooms.config.recipients, NAMES)


def person(name: str, **said: Any) -> RecipientConfig:
    return RecipientConfig(name=name, kind="mail", to=f"{name}@example.org", **said)


def test_each_recipient_is_told_once_in_its_language_of_its_agencies(house: House, tmp_path: Path) -> None:
    house.agency("AGE-2", "18003")
    other = SYMPTOM._replace(subject="sandbox:18003", agency_id="AGE-2")
    with mail_server(MailServer()) as server, hook(Hook()) as made:
        at_work(
            house,
            server,
            person("un", agencies=("Agence AGE-1",)),
            person("two", language="en"),
            hooked(made, tmp_path),
        )
        raised(house, SYMPTOM, other)
        for name in ("un", "two", "hook", "un", "two", "hook"):
            Tell().run(house.rooms, name)
    first, second = server.mail
    assert first["Subject"] == "[passerelle] alerte : sandbox:18001 : boîte injoignable"
    assert "18003" not in first.as_string()
    assert "AGE-2" not in first.as_string()
    assert "(and others; 2 in all)" in second["Subject"]
    ((_, _, body),) = made.came
    assert [one["agency"] for one in json.loads(body)["alerts"]] == ["Agence AGE-1", "Agence AGE-2"]


def test_what_is_over_is_told_and_what_ended_in_quiet_hours_is_told_once(house: House) -> None:
    quiet = {"warning": "00:00-23:59"}
    with mail_server(MailServer()) as server:
        at_work(house, server, person("un"), person("rests", quiet=quiet))
        raised(house, SYMPTOM, Symptom("disk", "state", None, "critical", facts={"free_megabytes": 1}))
        Tell().run(house.rooms, "un")
        Tell().run(house.rooms, "rests")
        assert "le disque se remplit" in server.mail[1]["Subject"]  # critical goes at once
        house.later(hours=1)
        raised(house)
        for name in ("un", "rests"):
            Tell().run(house.rooms, name)
        house.later(hours=10, minutes=59)  # 23:59 in Toronto
        Tell().run(house.rooms, "rests")
    subjects = [one["Subject"] for one in server.mail]
    assert subjects[2].startswith("[passerelle] rétabli")
    assert subjects[-1] == "[passerelle] rétabli : sandbox:18001 : boîte injoignable"
    assert [one.message_id is None for one in house.all(AlertNotice)] == [False] * len(house.all(AlertNotice))


def test_a_message_that_does_not_arrive_is_tried_again_later_and_later_and_given_up(house: House) -> None:
    with mail_server(MailServer(answers={"MAIL": "451 later"})) as server:
        at_work(house, server, person("un"))
        raised(house, SYMPTOM)
        waits = []
        for _ in range(3):
            outcome = Tell().run(house.rooms, "un")
            assert Tell().run(house.rooms, "un").retry_in is None  # not its turn yet
            waits.append(outcome.retry_in or 0.0)
            house.later(seconds=waits[-1])
        assert waits == sorted(waits)
        assert 5 <= waits[0] <= 7
        house.later(days=3)
        Tell().run(house.rooms, "un")
    (message,) = house.all(Message)
    assert (message.attempts, message.given_up_at is not None, message.last_error) == (4, True, "unreachable")


def test_alerts_that_do_not_arrive_are_told_to_the_others(house: House) -> None:
    with mail_server(MailServer(answers={"MAIL": "451 later"})) as server:
        at_work(house, server, person("un"), person("two"))
        raised(house, SYMPTOM)
        Tell().run(house.rooms, "un")
    house.later(minutes=16)
    Watch().run(house.rooms, "often")
    (alert,) = [one for one in house.all(Alert) if one.kind == "channel"]
    assert (alert.subject, alert.facts["code"]) == ("un", "unreachable")
    assert [one.recipient for one in house.all(AlertNotice) if one.alert_id == alert.id] == ["two"]


@pytest.mark.parametrize(("point", "times"), [("tell.written", 1), ("tell.sent", 2)])
def test_killed_in_between_it_is_sent_again_as_the_same_message(
    house: House, point: str, times: int, tmp_path: Path, killing: Callable[..., None]
) -> None:
    with mail_server(MailServer()) as server, hook(Hook()) as made:
        at_work(house, server, person("un"), hooked(made, tmp_path))
        raised(house, SYMPTOM)
        for name in ("un", "hook"):
            killing(point)
            with pytest.raises(Killed):
                Tell().run(house.rooms, name)
            house.later(minutes=1)
            Tell().run(house.rooms, name)
            Tell().run(house.rooms, name)
    assert len(server.mail) == len(made.came) == times
    assert len({one.as_bytes() for one in server.mail}) == 1
    assert len({(headers["webhook-id"], body) for _, headers, body in made.came}) == 1


# -- anchors --


def test_an_anchor_goes_by_mail_and_syslog_and_its_text_is_taken_back(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        mail_server(MailServer()) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector,
    ):
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(10)
        at = f"udp://127.0.0.1:{collector.getsockname()[1]}"
        at_work(house, server, anchor_mail="notaire@example.org", anchor_syslog=at)
        assert channels.names(house.rooms.config) == ["anchor:mail", "anchor:syslog"]
        Anchor().run(house.rooms, "all")
        for name in channels.names(house.rooms.config):
            assert Tell().run(house.rooms, name).worked == 1
        logged = collector.recv(2000).decode()
    (kept,) = anchors.every(house.rooms.config.anchors)
    text = server.mail[0].get_content()
    quoted = "".join(f"> {line}\r\n" for line in text.splitlines())
    for copy in (text, quoted, logged, server.mail[0].as_string(), f"{text}\n{logged}"):
        assert set(anchors.pasted(copy, tmp_path)) == {kept}
    head, _, _ = logged.partition("{")
    assert head.startswith("<109>1 2026-10-01T16:00:00.000+00:00 ")
    assert head.endswith(" anchor - ")


def test_a_damaged_or_missing_anchor_in_a_text_is_named(tmp_path: Path) -> None:
    anchor = anchors.Anchor(at=AUTUMN, events=3, hash="a" * 64)
    whole = anchors.wrapped(anchor)
    for text, place in (
        (f"x\n{whole[:-5]}\n", 2),
        ("nothing at all", 1),
        (f"{whole}\n{whole.replace('aaa', 'aa', 1)}\n", 3),
    ):
        with pytest.raises(anchors.AnchorsError, match=str(place)):
            anchors.pasted(text, tmp_path)
    for wrong in ("2026-10-01T16:00:00", "2026-99-01T16:00:00+00:00"):
        with pytest.raises(anchors.AnchorsError):
            anchors.pasted(whole.replace(AUTUMN.isoformat(), wrong) + "\n", tmp_path)


def test_syslog_over_tcp_counts_its_bytes_and_says_when_nobody_listens() -> None:
    data = {"type": "anchor", "line": "{}"}
    config = Config(GatewayConfig())
    with socket.create_server(("127.0.0.1", 0)) as server:
        at = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        config = Config(GatewayConfig(anchor_syslog=at))
        channels.deliver(config, channels.ANCHOR_SYSLOG, replace(LETTER, data=data), AUTUMN)
        line, _ = server.accept()
        with line:
            length, _, rest = line.recv(2000).partition(b" ")
            assert int(length) == len(rest)
    with pytest.raises(Unreachable):
        channels.deliver(config, channels.ANCHOR_SYSLOG, replace(LETTER, data=data), AUTUMN)


@pytest.mark.skipif(WINDOWS, reason="no such sockets")
def test_syslog_over_a_socket_of_this_machine(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        place = tmp_path / "log"
        server.bind(str(place))
        config = Config(GatewayConfig(anchor_syslog=str(place)))
        letter_ = replace(LETTER, data={"type": "anchor", "line": "{}"})
        channels.deliver(config, channels.ANCHOR_SYSLOG, letter_, AUTUMN)
        assert server.recv(2000).endswith(b" anchor - {}")


# -- the command --


def test_the_command_tries_each_recipient(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with mail_server(MailServer()) as server, hook(Hook(403)) as made:
        (tmp_path / "key").write_text(KEY)
        (tmp_path / "gateway.toml").write_text(
            f'[mail]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\nsender = "a@example.org"\n'
            '[[alert]]\nname = "garde"\nkind = "mail"\nto = "garde@example.org"\n'
            f'[[alert]]\nname = "hook"\nkind = "webhook"\nurl = "http://127.0.0.1:{made.port}/"\nsecret_file = "key"\n',
            "utf-8",
        )
        at = ("--config", str(tmp_path / "gateway.toml"), "--lang", "en")
        assert call("alerts", "test", "--to", "garde", *at) == 0
        assert "garde: arrived (MSG-" in capsys.readouterr().out
        assert call("alerts", "test", *at) == 1
        assert "hook: did not arrive (denied). HTTP 403" in capsys.readouterr().out
        assert call("alerts", "test", "--to", "nobody", *at) == 2
    assert server.mail[0]["Subject"] == "[passerelle] essai : les alertes arrivent ici"


def test_the_doctor_says_what_would_keep_a_recipient_from_being_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    block = '[[alert]]\nname = "hook"\nkind = "webhook"\nurl = "https://example.org/"\nsecret_file = "key"\n'
    file = tmp_path / "gateway.toml"
    at = ("--config", str(file), "--lang", "en")

    def said() -> tuple[bool, str]:
        call("doctor", "--json", *at)
        (part,) = [one for one in json.loads(capsys.readouterr().out) if one["part"] == "alerts"]
        return part["ok"], part["said"]

    file.write_text("")
    assert call("status", *at) == 0  # the first start
    capsys.readouterr()
    assert said()[0]
    file.write_text(block)
    assert said() == (False, f"{tmp_path / 'key'}: this file is missing or cannot be read; nothing will leave")
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o644)
    assert "can be read by others" in said()[1] or WINDOWS
    (tmp_path / "key").chmod(0o600)
    file.write_text(block + 'agencies = ["Nobody"]\n')
    assert 'no agency is called "Nobody"' in said()[1]
    file.write_text(block)
    assert said() == (True, "told: hook; `gateway alerts test` tries it")
