"""Old-system documents: DP_RACIN, where every value is an attribute (FORMATS of `schemas/ramq-dp`), and our answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gateway.synthetic.people import person
from gateway.synthetic.plan import OLD_SYSTEM, Plan, Price, prices
from gateway.synthetic.writers import Writer

NAMESPACE = "http://tempuri.org/DP_DENTI.xsd"
ANSWER = "urn:agency-gateway:dp-racin-recev:1.0"


def _requests(plan: Plan) -> Iterator[str]:
    plan.prices = prices(plan.spec.format)
    yield f'<d:DP_RACIN xmlns:d="{NAMESPACE}">\n'
    for ordinal in range(1, plan.spec.invoices + 1):
        yield _request(plan, plan.number_of(ordinal))
    yield "</d:DP_RACIN>\n"


def _request(plan: Plan, number: int) -> str:
    attestation, control = _numbers(plan, number)
    account = f' CPTE_ADMN="{plan.admin_account}"' if plan.admin_account else ""
    acts = plan.some_prices()
    plan.lines += len(acts)
    return (
        f'<DP CHN="06" ENRG="1" TRNSM="{plan.sender}" DISP="{plan.practice}"{account} '
        f'ATTES="{attestation}" NCE="{control}" ETAB="" TOT_DEM="{sum(p.cents for p in acts):06d}" '
        f'SERV="{_day(plan, number):%y%m%d}">\n{_insured(plan)}{"".join(_act(plan, p) for p in acts)}</DP>\n'
    )


def _act(plan: Plan, price: Price) -> str:
    tooth = f"{1 + int(plan.rng.random() * 4)}{1 + int(plan.rng.random() * 8)}"
    surface = f"{1 + int(plan.rng.random() * 5):02d}"
    return f'<ACTE ACTE="{price.code}" ROLE="1" UNIT="001" MNT="{price.cents:06d}" DENT="{tooth}" SURF="{surface}"/>\n'


def _insured(plan: Plan) -> str:
    who = person(plan.rng)
    expiry = f"{19 + int(plan.rng.random() * 4)}{1 + int(plan.rng.random() * 12):02d}"
    return (
        f'<PERS_ASSU NAM="{who.nam}" PRE="{who.given}" NOM="{who.surname}" NAISS="{who.born:%Y%m%d}" '
        f'SEXE="{"F" if who.female else "M"}" CAM="1" EXPIR_CAM="{expiry}"/>\n'
    )


def _answer(plan: Plan) -> Iterator[str]:
    """What the payer's side of ours says: receivable, with a preliminary amount for each DP."""
    key = f"DP-{int(plan.rng.random() * 2**52):016x}"
    yield (
        f'<dp_racin_recev xmlns="{ANSWER}">\n<no_dem_ext>{key}</no_dem_ext>\n<sta_recev>1</sta_recev>\n'
        "<liste_fact_recev>\n"
    )
    for n in range(1, plan.spec.invoices + 1):
        dollars = f"{20 + int(plan.rng.random() * 200)}.{int(plan.rng.random() * 100):02d}"
        yield (
            f"<fact_recev>\n<no_fact_ext>{plan.sender}-{'-'.join(_numbers(plan, n))}</no_fact_ext>\n"
            f"<sta_recev>1</sta_recev>\n<mnt_prel>{dollars}</mnt_prel>\n</fact_recev>\n"
        )
    yield "</liste_fact_recev>\n</dp_racin_recev>\n"


def _numbers(plan: Plan, number: int) -> tuple[str, str]:
    """ATTES and NCE of an invoice. The NCE turns over after 9999, as it does in real software."""
    day = _day(plan, number)
    return f"{day.year % 10}{day:%j}{1 + number // 10_000 % 999:03d}", f"{number % 10_000:04d}"


def _day(plan: Plan, number: int) -> date:
    """The day of service follows from the number, so that a repeated number repeats its attestation too."""
    return plan.days[number * 7 % len(plan.days)]


WRITERS = {
    "DP_RACIN": Writer(
        key="D",
        pieces=_requests,
        days=OLD_SYSTEM,
        classes="27",
        edits={
            "schema": ((r' CHN="06"', ' CHN="07"'),),
            "unknown_code": ((r' ACTE="[0-9]{5}"', ' ACTE="99999"'),),
            "late_old_system": ((r' SERV="[0-9]{6}"', ' SERV="180402"'), (r' ATTES="[0-9]{4}', ' ATTES="8092')),
            "attestation_day": ((r' ATTES="[0-9]{4}', ' ATTES="8365'),),
            "mixed_numbers": ((r' TRNSM="[0-9]{5}"', ' TRNSM="18997"'),),
        },
        planned=frozenset({"foreign_number", "account_unknown", "duplicate_invoice_number"}),
        digest_prefix="DP-",
    ),
    "dp_racin_recev": Writer(
        key="DR",
        pieces=_answer,
        days=OLD_SYSTEM,
        classes="27",
        edits={"schema": ((r"<sta_recev>1<", "<sta_recev>3<"),)},
    ),
}
