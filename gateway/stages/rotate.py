"""Changes passwords before their term, each at a moment that disturbs nobody; reminds people of those it cannot."""

from __future__ import annotations

import structlog

from gateway.clock import today
from gateway.credentials import Credentials, Standing
from gateway.errors import Denied, GatewayError, PasswordLocked, TransportError, Unreachable
from gateway.identifiers import of_lane
from gateway.models import Credential
from gateway.moments import IN_THE_WAY, SOON, STAGE, Moment, is_due
from gateway.registry import Book
from gateway.stages import Endpoint, Mailboxes, Outcome, Rooms, payer_endpoints
from gateway.states import CredentialState as S

EVERY = 900.0  # seconds; days are what counts
AGAIN_IN = 120.0  # seconds, when this was no moment
# Codes of why a change is left for later; any other is for a person.
LATER = IN_THE_WAY | {
    "attempts_spent",
    "change_under_way",
    "near_cut_off",
    "shared_perhaps",
    "number_nobodys",
    "too_close",
    "tried_lately",
}
PASSES = frozenset({"attempts_spent", "answer_unread"})  # why a doubt is settled later

log = structlog.get_logger()


class Rotate:
    """Endpoint: `payer:number`, of payers whose passwords have a term or can be changed by us."""

    name = STAGE

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        rules = {payer.name: payer.password for payer in rooms.config.payers}
        wanted = {name for name, said in rules.items() if said.by_us or said.life_days}
        return [Endpoint(one.name, EVERY) for one in payer_endpoints(rooms) if of_lane(one.name)[0] in wanted]

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        """Each password by itself: what is wrong with one is raised when the others had their turn."""
        payer, number = of_lane(endpoint)
        with rooms.store.read() as tx:
            if Book.load(tx).in_shadow(payer, number, today(rooms.clock)):
                return Outcome()  # another gateway uses the password
        worked, put_off = 0, set[str]()
        problems: list[GatewayError] = []
        for one in self._credentials.standings((payer, number)):
            worked += self._credentials.remind(one)
            try:
                worked += self._settle_or_change(rooms, one)
            except GatewayError as problem:
                code = getattr(problem, "code", "")
                if not _waits(one, code):
                    problems.append(problem)
                    continue
                put_off.add(code)
                log.info("password_change_later", payer=payer, number=number, machine=one.row.machine, why=code)
        if problems:
            raise problems[0]
        soon = SOON if put_off & IN_THE_WAY else None
        return Outcome(worked, again_in=soon, retry_in=AGAIN_IN if put_off else None)

    def _settle_or_change(self, rooms: Rooms, one: Standing) -> int:
        if one.row.state == S.CHANGING:
            return settle(rooms.mailboxes, self._credentials, one.row)
        with rooms.store.read() as tx:
            due = is_due(tx, rooms.config, one.row)
        if due:
            change(rooms, self._credentials, one.row)
        return int(due)


def _waits(one: Standing, code: str) -> bool:
    return code in (PASSES if one.row.state == S.CHANGING else LATER)


def change(rooms: Rooms, credentials: Credentials, row: Credential, *, forced: bool = False) -> None:
    """Change one password now; when this returns a login proved which one counts. `forced`: a person wants it, so it
    is neither too early nor tried too lately.

    Raises Denied with a code of LATER when this is no moment, else what the payer or the line did.
    """
    moment = Moment(rooms.config, forced, row.generation)
    who = (row.payer, row.number, row.machine)
    credentials.ask(*who, moment.objection)  # before a login is spent; asked again in the transaction that begins it
    if rooms.config.payer(row.payer).password.change == "ssh":
        rooms.mailboxes.payer_login(*who)  # prove the one there is: the change itself must not be the first to try it
        if _changed_meanwhile(credentials, row):
            credentials.wake(row.payer, row.number)
            return  # the payer asked for another one in that login
    door = rooms.mailboxes.payer_door(*who)
    with credentials.change(row.payer, row.number, moment.objection, machine=row.machine) as secret:
        try:
            door.change(secret)
        except Denied as problem:
            if problem.code in LATER:
                raise
            log.warning("password_not_changed", payer=row.payer, number=row.number, said=str(problem))
        except Unreachable:
            if credentials.unread(*who) is None:  # else an answer came, that cannot be read
                raise
    settle(rooms.mailboxes, credentials, row)


def settle_first(mailboxes: Mailboxes, credentials: Credentials, payer: str, number: str) -> None:
    """Before anything is done under a number: find out what nobody knows of its passwords. What cannot be found out
    now keeps nobody from coming in with another one. Raises Unreachable when the line was cut under the one that opens
    the mailboxes: the next try is another visit's."""
    for row in credentials.in_doubt(payer, number):
        try:
            settle(mailboxes, credentials, row)
        except TransportError as problem:
            log.info("password_in_doubt", payer=payer, number=number, machine=row.machine, why=problem.code)
            if isinstance(problem, Unreachable) and credentials.opens(payer, number) == row.machine:
                raise


def settle(mailboxes: Mailboxes, credentials: Credentials, row: Credential) -> int:
    """Prove by logins which of the two slots counts; 1 when it is known, 0 when only a person can tell, for nobody can
    read what the payer answered. Raises as logins do."""
    who = (row.payer, row.number, row.machine)
    if not _read(mailboxes, credentials, row):
        return 0
    try:
        mailboxes.payer_login(*who)
    except Unreachable as problem:
        if problem.code != "other_slot" or credentials.standing(*who).attempts_left == 0:
            raise  # the line was cut; or the other slot is tried when the hour is over
        mailboxes.payer_login(*who)
    credentials.wake(row.payer, row.number)
    log.info("password_settled", payer=row.payer, number=row.number)
    return 1


def _read(mailboxes: Mailboxes, credentials: Credentials, row: Credential) -> bool:
    """Take the new password from an answer that was journalled and not read; whether the slots can be tried now."""
    who = (row.payer, row.number, row.machine)
    raw = credentials.unread(*who)
    if raw is None:
        return True
    try:
        credentials.keep_read(*who, mailboxes.payer_door(*who).read(raw))
    except PasswordLocked as problem:
        credentials.stop(row.payer, row.number, S.LOCKED, problem.code, machine=row.machine)
        return False
    except Denied:  # the payer made none
        credentials.keep_read(*who, None)
    except Unreachable:
        credentials.cannot_read(*who)
        return False
    return True


def _changed_meanwhile(credentials: Credentials, row: Credential) -> bool:
    return credentials.standing(row.payer, row.number, row.machine).row.generation != row.generation
