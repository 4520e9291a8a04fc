"""What the registry should say once an application is confirmed: a file for `registry apply`, and what is odd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.applications.known import ACCREDITING, ENDS_AGENCY, GIVES_NUMBER, Held, Known, Remark
from gateway.applications.software import declared
from gateway.config.written import table
from gateway.models import Application

_ONE_DAY = timedelta(days=1)
_MANDATE = "2788"  # as the registry calls a mandate, whatever the form is called now


@dataclass(frozen=True)
class Proposal:
    """`text`: TOML for `registry apply`; empty when the registry has nothing to learn from it."""

    text: str
    warnings: tuple[Remark, ...] = ()


def propose(application: Application, known: Known, payer: str | None, signed: Iterable[str] = ()) -> Proposal:
    """The change of registry that follows from a confirmed application; `payer` is where a new number is used, `signed`
    who signed its forms."""
    if application.kind == "change_software":
        return Proposal(*declared(application, known))
    if application.kind not in ACCREDITING or application.effective_from is None:
        return Proposal("")
    since = application.effective_from
    blocks = []
    if application.kind in GIVES_NUMBER:
        blocks.append(_agency(application, payer, since))
    if known.account_kind is None:
        blocks.append(_account(application, known))
    blocks += [_closing("accreditation", application, held, since) for held in _ending(known.held, application, known)]
    blocks += [_closing("mandate", application, held, since) for held in _ending(known.mandates, application, known)]
    if application.kind not in ENDS_AGENCY and not _already(known, since):
        account, agency = application.account_id, _called(application, known)
        blocks.append(table("accreditation", account=account, agency=agency, start=since))
        if (form := _mandate_form(application, known)) and (who := sorted({*signed})):
            blocks.append(table("mandate", account=account, agency=agency, form=form, start=since, signatories=who))
    address = application.facts.get("statement_address")
    if address and known.coordinates is None:
        account = application.account_id
        blocks.append(table("statement_coordinates", account=account, route="paper", start=since, address=address))
    return Proposal("\n".join(blocks), tuple(_odd(application, known, since, payer)))


def agency_name(application: Application) -> str:
    """What a new agency is called: as the application says, else by its number (never a person's name of our own)."""
    return application.facts.get("agency_name") or f"Agence {application.number or application.practice}"


def _agency(application: Application, payer: str | None, since: date) -> str:
    kind = "in_practice" if application.kind == "new_on_site" else "solo"
    text = table("agency", name=agency_name(application), kind=kind, payers=[payer] if payer else None)
    if payer and application.number:
        text += table("agency.number", payer=payer, number=application.number, start=since)
    return text


def _account(application: Application, known: Known) -> str:
    users = sorted({application.practice, *application.signatories, *known.users})
    return table("account", id=application.account_id, kind=application.account_kind, practitioners=users)


def _ending(facts: Iterable[Held], application: Application, known: Known) -> list[Held]:
    """What ends when the new begins: what would still hold then, at another agency."""
    since, ends = application.effective_from or date.max, application.kind in ENDS_AGENCY
    stays = known.agency.id if known.agency and not ends else None
    lasting = [held for held in facts if held.start < since and (held.to or date.max) > _end(application, since)]
    return [held for held in lasting if held.agency.id != stays]


def _mandate_form(application: Application, known: Known) -> str | None:
    """The number of the mandate that went along; None when there was none."""
    commercial = known.agency is not None and known.agency.kind == "commercial"
    return _MANDATE if commercial and application.route == "form" else None


def _end(application: Application, since: date) -> date:
    """Last day of what ends: the mandate's, unless the new one begins before it is over."""
    return min(application.mandate_ends or date.max, since - _ONE_DAY)


def _closing(what: str, application: Application, held: Held, since: date) -> str:
    end = max(_end(application, since), held.start)
    return table(what, account=application.account_id, agency=held.agency.name, start=held.start, to=end)


def _already(known: Known, since: date) -> bool:
    return known.agency is not None and any(
        h.agency.id == known.agency.id and h.start <= since <= (h.to or date.max) for h in known.held
    )


def _called(application: Application, known: Known) -> str:
    if application.kind in GIVES_NUMBER:
        return agency_name(application)
    return known.agency.name if known.agency else application.facts.get("agency_number", "")


def _odd(application: Application, known: Known, since: date, payer: str | None) -> Iterator[Remark]:
    account, ends = application.account_id, application.mandate_ends
    if application.kind in GIVES_NUMBER:
        yield Remark("no_payer" if payer is None else "source_to_add", {"agency": agency_name(application)})
    elif application.kind not in ENDS_AGENCY and known.agency is None:
        yield Remark("agency_unknown", {"agency": _called(application, known)})
    if application.facts.get("statement_address") and known.coordinates is not None:
        yield Remark("coordinates_differ", {"account": account})
    if ends and ends < since - _ONE_DAY:
        yield Remark("nobody_bills", {"account": account, "day": ends + _ONE_DAY, "until": since})
    if ends and ends >= since:
        yield Remark("mandate_cut", {"account": account, "ends": ends, "day": since})
    for held in known.held:
        if held.start >= since and (known.agency is None or held.agency.id != known.agency.id):
            yield Remark("begins_later", {"account": account, "agency": held.agency.name, "day": held.start})
