"""`gateway application`, the whole way: asked, signed, sent, confirmed, and the registry changed."""

from __future__ import annotations

import json
import stat
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from gateway.app import open_app
from gateway.calendars import next_business
from gateway.cli import main
from gateway.cli.application.facts import overdue
from gateway.clock import SystemClock, today
from gateway.config import load
from gateway.models import Event
from gateway.platform import WINDOWS
from gateway.resident import recover
from gateway.store import kept, moves

TODAY = today(SystemClock())
REGISTRY = """
[[practitioner]]
number = "231234"
profession = "dentist"
  [[practitioner.other_number]]
  number = "1231234"
[[agency]]
name = "Laurier"
kind = "commercial"
payers = ["regie"]
  [[agency.number]]
  payer = "regie"
  number = "17001"
  from = 2016-07-01
[[agency]]
name = "Tilleuls"
kind = "in_practice"
[[account]]
id = "admin:12345"
kind = "admin_collective"
practitioners = ["231234", "231235"]
[[account]]
id = "personal:231234"
kind = "personal"
[[accreditation]]
account = "admin:12345"
agency = "Tilleuls"
from = 2020-01-01
"""
CONFIG = """
[gateway]
state_dir = "var"
[[payer]]
name = "regie"
formats = ["ramq-rfp"]
environment = "production"
kind = "folder"
deposit = "depot"
returns = "retour"
"""
LETTER = b"%PDF- une lettre du payeur: canari-7f3e"


class Line:
    """The command line on one house."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        (folder / "gateway.toml").write_text(CONFIG, "utf-8")
        (folder / "registry.toml").write_text(REGISTRY, "utf-8")
        (folder / "lettre.pdf").write_bytes(LETTER)
        self.said = self.complained = ""

    def __call__(self, *words: str, lang: str = "en") -> int:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*words, "--config", str(self.folder / "gateway.toml"), "--lang", lang])
        got = self._capsys.readouterr()
        self.said, self.complained = got.out, got.err
        return int(end.value.code or 0)

    def json(self, *words: str) -> Any:
        assert self(*words, "--json") == 0
        return json.loads(self.said)

    def only(self) -> dict[str, Any]:
        (one,) = self.json("application", "list", "--all")
        return dict(one)

    def file(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    made = Line(tmp_path, capsys)
    assert made("registry", "apply", made.file("registry.toml")) == 0
    return made


CHANGE = ("application", "new", "--kind", "change_agency", "--account", "admin:12345", "--practice", "1231234")


def test_a_change_of_agency_from_draft_to_the_registry(line: Line) -> None:
    assert line(*CHANGE, "--agency", "17001", "--mandate-ends", str(TODAY + timedelta(9)), "--signed", "231234") == 1
    assert "! Refused as it stands: signatures missing: 231235." in line.said
    one = line.only()
    assert (one["route"], one["standing"], one["unsigned"]) == ("form", "draft", ["231235"])
    assert [form["number"] for form in one["forms"]] == ["2404", "2788"]
    assert one["facts"]["old_agency_name"] == "Tilleuls"
    record = ("application", "record", one["id"])
    assert line(*record, "--sent", str(TODAY), "--by", "fax") == 1
    assert "forms not filled in yet: 2404, 2788" in line.said
    assert line.only()["sent_on"] is None
    assert "old_agency_number" in line.only()["forms"][0]["missing"]
    ready = ("--form", "2404", "--form", "2788", "--signed", f"231235={TODAY}", "--fact", "old_agency_number=17002")
    assert line(*record, *ready) == 0
    assert line.only()["forms"][0]["missing"] == []
    assert line.only()["standing"] == "ready"
    assert line(*record, "--sent", str(TODAY), "--by", "fax", "--proof", line.file("lettre.pdf")) == 0
    assert line(*record, "--received", str(TODAY)) == 0
    one = line.only()
    assert (one["standing"], one["expected_by"]) == ("received", str(next_business(TODAY + timedelta(weeks=6))))
    later = str(TODAY + timedelta(weeks=6, days=6))
    assert line.json("application", "show", one["id"][-8:], "--today", later)["overdue"][0]["code"] == "answer_overdue"
    with open_app(load(line.folder / "gateway.toml")) as app, app.store.read() as tx:
        state = app.config.gateway.state_dir
        (late,) = overdue(tx, state, TODAY + timedelta(weeks=6, days=6))
        assert overdue(tx, state, TODAY) == line.json("status")["applications"] == []
    assert (late["id"], late["code"]) == (one["id"], "answer_overdue")
    since = str(TODAY + timedelta(10))
    confirm = ("application", "confirm", one["id"], "--effective", since)
    assert line(*confirm) == 1
    assert "--letter" in line.said
    assert line(*confirm, "--letter", line.file("lettre.pdf"), "--apply") == 0
    assert f'+ accreditation of admin:12345: "Laurier", from {since} to –' in line.said
    assert '+ mandate 2788 of admin:12345 to "Laurier", signed by 231234, 231235' in line.said
    assert "? " not in line.said  # the registry finds nothing odd: every user signed
    assert line.only()["standing"] == "confirmed"
    assert [blocked["code"] for blocked in line.only()["blocked"]] == ["no_password", "not_effective_before"]
    assert line(*confirm) == 2  # it is over
    assert "no longer changes" in line.complained


def test_the_letter_is_kept_sealed_and_comes_out_whole(line: Line) -> None:
    new = ("application", "new", "--kind", "join_commercial", "--route", "online", "--account", "personal:231234")
    assert line(*new, "--agency", "Laurier") == 0
    id_ = line.only()["id"]
    confirm = ("application", "confirm", id_, "--effective", str(TODAY), "--letter", line.file("lettre.pdf"))
    assert line(*confirm) == 0
    assert 'agency = "Laurier"' in line.said
    state = line.folder / "var"
    assert not any(b"canari" in file.read_bytes() for file in state.rglob("*") if file.is_file())
    with open_app(load(line.folder / "gateway.toml")) as app:
        recover(app)  # what the archive holds for an application is known
        with app.store.read() as tx:
            reasons = [event.reason for event in tx.session.exec(select(Event)) if event.record_kind == "application"]
            assert moves.verify_chain(tx) is None
    assert reasons == ["application_opened", "application_confirmed"]
    assert line("application", "letter", id_, "--out", line.file("sortie.pdf")) == 0
    out = line.folder / "sortie.pdf"
    assert out.read_bytes() == LETTER
    assert WINDOWS or stat.S_IMODE(out.stat().st_mode) == 0o600
    assert line("application", "letter", id_, "--out", line.file("sortie.pdf")) == 2  # never over a file
    assert line("application", "letter", id_, "--proof", "--out", line.file("preuve.pdf")) == 2


def test_a_lone_practitioner_waits_for_number_password_and_the_developer(line: Line) -> None:
    new = ("application", "new", "--kind", "self_software", "--route", "online", "--account", "personal:231234")
    assert line(*new, "--fact", "developer_number=16001", "--fact", "agency_name=Cabinet Essai") == 0
    id_ = line.only()["id"]
    assert line("application", "record", id_, "--sent", str(TODAY), "--by", "online") == 0
    one = line.only()
    assert (one["received_on"], one["password_by"]) == (str(TODAY), str(next_business(TODAY + timedelta(3))))
    assert line("application", "confirm", id_, "--effective", str(TODAY), "--number", "1705") == 1
    assert line("application", "confirm", id_, "--effective", str(TODAY), "--number", "17050", "--apply") == 0
    assert '+ agency "Cabinet Essai" (solo)' in line.said
    assert [b["code"] for b in line.only()["blocked"]] == ["no_password", "no_go_ahead"]
    assert line("application", "record", id_, "--go-ahead", str(TODAY), "--password-came", str(TODAY)) == 0
    assert [b["code"] for b in line.only()["blocked"]] == ["no_password"]  # it came, the gateway does not have it


def test_a_confirmed_change_of_software_declares_it_in_the_registry(line: Line) -> None:
    source = '[[agency]]\nname = "Laurier"\nkind = "commercial"\n[[agency.source]]\nname = "un"\n'
    boxes = 'pickup = { kind = "folder", path = "lots" }\nreturns = { kind = "folder", path = "retours" }\n'
    (line.folder / "source.toml").write_text(source + boxes, "utf-8")
    assert line("registry", "apply", line.file("source.toml")) == 0
    new = ("application", "new", "--kind", "change_software", "--route", "form", "--account", "personal:231234")
    facts = ("developer_name=Logiciels Essai", "developer_number=16001", "software_name=FactSoft", "software_version=5")
    assert line(*new, "--agency", "Laurier", *(word for fact in facts for word in ("--fact", fact))) == 0
    confirm = ("application", "confirm", line.only()["id"], "--effective", str(TODAY), "--letter")
    assert line(*confirm, line.file("lettre.pdf"), "--apply") == 0, line.complained
    assert 'name = "Laurier"' in line.said
    assert f'software = {{ developer = "16001", name = "FactSoft", version = "5", from = {TODAY} }}' in line.said
    assert "Laurier, un" in line.said


REFUSED = [
    (
        ("--kind", "change_agency", "--account", "admin:12345", "--practice", "231234", "--route", "online"),
        1,
        "Mon dossier",
    ),
    (("--kind", "self_software", "--account", "personal:231234"), 2, "--route"),
    (("--kind", "nonsense", "--account", "personal:231234"), 2, "self_software"),
    (("--kind", "leave", "--account", "231234"), 2, "admin:12345"),
    (("--kind", "leave", "--account", "admin:12345"), 2, "--practice"),
    (("--kind", "leave", "--account", "admin:99999", "--practice", "231234"), 2, "--account-kind"),
    (("--kind", "staff_access", "--account", "personal:231234", "--agency", "Laurier"), 1, "letter 034"),
    (("--kind", "join_on_site", "--account", "personal:231234", "--route", "form", "--agency", "Nobody"), 2, "Nobody"),
    (("--kind", "new_on_site", "--account", "personal:231234", "--fact", "patient=x"), 2, "software_name"),
    (("--kind", "new_on_site", "--account", "personal:231234", "--fact", "agency_number=123"), 2, "five digits"),
    (("--kind", "staff_access", "--account", "personal:231234", "--fact", "user_identity=x"), 2, "user_function"),
    (("--kind", "new_on_site", "--account", "personal:231234", "--signed", "231299"), 2, "231299"),
    (("--kind", "new_on_site", "--account", "personal:231234", "--signed", "231234=2099-01-01"), 2, "2099"),
]


def test_what_cannot_be_asked_is_one_sentence_and_writes_nothing(line: Line) -> None:
    for words, code, said in REFUSED:
        assert (line("application", "new", *words), said in line.said + line.complained) == (code, True), words
        assert "Traceback" not in line.complained
    assert line.json("application", "list", "--all") == []


def test_one_application_at_a_time_and_another_after_it_is_withdrawn(line: Line) -> None:
    signed = ("--signed", "231234", "--signed", "231235")
    assert line(*CHANGE, "--agency", "Laurier", *signed) == 0
    id_ = line.only()["id"]
    assert line(*CHANGE, "--agency", "Laurier", *signed) == 1
    assert id_ in line.said
    assert line("application", "record", id_, "--withdraw", "essai") == 0
    assert line("application", "record", id_, "--sent", str(TODAY), "--by", "fax") == 2
    assert line(*CHANGE, "--agency", "Laurier", *signed) == 0


WRONG = [
    (("--received", str(TODAY)), 1),
    (("--by", "fax"), 1),
    (("--proof", "lettre.pdf"), 1),
    (("--sent", str(TODAY)), 1),
    (("--sent", str(TODAY), "--by", "pigeon"), 1),
    (("--sent", str(TODAY + timedelta(2)), "--by", "post"), 1),
    (("--sent", "demain", "--by", "post"), 2),
    (("--form", "4319"), 2),
    (("--signed", "231299"), 2),
]


def test_a_record_that_cannot_be_changes_nothing(line: Line) -> None:
    assert line(*CHANGE, "--agency", "Laurier", "--signed", "231234", "--signed", "231235") == 0
    before = line.only()
    for words, code in WRONG:
        typed = [line.file(word) if word.endswith(".pdf") else word for word in words]
        assert (line("application", "record", before["id"], *typed), words) == (code, words)
        assert line.said + line.complained
    assert line.only() == before


def test_a_wrong_confirmation_is_corrected_and_both_stay_in_the_history(line: Line) -> None:
    new = ("application", "new", "--kind", "leave", "--route", "online", "--account", "personal:231234")
    assert line(*new) == 0
    id_ = line.only()["id"]
    assert line("application", "confirm", id_, "--effective", "2026-01-01") == 0
    again = (
        "application",
        "confirm",
        id_,
        "--effective",
        "2026-02-01",
        "--letter",
        line.file("lettre.pdf"),
        "--correct",
    )
    assert line(*again) == 0
    first = line.only()["letter_ref"]
    assert line(*again) == 0
    assert line.only()["effective_from"] == "2026-02-01"
    with open_app(load(line.folder / "gateway.toml")) as app, app.store.read() as tx:
        details = [e.detail for e in tx.session.exec(select(Event)) if e.reason == "application_confirmed"]
        assert kept.knows(tx, first)  # the first letter stays, beside the one that took its place
    assert [d["after"]["effective_from"] for d in details] == ["2026-01-01", "2026-02-01", "2026-02-01"]
    assert details[2]["before"]["letter_ref"] == first


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_sheet_is_written_for_every_form_in_both_languages(line: Line, lang: str) -> None:
    line(*CHANGE, "--agency", "Laurier", "--mandate-ends", "2026-12-31")
    id_ = line.only()["id"]
    page = line.folder / "f.html"
    assert line("application", "form", id_, "--out", str(page), lang=lang) == 0
    text = page.read_text("utf-8")
    assert text.count("<h1") == 2
    for told in ("Laurier", "17001", "Tilleuls", "2026-12-31", "231234", "231235", "418 646-8110", "G1K 7T3"):
        assert told in text
    assert ("Ce n'est pas le formulaire" if lang == "fr" else "It is not the payer's form").replace(
        "'", "&#39;"
    ) in text
    assert line("application", "form", id_, "--out", line.file("f.pdf"), "--form", "2788", lang=lang) == 0
    assert (line.folder / "f.pdf").read_bytes().startswith(b"%PDF-")
    assert line("application", "form", id_, "--out", line.file("f.doc"), lang=lang) == 2
    assert line("application", "form", id_, "--out", line.file("g.pdf"), "--form", "1215", lang=lang) == 2
    assert not (line.folder / "g.pdf").exists()


def test_what_is_shown_says_what_is_missing_and_what_comes_next(line: Line) -> None:
    line(*CHANGE, "--agency", "Laurier")
    assert line("application", "show", line.only()["id"], lang="fr") == 0
    for told in ("✗ 2404", "sections 3, 4", "signature manquante", "bloqué :", "→ remplissez les formulaires"):
        assert told in line.said
    assert line("application", "list", lang="fr") == 0
    assert "changer" in line.said
    assert line("application", "show", "APP-", lang="fr") == 0  # the only one
    assert line("application", "show", "nothing") == 2


def test_a_form_the_payer_renamed_is_imported(line: Line) -> None:
    own = line.folder / "own.toml"
    title = 'title = { fr = "Gestion des comptes", en = "Managing accounts" }'
    own.write_text(f'[[form]]\nrole = "accreditation"\nnumber = "9999"\nfrom = {date(2020, 1, 1)}\n{title}\n', "utf-8")
    assert line("application", "import", str(own)) == 0
    line(*CHANGE, "--agency", "Laurier")
    assert [form["number"] for form in line.only()["forms"]] == ["9999", "2788"]
    own.write_text("[[form]]\nrole = 3\n", "utf-8")
    assert line("application", "import", str(own)) == 2
