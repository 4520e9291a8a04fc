"""Each lot, reply and password has a key of its own; destroyed is destroyed; and the master key can be replaced."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlmodel import select
from support.dying import Killed
from support.keys import Given, keyring, keyring_of

from gateway import platform
from gateway.app import open_app
from gateway.clock import FixedClock
from gateway.config import Config, load
from gateway.errors import SealingError
from gateway.keyring import POINTS, Keyring, finish, renew
from gateway.keyring.rotation import CHUNK
from gateway.models import Credential, DataKey
from gateway.sealing import Masters, Sealing
from gateway.stages.key import Key
from gateway.store import Store, keys
from gateway.store import credentials as rows

OLD, NEW, OTHER = b"1" * 32, b"2" * 32, b"3" * 32
SECRET = b"Ete-2026-secret"
ONLY_SQLITE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@pytest.fixture
def ring(store: Store) -> Keyring:
    return keyring(store, OLD)


def again(store: Store, *held: bytes) -> Keyring:
    """Another process, or this one started again."""
    return keyring(store, *held)


def test_a_scope_has_one_key_which_stays(store: Store, ring: Keyring) -> None:
    key = ring.make("LOT-1")
    assert len(key) == 32
    assert ring.make("LOT-1") == ring.get("LOT-1") == again(store, OLD).get("LOT-1") == key
    assert ring.make("LOT-2") != key


def test_a_scope_nothing_was_sealed_for_has_none(ring: Keyring) -> None:
    with pytest.raises(SealingError, match="LOT-1"):
        ring.get("LOT-1")


def test_no_data_key_is_in_the_database_as_it_is(store: Store, ring: Keyring) -> None:
    key = ring.make("LOT-1")
    with store.read() as tx:
        row = keys.find(tx, "LOT-1")
    assert row is not None
    assert key not in row.wrapped


def test_a_wrapped_key_moved_to_another_scope_is_refused(store: Store, ring: Keyring) -> None:
    ring.make("LOT-1"), ring.make("LOT-2")
    with store.write() as tx:
        one = keys.find(tx, "LOT-1")
        assert one is not None
        keys.rewrap(tx, "LOT-2", one.wrapped, one.master)
    with pytest.raises(SealingError, match="LOT-2"):
        again(store, OLD).get("LOT-2")


def test_small_secrets_open_in_their_place_only(ring: Keyring) -> None:
    sealed = ring.seal(SECRET, "credential:CRE-1:current")
    ring.make("CRE-2")
    assert ring.unseal(sealed, "credential:CRE-1:current") == SECRET
    for place in ("credential:CRE-1:pending", "credential:CRE-2:current", "application:CRE-1:current"):
        with pytest.raises(SealingError):
            ring.unseal(sealed, place)


# -- destroyed is destroyed --


def test_what_was_sealed_under_a_destroyed_key_opens_nowhere(store: Store, ring: Keyring) -> None:
    sealed = ring.seal(SECRET, "credential:CRE-1:current")
    kept = ring.seal(SECRET, "credential:CRE-2:current")
    assert ring.destroy("CRE-1")
    assert not ring.destroy("CRE-1")
    assert not ring.destroy("CRE-9")
    for one in (ring, again(store, OLD)):
        with pytest.raises(SealingError, match="destroyed"):
            one.unseal(sealed, "credential:CRE-1:current")
        with pytest.raises(SealingError, match="destroyed"):
            one.make("CRE-1")
        assert one.unseal(kept, "credential:CRE-2:current") == SECRET
    assert (ring.standing().live, ring.standing().destroyed) == (1, 1)


@ONLY_SQLITE
def test_nothing_of_a_destroyed_key_is_left_in_the_file(store: Store, ring: Keyring, tmp_path: Path) -> None:
    ring.make("LOT-1")
    with store.read() as tx:
        row = keys.find(tx, "LOT-1")
    assert row is not None
    files = [path for path in (tmp_path / "state").iterdir() if path.name.startswith("gateway.db")]
    assert any(row.wrapped in path.read_bytes() for path in files)
    ring.destroy("LOT-1")
    store.close()  # the journal, where there is one, goes with the last connection
    assert not any(row.wrapped in path.read_bytes() for path in files if path.exists())


# -- within the transactions of others --


def undone(store: Store, act: Callable[[], object]) -> None:
    """A transaction in which something is done, and that fails."""
    with suppress(Killed), store.write():
        act()
        raise Killed


def test_a_key_made_in_a_transaction_that_is_undone_was_never_there(store: Store, ring: Keyring) -> None:
    def make() -> None:
        made = ring.make("CRE-1")
        assert ring.get("CRE-1") == made

    undone(store, make)
    with pytest.raises(SealingError):
        ring.get("CRE-1")


def test_a_key_is_destroyed_with_its_transaction(store: Store, ring: Keyring) -> None:
    key = ring.make("LOT-1")
    undone(store, lambda: ring.destroy("LOT-1"))
    assert ring.get("LOT-1") == key
    with store.write():
        ring.destroy("LOT-1")
    with pytest.raises(SealingError):
        ring.get("LOT-1")


def test_two_that_make_the_same_key_at_once_have_one(store: Store, ring: Keyring) -> None:
    rings, made = [ring, again(store, OLD), again(store, OLD)], []
    threads = [threading.Thread(target=lambda one=one: made.append(one.make("LOT-1"))) for one in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 3
    assert len(set(made)) == 1


# -- the master key --


def test_the_first_start_takes_the_key_it_finds_and_no_other_later(store: Store, ring: Keyring) -> None:
    assert ring.standing().fingerprint == Sealing(OLD).fingerprint
    with pytest.raises(SealingError, match="not this installation's") as caught:
        again(store, OTHER)
    assert Sealing(OLD).fingerprint in str(caught.value)
    assert "n'est pas celle de cette installation" in str(caught.value)


def rotated(store: Store) -> Keyring:
    """Both keys are at hand, and the new one takes over."""
    ring = again(store, NEW, OLD)
    renew(ring)
    return ring


def test_after_a_rotation_everything_opens_under_the_new_key_alone(store: Store, ring: Keyring) -> None:
    sealed = ring.seal(SECRET, "credential:CRE-1:current")
    scopes = {f"LOT-{n}": ring.make(f"LOT-{n}") for n in range(5)}
    ring.destroy("LOT-4")
    assert renew(again(store, NEW, OLD)) == (Sealing(NEW).fingerprint, 5)
    new = again(store, NEW)
    assert {scope: new.get(scope) for scope in list(scopes)[:4]} == {s: scopes[s] for s in list(scopes)[:4]}
    assert new.unseal(sealed, "credential:CRE-1:current") == SECRET
    assert (new.standing().retiring, new.standing().destroyed) == ((), 1)


def test_the_old_master_key_is_refused_afterwards(store: Store, ring: Keyring) -> None:
    ring.make("LOT-1")
    rotated(store)
    with pytest.raises(SealingError, match="was replaced on 2026-03-02") as caught:
        again(store, OLD)
    assert "a été remplacée" in str(caught.value)


def test_a_rotation_needs_another_key(store: Store, ring: Keyring) -> None:
    with pytest.raises(SealingError, match="still gives the key in use"):
        renew(ring)
    rotated(store)
    with pytest.raises(SealingError, match="replaced before"):
        renew(again(store, OLD, NEW))


def test_a_running_service_goes_on_through_a_rotation(store: Store) -> None:
    source = Given(OLD)
    service = Keyring.open(store, Masters(source))
    before = service.make("LOT-1")
    source.held = [OLD, NEW]  # what its source has from now on
    rotated(store)
    made = service.make("LOT-2")
    assert again(store, NEW).get("LOT-1") == before
    assert again(store, NEW).get("LOT-2") == made


def _killed_once(store: Store, killing: Callable[..., None], point: str, time: int) -> None:
    killing(point, time)
    with pytest.raises(Killed):
        rotated(store)
    platform.listen(None)


@pytest.mark.parametrize(
    ("point", "time"),
    [*((point, 1) for point in POINTS), ("keyring.rewrapped", 2), ("keyring.rewrapped", 3)],
)
def test_a_rotation_killed_anywhere_goes_on(
    store: Store, ring: Keyring, killing: Callable[..., None], point: str, time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.keyring.rotation.CHUNK", 3)
    held = {f"LOT-{n}": ring.make(f"LOT-{n}") for n in range(8)}
    _killed_once(store, killing, point, time)
    between = again(
        store, *((NEW,) if point == POINTS[-1] else (OLD, NEW))
    )  # started again with both at hand: nothing is missing, and work goes on
    assert {scope: between.get(scope) for scope in held} == held
    held["LOT-9"] = between.make("LOT-9")
    if point not in ("keyring.refused", "keyring.settled"):
        rotated(store)
    after = again(store, NEW)
    assert {scope: after.get(scope) for scope in held} == held
    with pytest.raises(SealingError):
        again(store, OLD)


@pytest.mark.parametrize(
    ("point", "time"),
    [*((point, 1) for point in POINTS[1:4]), ("keyring.rewrapped", 2), ("keyring.rewrapped", 3)],
)
def test_the_service_ends_what_a_killed_rotation_began(
    tmp_path: Path, killing: Callable[..., None], point: str, time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.keyring.rotation.CHUNK", 3)
    with open_app(load_here(tmp_path)) as app:
        held = {f"LOT-{n}": app.keyring.make(f"LOT-{n}") for n in range(8)}
        old = app.keyring.standing().fingerprint
        killing(point, time)
        with pytest.raises(Killed):
            renew(keyring_of(app.config.paths.state))
        platform.listen(None)
        assert Key(app.keyring).run(app.rooms, "all").worked == 1
        assert Key(app.keyring).run(app.rooms, "all").worked == 0
        after = keyring_of(app.config.paths.state)
        assert after.standing().retiring == ()
        assert after.masters.fingerprints() == [after.standing().fingerprint] != [old]
        assert {scope: after.get(scope) for scope in held} == held


def test_the_service_leaves_a_key_that_does_not_count_yet_to_who_wanted_it(
    tmp_path: Path, killing: Callable[..., None]
) -> None:
    with open_app(load_here(tmp_path)) as app:
        killing("keyring.prepared")
        with pytest.raises(Killed):
            renew(keyring_of(app.config.paths.state))
        platform.listen(None)
        before = app.keyring.standing().fingerprint
        assert Key(app.keyring).run(app.rooms, "all").worked == 0
        assert app.keyring.standing().fingerprint == before == app.keyring.masters.fingerprints()[0]
        assert renew(app.keyring)[0] != before


def test_two_never_replace_the_key_of_one_machine_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.keyring.rotation.PATIENCE", 0.0)
    with open_app(load_here(tmp_path)) as app, app.keyring.masters.source.alone(0) as first:
        assert first
        other = keyring_of(app.config.paths.state)
        with pytest.raises(SealingError, match="another program"):
            renew(other)
        assert finish(other) == 0
        assert not (app.config.paths.key_file.with_name("master.key.next")).exists()


def load_here(folder: Path) -> Config:
    (folder / "gateway.toml").write_text('config_version = 1\n[gateway]\nstate_dir = "var"\n')
    return load(folder / "gateway.toml")


def test_a_rotation_waits_for_nobody_long(store: Store, ring: Keyring) -> None:
    assert 100 <= CHUNK <= 1000  # rows of one transaction: a second at most, on a slow disk
    with store.write() as tx:
        for number in range(CHUNK + 1):
            keys.add(tx, f"LOT-{number}", Sealing(OLD).seal(OTHER, f"data-key:LOT-{number}"), Sealing(OLD).fingerprint)
    assert renew(again(store, NEW, OLD))[1] == CHUNK + 1
    with store.read() as tx:
        assert {row.master for row in tx.session.exec(select(DataKey))} == {Sealing(NEW).fingerprint}


# -- installations older than data keys --


@pytest.fixture
def old_credential(store: Store) -> Credential:
    """A password sealed under the master key itself."""
    with store.write() as tx:
        row = rows.expect(tx, "sandbox", "18001")
        value = Sealing(OLD).seal(SECRET, f"credential:{row.id}:current")
        damaged = value[:-1]
        rows.keep(tx, row, current=value, pending=damaged)
    return row


def test_passwords_of_before_are_sealed_again_at_the_first_start(store: Store, old_credential: Credential) -> None:
    ring = again(store, OLD)
    with store.read() as tx:
        row = rows.find(tx, "sandbox", "18001")
    assert row is not None
    assert row.current is not None
    assert row.current != old_credential.current
    assert ring.unseal(row.current, f"credential:{row.id}:current") == SECRET
    with pytest.raises(SealingError):  # what was damaged is what it was
        ring.unseal(row.pending or b"", f"credential:{row.id}:pending")


def test_a_wrong_key_does_not_become_the_key_of_an_installation_of_before(
    store: Store, old_credential: Credential, clock: FixedClock
) -> None:
    with pytest.raises(SealingError, match="not this installation's"):
        again(store, OTHER)
    assert again(store, OLD).standing().fingerprint == Sealing(OLD).fingerprint
