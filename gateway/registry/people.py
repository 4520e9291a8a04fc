"""What the book knows of people: practitioners under every form of their number, their standing, their groups."""

from __future__ import annotations

from datetime import date

from gateway.models import (
    Developer,
    GroupMember,
    PracticeGroup,
    PracticeNumber,
    Practitioner,
    PractitionerStanding,
    Software,
)
from gateway.registry.index import Index
from gateway.store.registry import Tables

PARTICIPATING = "participating"


class People(Index):
    """Questions about practitioners. A practice number that the registry does not know stands for itself."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self._practitioners = {row.id: row for row in tables.practitioners}
        self._groups = {row.id: row for row in tables.groups}

    def practitioner(self, number: str, on: date) -> Practitioner | None:
        """Who has the practice number on that day, in whichever of its forms it is written."""
        if number in self._practitioners:
            return self._practitioners[number]
        owners = {fact.practitioner_id for fact in self.line(PracticeNumber, number).on(on)}
        return self._practitioners[owners.pop()] if len(owners) == 1 else None

    def known_as(self, number: str, on: date) -> str:
        """The one number that stands for the person: two numbers are one person's when these are equal."""
        found = self.practitioner(number, on)
        return found.id if found else number

    def practice_numbers(self, number: str, on: date) -> tuple[str, ...]:
        """Every number the person has on that day, the one it is known by first."""
        person = self.known_as(number, on)
        others = self.line(PracticeNumber, person, by=("practitioner_id",)).on(on)
        return (person, *sorted({fact.number for fact in others} - {person}))

    def standing(self, number: str, on: date) -> str:
        """participating, non_participating, disengaged, moved or retired; of whom nothing is said: participating."""
        facts = self.line(PractitionerStanding, self.known_as(number, on)).on(on)
        return facts[-1].standing if facts else PARTICIPATING

    def may_bill(self, number: str, on: date) -> bool:
        """Whether services of that day may be billed: only those of a participating practitioner."""
        return self.standing(number, on) == PARTICIPATING

    def all_groups(self) -> list[PracticeGroup]:
        """By name."""
        return list(self._groups.values())

    def developers(self) -> list[Developer]:
        """By number."""
        return list(self._tables.developers)

    def software(self, developer: str, on: date) -> tuple[Software, ...]:
        """The versions of a developer's software that the payer recognises that day."""
        return self.line(Software, developer).on(on)

    def group(self, group_id: str) -> PracticeGroup:
        """Raises KeyError."""
        return self._groups[group_id]

    def groups_of(self, number: str, on: date) -> list[PracticeGroup]:
        """The groups the practitioner is a member of on that day."""
        facts = self.line(GroupMember, self.known_as(number, on), by=("practitioner_id",)).on(on)
        return sorted((self._groups[fact.group_id] for fact in facts), key=lambda group: group.name)

    def members(self, group_id: str, on: date) -> frozenset[str]:
        """The members of a group on that day, by the number each is known by."""
        return frozenset(fact.practitioner_id for fact in self.line(GroupMember, group_id).on(on))
