"""Compares a registry file with what is known, part by part, in an order in which it can be written."""

from __future__ import annotations

from gateway.registry import diff_accounts, diff_agencies, diff_people
from gateway.registry.desk import Desk


def compare(desk: Desk) -> None:
    """Everything the file asks for."""
    said = desk.said
    for developer in said.developers:
        diff_people.developer(desk, developer)
    for practitioner in said.practitioners:
        diff_people.practitioner(desk, practitioner)
    for group in said.groups:
        diff_people.group(desk, group)
    for agency in said.agencies:
        diff_agencies.agency(desk, agency)
    desk.numbers_are_said()
    for account in said.accounts:
        diff_accounts.account(desk, account)
    for position, accreditation in enumerate(said.accreditations, 1):
        diff_accounts.accreditation(desk, desk.place("accreditation", position), accreditation)
    for position, mandate in enumerate(said.mandates, 1):
        diff_accounts.mandate(desk, f"mandate[{position}]", mandate)
    for position, coordinates in enumerate(said.statement_coordinates, 1):
        diff_accounts.statement_coordinates(desk, f"statement_coordinates[{position}]", coordinates)
    if said.complete:
        desk.facts.end_the_rest()
        diff_agencies.stop_the_rest(desk)
