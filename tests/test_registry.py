"""The registry: one file, one plan, one transaction, and answers that hold on a day."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlmodel import select

import adapters
from gateway.clock import FixedClock
from gateway.config import Config, GatewayConfig, PayerConfig
from gateway.errors import ConfigError
from gateway.models import Event, TransmissionNumber
from gateway.registry import Book, Plan, apply, may_send, statement_recipient
from gateway.registry.mailboxes import KINDS
from gateway.registry.reasons import codes
from gateway.resources import data_dir
from gateway.store import Store, credentials, due, moves
from gateway.validation.files import shipped

DAY = date(2026, 3, 2)
LAURIER = """
[[agency]]
name = "Laurier"
kind = "commercial"
payers = ["sandbox"]
migrated_on = 2016-07-01
  [[agency.number]]
  payer = "sandbox"
  number = "18001"
  from = 2016-07-01
  [[agency.source]]
  name = "factsoft"
  software = { developer = "18001", name = "FactSoft", version = "4.2" }
  pickup = { kind = "folder", path = "laurier/in" }
  returns = { kind = "folder", path = "laurier/out" }
"""
TILLEULS = """
[[agency]]
name = "Tilleuls"
kind = "in_practice"
payers = ["sandbox"]
  [[agency.number]]
  payer = "sandbox"
  number = "18002"
  from = 2017-01-01
"""
ACCOUNT = """
[[account]]
id = "admin:12345"
kind = "admin_collective"
practitioners = ["231234", "231235"]
[[accreditation]]
account = "admin:12345"
agency = "18001"
from = 2020-01-01
"""
EVERYTHING = LAURIER + TILLEULS + ACCOUNT


@pytest.fixture
def config(tmp_path: Path) -> Config:
    def payer(name: str, environment: str) -> PayerConfig:
        return PayerConfig.model_validate(
            {"name": name, "formats": ["ramq-rfp"], "environment": environment, "host": "127.0.0.1"}
        )

    return Config(GatewayConfig(state_dir=tmp_path), (payer("sandbox", "test"), payer("regie", "production")))


class Applier:
    """Applies texts as files to one store."""

    def __init__(self, store: Store, config: Config, folder: Path) -> None:
        self.store, self.config, self.file = store, config, folder / "registry.toml"

    def __call__(self, text: str, *, dry_run: bool = False) -> Plan:
        self.file.write_text(text, encoding="utf-8")
        return apply(self.store, self.file, self.config, shipped(), dry_run=dry_run)

    def book(self) -> Book:
        with self.store.read() as tx:
            return Book.load(tx)

    def agency(self, name: str) -> str:
        return next(agency.id for agency in self.book().agencies() if agency.name == name)


@pytest.fixture
def applied(store: Store, config: Config, tmp_path: Path) -> Applier:
    return Applier(store, config, tmp_path)


def test_a_second_apply_plans_nothing(applied: Applier) -> None:
    first = applied(EVERYTHING)
    assert first.applied
    assert (len(first.adds), len(first.closings), first.refusals) == (11, 0, ())
    second = applied(EVERYTHING)
    assert (second.steps, second.refusals) == ((), ())
    assert "Rien à faire" in second.text("fr")


def test_a_dry_run_writes_nothing(applied: Applier) -> None:
    plan = applied(EVERYTHING, dry_run=True)
    assert not plan.applied
    assert len(plan.steps) > 5
    assert applied.book().agencies() == []
    assert "rien n'a été écrit" in plan.text("fr")


def test_a_plan_reads_like_a_diff_in_both_languages(applied: Applier) -> None:
    text = applied(EVERYTHING).text("en")
    assert '+ transmission number 18001 at sandbox: "Laurier", from 2016-07-01 to –' in text.splitlines()
    assert applied(LAURIER.replace('"commercial"', '"solo"')).text("fr").splitlines()[0] == (
        "~ agence « Laurier » : kind commercial → solo"
    )


def test_every_step_leaves_its_event_in_the_chain(applied: Applier) -> None:
    plan = applied(EVERYTHING)
    with applied.store.read() as tx:
        kinds = [e.record_kind for e in tx.session.exec(select(Event))]
        assert moves.verify_chain(tx) is None
    assert kinds.count("registry") >= len(plan.steps)


def test_every_live_number_waits_for_its_password(applied: Applier) -> None:
    closed = LAURIER.replace("from = 2016-07-01\n  [[", "from = 2016-07-01\n  to = 2020-01-01\n  [[")
    applied(closed + TILLEULS)
    with applied.store.read() as tx:
        assert [(c.payer, c.number, c.state) for c in credentials.every(tx)] == [("sandbox", "18002", "EXPECTED")]


def test_applying_wakes_the_judgement_of_every_agency(applied: Applier, clock: FixedClock) -> None:
    applied(EVERYTHING)
    laurier = applied.agency("Laurier")
    with applied.store.write() as tx:
        due.sync(tx, [("validate", laurier, 3600.0)])
        due.claim(tx, "validate", laurier, owner="w")
        due.finish(tx, "validate", laurier, again_in=None, error=None)
    applied(EVERYTHING)
    with applied.store.read() as tx:
        assert due.ready(tx, clock.now()) == []
    applied(ACCOUNT + '[[account]]\nid = "personal:231234"\nkind = "personal"')
    with applied.store.read() as tx:
        assert due.ready(tx, clock.now()) == [("validate", laurier)]


def test_what_the_file_does_not_mention_stays(applied: Applier) -> None:
    applied(EVERYTHING)
    assert applied(TILLEULS).steps == ()
    assert applied('[[agency]]\nname = "Laurier"\nkind = "commercial"').steps == ()
    laurier = applied.book().agency(applied.agency("Laurier"))
    assert applied.book().migrated_on(laurier.id) == date(2016, 7, 1)


def test_a_complete_file_ends_what_it_does_not_mention(applied: Applier) -> None:
    applied(EVERYTHING)
    plan = applied("complete = true\n" + TILLEULS)
    said = "\n".join(sentence["en"] for sentence in plan.closings)
    assert all(word in said for word in ("number 18001", "accreditation of", 'source "factsoft"', 'agency "Laurier"'))
    assert len(plan.closings) == len(plan.steps)
    book = applied.book()
    assert [agency.name for agency in book.agencies()] == ["Tilleuls"]
    assert book.holder("sandbox", "18001", DAY) is None
    assert book.holder("sandbox", "18001", DAY - timedelta(days=1)) is not None
    assert applied("complete = true\n" + TILLEULS).steps == ()
    assert [agency.name for agency in Applier.book(applied).agencies()] == ["Tilleuls"]


def test_an_agency_that_comes_back_is_active_again(applied: Applier) -> None:
    applied(EVERYTHING)
    applied("complete = true\n" + TILLEULS)
    applied("complete = true\n" + EVERYTHING)
    assert len(applied.book().agencies()) == 2
    assert applied.book().holder("sandbox", "18001", DAY) == applied.agency("Laurier")
    assert applied("complete = true\n" + EVERYTHING).steps == ()


def test_a_complete_file_withdraws_what_was_to_begin(applied: Applier) -> None:
    future = TILLEULS.replace("2017-01-01", "2030-01-01")
    applied(LAURIER + future)
    plan = applied("complete = true\n" + LAURIER)
    assert any("never was true" in sentence["en"] for sentence in plan.closings)
    assert applied.book().holder("sandbox", "18002", date(2031, 1, 1)) is None


def test_a_fact_is_closed_by_its_last_day_and_stays_true_until_then(applied: Applier) -> None:
    applied(EVERYTHING)
    plan = applied(ACCOUNT.replace("from = 2020-01-01", "from = 2020-01-01\nto = 2026-03-02"))
    assert len(plan.steps) == len(plan.closings) == 1
    laurier, book = applied.agency("Laurier"), applied.book()
    assert may_send(book, laurier, "admin:12345", DAY).ok
    (after,) = may_send(book, laurier, "admin:12345", DAY + timedelta(days=1)).reasons
    assert (after.code, after.facts["ended"]) == ("ACCOUNT_UNKNOWN", "2026-03-02")
    assert applied(EVERYTHING).steps == ()  # no `to` in the file: untouched


def test_a_number_may_pass_to_another_agency(applied: Applier) -> None:
    applied(EVERYTHING)
    closed = '[[agency.number]]\npayer = "sandbox"\nnumber = "18001"\nfrom = 2016-07-01\nto = 2026-01-31\n'
    passed = '[[agency.number]]\npayer = "sandbox"\nnumber = "18001"\nfrom = 2026-02-01\n'
    assert applied('[[agency]]\nname = "Laurier"\nkind = "commercial"\n' + closed + TILLEULS + passed).refusals == ()
    book = applied.book()
    assert book.holder("sandbox", "18001", date(2026, 1, 31)) == applied.agency("Laurier")
    assert book.holder("sandbox", "18001", date(2026, 2, 1)) == applied.agency("Tilleuls")
    assert book.numbers(applied.agency("Tilleuls"), "sandbox", DAY) == ["18002", "18001"]
    assert book.numbers(applied.agency("Laurier"), "sandbox", DAY) == []


def test_a_fact_that_never_was_true_is_withdrawn_and_kept_in_history(applied: Applier) -> None:
    applied(EVERYTHING)
    withdrawn = TILLEULS + "  retract = true\n"
    assert len(applied(withdrawn).closings) == 1
    assert applied(withdrawn).steps == ()
    assert applied.book().holder("sandbox", "18002", DAY) is None
    with applied.store.read() as tx:
        kept = tx.session.exec(select(TransmissionNumber).where(TransmissionNumber.number == "18002")).one()
    assert kept.superseded_at is not None
    assert len(applied(TILLEULS).adds) == 1


def test_values_change_and_are_told(applied: Applier) -> None:
    applied(EVERYTHING)
    plan = applied(
        LAURIER.replace('"4.2"', '"4.3"').replace("laurier/in", "new/in")
        + '  strict = true\n  tolerances = ["utf16_declared"]\n'
    )
    (sentence,) = plan.changes
    assert f"pickup.path {applied.file.parent}/laurier/in → {applied.file.parent}/new/in" in sentence["fr"]
    assert "settle" not in sentence["fr"]
    (source,) = applied.book().sources(applied.agency("Laurier"))
    assert (source.strict, source.tolerances) == (True, ["utf16_declared"])


def test_practitioners_are_those_of_the_file(applied: Applier) -> None:
    applied(EVERYTHING)
    plan = applied(ACCOUNT.replace('"231234", ', '"231299", '))
    assert ["231299" in s["en"] for s in plan.adds] == ["231234" in s["en"] for s in plan.closings] == [True]
    assert applied.book().practitioners("admin:12345") == {"231299", "231235"}


def test_paths_are_relative_to_the_file_and_settings_are_whole(applied: Applier, tmp_path: Path) -> None:
    applied(LAURIER)
    (source,) = applied.book().sources(applied.agency("Laurier"))
    assert source.pickup == {
        "kind": "folder",
        "path": str(tmp_path / "laurier/in"),
        "finished": "settle",
        "settle_seconds": 5,
        "after": "move",
    }
    assert source.returns == {"kind": "folder", "path": str(tmp_path / "laurier/out")}


def test_a_server_of_an_agency_needs_its_key_and_a_proof(applied: Applier, tmp_path: Path) -> None:
    server = 'kind = "sftp", host = "h", user = "u", path = "in"'
    for settings, word in ((server, "host_key"), (server + ', host_key = "k"', "password_file")):
        with pytest.raises(ConfigError, match=word):
            applied(LAURIER.replace('kind = "folder", path = "laurier/in"', settings))
    whole = server + ', host_key = "k", password_file = "secrets/laurier"'
    applied(LAURIER.replace('kind = "folder", path = "laurier/in"', whole))
    (source,) = applied.book().sources(applied.agency("Laurier"))
    assert (source.pickup["path"], source.pickup["password_file"]) == ("in", str(tmp_path / "secrets/laurier"))


def test_the_first_source_is_the_first_of_a_file_that_names_all(applied: Applier) -> None:
    def source(name: str) -> str:
        return (
            f'[[agency.source]]\nname = "{name}"\npickup = {{ kind = "folder", path = "{name}/in" }}\n'
            f'returns = {{ kind = "folder", path = "{name}/out" }}\n'
        )

    head = '[[agency]]\nname = "Laurier"\nkind = "commercial"\n'
    applied(head + source("a"))
    applied(head + source("b"))
    assert [s.name for s in applied.book().sources(applied.agency("Laurier"))] == ["a", "b"]
    applied(head + source("b") + source("a"))
    assert [s.name for s in applied.book().sources(applied.agency("Laurier"))] == ["b", "a"]


def test_a_folder_that_is_missing_is_a_warning(applied: Applier, tmp_path: Path) -> None:
    assert len(applied(LAURIER).warnings) == 1
    (tmp_path / "laurier" / "in").mkdir(parents=True)
    assert applied(LAURIER).warnings == ()


def test_the_example_file_applies(applied: Applier) -> None:
    example = (data_dir("config") / "registry.example.toml").read_text(encoding="utf-8")
    assert applied(example).refusals == ()
    assert applied(example).steps == ()


# What a file may not say.


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAURIER.replace('"18001"\n  from', '"1800"\n  from'), ["agency[Laurier].number[1800].number"]),
        (LAURIER.replace('"18001"\n  from', "18001\n  from"), ["agency[Laurier].number[18001].number"]),
        (LAURIER.replace('"commercial"', '"shop"'), ["agency[Laurier].kind", "in_practice"]),
        (LAURIER.replace("payers", "payer"), ["agency[Laurier].payer", "payers"]),
        (LAURIER.replace("path = ", "paht = "), ["agency[Laurier].source[factsoft].pickup.paht", "path"]),
        (LAURIER.replace('"folder"', '"foldr"', 1), ["agency[Laurier].source[factsoft].pickup.kind", "folder"]),
        (LAURIER + '  tolerances = ["utf8"]', ["tolerances", "utf16_declared"]),
        (LAURIER + '  password = "hush"', ["agency[Laurier].source[factsoft].password"]),
        (TILLEULS + "  to = 2016-12-31", ["agency[Tilleuls].number[18002]", "2016-12-31"]),
        (TILLEULS + '  to = "2020-12-31"', ["agency[Tilleuls].number[18002].to", "2016-07-01"]),
        (ACCOUNT.replace('kind = "admin_collective"', 'kind = "group"'), ["account[admin:12345].kind", "personal"]),
        (ACCOUNT.replace('kind = "admin_collective"', 'kind = "personal"'), ["account[admin:12345]"]),
        (ACCOUNT.replace('id = "admin:12345"', 'id = "personal:23123A"'), ["account[personal:23123A].id"]),
        (ACCOUNT.replace('"231234", ', '"2312", '), ["account[admin:12345].practitioners"]),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_key(applied: Applier, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        applied(text)
    for sentence in caught.value.both.values():
        assert [word for word in ["registry.toml", *words] if word not in sentence] == []
        assert "hush" not in sentence


def test_the_kinds_of_mailbox_a_registry_may_name_are_the_adapters_own() -> None:
    assert list(KINDS) == sorted(adapters.KINDS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (EVERYTHING + TILLEULS.replace("Tilleuls", "Other"), ["agency[Other].number[18002]", "Tilleuls", "2017-01-01"]),
        (
            EVERYTHING + '[[accreditation]]\naccount = "admin:12345"\nagency = "18002"\nfrom = 2021-01-01',
            ["accreditation[", "admin:12345", "Laurier", "Tilleuls", "2021-01-01"],
        ),
        (LAURIER + LAURIER, ["agency[Laurier]"]),
        (EVERYTHING.replace('agency = "18001"', 'agency = "18009"'), ["accreditation[1]", "18009"]),
        (EVERYTHING.replace('agency = "18001"', 'agency = "Lorier"'), ["accreditation[1]", "Lorier"]),
        (LAURIER + ACCOUNT[ACCOUNT.index("[[accred") :], ["accreditation[1]", "admin:12345"]),
        (LAURIER.replace('"18001"\n  from', '"21001"\n  from'), ["agency[Laurier].number[21001]", "sandbox"]),
        (TILLEULS.replace('"sandbox"', '"regie"'), ["agency[Tilleuls].number[18002]", "regie"]),
        (TILLEULS.replace('"sandbox"', '"sandbax"'), ["agency[Tilleuls]", "sandbax", "sandbox"]),
        (EVERYTHING + ACCOUNT[ACCOUNT.index("[[accred") :], ["accreditation[2]"]),
        (LAURIER.replace("laurier/out", "laurier/./in"), ["agency[Laurier].source[factsoft].returns"]),
        (
            LAURIER + LAURIER[LAURIER.index("  [[agency.source") :].replace("factsoft", "other"),
            ["agency[Laurier].source[other].pickup"],
        ),
    ],
)
def test_a_contradiction_is_refused_with_its_file_and_key(applied: Applier, text: str, words: list[str]) -> None:
    plan = applied(text)
    assert plan.refusals
    told = {lang: "\n".join(refusal[lang] for refusal in plan.refusals) for lang in ("fr", "en")}
    for lang, sentences in told.items():
        assert [word for word in ["registry.toml", *words] if word not in sentences] == []
        assert sentences in plan.text(lang).replace("! ", "")
    assert told["fr"] != told["en"]
    assert applied.book().agencies() == []


def test_a_contradiction_with_what_is_known_is_refused(applied: Applier) -> None:
    applied(EVERYTHING)
    plan = applied(TILLEULS.replace("Tilleuls", "Other"))
    assert len(plan.refusals) == 1
    assert len(applied.book().agencies()) == 2


def test_replies_of_two_agencies_never_share_a_folder(applied: Applier) -> None:
    applied(LAURIER)
    source = LAURIER[LAURIER.index("  [[agency.source") :].replace("laurier/in", "tilleuls/in")
    assert "Laurier, factsoft" in applied(TILLEULS + source).refusals[0]["fr"]


def test_a_number_that_changed_hands_is_read_on_the_first_day(applied: Applier) -> None:
    one = LAURIER.replace("from = 2016-07-01\n", "from = 2016-07-01\nto = 2019-12-31\n")
    two = TILLEULS + '[[agency.number]]\npayer = "sandbox"\nnumber = "18001"\nfrom = 2020-01-01\n'
    assert applied(one + two + ACCOUNT).refusals == ()
    assert statement_recipient(applied.book(), "admin:12345", DAY).agency_id == applied.agency("Tilleuls")


# What the book answers.


def test_numbers_are_compared_as_exact_strings(applied: Applier) -> None:
    applied(EVERYTHING)
    book = applied.book()
    for wrong in ("018001", " 18001", "18001.0", "１８００１"):
        assert book.holder("sandbox", wrong, DAY) is None
    assert statement_recipient(book, "admin:012345", DAY).route == "held"


def test_sending_for_an_account_needs_its_accreditation_on_that_day(applied: Applier) -> None:
    applied(EVERYTHING)
    book, laurier, tilleuls = applied.book(), applied.agency("Laurier"), applied.agency("Tilleuls")
    assert may_send(book, laurier, "admin:12345", DAY).ok
    assert may_send(book, laurier, None, DAY).ok
    assert codes(may_send(book, laurier, "admin:99999", DAY).reasons) == ["ACCOUNT_UNKNOWN"]
    (early,) = may_send(book, laurier, "admin:12345", date(2019, 12, 31)).reasons
    assert (early.code, early.facts["start"]) == ("ACCOUNT_NOT_YET", "2020-01-01")
    (other,) = may_send(book, tilleuls, "admin:12345", DAY).reasons
    assert (other.code, set(other.facts)) == ("ACCOUNT_OTHER_AGENCY", {"account", "day"})


def test_a_statement_goes_to_who_was_accredited_on_its_day_or_to_nobody(applied: Applier) -> None:
    applied(EVERYTHING)
    book = applied.book()
    assert statement_recipient(book, "admin:12345", DAY).agency_id == applied.agency("Laurier")
    assert statement_recipient(book, "admin:12345", date(2019, 12, 31)).agency_id is None


def test_live_numbers_are_those_held_today_by_active_agencies(applied: Applier) -> None:
    applied(EVERYTHING)
    book = applied.book()
    assert book.live_numbers(DAY) == [
        ("sandbox", "18001", applied.agency("Laurier")),
        ("sandbox", "18002", applied.agency("Tilleuls")),
    ]
    assert book.live_numbers(date(2016, 12, 31)) == [("sandbox", "18001", applied.agency("Laurier"))]
    assert book.first_number(applied.agency("Tilleuls"), DAY) == "18002"
    assert book.accounts(applied.agency("Laurier"), DAY) == ["admin:12345"]


def test_the_book_is_loaded_in_a_constant_number_of_queries(applied: Applier) -> None:
    applied(EVERYTHING)
    asked: list[str] = []
    with applied.store.read() as tx:
        connection = tx.session.connection()
        event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2]))
        first = Book.load(tx)
        whole = len(asked)
        assert Book.load(tx) is first
    assert (whole, len(asked) - whole) == (21, 1)


def test_an_agency_gives_rules_another_severity_and_takes_it_back(applied: Applier) -> None:
    wanted = LAURIER.replace("migrated_on", 'rules = { NAM_CHECK_DIGIT = "error", "1081" = "warning" }\nmigrated_on')
    applied(LAURIER)
    plan = applied(wanted)
    assert [step["en"] for step in plan.changes if "rules.1081 – → warning" in step["en"]]
    assert applied.book().agency(applied.agency("Laurier")).rules == {"NAM_CHECK_DIGIT": "error", "1081": "warning"}
    assert applied(LAURIER).changes == []  # not mentioned: as it was
    applied(LAURIER.replace("migrated_on", "rules = {}\nmigrated_on"))
    assert applied.book().agency(applied.agency("Laurier")).rules == {}
    with pytest.raises(ConfigError):
        applied(LAURIER.replace("migrated_on", 'rules = { X = "fatal" }\nmigrated_on'))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("NAM_CHECK_DIGITS", "no rule has the code"),
        ("SCHEMA_VALUE", "no rule has the code"),
        ("956", "cannot be changed"),
        ("ACCOUNT_UNKNOWN", "cannot be changed"),
        ("FOREIGN_NUMBER", "cannot be changed"),
    ],
)
def test_a_severity_of_what_is_no_rule_or_stays_as_it_is_refuses_the_file(
    applied: Applier, code: str, said: str
) -> None:
    plan = applied(LAURIER.replace("migrated_on", f'rules = {{ "{code}" = "info" }}\nmigrated_on'))
    (refusal,) = plan.refusals
    assert f"agency[Laurier].rules.{code}" in refusal["fr"]
    assert said in refusal["en"]
    assert "registry.toml" in refusal["en"]
    assert applied.book().agencies() == []
