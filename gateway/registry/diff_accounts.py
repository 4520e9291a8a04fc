"""Compares what a registry file says of accounts, and of who holds them, with what is known."""

from __future__ import annotations

from datetime import timedelta

from gateway.models import (
    Account,
    AccountChannel,
    AccountPractitioner,
    Accreditation,
    Mandate,
    StatementCoordinates,
)
from gateway.models.facts import ALWAYS
from gateway.registry.desk import Desk
from gateway.registry.file import AccountEntry, AccreditationEntry, CoordinatesEntry, MandateEntry, Since


def account(desk: Desk, entry: AccountEntry) -> None:
    """One [[account]]: its practitioners and the other ways of billing through it."""
    key = f"account[{entry.id}]"
    if not desk.work.first(key):
        return
    known = desk.accounts.get(entry.id)
    desk.accounts[entry.id] = entry
    if known is None:
        desk.make(Account, {"id": entry.id, "kind": entry.kind}, "account_added", account=entry.id, kind=entry.kind)
    else:
        desk.work.change(Account, known, {"kind": entry.kind}, "account_changed", {"account": entry.id})
    if "practitioners" in entry.model_fields_set or desk.said.complete:
        _practitioners(desk, key, entry, is_new=known is None)
    for dated in entry.dated:
        values = {"account_id": entry.id, "practice": dated.number}
        desk.facts.say(f"{key}.practitioner[{dated.number}]", AccountPractitioner, dated, values)
    for channel in entry.channels:
        values = {"account_id": entry.id, "channel": channel.channel}
        desk.facts.say(f"{key}.channel[{channel.channel}]", AccountChannel, channel, values)


def _practitioners(desk: Desk, key: str, entry: AccountEntry, *, is_new: bool) -> None:
    """The list without dates is whole: who is missing from it billed until yesterday, who is new in it bills from
    today; those of a new account always did."""
    lasting = desk.facts.lasting(AccountPractitioner, entry.id)
    dated = {one.number for one in entry.dated}
    for fact in lasting:
        if fact["practice"] in entry.practitioners:
            desk.facts.mention(AccountPractitioner, fact)
        elif fact["practice"] not in dated:
            desk.facts.end(AccountPractitioner, fact, desk.today - timedelta(days=1))
    have = {fact["practice"] for fact in lasting}
    since = Since.model_validate({"from": ALWAYS if is_new else desk.today})
    for practice in dict.fromkeys(entry.practitioners):
        if practice not in have:
            values = {"account_id": entry.id, "practice": practice}
            desk.facts.say(f"{key}.practitioners", AccountPractitioner, since, values)


def accreditation(desk: Desk, key: str, entry: AccreditationEntry) -> None:
    """One [[accreditation]]."""
    if desk.account_known(key, entry.account) and (agency := desk.agency_called(key, entry.agency, entry.start)):
        values = {"account_id": entry.account, "agency_id": agency, **desk.wanted(entry, "covers_services_from")}
        desk.facts.say(key, Accreditation, entry, values)


def mandate(desk: Desk, key: str, entry: MandateEntry) -> None:
    """One [[mandate]]."""
    if desk.account_known(key, entry.account) and (agency := desk.agency_called(key, entry.agency, entry.start)):
        values = {"account_id": entry.account, "agency_id": agency, "form": entry.form}
        desk.facts.say(key, Mandate, entry, values | {"signatories": list(entry.signatories)})


def statement_coordinates(desk: Desk, key: str, entry: CoordinatesEntry) -> None:
    """One [[statement_coordinates]]."""
    if not desk.account_known(key, entry.account):
        return
    agency = desk.agency_called(key, entry.agency, entry.start) if entry.agency else None
    if entry.agency is None or agency is not None:
        values = {"account_id": entry.account, "route": entry.route, "agency_id": agency}
        desk.facts.say(key, StatementCoordinates, entry, values | desk.wanted(entry, "address"))
