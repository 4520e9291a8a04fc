"""Resting places: each is reached and left, somebody takes every way between them, and one door only is used."""

from __future__ import annotations

import ast
import inspect
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
from support import records
from support.source import sources

from gateway.clock import FixedClock
from gateway.credentials import Credentials
from gateway.keyring import Keyring
from gateway.sealing import KeyFile, Masters
from gateway.states import BORN, TRANSITIONS, CredentialState
from gateway.store import Store, requests
from gateway.store import credentials as passwords

SOURCE = Path(__file__).resolve().parent.parent / "gateway"
FINAL = {
    "batch": {"VALIDATED", "REFUSED"},
    "request": {"REFUSED", "RECEIVABLE", "NOT_RECEIVABLE", "CANCELLED"},
    "reply": {"DISTRIBUTED", "DISCARDED"},
    "alert": {"RESOLVED"},
    "credential": set[str](),  # a new temporary password revives even a revoked one
}
# Who takes each way. A function may be named by its class; it names the state it leads to.
WAYS = {
    "batch": {
        ("COLLECTED", "VALIDATED"): "stages.validate.lot:_close",
        ("COLLECTED", "REFUSED"): "stages.validate.lot:_close",
        ("COLLECTED", "HELD"): "stages.validate.lot:_hold",
        ("HELD", "COLLECTED"): "store.deposits:release",
    },
    "request": {
        ("READY", "TRANSMITTING"): "stages.transmit.send:_intend",
        ("READY", "HELD"): "store.requests:to_held",
        ("READY", "TRANSMITTED"): "stages.match.requests:_prove",
        ("READY", "CANCELLED"): "store.requests:cancel",
        ("READY", "SHADOWED"): "stages.transmit.shadow:_one",
        ("SHADOWED", "CANCELLED"): "store.requests:cancel",
        ("SHADOWED", "RECEIVABLE"): "stages.match.requests:Requests",
        ("SHADOWED", "NOT_RECEIVABLE"): "stages.match.requests:Requests",
        ("HELD", "READY"): "store.requests:release",
        ("HELD", "CANCELLED"): "store.requests:cancel",
        ("HELD", "TRANSMITTED"): "stages.transmit.lane:Lane",
        ("HELD", "RECEIVABLE"): "stages.match.requests:Requests",
        ("HELD", "NOT_RECEIVABLE"): "stages.match.requests:Requests",
        ("TRANSMITTING", "TRANSMITTED"): "stages.transmit.lane:Lane",
        ("TRANSMITTING", "READY"): "stages.transmit.lane:Lane",
        ("TRANSMITTING", "HELD"): "store.requests:to_held",
        ("TRANSMITTED", "RECEIVABLE"): "stages.match.requests:Requests",
        ("TRANSMITTED", "NOT_RECEIVABLE"): "stages.match.requests:Requests",
        ("TRANSMITTED", "READY"): "stages.transmit.unclear:overdue",
        ("TRANSMITTED", "HELD"): "store.requests:to_held",
    },
    "reply": {
        ("RECEIVED", "MATCHED"): "stages.match.requests:Requests",
        ("RECEIVED", "HELD"): "stages.match.doubts:Doubt",
        ("RECEIVED", "DISCARDED"): "stages.match.doubts:Doubt",
        ("HELD", "MATCHED"): "store.replies:release",
        ("HELD", "DISCARDED"): "store.replies:discard",
        ("MATCHED", "DISTRIBUTING"): "stages.distribute.courier:Courier",
        ("DISTRIBUTING", "DISTRIBUTED"): "stages.distribute.courier:Courier",
        ("DISTRIBUTING", "MATCHED"): "stages.distribute.courier:Courier",
        ("DISTRIBUTING", "HELD"): "stages.distribute.courier:Courier",
    },
    "credential": {
        (old, new): "credentials.giving:give"
        for old in ("EXPECTED", "TEMPORARY", "CHANGING", "ACTIVE", "LOCKED", "EXPIRED", "REVOKED")
        for new in ("TEMPORARY", "ACTIVE")
    }
    | {
        (old, "REVOKED"): "credentials.giving:stop"
        for old in ("EXPECTED", "TEMPORARY", "CHANGING", "ACTIVE", "LOCKED", "EXPIRED")
    }
    | {
        ("TEMPORARY", "CHANGING"): "credentials.login:Login",
        ("ACTIVE", "CHANGING"): "credentials.login:Login",
        ("TEMPORARY", "ACTIVE"): "credentials.login:Login",
        ("CHANGING", "ACTIVE"): "credentials.login:Login",
        ("TEMPORARY", "LOCKED"): "credentials.login:Login",
        ("CHANGING", "LOCKED"): "credentials.login:Login",
        ("ACTIVE", "LOCKED"): "credentials.login:Login",
        ("TEMPORARY", "EXPIRED"): "credentials.giving:stop",
        ("ACTIVE", "EXPIRED"): "credentials.giving:stop",
    },
    "alert": {
        ("OPEN", "SEEN"): "store.alerts:seen",
        ("SEEN", "OPEN"): "store.alerts:reopen",
        ("OPEN", "RESOLVED"): "store.alerts:resolve",
        ("SEEN", "RESOLVED"): "store.alerts:resolve",
    },
}
# Ways the design keeps open that nothing takes yet.
NOBODY = {
    "batch": {("HELD", "REFUSED")},  # a person gives up a lot that nobody could judge
}


def ways(kind: str) -> set[tuple[str, str]]:
    return {(str(old), str(new)) for old, news in TRANSITIONS[kind].items() for new in news}


@pytest.mark.parametrize("kind", TRANSITIONS)
def test_every_state_can_be_reached_from_birth(kind: str) -> None:
    reached, found = set[str](), {str(state) for state in BORN[kind]}
    while found - reached:
        reached |= found
        found = {new for old, new in ways(kind) if old in reached}
    assert reached == {str(state) for state in TRANSITIONS[kind]}


@pytest.mark.parametrize("kind", TRANSITIONS)
def test_only_final_states_have_no_way_out(kind: str) -> None:
    assert {str(state) for state, news in TRANSITIONS[kind].items() if not news} == FINAL[kind]
    ending = set(FINAL[kind]) or {"ACTIVE"}
    for _ in TRANSITIONS[kind]:
        ending |= {old for old, new in ways(kind) if new in ending}
    assert ending == {str(state) for state in TRANSITIONS[kind]}


@pytest.mark.parametrize("kind", TRANSITIONS)
def test_somebody_takes_every_way_of_the_table(kind: str) -> None:
    assert ways(kind) == WAYS[kind].keys() | NOBODY.get(kind, set())
    for (_, new), who in WAYS[kind].items():
        module, _, name = who.partition(":")
        assert new in inspect.getsource(getattr(import_module(f"gateway.{module}"), name)), (who, new)


def test_only_the_one_door_changes_a_state() -> None:
    """But for a request that is not born yet: judging it decides where it starts."""
    assigned = {
        f"{file}: {ast.unparse(target)}"
        for file, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
        for whole in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for target in ast.walk(whole)
        if isinstance(target, ast.Attribute) and target.attr == "state"
    }
    assert assigned == {"stages/validate/document.py: request.state"}
    updated = {
        file
        for file, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values"
        if any(keyword.arg == "state" for keyword in node.keywords)
    }
    assert updated == set()


def test_whoever_makes_a_record_gives_it_a_state_it_may_be_born_in() -> None:
    for _, tree in sources():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            kind, state = node.func.id.lower(), next((k.value for k in node.keywords if k.arg == "state"), None)
            if kind in BORN and state is not None:
                assert ast.unparse(state).rpartition(".")[2] in {str(born) for born in BORN[kind]}


# -- ways that no stage's own test takes --


def test_a_held_request_can_be_cancelled(store: Store) -> None:
    records.settle(store)
    with store.write() as tx:
        request = records.request(tx, records.batch(tx))
        requests.hold(tx, request, reason="the agency called")
        requests.cancel(tx, request, reason="it sends another one")
    assert (request.state, request.reason) == ("CANCELLED", None)


@pytest.fixture
def keys(store: Store, tmp_path: Path) -> Credentials:
    file = KeyFile(tmp_path / "keys" / "master.key")
    file.make()
    clock = FixedClock(datetime(2026, 10, 1, tzinfo=UTC))
    house = Credentials(store, Keyring.open(store, Masters(file)), clock, generations=tmp_path / "keys" / "generations")
    house.expect("sandbox", "18001")
    return house


def state(store: Store) -> str:
    with store.read() as tx:
        row = passwords.find(tx, "sandbox", "18001")
    assert row is not None
    return row.state


def brought(keys: Credentials, to: str) -> None:
    """Bring the password of 18001 to a state, by the ways of its life."""
    if to == "EXPECTED":
        return
    keys.set_temporary("sandbox", "18001", "first-Password-1")
    if to in ("CHANGING", "ACTIVE"):
        with keys.secret("sandbox", "18001") as secret:
            secret.get()
            secret.propose()
            if to == "ACTIVE":
                secret.confirm()
    elif to != "TEMPORARY":
        keys.stop("sandbox", "18001", CredentialState(to), "payer_said_so")


@pytest.mark.parametrize("old", [old for old, new in WAYS["credential"] if new == "TEMPORARY"])
def test_a_new_temporary_password_is_taken_whatever_became_of_the_old_one(
    store: Store, keys: Credentials, old: str
) -> None:
    brought(keys, old)
    assert state(store) == old
    keys.set_temporary("sandbox", "18001", "second-Password-2")
    assert state(store) == "TEMPORARY"


@pytest.mark.parametrize("old", [old for old, new in WAYS["credential"] if new == "ACTIVE"])
def test_the_password_in_use_is_taken_whatever_became_of_the_old_one(store: Store, keys: Credentials, old: str) -> None:
    brought(keys, old)
    keys.set_current("sandbox", "18001", "in-use-Password-3")
    assert state(store) == "ACTIVE"
    with keys.secret("sandbox", "18001") as secret:
        assert secret.get() == "in-use-Password-3"


@pytest.mark.parametrize("old", [old for old, new in WAYS["credential"] if new == "REVOKED"])
def test_a_password_can_be_withdrawn_at_any_time(store: Store, keys: Credentials, old: str) -> None:
    brought(keys, old)
    keys.stop("sandbox", "18001", CredentialState.REVOKED, "withdrawn")
    assert state(store) == "REVOKED"


def test_a_proved_password_can_be_changed_when_the_payer_asks_for_it(store: Store, keys: Credentials) -> None:
    brought(keys, "ACTIVE")
    with keys.secret("sandbox", "18001") as secret:
        first = secret.get()
        second = secret.propose()
        assert state(store) == "CHANGING"
        secret.confirm()
    assert state(store) == "ACTIVE"
    assert second != first


def test_a_proved_password_can_expire(store: Store, keys: Credentials) -> None:
    brought(keys, "ACTIVE")
    keys.stop("sandbox", "18001", CredentialState.EXPIRED, "payer_said_so")
    assert state(store) == "EXPIRED"
