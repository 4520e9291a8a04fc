"""Which rules an agency may give another severity: those that speak neither for the payer nor for the registry."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.catalog import Catalog, Rule
from gateway.config.strict import nearest
from gateway.registry import sending
from gateway.registry.file import AgencyEntry
from gateway.registry.steps import Work
from gateway.report import NO_PAYER_COULD_TAKE

PAYERS = frozenset({"official", "letter"})  # authorities that speak for the payer
# What nobody could take, what the registry does not know, and numbers used before: a document could go to the wrong
# place, or twice, so these hold or refuse whatever anybody wants.
FIXED = (
    sending.CODES
    | NO_PAYER_COULD_TAKE
    | {"INVOICE_UNKNOWN", "REQUEST_NUMBER_REUSED", "INVOICE_NUMBER_REUSED", "REQUEST_REPEATED"}
)


def adjustable(catalog: Catalog) -> frozenset[str]:
    """The codes whose severity may be changed. One that any family gives the payer's authority stays everywhere."""
    rules = list(_rules(catalog))
    return frozenset(rule.code for rule in rules) - FIXED - {rule.code for rule in rules if rule.authority in PAYERS}


def refuse_wishes(work: Work, agency: AgencyEntry, catalog: Catalog) -> None:
    """Refuse what an agency wants of a code that no rule has, or of a rule that stays as it is."""
    if not agency.rules:
        return
    known = sorted({rule.code for rule in _rules(catalog)})
    for code in sorted(agency.rules.keys() - adjustable(catalog)):
        why = "rule_fixed" if code in known else "rule_unknown"
        work.refuse(why, f"agency[{agency.name}].rules.{code}", code=code, near=nearest(code, known))


def _rules(catalog: Catalog) -> Iterator[Rule]:
    for family in (family for same in catalog.versions.values() for family in same):
        for document in family.documents:
            yield from document.rules
