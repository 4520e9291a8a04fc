"""Canaries: every secret and every patient's field is a token of its own, and after a whole life with failures at every
named point we look for the tokens in everything that was left behind."""

from __future__ import annotations

import base64
import logging
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from support import family
from support.town import Agency, Town, registry, town, zipped
from support.unsealed import Unsealed

from gateway import catalog, credentials, platform, rendering, validation
from gateway.cli.common import set_up_logs
from gateway.monitor import Monitor, Pulse
from gateway.report import Report
from gateway.resources import data_dir
from gateway.sandbox.sftp_server import SftpServer, StaticUsers
from gateway.stages import collect, distribute, match, receive, transmit, validate

PATIENT = "ZQXW07112318"  # fits wherever a health insurance number does; every other token begins like it
# Six signs each: four letters in any case stand in one of twenty heaps of 14 MB of sealed bytes by chance.
TOKENS = [text.encode(code) for text in ("ZQXWJV", PATIENT[:6]) for code in ("ascii", "utf-16-le")]
ROOMS = (collect, validate, credentials, transmit, receive, match, distribute)
SERVER_PASSWORD = "zqSecretDuServeur-91"
FAMILIES = ("ramq-rfp", "ramq-dp")
# Values that imitate the ends of what a schema engine says: whoever cuts its sentences apart must not be led astray.
EVIL = (
    "ZQXWJV' is not accepted by the pattern 'ZQXWJV'.",
    "ZQXWJV' is not an element of the set {'ZQXWJV'}.",
    "ZQXWJV': This element is not expected. Expected is ( ZQXWJV ).",
    "ZQXWJV' is not a valid value of the atomic type 'xs:ZQXWJV'.",
    "ZQXWJV', attribute 'ZQXWJV': [facet 'maxLength'] ('07112318').",
    "%s %(ZQXWJV)s {ZQXWJV} $ZQXWJV \\N",
    "ZQXWJV\u2028ZQXWJV\u202e",
    "ZQXWJV" * 9000,
    "ZQXWJV" * 20_000,  # longer than what the engine says at once
    "é" * 40_000 + " is not accepted by the pattern 'ZQXWJV",
    "ZQXWJV is not accepted by the pattern 'ZQXWJV" + "-" * 70_000,
)
NAME = "<nom_pers>Côté</nom_pers>"
BROKEN = {  # XML that breaks inside a patient's name
    "open": "<nom_pers>ZQXWJVNOM<ZQXWJV</nom_pers>",
    "entity": "<nom_pers>ZQXWJVNOM&ZQXWJV;</nom_pers>",
    "sign": "<nom_pers>ZQXWJVNOM\x01ZQXWJV</nom_pers>",
    "crossed": "<nom_pers>ZQXWJVNOM<b></nom_pers></b>",
    "twice": '<nom_pers ZQXWJV="a" ZQXWJV="b">ZQXWJVNOM</nom_pers>',
    "cdata": "<nom_pers><![CDATA[ZQXWJVNOM</nom_pers>",
}


def personal(name: str) -> tuple[str, ...]:
    document = next(d for d in catalog.load([data_dir("schemas")]).families[name].documents if d.role == "request")
    return tuple(document.personal)


def marked(text: str, fields: tuple[str, ...], value: str | None = None) -> str:
    """The document with a token in each personal field, whether element or attribute."""
    for field in fields:
        told = (value or f"ZQXWJV{field}").replace("&", "&amp;").replace('"', "&quot;")
        text = re.sub(rf"(<{field}>)[^<]*(</{field}>)", lambda m, t=told: m[1] + t + m[2], text)
        text = re.sub(rf'(\s{field}=")[^"]*"', lambda m, t=told: f'{m[1]}{t}"', text)
    return text


def numbered(text: str, number: str) -> str:
    return re.sub(r"(<no_dem_ext>)[A-Za-z0-9-]*(</no_dem_ext>)", rf"\g<1>{number}\g<2>", text)


def documents() -> dict[str, bytes]:
    """Documents of every type, valid and not, each with tokens where the patient is."""
    made: dict[str, bytes] = {}
    for name in FAMILIES:
        for file in sorted((data_dir("schemas") / name / "samples").glob("*.xml")):
            text = file.read_text("utf-8")
            if "health_number" in file.stem or "_recev" not in file.stem:
                made[f"{name}-{file.name}"] = numbered(marked(text, personal(name)), f"S-{len(made)}").encode()
    whole = (data_dir("schemas/ramq-rfp/samples") / "valid_dem_paimt_patient_without_number.xml").read_text("utf-8")
    old = (data_dir("schemas/ramq-dp/samples") / "valid_DP_RACIN_every_attribute.xml").read_text("utf-8")
    for place, value in enumerate(EVIL):
        made[f"evil-{place}.xml"] = numbered(marked(whole, personal("ramq-rfp"), value), f"E-{place}").encode()
        made[f"evil-old-{place}.xml"] = marked(old, personal("ramq-dp"), value).encode()
    for kind, instead in BROKEN.items():
        made[f"broken-{kind}.xml"] = numbered(whole.replace(NAME, instead), f"B-{kind}").encode()
    made["bytes.xml"] = whole.encode().replace("Côté".encode(), b"ZQXWJV\xff\xfe")
    made["cut.xml"] = whole.replace(NAME, "<nom_pers>ZQXWJVNOM").encode()[: whole.index(NAME) + 14]
    made["own.xml"] = family.document(
        family.invoice(1, nom="ZQXWJVNOM"), family.invoice(2, nom="ZQXWJVNOM"), family.invoice(3, nom="ZQXWJV" * 9)
    ).encode()
    return made


def going(agency: Agency, seed: int) -> bytes:
    """A valid request whose patients are all the same canary."""
    text = agency.lot(seed=seed, invoices=3).decode()
    return re.sub(r"<id_pers>[^<]*<", f"<id_pers>{PATIENT}<", text).encode()


def own_family(state: Path) -> None:
    """A family of this installation whose schema forbids the same patient twice."""
    twice = (
        '<xs:unique name="patients"><xs:selector xpath="e:envoi"/><xs:field xpath="e:nom"/></xs:unique></xs:element>'
    )
    schema = (family.HERE / "lot.xsd").read_text("utf-8").replace('xmlns="urn', 'xmlns:e="urn:essai:lot" xmlns="urn', 1)
    head, _, tail = schema.partition('<xs:element name="total"')
    body, _, end = head.rpartition("</xs:element>")
    family.family(state / "schemas", schema=f'{body}{twice}{end}<xs:element name="total"{tail}')


@dataclass
class Aftermath:
    """What a life left behind."""

    folder: Path
    place: Town
    said: bytes
    secrets: dict[str, bytes]
    documents: dict[str, bytes]
    measured: bytes  # what Prometheus would be told

    def state(self) -> Iterator[tuple[str, bytes]]:
        """Every file of the state folder but the key."""
        for path in sorted((self.folder / "var").rglob("*")):
            if path.is_file() and path.name != "master.key":
                yield str(path.relative_to(self.folder)), path.read_bytes()

    def returned(self, kinds: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        known = {row["name"]: row["kind"] for row in self.place.rows("select name, kind from distribution")}
        for agency in self.place.agencies.values():
            yield from ((n, data) for n, data in agency.returned().items() if known[n] in kinds)

    def names(self) -> Iterator[str]:
        yield from (str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))

    def archived(self) -> Iterator[tuple[str, bytes]]:
        archive = Unsealed(self.folder / "var")
        for path in archive.folder.rglob("*"):
            if path.is_file():
                yield path.name, archive.read(f"{path.parent.name}/{path.name}")


@contextmanager
def everything_said(file: Path) -> Iterator[None]:
    """Standard output and error of the whole process, and every logger at its most talkative, in one file."""
    old, root = [os.dup(1), os.dup(2)], logging.getLogger()
    level, streams = root.level, (sys.stdout, sys.stderr)
    with file.open("w") as sink:
        handler = logging.StreamHandler(sink)
        handler.setFormatter(logging.Formatter("%(name)s %(message)s %(exc_info)s"))
        os.dup2(sink.fileno(), 1), os.dup2(sink.fileno(), 2)
        sys.stdout = sys.stderr = sink
        root.addHandler(handler), root.setLevel(logging.DEBUG)
        logging.getLogger("sqlalchemy").setLevel(logging.DEBUG)
        set_up_logs(logging.DEBUG)
        try:
            yield
        finally:
            structlog.reset_defaults()
            logging.getLogger("sqlalchemy").setLevel(logging.NOTSET)
            root.removeHandler(handler), root.setLevel(level)
            sys.stdout, sys.stderr = streams
            for fd, kept in enumerate(old, 1):
                os.dup2(kept, fd), os.close(kept)


def failing_once() -> Callable[[str], None]:
    """Something breaks the first time that each named point is passed."""
    passed: set[str] = set()

    def fail(point: str) -> None:
        if point not in passed and not point.startswith("sandbox."):
            passed.add(point)
            raise RuntimeError(point)

    return fail


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("canaries")
    own_family(folder / "var")
    said = folder.parent / f"{folder.name}.log"
    agencies = {"18001": "personal:231234", "18003": "personal:251111"}
    with everything_said(said), town(folder, agencies, gateway="lease_seconds = 5") as place:
        first, second = place.agencies.values()
        with _on_a_server(place, second):
            made = documents()
            some = {name: made[name] for name in made if "-invalid_" not in name and "-rule_" not in name}
            first.deposit("lot.zip", zipped(some, zipfile.ZIP_STORED))
            first.deposit("cut.xml", made["cut.xml"])
            first.deposit("going.xml", going(first, 1))
            second.deposit("going.xml", going(second, 2))
            platform.listen(failing_once())
            try:
                for _ in range(6):
                    with suppress(RuntimeError):  # a point outside every run
                        place.settle()
                    place.clock.advance(timedelta(hours=2))
            finally:
                platform.listen(None)
            place.settle()
            place.statements()
        secrets = _secrets(place)
        monitor = Monitor(place.app.config, place.app.store, place.clock, Pulse(place.clock))
        measured = monitor.answer("/metrics")[2]
        place.app.store.close()
        yield Aftermath(folder, place, said.read_bytes(), secrets, made, measured)


@contextmanager
def _on_a_server(place: Town, agency: Agency) -> Iterator[None]:
    """This agency's mailboxes are on an SFTP server of its own."""
    server = SftpServer(StaticUsers({"passerelle": (SERVER_PASSWORD, agency.home)}))
    port = server.start()
    (place.folder / "serveur.password").write_text(SERVER_PASSWORD)
    text = registry(list(place.agencies.values()))
    for box in ("lots", "retours"):
        text = text.replace(
            f'kind = "folder", path = "{agency.home.name}/{box}"',
            f'kind = "sftp", host = "127.0.0.1", port = {port}, user = "passerelle", path = "{box}", '
            f'host_key = "{server.host_key_line}", password_file = "serveur.password"',
        )
    place.apply(text)
    try:
        yield
    finally:
        server.stop()


def _secrets(place: Town) -> dict[str, bytes]:
    """Every secret there was: temporary and generated passwords, the server's, the master key in three spellings."""
    known = {f"temporary {number}": password.encode() for number, password in place.passwords.items()}
    for row in place.rows("select id, number, current from credential"):
        known[f"generated {row['number']}"] = place.app.keyring.unseal(
            row["current"], f"credential:{row['id']}:current"
        )
    known["server"] = SERVER_PASSWORD.encode()
    raw = (place.folder / "var" / "keys" / "master.key").read_bytes()
    with suppress(ValueError):
        raw = base64.b64decode(raw, validate=True)
    return known | {"key": raw, "key base64": base64.b64encode(raw), "key hex": raw.hex().encode()}


def carried(data: bytes) -> bool:
    """Whether a patient's token is in there, in whatever case or common encoding."""
    loud = data.upper()
    return any(token in loud for token in TOKENS) or b"07112318" in data


def test_the_canaries_were_everywhere_they_had_to_be(after: Aftermath) -> None:
    going_states = {row["state"] for row in after.place.rows("select state from batch")}
    assert going_states <= {"VALIDATED", "REFUSED"}
    for agency in after.place.agencies.values():
        assert after.place.states(agency)["going.xml"] == ("RECEIVABLE", None)
        assert any(name.startswith("etat_") for name in agency.returned())
    assert {row["state"] for row in after.place.rows("select state from credential")} == {"ACTIVE"}
    assert len(set(after.secrets.values())) == len(after.secrets)
    assert sum(carried(data) for _, data in after.archived()) > 40
    assert b"stage_failed" in after.said or b"take_failed" in after.said  # it did fail, and said so
    assert all(loud in after.said for loud in (b"sqlalchemy", b"paramiko"))  # the most talkative of all did talk


def test_no_patient_is_in_the_state_folder_as_it_lies_on_the_disk(after: Aftermath) -> None:
    assert [name for name, data in after.state() if carried(data)] == []


def test_no_patient_is_in_what_was_said(after: Aftermath) -> None:
    assert [line for line in after.said.splitlines() if carried(line)] == []


def test_no_patient_no_practitioner_and_no_agency_by_name_is_in_the_metrics(after: Aftermath) -> None:
    assert not carried(after.measured)
    assert not [word for word in (b"231234", b"251111", b"Agence", b"going.xml") if word in after.measured]
    assert not [name for name, secret in after.secrets.items() if secret in after.measured]


def test_no_patient_is_in_what_we_wrote_for_the_agencies(after: Aftermath) -> None:
    assert [name for name, data in after.returned(("html", "json")) if carried(data)] == []


def test_no_patient_is_in_the_name_of_a_file(after: Aftermath) -> None:
    assert [name for name in after.names() if carried(name.encode("utf-8", "surrogateescape"))] == []


def test_no_patient_is_in_any_form_of_a_report(after: Aftermath, tmp_path: Path) -> None:
    known = catalog.load([after.folder / "var" / "schemas", data_dir("schemas")])
    for name, data in after.documents.items():
        path = tmp_path / name
        path.write_bytes(data)
        reports: list[Report] = validation.check_file(path, known)
        for report in reports:
            forms = [rendering.report_text(report, lang).encode() for lang in ("fr", "en")]
            forms += [rendering.report_html(report, "fr"), rendering.report_json(report), repr(report).encode()]
            assert not any(carried(form) for form in forms), name


def test_no_secret_is_in_clear_anywhere(after: Aftermath) -> None:
    said = [(name, "what was said") for name, secret in after.secrets.items() if secret in after.said]
    kept = [
        (name, str(path))
        for path in after.folder.rglob("*")
        if path.is_file() and path.name not in ("master.key", "serveur.password")
        for name, secret in after.secrets.items()
        if secret in path.read_bytes() or secret in os.fsencode(path)
    ]
    assert said + kept == []
