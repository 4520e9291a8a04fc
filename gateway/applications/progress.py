"""How an application stands on a day: what is missing, when the answer is due, what is late, and what is blocked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.applications.known import ACCREDITING, ENDS_AGENCY, GIVES_NUMBER, USER, Known, Remark
from gateway.applications.procedures import Book, Delay, NeededForm, Procedure
from gateway.messages import Both
from gateway.models import Application

# A password in one of these states can be used: the agency may transmit.
_USABLE = frozenset({"TEMPORARY", "CHANGING", "ACTIVE"})
# Facts that are no column of the forms: a person writes or ticks them.
BY_HAND = frozenset({"user_identity", "user_signature", "authoriser", "other_authorisers", "modification_new_software"})


@dataclass(frozen=True)
class FormState:
    """One form that is needed: `missing` are the facts to give that the application does not have yet."""

    role: str
    number: str
    title: Both
    doubt: Both | None
    sections: tuple[tuple[str, tuple[str, ...]], ...]  # number (or ""), facts
    ready: bool
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Expected:
    """When the payer's answer may come, and by when it should. `provisional`: counted from the sending, because
    delays run from receipt and nobody wrote down when that was."""

    earliest: date
    latest: date
    provisional: bool


@dataclass(frozen=True)
class Progress:
    """`standing`: draft, ready, sent, received, confirmed (not in force yet), in_force or withdrawn."""

    standing: str
    procedure: Procedure
    forms: tuple[FormState, ...]
    signatures: Mapping[str, date | None]  # who must sign → when it was done
    users_unknown: bool  # a collective account whose users the registry does not know: nobody can say who must sign
    expected: Expected | None
    password_by: date | None
    overdue: tuple[Remark, ...]
    blocked: tuple[Remark, ...]

    @property
    def unsigned(self) -> list[str]:
        """Who must still sign."""
        return [who for who, day in self.signatures.items() if day is None]

    @property
    def complete(self) -> bool:
        """Whether it could be sent."""
        return not self.unsigned and not self.users_unknown and all(form.ready for form in self.forms)


Roll = Callable[[date], date]  # a day → the first business day on or after it


def same_day(day: date) -> date:
    """Every day is a business day."""
    return day


def examine(
    application: Application, signed: Mapping[str, date], book: Book, known: Known, today: date, roll: Roll = same_day
) -> Progress | None:
    """How it stands today; None when the payer's procedures no longer have such a one (an operator's file took it)."""
    procedure = book.find(application.kind, application.route, application.account_kind, application.opened_on)
    if procedure is None:
        return None
    must, users_unknown = signatories(application, procedure, known)
    signatures = {who: signed.get(who) for who in must}
    forms = tuple(_forms(application, procedure, book, known, application.sent_on or today))
    expected = _expected(application, procedure, roll)
    password_by = _password_by(application, procedure, roll)
    ready = all(form.ready for form in forms) and not users_unknown and None not in signatures.values()
    return Progress(
        standing=_standing(application, ready, today),
        procedure=procedure,
        forms=forms,
        signatures=signatures,
        users_unknown=users_unknown,
        expected=expected,
        password_by=password_by,
        overdue=tuple(_overdue(application, known, expected, password_by, today)),
        blocked=tuple(_blocked(application, procedure, known, today)),
    )


def signatories(application: Application, procedure: Procedure, known: Known) -> tuple[list[str], bool]:
    """Who must sign (practice numbers; `user` on form 4319), and whether there are users nobody knows."""
    users = {*known.users, *application.signatories}
    collective = application.account_kind == "admin_collective"
    match procedure.signatories:
        case "nobody":
            return [], False
        case "applicant":
            return [application.practice], False
        case "applicant_and_users":
            others = sorted(users - {application.practice})
            return [application.practice, *others], collective and not users
        case "user_and_authorisers":
            return [USER, application.practice, *sorted({*application.signatories} - {application.practice})], False


def needed_form(needed: NeededForm, application: Application, known: Known) -> bool:
    """A mandate goes along only with a commercial agency; of one whose kind nobody knows, it is asked for."""
    kind = known.agency.kind if known.agency else application.facts.get("agency_kind", "commercial")
    return needed.when == "always" or kind == "commercial"


def _forms(application: Application, procedure: Procedure, book: Book, known: Known, day: date) -> Iterator[FormState]:
    for needed in procedure.forms:
        if not needed_form(needed, application, known):
            continue
        outside = application.outside_quebec and needed.role == "accreditation"
        role = "accreditation_outside_quebec" if outside else needed.role
        form = book.form(role, day)
        facts = [fact for section in needed.sections for fact in section.facts]
        yield FormState(
            role=role,
            number=form.number,
            title=form.title.both,
            doubt=form.doubt.both if form.doubt else None,
            sections=tuple((section.number, section.facts) for section in needed.sections),
            ready=form.number in application.forms_ready,
            missing=tuple(fact for fact in facts if fact not in BY_HAND and value(application, fact) is None),
        )


def value(application: Application, fact: str) -> str | None:
    """What the application knows of a fact a form asks for."""
    own = {"practice": application.practice, "account": application.account_id}
    if application.mandate_ends:
        own["mandate_ends"] = application.mandate_ends.isoformat()
    return own.get(fact) or application.facts.get(fact) or None


def _standing(application: Application, ready: bool, today: date) -> str:
    if application.withdrawn_on:
        return "withdrawn"
    if application.confirmed_on:
        ahead = application.effective_from is not None and application.effective_from > today
        return "confirmed" if ahead else "in_force"
    if application.received_on:
        return "received"
    return "sent" if application.sent_on else "ready" if ready else "draft"


def span(start: date, delay: Delay, roll: Roll = same_day) -> tuple[date, date]:
    """From when and until when an answer may take, counted from `start`; the last day is pushed to a business day."""
    if delay.weeks is None:
        day = start + timedelta(days=delay.days or 0)
        return day, roll(day) if delay.days else day
    return start + timedelta(weeks=delay.weeks[0]), roll(start + timedelta(weeks=delay.weeks[1]))


def _expected(application: Application, procedure: Procedure, roll: Roll) -> Expected | None:
    start = application.received_on or application.sent_on
    if start is None or procedure.delay is None:
        return None
    online = application.sent_by == "online"
    return Expected(*span(start, procedure.delay, roll), provisional=application.received_on is None and not online)


def _password_by(application: Application, procedure: Procedure, roll: Roll) -> date | None:
    start = application.received_on or application.sent_on
    if start is None or procedure.password_delay is None:
        return None
    return span(start, procedure.password_delay, roll)[1]


def _overdue(
    application: Application, known: Known, expected: Expected | None, password_by: date | None, today: date
) -> Iterator[Remark]:
    if application.withdrawn_on:
        return
    if not application.confirmed_on and expected and today > expected.latest:
        yield Remark("answer_overdue", {"day": expected.latest, "days": (today - expected.latest).days})
    if password_by and today > password_by and not _has_password(application, known):
        yield Remark("password_overdue", {"day": password_by, "days": (today - password_by).days})


def _has_password(application: Application, known: Known) -> bool:
    """Noted here, or given to the gateway."""
    return application.password_on is not None or known.credential in _USABLE


def _blocked(application: Application, procedure: Procedure, known: Known, today: date) -> Iterator[Remark]:
    """What cannot be done meanwhile, and until what."""
    if application.withdrawn_on:
        return
    number = number_of(application)
    gives = application.kind in GIVES_NUMBER
    if gives and application.number is None:
        yield Remark("no_number")
    elif (gives or known.credential is not None) and known.credential not in _USABLE:
        yield Remark("no_password", {"number": number})
    if procedure.go_ahead and application.go_ahead_on is None:
        yield Remark("no_go_ahead", {"number": number})
    if application.kind in ACCREDITING - ENDS_AGENCY:
        yield from _not_effective(application, known, today)
    if application.kind == "staff_access" and application.confirmed_on is None:
        yield Remark("no_access")
    if application.kind == "change_software" and application.confirmed_on is None:
        yield Remark("old_software")


def _not_effective(application: Application, known: Known, today: date) -> Iterator[Remark]:
    agency = known.agency.name if known.agency else application.facts.get("agency_name") or number_of(application)
    values = {"agency": agency, "account": application.account_id}
    since = application.effective_from
    if since is None or application.confirmed_on is None:
        yield Remark("not_effective", values)
    elif since > today:
        yield Remark("not_effective_before", {**values, "day": since})
    ends = application.mandate_ends
    first_free = ends + timedelta(days=1) if ends else None
    if first_free and first_free < (since or date.max) and today < (since or date.max):
        yield Remark("nobody_bills", {"account": application.account_id, "day": first_free, "until": since or "–"})


def number_of(application: Application) -> str:
    """The number the new agency is called by; a dash when nobody knows it."""
    return application.number or application.facts.get("agency_number") or "–"
