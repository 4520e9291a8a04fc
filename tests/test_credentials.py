"""A password's life: temporary, changed on first use, never lost in a crash, never tried too often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from support.dying import Killed

from gateway import platform
from gateway.clock import FixedClock
from gateway.config import PasswordConfig
from gateway.credentials import Credentials
from gateway.credentials.policy import new_password
from gateway.errors import Denied, GatewayError, SealingError, Unreachable
from gateway.keyring import Keyring
from gateway.models import Credential, CredentialAttempt, Event
from gateway.sealing import KeyFile, Masters
from gateway.states import CredentialState
from gateway.store import Store, due, moves
from gateway.store import credentials as rows

WHO = ("sandbox", "18001")


class Payer:
    """What a payer's login does with a password: judge it, ask for another one where it must, count the refusals."""

    def __init__(self, password: str, must_change: bool = True) -> None:
        self.password, self.must_change = password, must_change
        self.refusals = 0

    def log_in(self, house: Credentials, *, cut: str = "") -> None:
        """A whole login. `cut`: where the line breaks: "given", "proposed" (the payer heard nothing) or "changed"."""
        secret = house.secret(*WHO)
        given = secret.get()
        if cut == "given":
            raise Killed
        if given != self.password:
            self.refusals += 1
            secret.refuse()
            raise Denied("refused")
        if self.must_change:
            new = secret.propose()
            if cut == "proposed":
                raise Killed
            self.password, self.must_change = new, False
            if cut == "changed":
                raise Killed
        secret.confirm()


@pytest.fixture
def sealing(tmp_path: Path, store: Store) -> Keyring:
    file = KeyFile(tmp_path / "keys" / "master.key")
    file.make()
    return Keyring.open(store, Masters(file))


@pytest.fixture
def counted(tmp_path: Path) -> Path:
    """The count outside the database."""
    return tmp_path / "keys" / "generations"


@pytest.fixture
def restart(store: Store, sealing: Keyring, clock: FixedClock, counted: Path) -> Callable[[], Credentials]:
    """The program, started again on the same database once the dead one's lease is over."""

    def start() -> Credentials:
        clock.advance(timedelta(seconds=31))
        return Credentials(store, sealing, clock, generations=counted)

    return start


@pytest.fixture
def house(store: Store, sealing: Keyring, clock: FixedClock, counted: Path) -> Credentials:
    """A number with a temporary password."""
    house = Credentials(store, sealing, clock, generations=counted)
    house.expect(*WHO)
    house.set_temporary(*WHO, "temporary-1")
    return house


@pytest.fixture
def _listening() -> Iterator[None]:
    yield
    platform.listen(None)


def row(store: Store) -> Credential:
    with store.read() as tx:
        found = rows.find(tx, *WHO)
    assert found is not None
    return found


def outcomes(store: Store) -> list[tuple[str, str | None]]:
    with store.read() as tx:
        return [(a.slot, a.outcome) for a in tx.session.exec(select(CredentialAttempt).order_by(CredentialAttempt.id))]


def test_a_number_without_a_password_is_not_tried(
    store: Store, sealing: Keyring, clock: FixedClock, counted: Path
) -> None:
    house = Credentials(store, sealing, clock, generations=counted)
    assert house.usable(*WHO) == "password_missing"
    house.expect(*WHO)
    house.expect(*WHO)
    assert row(store).state == "EXPECTED"
    with pytest.raises(Denied) as caught:
        house.secret(*WHO)
    assert caught.value.code == house.usable(*WHO) == "password_missing"
    assert outcomes(store) == []


def test_a_temporary_password_is_changed_on_first_use(house: Credentials, store: Store, clock: FixedClock) -> None:
    payer = Payer("temporary-1")
    payer.log_in(house)
    kept = row(store)
    assert (kept.state, kept.pending, kept.reason, kept.lease_owner) == ("ACTIVE", None, None, None)
    assert (kept.proved_at, kept.changed_at) == (clock.now(), clock.now())
    assert payer.password != "temporary-1"
    payer.log_in(house)
    assert payer.refusals == 0
    assert outcomes(store) == [("current", "proved")] * 2


def test_both_passwords_are_durable_before_the_new_one_is_said(
    house: Credentials, store: Store, sealing: Keyring
) -> None:
    secret = house.secret(*WHO)
    assert secret.get() == "temporary-1"
    new = secret.propose()
    kept = row(store)
    assert (kept.state, kept.generation) == ("CHANGING", 2)
    assert kept.pending is not None
    assert sealing.unseal(kept.pending, f"credential:{kept.id}:pending").decode() == new
    assert secret.propose() == new
    assert row(store).generation == 2


def test_an_attempt_is_written_down_before_the_password_is_given(house: Credentials, store: Store) -> None:
    secret = house.secret(*WHO)
    assert outcomes(store) == []
    secret.get()
    assert outcomes(store) == [("current", None)]


def test_a_connection_made_anew_is_another_attempt(house: Credentials, store: Store) -> None:
    secret = house.secret(*WHO)
    secret.get()
    secret.get()
    with pytest.raises(Denied) as caught:
        secret.get()
    assert caught.value.code == "attempts_spent"
    assert outcomes(store) == [("current", None)] * 2


@pytest.mark.parametrize("cut", ["given", "proposed", "changed"])
def test_a_crash_at_any_step_of_a_change_never_loses_the_password(
    house: Credentials, restart: Callable[[], Credentials], store: Store, cut: str
) -> None:
    payer = Payer("temporary-1")
    with pytest.raises(Killed):
        payer.log_in(house, cut=cut)
    for _login in range(2):
        try:
            payer.log_in(restart())
        except Unreachable:  # the first slot was the wrong one; the stage tries again later
            continue
        break
    assert row(store).state == "ACTIVE"
    assert not payer.must_change
    assert payer.refusals <= 1
    payer.log_in(restart())


@pytest.mark.usefixtures("_listening")
@pytest.mark.parametrize("point", ["credentials.attempted", "credentials.proposed", "credentials.proved"])
def test_a_kill_at_any_named_point_never_loses_the_password(
    house: Credentials, restart: Callable[[], Credentials], store: Store, point: str
) -> None:
    def die(passed: str) -> None:
        if passed == point:
            raise Killed

    payer = Payer("temporary-1")
    platform.listen(die)
    with pytest.raises(Killed):
        payer.log_in(house)
    platform.listen(None)
    for _login in range(2):
        try:
            payer.log_in(restart())
        except Unreachable:
            continue
        break
    assert row(store).state == "ACTIVE"
    assert not payer.must_change


def test_after_a_crash_the_new_one_is_tried_once_then_the_old_one_once_then_a_person_looks(
    house: Credentials, restart: Callable[[], Credentials], store: Store
) -> None:
    payer = Payer("temporary-1")
    with pytest.raises(Killed):
        payer.log_in(house, cut="proposed")
    payer.password = "somebody changed it elsewhere"
    with pytest.raises(Unreachable):
        payer.log_in(restart())
    with pytest.raises(Denied, match="refused"):
        payer.log_in(restart())
    assert (row(store).state, row(store).reason) == ("LOCKED", "change_unresolved")
    assert outcomes(store) == [("current", "proved"), ("pending", "refused"), ("current", "refused")]
    with pytest.raises(Denied):
        restart().secret(*WHO)
    assert payer.refusals == 2


def test_two_cut_logins_in_the_middle_of_a_change_lock_it(
    house: Credentials, restart: Callable[[], Credentials], store: Store
) -> None:
    payer = Payer("temporary-1")
    for cut in ("proposed", "given", "given"):
        with pytest.raises(Killed):
            payer.log_in(house if cut == "proposed" else restart(), cut=cut)
    assert restart().usable(*WHO) == "change_unresolved"
    assert row(store).state == "LOCKED"
    assert restart().usable(*WHO) == "password_locked"


def test_a_change_asked_again_after_a_crash_proposes_the_same_password(
    house: Credentials, restart: Callable[[], Credentials]
) -> None:
    first = house.secret(*WHO)
    first.get()
    proposed = first.propose()
    second = restart().secret(*WHO)
    second.get()
    with pytest.raises(Unreachable):
        second.refuse()
    third = restart().secret(*WHO)
    assert third.get() == "temporary-1"
    assert third.propose() == proposed


def test_a_pending_password_that_must_change_too_becomes_the_old_one(
    house: Credentials, restart: Callable[[], Credentials], store: Store
) -> None:
    payer = Payer("temporary-1")
    with pytest.raises(Killed):
        payer.log_in(house, cut="changed")
    payer.must_change, before = True, payer.password
    with pytest.raises(Killed):
        payer.log_in(restart(), cut="proposed")
    assert row(store).state == "CHANGING"
    with pytest.raises(Unreachable):
        payer.log_in(restart())
    payer.log_in(restart())
    assert payer.password != before
    assert row(store).state == "ACTIVE"


def test_an_old_password_that_still_works_ends_the_change(
    house: Credentials, restart: Callable[[], Credentials], store: Store
) -> None:
    payer = Payer("temporary-1")
    with pytest.raises(Killed):
        payer.log_in(house, cut="proposed")
    payer.must_change = False
    with pytest.raises(Unreachable):
        payer.log_in(restart())
    payer.log_in(restart())
    assert (row(store).state, row(store).pending) == ("ACTIVE", None)


def test_a_temporary_password_is_tried_once(house: Credentials, store: Store) -> None:
    payer = Payer("another")
    with pytest.raises(Denied):
        payer.log_in(house)
    assert (row(store).state, row(store).reason) == ("LOCKED", "temporary_refused")
    assert house.usable(*WHO) == "password_locked"


def test_a_payer_that_asks_for_no_change_keeps_the_temporary_password_in_use(house: Credentials, store: Store) -> None:
    Payer("temporary-1", must_change=False).log_in(house)
    assert (row(store).state, row(store).reason) == ("ACTIVE", "not_asked_to_change")


def test_a_refused_password_is_not_tried_again(house: Credentials, store: Store) -> None:
    payer = Payer("temporary-1")
    payer.log_in(house)
    payer.password = "changed elsewhere"
    with pytest.raises(Denied):
        payer.log_in(house)
    assert (row(store).state, row(store).reason) == ("LOCKED", "password_refused")
    with pytest.raises(Denied):
        payer.log_in(house)
    assert payer.refusals == 1


def test_a_new_password_the_payer_does_not_accept_is_for_a_person(house: Credentials, store: Store) -> None:
    secret = house.secret(*WHO)
    secret.get()
    secret.propose()
    secret.refuse()
    assert (row(store).state, row(store).reason) == ("LOCKED", "new_password_refused")
    assert outcomes(store) == [("current", "proved")]


def test_never_more_than_two_unproven_attempts_an_hour(
    house: Credentials, restart: Callable[[], Credentials], store: Store, clock: FixedClock
) -> None:
    payer = Payer("temporary-1")
    for _login in range(2):
        with pytest.raises(Killed):
            payer.log_in(restart(), cut="given")
    with pytest.raises(Denied) as caught:
        restart().secret(*WHO)
    assert caught.value.code == "attempts_spent"
    assert len(outcomes(store)) == 2
    assert row(store).state == "TEMPORARY"
    clock.advance(timedelta(hours=1))
    payer.log_in(house)
    assert row(store).state == "ACTIVE"


def test_a_new_temporary_password_does_not_renew_the_attempts(
    house: Credentials, restart: Callable[[], Credentials]
) -> None:
    for number in range(2):
        house.set_temporary(*WHO, f"wrong-{number}")
        with pytest.raises(Denied):
            Payer("right").log_in(restart())
    house.set_temporary(*WHO, "right")
    assert restart().usable(*WHO) == "attempts_spent"


def test_two_logins_never_run_at_once(house: Credentials, store: Store) -> None:
    first, second = house.secret(*WHO), house.secret(*WHO)
    first.get()
    assert house.usable(*WHO) is None
    first.close()
    second.get()
    with pytest.raises(Unreachable):  # the first one was over
        first.propose()
    second.propose()
    assert row(store).state == "CHANGING"


def test_who_waits_too_long_for_another_login_comes_back_later(
    store: Store, sealing: Keyring, house: Credentials, clock: FixedClock, counted: Path
) -> None:
    house.secret(*WHO).get()
    impatient = Credentials(store, sealing, clock, generations=counted, login_seconds=1)
    with pytest.raises(Unreachable):
        impatient.secret(*WHO).get()
    assert len(outcomes(store)) == 1


def test_a_login_that_took_too_long_changes_nothing(
    house: Credentials, restart: Callable[[], Credentials], store: Store
) -> None:
    slow = house.secret(*WHO)
    slow.get()
    Payer("temporary-1").log_in(restart())
    with pytest.raises(Unreachable):
        slow.propose()
    slow.confirm()
    with pytest.raises(Unreachable):
        slow.refuse()
    assert row(store).state == "ACTIVE"


def test_a_new_temporary_password_ends_a_login_under_way_and_wakes_the_stages(
    house: Credentials, store: Store, clock: FixedClock
) -> None:
    with store.write() as tx:
        due.sync(tx, [(stage, "sandbox:18001", 3600.0) for stage in ("transmit", "receive")])
        for stage in ("transmit", "receive"):
            assert due.claim(tx, stage, "sandbox:18001", owner="w")
            due.finish(tx, stage, "sandbox:18001", again_in=None, error=None)
    secret = house.secret(*WHO)
    secret.get()
    house.set_temporary(*WHO, "temporary-2")
    with pytest.raises(Unreachable):
        secret.propose()
    assert row(store).state == "TEMPORARY"
    with store.read() as tx:
        assert len(due.ready(tx, clock.now())) == 2
    Payer("temporary-2").log_in(house)


def test_a_password_may_be_stopped_and_given_anew(house: Credentials, store: Store) -> None:
    for state in (CredentialState.LOCKED, CredentialState.EXPIRED, CredentialState.REVOKED):
        house.set_temporary(*WHO, f"temporary for {state}")
        house.stop(*WHO, state, "told_by_the_payer")
        assert (row(store).state, row(store).reason) == (state, "told_by_the_payer")
        assert house.usable(*WHO) == f"password_{state.lower()}"


def test_an_unknown_number_or_an_empty_password_is_a_sentence(house: Credentials) -> None:
    with pytest.raises(GatewayError, match="18002"):
        house.set_temporary("sandbox", "18002", "x")
    with pytest.raises(GatewayError, match="18001"):
        house.set_temporary(*WHO, "")


def test_a_secret_shows_nothing(house: Credentials) -> None:
    secret = house.secret(*WHO)
    given, new = secret.get(), secret.propose()
    assert f"{secret} {secret!r}" == "<Secret> <Secret>"
    house.stop(*WHO, CredentialState.LOCKED, "x")
    with pytest.raises(Denied) as caught:
        house.secret(*WHO)
    assert given not in str(caught.value)
    assert new not in str(caught.value)


def test_no_event_tells_a_password(house: Credentials, store: Store) -> None:
    payer = Payer("temporary-1")
    payer.log_in(house)
    with store.read() as tx:
        events = [event.model_dump_json() for event in tx.session.exec(select(Event))]
        assert moves.verify_chain(tx) is None
    assert [e for e in events if payer.password in e or "temporary-1" in e] == []


def test_a_sealed_password_moved_to_another_row_cannot_be_opened(
    house: Credentials, store: Store, sealing: Keyring, clock: FixedClock
) -> None:
    house.expect("sandbox", "18002")
    house.set_temporary("sandbox", "18002", "other")
    with store.write() as tx:
        mine, other = rows.find(tx, *WHO), rows.find(tx, "sandbox", "18002")
        assert mine is not None
        assert other is not None
        rows.keep(tx, other, current=mine.current)
    with pytest.raises(SealingError):
        house.secret("sandbox", "18002").get()


def test_a_server_made_password_is_journalled_sealed(house: Credentials, store: Store, sealing: Keyring) -> None:
    house.secret(*WHO).journal(b"<MotDePasseMachine>abc</MotDePasseMachine>")
    kept = row(store)
    assert kept.journal is not None
    assert b"abc" not in kept.journal
    assert b"abc" in sealing.unseal(kept.journal, f"credential:{kept.id}:journal")


def test_new_passwords_are_long_mixed_and_different() -> None:
    made = {new_password(PasswordConfig()) for _ in range(50)}
    assert len(made) == 50
    for password in made:
        assert len(password) == 20
        kinds = (str.isupper, str.islower, str.isdigit, lambda c: c in "-_.+=")
        assert all(any(kind(letter) for letter in password) for kind in kinds)
