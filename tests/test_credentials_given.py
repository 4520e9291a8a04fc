"""What people say about passwords, the payer's rules for them, and the count that is kept outside the database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlmodel import select
from support import fresh

from gateway.clock import FixedClock
from gateway.config import PasswordConfig
from gateway.credentials import Credentials, Generations, is_behind, term
from gateway.credentials.policy import new_password
from gateway.errors import Denied, GatewayError, PasswordMustChange
from gateway.keyring import Keyring
from gateway.models import Credential, CredentialPast, Event
from gateway.sealing import KeyFile, Masters
from gateway.states import CredentialState as S
from gateway.store import Store
from gateway.store import credentials as rows

WHO = ("sandbox", "18001")
RULES = PasswordConfig(change="ssh", life_days=30, tries=3)


class Place:
    """A database on disk, its key and the count beside it; opened and closed like a program."""

    def __init__(self, folder: Path, clock: FixedClock) -> None:
        self.folder, self.clock = folder, clock
        self.database = fresh.database(folder / "gateway.db")
        self.counted = folder / "keys" / "generations"
        self.key = KeyFile(folder / "keys" / "master.key")
        self.key.make()
        self.open()

    def open(self) -> Credentials:
        self.store = Store.open(self.database, self.clock)
        sealing = Keyring.open(self.store, Masters(self.key))
        self.house = Credentials(self.store, sealing, self.clock, generations=self.counted, rules=lambda _: RULES)
        return self.house

    def again(self) -> Credentials:
        self.store.close()
        return self.open()

    def row(self, machine: str = "") -> Credential:
        with self.store.read() as tx:
            found = rows.find(tx, *WHO, machine)
        assert found is not None
        return found

    def reasons(self) -> list[str]:
        with self.store.read() as tx:
            events = tx.session.exec(select(Event).where(Event.record_kind == "credential"))
            return [event.reason for event in sorted(events, key=lambda event: event.seq)]


@pytest.fixture
def place(tmp_path: Path, clock: FixedClock) -> Iterator[Place]:
    place = Place(tmp_path, clock)
    place.house.expect(*WHO)
    yield place
    place.store.close()


def log_in(house: Credentials, password: str, *, change: bool = False) -> str:
    """A payer that knows one password, and may ask for another; gives the one it knows in the end."""
    with house.secret(*WHO) as secret:
        if secret.get() != password:
            secret.refuse()
            raise Denied("refused")
        known = secret.propose() if change else password
        secret.confirm()
    return known


# -- the password in use, and the temporary one --


def test_the_password_in_use_is_kept_as_it_is(place: Place) -> None:
    place.house.set_current(*WHO, "in-use-1")
    assert (place.row().state, place.row().proved_at) == ("ACTIVE", None)
    assert log_in(place.house, "in-use-1") == "in-use-1"
    assert (place.row().origin, place.row().proved_at) == ("current", place.clock.now())
    assert place.reasons() == ["number_registered", "current_given"]


def test_a_password_in_use_gets_one_try(place: Place) -> None:
    place.house.set_current(*WHO, "wrong")
    with pytest.raises(Denied):
        log_in(place.house, "in-use-1")
    assert (place.row().state, place.row().reason) == ("LOCKED", "password_refused")
    assert place.house.standing(*WHO).tries_left == 2


def test_a_password_a_person_changed_elsewhere_has_a_way_in(place: Place) -> None:
    place.house.set_current(*WHO, "before")
    with pytest.raises(Denied):
        log_in(place.house, "after")
    place.house.set_current(*WHO, "after")
    log_in(place.house, "after")
    assert place.reasons()[-2:] == ["password_refused", "changed_elsewhere"]


def test_what_another_software_may_use_is_not_changed_even_when_the_payer_asks(place: Place) -> None:
    place.house.set_current(*WHO, "in-use-1")
    with pytest.raises(PasswordMustChange, match="credential alone 18001"):
        log_in(place.house, "in-use-1", change=True)
    assert (place.row().state, place.row().pending) == ("ACTIVE", None)
    assert place.house.standing(*WHO).attempts_left == 2  # the payer took it
    place.house.say_alone(*WHO, True)
    assert log_in(place.house, "in-use-1", change=True) != "in-use-1"
    assert (place.row().state, place.row().origin) == ("ACTIVE", "ours")


def test_what_we_made_ourselves_is_changed_when_the_payer_asks(place: Place) -> None:
    place.house.set_temporary(*WHO, "temporary-1")
    known = log_in(place.house, "temporary-1", change=True)
    assert log_in(place.house, known, change=True) != known


def test_whether_others_use_it_is_an_event_with_who_said_so(place: Place) -> None:
    sealing = Keyring.open(place.store, Masters(place.key))
    store = place.store.as_actor("Rhéa")
    Credentials(store, sealing, place.clock, generations=place.counted).say_alone(*WHO, True)
    place.house.say_alone(*WHO, True)
    with place.store.read() as tx:
        told = [e for e in tx.session.exec(select(Event)) if e.reason == "said_alone"]
    assert [event.actor for event in told] == ["Rhéa"]


def test_a_temporary_password_that_was_used_never_comes_back(place: Place) -> None:
    place.house.set_temporary(*WHO, "temporary-1")
    log_in(place.house, "temporary-1", change=True)
    with pytest.raises(GatewayError, match="already used"):
        place.house.set_temporary(*WHO, "temporary-1")
    assert place.row().state == "ACTIVE"


@pytest.mark.parametrize("end", [S.EXPIRED, S.REVOKED])
def test_a_temporary_password_that_ended_untried_never_comes_back(place: Place, end: S) -> None:
    place.house.set_temporary(*WHO, "temporary-1")
    place.house.stop(*WHO, end, "told_by_the_payer")
    with pytest.raises(GatewayError, match="already used"):
        place.house.set_temporary(*WHO, "temporary-1")


def test_a_temporary_password_typed_twice_before_it_is_tried_is_one(place: Place) -> None:
    for typed in ("temporary-1", "temporary-1", "mistyped", "temporary-1"):
        place.house.set_temporary(*WHO, typed)
    log_in(place.house, "temporary-1", change=True)


def test_a_retired_password_is_erased(place: Place) -> None:
    place.house.set_current(*WHO, "in-use-1")
    place.house.stop(*WHO, S.REVOKED, "retired")
    assert (place.row().current, place.row().pending, place.row().state) == (None, None, "REVOKED")
    assert place.house.usable(*WHO) == "password_revoked"


def test_past_passwords_are_kept_as_salted_hashes_only(place: Place) -> None:
    place.house.set_temporary(*WHO, "temporary-1")
    known = log_in(place.house, "temporary-1", change=True)
    with place.store.read() as tx:
        kept = list(tx.session.exec(select(CredentialPast)))
    assert sorted(one.kind for one in kept) == ["ours", "temporary"]
    assert len({one.salt for one in kept}) == 2
    for one in kept:
        assert known.encode() not in one.digest + one.salt
    assert known.encode() not in place.database.read_bytes()


def test_a_machine_identifier_of_others_is_listed_and_never_tried(place: Place) -> None:
    place.house.note_others(*WHO, "ABC18001X")
    assert place.house.usable(*WHO, machine="ABC18001X") == "password_of_others"
    with pytest.raises(GatewayError, match="another software"):
        place.house.set_current(*WHO, "x", machine="ABC18001X")
    with pytest.raises(GatewayError, match="another software"):
        place.house.say_alone(*WHO, True, machine="ABC18001X")
    assert [s.row.machine for s in place.house.standings()] == ["", "ABC18001X"]


# -- terms --


def test_days_left_are_counted_from_the_last_change(place: Place) -> None:
    place.house.set_current(*WHO, "in-use-1", changed_on=place.clock.now() - timedelta(days=20, hours=1))
    standing = place.house.standing(*WHO)
    assert (standing.days_left, standing.soon) == (9, False)
    place.clock.advance(timedelta(days=4))
    assert place.house.standing(*WHO).soon
    place.clock.advance(timedelta(days=8))
    assert place.house.standing(*WHO).days_left == -3


def test_passwords_are_not_all_changed_on_one_day() -> None:
    begun = datetime(2026, 3, 2, tzinfo=UTC)
    made = [
        Credential(
            id=f"CRE-{n}", payer="p", number=str(n), state="ACTIVE", current=b"x", changed_at=begun, created_at=begun
        )
        for n in range(40)
    ]
    terms = [term(row, RULES) for row in made]
    days = {(t.change_at - begun).days for t in terms if t}
    assert days <= {17, 18, 19, 20}
    assert len(days) >= 3
    assert terms == [term(row, RULES) for row in made]


def test_without_a_known_life_there_is_no_term(place: Place) -> None:
    place.house.set_current(*WHO, "in-use-1")
    assert term(place.row(), PasswordConfig()) is None


# -- the payer's rules --


@st.composite
def rules(draw: st.DrawFn) -> PasswordConfig:
    shortest = draw(st.integers(6, 40))
    try:
        return PasswordConfig(
            shortest=shortest,
            longest=draw(st.integers(shortest, 60)),
            classes=tuple(draw(st.sets(st.sampled_from(["upper", "lower", "digit", "symbol"]), min_size=1))),
            symbols=draw(st.text("-_.+=!$%", min_size=1, max_size=8)),
            forbidden=draw(st.text("01lIO-_ABCxyz", max_size=10)),
        )
    except ValidationError:
        assume(False)
        raise


@given(rules())
def test_a_new_password_meets_the_rules_of_the_payer(wanted: PasswordConfig) -> None:
    made = new_password(wanted)
    assert wanted.shortest <= len(made) <= wanted.longest
    assert not set(made) & set(wanted.forbidden)
    assert all(set(made) & set(wanted.letters(kind)) for kind in wanted.classes)
    assert set(made) <= {letter for kind in wanted.classes for letter in wanted.letters(kind)}


@pytest.mark.parametrize(
    "said",
    [
        {"shortest": 30, "longest": 20},
        {"classes": ()},
        {"symbols": "-", "forbidden": "-"},
        {"life_days": 10, "safe_days": 10},
        {"change": "machine"},
    ],
)
def test_rules_that_nothing_can_meet_are_refused_at_the_start(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PasswordConfig.model_validate(said)


# -- the count outside the database --


def test_an_older_database_starts_held(place: Place) -> None:
    place.house.set_temporary(*WHO, "temporary-1")
    place.store.close()
    shutil.copy(place.database, place.folder / "backup.db")
    place.open()
    known = log_in(place.house, "temporary-1", change=True)
    place.store.close()
    shutil.copy(place.folder / "backup.db", place.database)
    house = place.open()
    assert is_behind(place.store, place.counted)
    assert [row.number for row in house.hold_those_behind()] == ["18001"]
    assert (place.row().state, place.row().reason) == ("LOCKED", "restored_behind")
    with pytest.raises(Denied):
        house.secret(*WHO)
    assert house.hold_those_behind() == []
    house.set_current(*WHO, known)
    assert not is_behind(place.store, place.counted)
    assert log_in(house, known) == known


def test_a_database_that_does_not_know_a_password_at_all_is_behind(place: Place) -> None:
    Generations(place.counted).kept("CRE-later", 1)
    assert is_behind(place.store, place.counted)


def test_a_kill_between_the_count_and_the_row_is_no_older_database(place: Place) -> None:
    place.house.set_temporary(*WHO, "temporary-1")
    Generations(place.counted).begun(place.row().id, 9)
    with place.counted.open("ab") as file:
        file.write(f"{place.row().id} 1".encode())  # cut short
    house = place.again()
    assert not is_behind(place.store, place.counted)
    assert house.hold_those_behind() == []


def test_the_count_is_written_before_the_row_and_again_after_it(place: Place) -> None:
    place.house.set_current(*WHO, "in-use-1")
    lines = place.counted.read_text().splitlines()
    assert [line.split()[1:] for line in lines] == [["1", "begun"], ["1", "kept"]]
    assert place.counted.stat().st_mode & 0o077 == 0


def test_a_count_that_cannot_be_written_changes_nothing(place: Place) -> None:
    place.counted.mkdir()
    with pytest.raises(OSError, match="generations"):
        place.house.set_current(*WHO, "in-use-1")
    assert place.row().state == "EXPECTED"


def test_what_is_counted_after_a_line_that_a_crash_cut_short_counts(tmp_path: Path) -> None:
    file = tmp_path / "generations"
    counted = Generations(file)
    counted.kept("CRE-1", 7)
    file.write_bytes(file.read_bytes() + b"CRE-1 8 ke")
    counted.kept("CRE-1", 9)
    assert counted.highest() == {"CRE-1": 9}
