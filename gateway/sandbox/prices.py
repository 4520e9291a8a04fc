"""What the payer pays for a billing code: the small invented list beside each schema family."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from gateway.catalog import Family
from gateway.messages import say
from gateway.sandbox.documents import Invoice, Line

_ASSISTANT = "4"  # cod_role


@dataclass(frozen=True, slots=True)
class Price:
    code: str
    cents: int
    profession: str | None = None
    formula: str | None = None  # in the payer's language


class Prices:
    """The price list of one family."""

    def __init__(self, prices: list[Price]) -> None:
        self._by_code: dict[str, list[Price]] = {}
        for price in prices:
            self._by_code.setdefault(price.code, []).append(price)

    def pay(self, invoice: Invoice, line: Line) -> tuple[int, str] | None:
        """Cents and how they were found, in French; None for a code that is not on the list."""
        known = self._by_code.get(line.code)
        if known is None:
            return None
        price = next((p for p in known if p.profession == invoice.kind), known[0])
        what = price.formula or say("sandbox.formula_base", "fr")
        if line.claimed is not None:  # the old system: what is claimed, up to the list
            return min(line.claimed, price.cents), what
        if line.role == _ASSISTANT:
            return price.cents // 2, say("sandbox.formula_half", "fr", what=what, full=money(price.cents))
        return price.cents, say("sandbox.formula", "fr", what=what, full=money(price.cents))


def load(family: Family) -> Prices:
    """The list in the family's folder; empty when it has none, and then nothing is receivable."""
    file = family.folder / "prices.toml"
    rows = tomllib.loads(file.read_text(encoding="utf-8")).get("price", []) if file.exists() else []
    return Prices([Price(r["code"], r["cents"], r.get("profession"), r.get("formula", {}).get("fr")) for r in rows])


def money(cents: int) -> str:
    """Cents as documents write them: -12.30."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
