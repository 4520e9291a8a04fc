"""What a payer says: receivability replies of the new system, statements, and the error given instead of one."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from gateway.synthetic.plan import NEW_SYSTEM, Plan
from gateway.synthetic.rfp import NAMESPACE, payer_number, token
from gateway.synthetic.writers import Writer

STATEMENT = "urn:agency-gateway:etat-compte:1.0"
_ENTRIES = ("PAIE", "PAIE", "PAIE", "PAIE", "PAIE", "MODIF", "REFUS", "COUR")  # most are paid as expected


def _reply_head(plan: Plan, root: str) -> str:
    return (
        f'<{root} xmlns="{NAMESPACE}">\n<no_dem_ext>{plan.request_number}</no_dem_ext>\n'
        "<sta_recev>1</sta_recev>\n<liste_fact_recev>\n"
    )


def _payment_reply(plan: Plan) -> Iterator[str]:
    yield _reply_head(plan, "dem_paimt_recev")
    for n in range(1, plan.spec.invoices + 1):
        yield _answered(plan, n)
    yield "</liste_fact_recev>\n</dem_paimt_recev>\n"


def _modification_reply(plan: Plan) -> Iterator[str]:
    yield _reply_head(plan, "dem_modif_recev")
    yield _answered(plan, 1)
    yield "</liste_fact_recev>\n</dem_modif_recev>\n"


def _cancellation_reply(plan: Plan) -> Iterator[str]:
    yield _reply_head(plan, "dem_annu_recev")
    for n in range(1, plan.spec.invoices + 1):
        yield f"<fact_recev>\n{_given(plan, n)}<sta_recev>1</sta_recev>\n</fact_recev>\n"
    yield "</liste_fact_recev>\n</dem_annu_recev>\n"


def _given(plan: Plan, n: int) -> str:
    return (
        f"<id_fact_ramq_recev>\n<no_fact_ramq>{payer_number(plan, n)}</no_fact_ramq>\n"
        f"<jeton_comm>{token(plan)}</jeton_comm>\n</id_fact_ramq_recev>\n"
    )


def _answered(plan: Plan, n: int) -> str:
    plan.lines += 1
    return (
        f"<fact_recev>\n<no_fact_ext>{plan.request_number}-{n}</no_fact_ext>\n{_given(plan, n)}"
        "<sta_recev>1</sta_recev>\n<liste_ligne_fact_recev>\n<ligne_fact_recev>\n<no_ligne_fact>1</no_ligne_fact>\n"
        f"<sta_recev>1</sta_recev>\n<mnt_prel>{_dollars(_amount(plan.rng))}</mnt_prel>\n"
        "<formu_expl>Tarif de base</formu_expl>\n</ligne_fact_recev>\n</liste_ligne_fact_recev>\n</fact_recev>\n"
    )


def _statement(plan: Plan) -> Iterator[str]:
    """Its totals stand before its entries, so the entries are drawn twice from the same seed."""
    seed = f"{plan.spec.seed}/{plan.request_number}"
    total = sum(paid for _, _, paid in _drawn(seed, plan.spec.invoices))
    yield _statement_head(plan, total)
    for n, (kind, preliminary, paid) in enumerate(_drawn(seed, plan.spec.invoices), 1):
        yield _entry(plan, n, kind, preliminary, paid)
    said = total + plan.has("wrong_totals")
    yield (
        f"</liste_entree>\n<total>\n<nb_entree>{plan.spec.invoices}</nb_entree>\n"
        f"<mnt_total>{_dollars(said)}</mnt_total>\n</total>\n</etat_compte>\n"
    )


def _drawn(seed: str, count: int) -> Iterator[tuple[str, int, int]]:
    """Kind, preliminary and paid amount (cents) of each entry."""
    rng = Random(seed)  # noqa: S311 - invented data must be the same again, not unguessable
    for _ in range(count):
        kind, preliminary = _ENTRIES[int(rng.random() * len(_ENTRIES))], _amount(rng)
        yield kind, preliminary, {"PAIE": preliminary, "MODIF": preliminary * 3 // 4}.get(kind, 0)


def _statement_head(plan: Plan, total: int) -> str:
    """Sums under 20 $ are carried to the next statement (FORMATS section 3)."""
    day = plan.days[-1]
    paid, carried = (total, 0) if total >= 2_000 else (0, total)
    account = (
        f"<typ_moda_paimt>2</typ_moda_paimt>\n<no_cpte_admin>{plan.admin_account}</no_cpte_admin>"
        if plan.admin_account
        else f"<typ_moda_paimt>1</typ_moda_paimt>\n<id_prof>{plan.practice}</id_prof>"
    )
    return (
        f'<etat_compte xmlns="{STATEMENT}">\n<no_etat_compte>{plan.request_number}</no_etat_compte>\n'
        f"<dat_etat_compte>{day.isoformat()}</dat_etat_compte>\n"
        f"<per_paimt>{day.year}{1 + day.month * 2:02d}</per_paimt>\n<mode_remu>ACTE</mode_remu>\n"
        f"<cod_syst>RFP</cod_syst>\n<no_trnsm>{plan.sender}</no_trnsm>\n"
        f"<compte>\n{account}\n</compte>\n<paiement>\n<dat_paimt>{day.isoformat()}</dat_paimt>\n"
        f"<typ_paimt>{'DEPOT' if paid else 'AUCUN'}</typ_paimt>\n<mnt_verse>{_dollars(paid)}</mnt_verse>\n"
        "<mnt_retenu>0.00</mnt_retenu>\n<mnt_report_avant>0.00</mnt_report_avant>\n"
        f"<mnt_report_apres>{_dollars(carried)}</mnt_report_apres>\n</paiement>\n<liste_entree>\n"
    )


def _entry(plan: Plan, n: int, kind: str, preliminary: int, paid: int) -> str:
    return (
        f"<entree>\n<typ_entree>{kind}</typ_entree>\n<no_fact_ramq>{payer_number(plan, n)}</no_fact_ramq>\n"
        f"<no_ligne_fact>1</no_ligne_fact>\n<id_prof>{plan.practice}</id_prof>\n"
        f"<dat_serv_elm_fact>{plan.day().isoformat()}</dat_serv_elm_fact>\n"
        f"<mnt_prel>{_dollars(preliminary)}</mnt_prel>\n<mnt_paie>{_dollars(paid)}</mnt_paie>\n</entree>\n"
    )


def _error(_: Plan) -> Iterator[str]:
    yield "<Erreurs_DS>\n"
    yield "<CodeErreur>4</CodeErreur>\n<Erreur>Aucun état de compte à remettre (fictif).</Erreur>\n"
    yield "</Erreurs_DS>\n"


def _amount(rng: Random) -> int:
    return 1_000 + int(rng.random() * 20_000)


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


_STATUS = {"schema": ((r"<sta_recev>1<", "<sta_recev>3<"),)}
REPLIES = {
    "dem_paimt_recev": Writer(key="PR", pieces=_payment_reply, days=NEW_SYSTEM, edits=_STATUS),
    "dem_modif_recev": Writer(key="MR", pieces=_modification_reply, days=NEW_SYSTEM, edits=_STATUS, one=True),
    "dem_annu_recev": Writer(key="AR", pieces=_cancellation_reply, days=NEW_SYSTEM, edits=_STATUS),
}
STATEMENTS = {
    "etat_compte": Writer(
        key="E",
        pieces=_statement,
        days=NEW_SYSTEM,
        edits={"schema": ((r"<typ_entree>[A-Z]+<", "<typ_entree>INCONNU<"),)},
        planned=frozenset({"account_unknown", "foreign_number", "wrong_totals"}),
    ),
    "Erreurs_DS": Writer(key="X", pieces=_error, days=NEW_SYSTEM, one=True, needs_sender=False),
}
