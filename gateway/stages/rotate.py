"""Changes passwords before their term, each at a moment that disturbs nobody; reminds people of those it cannot."""

from __future__ import annotations

from datetime import timedelta

import structlog

from gateway import calendars
from gateway.clock import today
from gateway.config import PasswordConfig
from gateway.credentials import Credentials, Standing, tried_lately
from gateway.errors import Denied, Unreachable
from gateway.identifiers import of_lane
from gateway.models import Credential
from gateway.registry import Book
from gateway.stages import Endpoint, Outcome, Rooms, payer_endpoints
from gateway.states import CredentialState as S
from gateway.store import Tx, rotation
from gateway.store import credentials as rows

EVERY = 900.0  # seconds; days are what counts
AGAIN_IN = 120.0  # seconds, when this was no moment
HOUR = timedelta(hours=1)  # around a cut-off nothing is changed
# Codes of why a change is left for later; any other is for a person.
LATER = frozenset(
    {
        "attempts_spent",
        "change_under_way",
        "near_cut_off",
        "shared_perhaps",
        "number_nobodys",
        "too_close",
        "transmission_under_way",
        "tried_lately",
    }
)

log = structlog.get_logger()


class Rotate:
    """Endpoint: `payer:number`, of payers whose passwords have a term or can be changed by us."""

    name = "rotate"

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        rules = {payer.name: payer.password for payer in rooms.config.payers}
        wanted = {name for name, said in rules.items() if said.by_us or said.life_days}
        return [Endpoint(one.name, EVERY) for one in payer_endpoints(rooms) if of_lane(one.name)[0] in wanted]

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        payer, number = of_lane(endpoint)
        with rooms.store.read() as tx:
            if Book.load(tx).in_shadow(payer, number, today(rooms.clock)):
                return Outcome()  # another gateway uses the password
        worked, later = 0, False
        for one in [s for s in self._credentials.standings() if (s.row.payer, s.row.number) == (payer, number)]:
            if one.row.state == S.CHANGING:
                worked += settle(rooms, self._credentials, one.row)
            elif _is_due(one):
                changed = self._change(rooms, one.row)
                worked, later = worked + changed, later or not changed
            worked += self._credentials.remind(one)
        return Outcome(worked, retry_in=AGAIN_IN if later else None)

    def _change(self, rooms: Rooms, row: Credential) -> bool:
        try:
            change(rooms, self._credentials, row)
        except Denied as problem:
            if problem.code not in LATER:
                raise
            log.info("password_change_later", payer=row.payer, number=row.number, why=problem.code)
            return False
        return True


def _is_due(one: Standing) -> bool:
    ours = one.by_us and one.row.alone and one.row.state == S.ACTIVE
    return bool(ours and one.term and one.term.change_at <= one.at)


def change(rooms: Rooms, credentials: Credentials, row: Credential, *, forced: bool = False) -> None:
    """Change one password now; when this returns a login proved which one counts. `forced`: a person wants it, so it
    is neither too early nor tried too lately.

    Raises Denied with a code of LATER when this is no moment, else what the payer or the line did.
    """
    rules = rooms.config.payer(row.payer).password
    moment = _Moment(rooms, rules, forced, row.generation)
    _ask_first(credentials, moment, row)
    if rules.change == "ssh":  # prove the one there is: the change itself must not be the first to try it
        rooms.mailboxes.payer_login(row.payer, row.number, row.machine)
        if _changed_meanwhile(credentials, row):
            credentials.wake(row.payer, row.number)
            return  # the payer asked for another one in that login
    door = rooms.mailboxes.payer_door(row.payer, row.number, row.machine)
    with credentials.change(row.payer, row.number, moment.objection, machine=row.machine) as secret:
        try:
            door.change(secret)
        except Denied as problem:
            if problem.code in LATER:
                raise
            log.warning("password_not_changed", payer=row.payer, number=row.number, said=str(problem))
    settle(rooms, credentials, row)


def settle(rooms: Rooms, credentials: Credentials, row: Credential) -> int:
    """Prove by logins which of the two slots counts; 1 when it is known. Raises as logins do."""
    who = (row.payer, row.number, row.machine)
    raw = credentials.unread(*who)
    if raw is not None:
        credentials.keep_read(*who, _read(rooms, row, raw))
    try:
        rooms.mailboxes.payer_login(*who)
    except Unreachable:
        if credentials.standing(*who).attempts_left == 0:  # the other slot is tried when the hour is over
            raise
        rooms.mailboxes.payer_login(*who)
    credentials.wake(row.payer, row.number)
    log.info("password_settled", payer=row.payer, number=row.number)
    return 1


def _read(rooms: Rooms, row: Credential, raw: bytes) -> str | None:
    try:
        return rooms.mailboxes.payer_door(row.payer, row.number, row.machine).read(raw)
    except Denied:
        return None


def _ask_first(credentials: Credentials, moment: _Moment, row: Credential) -> None:
    """Before a login is spent on it; asked again in the transaction that begins the change."""
    credentials.ask(row.payer, row.number, row.machine, moment.objection)


def _changed_meanwhile(credentials: Credentials, row: Credential) -> bool:
    return credentials.standing(row.payer, row.number, row.machine).row.generation != row.generation


class _Moment:
    """Whether now is a moment to change a password."""

    def __init__(self, rooms: Rooms, rules: PasswordConfig, forced: bool, generation: int) -> None:
        self._rooms, self._rules, self._forced, self._generation = rooms, rules, forced, generation
        self._calendars = calendars.load(rooms.config.paths.state)

    def objection(self, tx: Tx, row: Credential) -> str | None:
        """The code of why not."""
        book, day = Book.load(tx), today(self._rooms.clock)
        agency = book.holder(row.payer, row.number, day)
        if agency is None:
            return "number_nobodys"
        numbers = [(payer, number) for payer, number, whose in book.live_numbers(day) if whose == agency]
        if not row.alone:
            return "shared_perhaps"
        # Past its term nobody is let in with it: whoever looks at its lane only waits for this change.
        waits = (row.payer, row.number) if self._over(tx, row) else None
        if rotation.transmitting(tx, numbers, waits):
            return "transmission_under_way"
        if rotation.changing(tx, numbers, row) or row.generation != self._generation:
            return "change_under_way"
        if self._too_close(tx, row):
            return "too_close"
        if self._near_cut_off(tx, row):
            return "near_cut_off"
        return "tried_lately" if not self._forced and tried_lately(tx, row) else None

    def _too_close(self, tx: Tx, row: Credential) -> bool:
        """Two machine identifiers of one number are changed alternately: one of them always works."""
        since = tx.now - timedelta(days=self._rules.apart_days)
        others = [o for o in rows.of_numbers(tx, row.payer, [row.number]) if o.machine and o.id != row.id]
        made = [o.changed_at for o in others if row.machine and o.origin == "server" and o.state == S.ACTIVE]
        return any(moment is not None and moment > since for moment in made) and not self._over(tx, row)

    def _near_cut_off(self, tx: Tx, row: Credential) -> bool:
        period = self._calendars.of(row.payer).counts(tx.now - HOUR)
        return period.cut_off <= tx.now + HOUR and not self._over(tx, row)

    def _over(self, tx: Tx, row: Credential) -> bool:
        """Past its term nothing can be sent with it, cut-off or not: it is changed first."""
        life = timedelta(days=self._rules.life_days)
        return bool(life) and row.changed_at is not None and row.changed_at + life <= tx.now
