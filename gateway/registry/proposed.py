"""What accepting a proposal would have the registry say, as text for `registry apply`; and doing so by that door."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from gateway.catalog import Catalog
from gateway.config import Config
from gateway.config.strict import parse
from gateway.config.written import table
from gateway.errors import StaleState
from gateway.messages import side_by_side
from gateway.models import Accreditation, Proposal, StatementCoordinates
from gateway.registry.book import Book
from gateway.registry.evidence import COORDINATES, MIGRATION
from gateway.registry.file import RegistryFile
from gateway.registry.plan import Plan, bring
from gateway.store import Store, Tx, proposals

PERSONAL = "personal:"
_DAY = timedelta(days=1)
_Line = Sequence[Accreditation] | Sequence[StatementCoordinates]


def accept(
    store: Store, proposal: Proposal, config: Config, catalog: Catalog, *,
    since: date | None = None, kind: str | None = None, dry_run: bool = False,
) -> Plan:  # fmt: skip
    """Bring the registry in line with a proposal, by the door of `registry apply`: the decision is written in the
    transaction that makes the plan count. `since`: the true first day, where a person knows an earlier one; `kind`: of
    an account the registry does not know. Raises like `apply`; StaleState when somebody decided meanwhile."""
    with store.read() as tx:
        said = text(Book.load(tx), proposal, since=since, kind=kind)
    name = Path(f"{proposal.id}.toml")

    def decided(tx: Tx) -> None:
        if not proposals.decide(tx, proposal.id, proposals.ACCEPTED):
            raise StaleState(side_by_side("registry.proposal_decided", id=proposal.id))

    return bring(store, name, parse(said, name, RegistryFile), config, catalog, dry_run=dry_run, also=decided)


def text(book: Book, proposal: Proposal, *, since: date | None = None, kind: str | None = None) -> str:
    """TOML: what ends, what never was, and what begins on the proposal's first day. An account that is not known and
    whose kind nobody said is left out, and so refused."""
    since = min(since or proposal.since, proposal.since)
    agency = book.agency(proposal.agency_id)
    if proposal.what == MIGRATION:
        return table("agency", name=agency.name, kind=agency.kind, migrated_on=since)
    account = proposal.subject
    if proposal.what == COORDINATES:
        line = book.coordinates_line(account, since)
        return "\n".join(_instead(book, "statement_coordinates", account, line, agency.id, since, route="agency"))
    blocks = list(_account(book, account, kind, since))
    blocks += _instead(book, "accreditation", account, book.holders(account, since), agency.id, since)
    return "\n".join(blocks)


def _account(book: Book, account: str, kind: str | None, since: date) -> Iterator[str]:
    if book.account(account, since) is not None:
        return
    if account.startswith(PERSONAL):
        yield table("account", id=account, kind="personal", practitioners=[account.removeprefix(PERSONAL)])
    elif kind is not None:
        yield table("account", id=account, kind=kind)


def _instead(
    book: Book, what: str, account: str, line: _Line, agency_id: str, since: date, **more: str
) -> Iterator[str]:
    """What holds from that day on with somebody else ends, or never was; the agency's begins, until the next begins."""
    for fact in line:
        if fact.valid_from <= since <= (fact.valid_to or date.max):
            said = _says(book, fact, more)
            ends = {"to": since - _DAY} if fact.valid_from < since else {"retract": True}
            yield table(what, account=account, start=fact.valid_from, **said, **ends)
    later = min((fact.valid_from for fact in line if fact.valid_from > since), default=None)
    last = later - _DAY if later else None
    yield table(what, account=account, agency=book.agency(agency_id).name, start=since, to=last, **more)


def _says(book: Book, fact: Accreditation | StatementCoordinates, more: dict[str, str]) -> dict[str, str | None]:
    """What an earlier fact says, in the words of the file."""
    route = {"route": str(getattr(fact, "route", ""))} if more else {}
    return {"agency": book.agency(fact.agency_id).name if fact.agency_id else None, **route}
