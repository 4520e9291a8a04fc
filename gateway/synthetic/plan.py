"""What was asked for, and what follows from it: numbers, dates, prices, which invoice is the faulty one."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cache
from random import Random

from gateway.errors import ConfigError
from gateway.identifiers import ACCOUNT, PRACTICE_NUMBER, REQUEST_NUMBER, TRANSMISSION_NUMBER
from gateway.messages import both
from gateway.resources import data_dir

ANOTHER_NUMBER = ("18998", "18999")  # test numbers no demonstration gives to anybody
UNKNOWN_ACCOUNT = "99999"
OLD_SYSTEM = (date(2018, 1, 8), date(2018, 3, 29))
NEW_SYSTEM = (date(2026, 9, 1), date(2026, 10, 30))


@dataclass(frozen=True)
class LotSpec:
    """One document to invent. The same spec always gives the same bytes; no clock is asked."""

    format: str  # folder of schemas/
    document: str = "dem_paimt"  # root's local name
    agency: str = "18001"  # transmission number; "" leaves the sender out
    invoices: int = 10  # or cancellations, answers, entries of a statement
    seed: int = 1
    practice: str | None = None  # absent: invented, or that of the personal account
    account: str | None = None  # personal:… or admin:…; absent: the practitioner's personal one
    request_number: str | None = None  # absent: made from everything else here
    developer: str = "18001"
    software: str = "FactSoft"
    version: str = "4.2"
    service_from: date | None = None  # first and last possible day of service, both included
    service_to: date | None = None
    targets: Sequence[tuple[str, str]] = ()  # number and token the payer gave: of the invoices to modify or cancel
    faults: tuple[str, ...] = ()  # keys of FAULTS


@dataclass(frozen=True)
class Price:
    """One code of the family's price list."""

    code: str
    cents: int
    profession: str


@dataclass
class Plan:
    """A spec with every open question answered."""

    spec: LotSpec
    rng: Random
    sender: str
    practice: str
    admin_account: str | None
    request_number: str
    days: Sequence[date]  # weekdays services may fall on
    prices: Sequence[Price] = field(default_factory=tuple)
    lines: int = 0  # written so far

    @property
    def target(self) -> int:
        """Which invoice is the faulty one, from 1: the middle one."""
        return (self.spec.invoices + 1) // 2

    def has(self, fault: str) -> bool:
        return fault in self.spec.faults

    def number_of(self, ordinal: int) -> int:
        """The ordinal an invoice takes its number from: its own, unless the last repeats the first."""
        repeats = self.has("duplicate_invoice_number") and ordinal == self.spec.invoices
        return 1 if repeats else ordinal

    def some_prices(self) -> list[Price]:
        """One to four codes of the price list, none of them twice: the lines of one invoice."""
        count = min(1 + int(self.rng.random() ** 2 * 4), len(self.prices))
        first = int(self.rng.random() * len(self.prices))
        return [self.prices[(first + n) % len(self.prices)] for n in range(count)]

    def day(self) -> date:
        return self.days[int(self.rng.random() * len(self.days))]


def make_plan(spec: LotSpec, key: str, default_days: tuple[date, date], classes: str) -> Plan:
    """Answer what the spec leaves open. Raises ConfigError when it contradicts itself.

    `key` marks the document type in request numbers; `classes` are first digits an invented practice number may have.
    """
    _check(spec)
    rng = Random(_digest(spec, "spec"))  # noqa: S311 - invented data must be the same again, not unguessable
    kind, _, number = (spec.account or "").partition(":")
    invented = f"{rng.choice(classes)}{rng.randrange(100_000):05d}"
    admin = UNKNOWN_ACCOUNT if "account_unknown" in spec.faults else number if kind == "admin" else None
    sender = next(n for n in ANOTHER_NUMBER if n != spec.agency) if "foreign_number" in spec.faults else spec.agency
    practice = spec.practice or (number if kind == "personal" else invented)
    named = spec.request_number or f"{spec.agency or practice}-{key}{spec.seed % 10**9}-{_digest(spec, 'number')[:10]}"
    return Plan(
        spec=spec,
        rng=rng,
        sender=sender,
        practice=practice,
        admin_account=admin,
        request_number="CON" if "request_number_device" in spec.faults else named,
        days=_weekdays(spec.service_from or default_days[0], spec.service_to or default_days[1]),
    )


def prices(family: str) -> tuple[Price, ...]:
    """The family's price list, the same that the sandbox pays by."""
    return _prices()[family]


def refuse(key: str, /, **values: object) -> ConfigError:
    """The error that says, in both languages, why nothing can be written."""
    return ConfigError(both(f"synthetic.{key}", **values))


@cache
def _prices() -> Mapping[str, tuple[Price, ...]]:
    found = {}
    for file in sorted(data_dir("schemas").glob("*/prices.toml")):
        rows = tomllib.loads(file.read_text(encoding="utf-8"))["price"]
        found[file.parent.name] = tuple(Price(r["code"], r["cents"], r["profession"]) for r in rows)
    return found


def _check(spec: LotSpec) -> None:
    kind, _, number = (spec.account or "").partition(":")
    wrong = {
        "agency": spec.agency and not TRANSMISSION_NUMBER.fullmatch(spec.agency),
        "invoices": spec.invoices < 1,
        "practice": spec.practice and not PRACTICE_NUMBER.fullmatch(spec.practice),
        "account": spec.account and not ACCOUNT.fullmatch(spec.account),
        "request_number": spec.request_number and not REQUEST_NUMBER.fullmatch(spec.request_number),
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise refuse("bad_value", name=name, value=getattr(spec, name))
    if kind == "personal" and spec.practice not in (None, number):
        raise refuse("other_practice", account=spec.account, practice=spec.practice)


def _digest(spec: LotSpec, purpose: str) -> str:
    """Hex digits that change with anything of the spec but its faults: a fault spoils one thing, not all."""
    told = [f"{f.name}={getattr(spec, f.name)!r}" for f in fields(spec) if f.name not in ("faults", "targets")]
    told += [f"{number}/{token}" for number, token in spec.targets]
    return hashlib.sha256("\n".join([purpose, *told]).encode()).hexdigest()


def _weekdays(first: date, last: date) -> list[date]:
    if last < first:
        raise refuse("days_backwards", first=first, last=last)
    span = [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
    return [day for day in span if day.weekday() < 5] or span
