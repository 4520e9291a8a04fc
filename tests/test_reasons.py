"""Whatever keeps a record where it rests has a sentence in both languages, and says what to do next."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from support.source import sources

from gateway import catalog
from gateway.cli.show import EXPLAINING
from gateway.credentials.vault import WHY_NOT
from gateway.errors import TransportError
from gateway.messages import LANGUAGES, room
from gateway.registry import sending
from gateway.resources import data_dir
from gateway.stages import restored
from gateway.stages.collect import receipt
from gateway.store import requests
from gateway.store.credentials import UNREADABLE

# Which calls in the source let a record of that kind rest for a reason.
OF_KIND = {
    "batch": lambda call: "BatchState.HELD" in call or "BatchState.REFUSED" in call,
    "request": lambda call: call.startswith(("refuse(request", "document.refuse(")),
    "reply": lambda call: call.startswith("Doubt(") or "ReplyState.HELD" in call,
}


def words(kind: str) -> dict[str, dict[str, str]]:
    """Every sentence that `show` has for the reasons of such records."""
    return {key: entry for name in EXPLAINING[kind] for key, entry in room(name).items()}


def rested(kind: str) -> set[str]:
    """The reasons in the source for which such a record is HELD, REFUSED or DISCARDED."""
    found = set()
    for _, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("moves.move", "refuse", "Doubt")):
                texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                if OF_KIND[kind](ast.unparse(node)):
                    found |= set(texts[:1])
    return found


def kinds_of(error: type[TransportError]) -> Iterator[type[TransportError]]:
    yield error
    for kind in error.__subclasses__():
        yield from kinds_of(kind)


BY_TRANSPORT = {kind.code for kind in kinds_of(TransportError) if not kind.retryable}
# A room may have a kind of its own, for its records alone.
COMMON_TRANSPORT = {
    kind.code
    for kind in kinds_of(TransportError)
    if not kind.retryable and kind.__module__ == TransportError.__module__
}


def missing(kind: str, codes: set[str]) -> set[str]:
    known = {key: entry for key, entry in words(kind).items() if "{" not in "".join(entry.values())}
    lower = {code.lower() for code in codes}
    return {key for code in lower for key in (code, f"{code}_next") if set(known.get(key, ())) != set(LANGUAGES)}


def holds_of_transmit() -> set[str]:
    codes = set()
    for file, tree in sources():
        for node in ast.walk(tree):
            if not (file.startswith("stages/transmit") and isinstance(node, ast.Call)):
                continue
            if ast.unparse(node.func).endswith(("hold", "to_held", "NotNow")):
                lists = [argument for argument in node.args if isinstance(argument, ast.List)]
                codes |= {e.value for one in lists for e in one.elts if isinstance(e, ast.Constant)}
    return codes


def test_every_cause_for_which_a_request_rests_has_a_sentence_and_a_next_step() -> None:
    found = holds_of_transmit()
    assert {"in_doubt", "no_reply", "not_readable"} <= found
    barred = {
        *WHY_NOT.values(),
        "change_unresolved",
        UNREADABLE,
    }  # codes of Denied; "attempts_spent" passes and holds nothing
    ours = {"REQUEST_NUMBER_REUSED", "INVOICE_NUMBER_REUSED", "INVOICE_UNKNOWN", "UNKNOWN_DOCUMENT"}
    assert missing("request", found | barred | ours | {requests.PERSON} | sending.CODES | rested("request")) == set()
    assert missing("request", COMMON_TRANSPORT) == set()


def test_every_rule_of_a_family_has_a_sentence_and_a_next_step() -> None:
    for family in catalog.load([data_dir("schemas")]).families.values():
        for rule in (rule for document in family.documents for rule in document.rules):
            assert set(rule.message) == set(rule.next) == set(LANGUAGES), rule.code


def test_every_cause_for_which_a_lot_rests_has_a_sentence_and_a_next_step() -> None:
    found = rested("batch")
    assert found == {"NOT_JUDGED", "lot_altered"}
    left = {receipt.TOO_LARGE, *receipt.NEVER_TAKEN.values()}  # where they are
    assert left == {"LOT_TOO_LARGE", "NOT_A_FILE", "LINKED_TWICE", "UNUSABLE_NAME"}
    assert missing("batch", found | left | {"NO_DOCUMENT", "HOSTILE_ARCHIVE", restored.HOLD}) == set()


def test_every_cause_for_which_a_reply_rests_has_a_sentence_and_a_next_step() -> None:
    found = rested("reply")
    assert {"request_unknown", "statement_account", "payer_error"} <= found
    assert missing("reply", found | {"parcel_unreadable"} | BY_TRANSPORT) == set()


def test_every_cause_for_which_a_password_rests_has_a_sentence() -> None:
    found = {
        node.value
        for file, tree in sources()
        if file == "credentials/login.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and str(node.value).endswith(("_refused", "_unresolved"))
    }
    assert len(found) == 4
    assert found <= room("credentials").keys()
