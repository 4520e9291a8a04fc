"""When a password may be changed, and how it comes to its turn: who wants to send waits for a change that is due.

Never beside a transmission of its agency, never within an hour of a cut-off, never beside another change. A change that
only waits for those who send would wait for ever where they are always at it: so nobody begins to send under a number
of its agency from then on, and it waits for no more than the turns that are under way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway import calendars
from gateway.clock import local
from gateway.config import Config, PasswordConfig
from gateway.credentials import by_us, spent_lately, term, tried_lately
from gateway.identifiers import lane
from gateway.models import Credential
from gateway.registry import Book
from gateway.states import CredentialState as S
from gateway.store import Store, Tx, due, rotation
from gateway.store import credentials as rows

HOUR = timedelta(hours=1)  # around a cut-off nothing is changed
SOON = 2.0  # seconds until a change looks again whether those who were in its way are done
GIVES_WAY = 3.0  # seconds until who gave way looks again: not in the change's own rhythm
STAGE = "rotate"
# Why a change waits for others who are about to be done.
IN_THE_WAY = frozenset({"transmission_under_way", "login_under_way"})
Number = tuple[str, str]  # payer, number


def is_due(tx: Tx, config: Config, row: Credential) -> bool:
    """Whether its time to be changed by us has come."""
    rules = _rules(config, row)
    until = term(row, rules)
    ours = by_us(rules.change, row) and row.alone and row.state == S.ACTIVE
    return bool(ours and until and until.change_at <= tx.now)


def gives_way(store: Store, config: Config, payer: str, number: str) -> bool:
    """Whether nothing may be sent under this number just now: a password of its agency is being changed unasked, or
    could be but for those who send. What waits so is woken.

    Nobody waits for a change that fails: it looks again much later than one that only waits.
    """
    with store.read() as tx:
        numbers = _numbers_of_holder(tx, payer, number)
        waiting = [row for row in rows.of_lanes(tx, numbers) if _waits(tx, config, row)]
        under_way = rotation.under_way(tx, numbers)
    if waiting:
        with store.write() as tx:
            for row in waiting:
                due.wake(tx, STAGE, lane(row.payer, row.number))
    return bool(waiting) or under_way


def _waits(tx: Tx, config: Config, row: Credential) -> bool:
    if not is_due(tx, config, row):
        return False
    looks = due.next_look(tx, STAGE, lane(row.payer, row.number))
    soon = looks is not None and looks <= tx.now + timedelta(seconds=SOON)
    return soon and Moment(config).lasting_objection(tx, row) is None


@dataclass(frozen=True, slots=True)
class Moment:
    """Whether now is a moment to change a password. `forced`: a person wants it, so it is not tried too lately.
    `generation`: of the row when it was decided to change it."""

    config: Config
    forced: bool = False
    generation: int | None = None

    def objection(self, tx: Tx, row: Credential) -> str | None:
        """The code of why not."""
        if (why := self.lasting_objection(tx, row)) is not None:
            return why
        numbers = _numbers_of_holder(tx, row.payer, row.number)
        # Past its term nobody is let in with it: whoever looks at its lane only waits for this change.
        waits = (row.payer, row.number) if self._over(tx, row) else None
        if rotation.transmitting(tx, numbers, waits):
            return "transmission_under_way"
        return "login_under_way" if rotation.logging_in(tx, numbers, row) else None

    def lasting_objection(self, tx: Tx, row: Credential) -> str | None:
        """The same, but for what passes in a moment."""
        numbers = _numbers_of_holder(tx, row.payer, row.number)
        if not numbers:
            return "number_nobodys"
        if not row.alone:
            return "shared_perhaps"
        if self.generation not in (None, row.generation):
            return "change_under_way"
        if spent_lately(tx, row):  # a change that goes wrong needs the whole budget
            return "attempts_spent"
        if not self.forced and tried_lately(tx, row):
            return "tried_lately"
        # What only a person can settle is waited for while this one still lets us in, and no longer.
        if rotation.in_doubt(tx, numbers, row, unreadable=not self._over(tx, row)):
            return "change_under_way"
        return None if self._over(tx, row) else self._too_early(tx, row)

    def _too_early(self, tx: Tx, row: Credential) -> str | None:
        """What is waited for while the password still lets us in."""
        if self._too_close(tx, row):
            return "too_close"
        period = calendars.load(self.config.paths.state).of(row.payer).counts(tx.now - HOUR)
        return "near_cut_off" if period.cut_off <= tx.now + HOUR else None

    def _too_close(self, tx: Tx, row: Credential) -> bool:
        """Two machine identifiers of one number are changed alternately: one of them always works."""
        since = tx.now - timedelta(days=_rules(self.config, row).apart_days)
        others = [o for o in rows.of_numbers(tx, row.payer, [row.number]) if o.machine and o.id != row.id]
        made = [o.changed_at for o in others if row.machine and o.origin == "server" and o.state == S.ACTIVE]
        return any(moment is not None and moment > since for moment in made)

    def _over(self, tx: Tx, row: Credential) -> bool:
        """Past its term nothing can be sent with it, cut-off or not: it is changed first."""
        life = timedelta(days=_rules(self.config, row).life_days)
        return bool(life) and row.changed_at is not None and row.changed_at + life <= tx.now


def _rules(config: Config, row: Credential) -> PasswordConfig:
    return next((payer.password for payer in config.payers if payer.name == row.payer), PasswordConfig())


def _numbers_of_holder(tx: Tx, payer: str, number: str) -> list[Number]:
    """Every (payer, number) of the agency that holds this one today; none when nobody holds it."""
    book, day = Book.load(tx), local(tx.now).date()
    agency = book.holder(payer, number, day)
    return [(p, n) for p, n, whose in book.live_numbers(day) if whose == agency] if agency is not None else []
