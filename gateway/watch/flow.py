"""What waits for a person, and who wrote under a number that is another agency's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from gateway.store import watching
from gateway.store.alerts import Symptom
from gateway.watch import Look, Source

FOREIGN = "FOREIGN_NUMBER"
_DAY = timedelta(days=1)
# Reasons that say: this may be somebody else's.
IDENTITY = frozenset(
    {
        "number_disagrees",
        "name_disagrees",
        "envelope_disagrees",
        "number_reassigned",
        "statement_other_agency",
        "statement_entry_stranger",
        "host_key_changed",
        "bytes_changed",
        "lot_altered",
    }
)


def held(look: Look) -> Iterator[Symptom]:
    """One alert for each reason and agency; told again when there are ten times as many."""
    with look.store.read() as tx:
        found = watching.held(tx)
    for of in found:
        severity = "critical" if of.reason in IDENTITY else "warning"
        facts = {"what": of.kind, "code": of.reason, "example": of.oldest}
        subject = f"{of.agency_id or '–'} {of.kind} {of.reason}"
        yield Symptom("held", subject, of.agency_id, severity, len(str(of.records)), of.records, facts)


def foreign(look: Look) -> Iterator[Symptom]:
    """Attempts of the last day; told again with each one more, and a person says when it is over."""
    with look.store.read() as tx:
        found = watching.foreign(tx, tx.now - _DAY, FOREIGN)
    for of in found:
        facts = {"example": of.newest}
        yield Symptom("foreign_number", of.agency_id, of.agency_id, "critical", of.records, of.records, facts)


SOURCES = (Source(frozenset({"held"}), held), Source(frozenset({"foreign_number"}), foreign))
