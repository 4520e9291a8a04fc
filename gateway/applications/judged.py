"""May this be asked, sent, confirmed? Every refusal is a sentence; what the registry cannot tell is only warned of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.applications.known import ACCREDITING, ENDS_AGENCY, GIVES_NUMBER, NAMES_AGENCY, Known, Remark
from gateway.applications.procedures import Book, Procedure
from gateway.applications.progress import Progress
from gateway.identifiers import TRANSMISSION_NUMBER, is_test_number
from gateway.messages import both
from gateway.models import Application

_COMMERCIAL = frozenset({"join_commercial", "join_commercial_group"})


@dataclass(frozen=True)
class Judgement:
    """Refusals forbid; warnings do not."""

    refusals: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()


def asked(application: Application, known: Known, book: Book) -> Judgement:
    """May such an application be opened?"""
    refusals = [*_route(application, book), *_agency(application, known), *_alone(application, known)]
    return Judgement(tuple(refusals), tuple(_odd(application, known)))


def _route(application: Application, book: Book) -> Iterator[Remark]:
    kind, account_kind, day = application.kind, application.account_kind, application.opened_on
    if book.find(kind, application.route, account_kind, day):
        return
    routes = book.routes(kind, account_kind, day)
    if not routes:
        yield Remark("not_for_account", {"kind": kind, "account_kind": account_kind})
    elif application.route == "online" and account_kind == "admin_collective":
        yield Remark("collective_not_online", {"account": application.account_id})
    else:
        yield Remark("no_such_route", {"kind": kind, "route": application.route, "routes": ", ".join(routes)})


def _agency(application: Application, known: Known) -> Iterator[Remark]:
    """The agency named suits what is asked."""
    agency, kind = known.agency, application.kind
    if kind in NAMES_AGENCY and not (agency or application.facts.get("agency_number")):
        yield Remark("agency_missing")
    if agency is None:
        return
    values = {"agency": agency.name}
    if kind == "staff_access" and agency.kind == "commercial":
        yield Remark("staff_of_commercial", values)
    if kind in _COMMERCIAL and agency.kind != "commercial":
        yield Remark("agency_not_commercial", values)
    if kind in NAMES_AGENCY and agency.kind == "commercial" and not agency.recognised:
        yield Remark("agency_not_recognised", values)
    if kind == "join_on_site" and agency.kind == "commercial":
        yield Remark("agency_is_commercial", values)
    if kind in NAMES_AGENCY and agency.kind == "solo":
        yield Remark("agency_is_solo", values)
    if kind in NAMES_AGENCY and (holder := known.holder(application.opened_on)) and holder.id == agency.id:
        yield Remark("same_agency", {**values, "account": application.account_id})


def _alone(application: Application, known: Known) -> Iterator[Remark]:
    """One application per account: two that change who bills for it would contradict each other."""
    for other in known.others:
        both_change = {application.kind, other.kind} <= ACCREDITING
        if other.id != application.id and (both_change or other.kind == application.kind):
            yield Remark("already_asked", {"id": other.id, "kind": other.kind, "account": application.account_id})


def _odd(application: Application, known: Known) -> Iterator[Remark]:
    account, agency = application.account_id, known.agency
    holder = known.holder(application.opened_on)
    if known.account_kind is None:
        yield Remark("account_unknown", {"account": account})
    elif known.account_kind != application.account_kind:
        yield Remark("account_kind_differs", {"account": account, "known": known.account_kind})
    if known.users and application.practice not in known.users:
        yield Remark("not_a_user", {"practice": application.practice, "account": account})
    if application.kind in NAMES_AGENCY and agency is None:
        yield Remark("agency_unknown", {"agency": application.facts.get("agency_number", "–")})
    if application.kind in ("change_agency", "leave") and holder is None:
        yield Remark("nobody_to_leave", {"account": account})
    if application.kind in ACCREDITING - {"change_agency", *ENDS_AGENCY} and holder is not None:
        yield Remark("already_accredited", {"account": account, "agency": holder.name})
    if agency and application.kind in NAMES_AGENCY and any(held.agency.id == agency.id for held in known.held):
        yield Remark("back_again", {"account": account, "agency": agency.name})


def sent(application: Application, progress: Progress, procedure: Procedure) -> list[Remark]:
    """What forbids that it was sent as the application says: the payer sends such an application back."""
    refusals = []
    if application.sent_by not in procedure.send:
        code = "original_only" if procedure.original else "way_not_taken"
        values = {"way": application.sent_by, "ways": ", ".join(procedure.send)}
        refusals.append(Remark(code, values))
    if numbers := [form.number for form in progress.forms if not form.ready]:
        refusals.append(Remark("forms_missing", {"numbers": ", ".join(numbers)}))
    if progress.unsigned:
        refusals.append(Remark("signatures_missing", {"who": ", ".join(progress.unsigned)}))
    if progress.users_unknown:
        refusals.append(Remark("users_unknown", {"account": application.account_id}))
    return refusals


def unsigned_group(application: Application, progress: Progress, known: Known) -> list[Remark]:
    """A collective account at a commercial agency is refused by the payer while a signature is missing."""
    kind = known.agency.kind if known.agency else application.facts.get("agency_kind", "commercial")
    entrusts = application.kind in ("join_commercial_group", "change_agency")
    if not entrusts or application.account_kind != "admin_collective" or kind != "commercial":
        return []
    who, account = ", ".join(progress.unsigned), {"account": application.account_id}
    missing = [Remark("signatures_missing", {"who": who})] if who else []
    return [*missing, *([Remark("users_unknown", account)] if progress.users_unknown else [])]


def in_order(days: Mapping[str, date | None], today: date) -> list[Remark]:
    """Days that come one after another (`opened_on`, `sent_on` …, in that order) and none after today."""
    refusals = list[Remark]()
    last, since = "", date.min
    for name, day in days.items():
        if day is None:
            continue
        values = {"what": both(f"applications.name_{name}"), "day": day}
        if day > today:
            refusals.append(Remark("day_ahead", values))
        if day < since:
            refusals.append(
                Remark("day_before", {**values, "other": both(f"applications.name_{last}"), "since": since})
            )
        last, since = name, day
    return refusals


def confirmed(application: Application, procedure: Procedure, *, letter: bool) -> Judgement:
    """May it be confirmed so? What the payer wrote is a fact: what we missed on the way is only warned of."""
    refusals, warnings = [], []
    changes = application.kind in ACCREDITING
    if changes and application.effective_from is None:
        refusals.append(Remark("effective_missing"))
    if procedure.confirmation == "letter" and not letter:
        refusals.append(Remark("letter_missing"))
    if application.kind in GIVES_NUMBER:
        if application.number is None:
            refusals.append(Remark("number_missing"))
        elif TRANSMISSION_NUMBER.fullmatch(application.number) is None:
            refusals.append(Remark("number_shape", {"number": application.number}))
        elif is_test_number(application.number):
            warnings.append(Remark("number_is_test", {"number": application.number}))
    if application.sent_on is None:
        warnings.append(Remark("never_sent"))
    return Judgement(tuple(refusals), tuple(warnings))
