"""Requests of the new system: payment, modification, cancellation (FORMATS of `schemas/ramq-rfp`)."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from gateway.synthetic.people import person
from gateway.synthetic.plan import NEW_SYSTEM, Plan, Price, prices
from gateway.synthetic.writers import Edits, Writer

NAMESPACE = "urn:ramq-gouv-qc-ca:RFP"
# Profession → version of its invoice element.
_VERSIONS = {
    "denta_chirg_denti": "1_1_0",
    "denta_chirg_bucc": "1_1_0",
    "denta_dentu": "1_0_0",
    "mdcal_omni": "1_0_0",
    "mdcal_spec": "1_0_0",
    "optom": "1_0_0",
}
# First digit of the practice number → professions. 1, 2 and 7 are known; 3 and 4 are invented here.
_CLASSES = {
    "1": ("mdcal_omni", "mdcal_spec"),
    "2": ("denta_chirg_denti",),
    "3": ("optom",),
    "4": ("denta_dentu",),
    "7": ("denta_chirg_bucc",),
}
_POSTAL_CODES = ("G1K2B4", "H2X1Y4", "J4K3R2", "G7H5B1", "J1H4A6", "G5L3A1", "H8N2W3", "J8X2K9")
_TEETH = tuple(f"{quarter}{tooth}" for quarter in (1, 2, 3, 4) for tooth in range(1, 9))
_SURFACES, _FRONT_SURFACES = ("M", "O", "D", "V", "L"), ("M", "I", "D", "V", "L")


def head(plan: Plan, root: str) -> str:
    """The opening of any request: number, software, requester, sender."""
    spec = plan.spec
    sender = (
        f"<exped_difrn_demdr>\n<typ_id_intvn>3</typ_id_intvn>\n<id_intvn>{plan.sender}</id_intvn>\n</exped_difrn_demdr>\n"
        if plan.sender
        else ""
    )
    return (
        f'<{root} xmlns="{NAMESPACE}">\n<no_dem_ext>{plan.request_number}</no_dem_ext>\n<logcl_fact>\n'
        f"<no_devpr_logcl>{escape(spec.developer)}</no_devpr_logcl>\n"
        "<nom_devpr_logcl>Développeur fictif</nom_devpr_logcl>\n"
        f"<nom_logcl_fact>{escape(spec.software)}</nom_logcl_fact>\n"
        f"<no_versi_logcl_fact>{escape(spec.version)}</no_versi_logcl_fact>\n<no_versi_xml_dem>ACTE</no_versi_xml_dem>\n"
        f"</logcl_fact>\n<demdr>\n<typ_id_intvn>1</typ_id_intvn>\n<id_intvn>{plan.practice}</id_intvn>\n</demdr>\n{sender}"
    )


def _payment(plan: Plan) -> Iterator[str]:
    yield f"{head(plan, 'dem_paimt')}{_mode(plan)}<liste_fact>\n"
    profession = _profession(plan)
    for ordinal in range(1, plan.spec.invoices + 1):
        yield _invoice(plan, profession, plan.number_of(ordinal))
    yield "</liste_fact>\n</dem_paimt>\n"


def _modification(plan: Plan) -> Iterator[str]:
    number, token = next(_targets(plan))
    yield f"{head(plan, 'dem_modif')}{_named(number, token)}<fact_a_modif>\n"
    yield _invoice(plan, _profession(plan), 1)
    yield "</fact_a_modif>\n</dem_modif>\n"


def _cancellation(plan: Plan) -> Iterator[str]:
    yield f"{head(plan, 'dem_annu')}<liste_fact_a_annu>\n"
    for number, token in _targets(plan):
        yield _named(number, token)
    yield "</liste_fact_a_annu>\n</dem_annu>\n"


def _targets(plan: Plan) -> Iterator[tuple[str, str]]:
    """The invoices to change: those of the spec, else invented ones that no payer knows."""
    invented = ((payer_number(plan, n), token(plan)) for n in range(1, plan.spec.invoices + 1))
    yield from plan.spec.targets or invented


def payer_number(plan: Plan, ordinal: int) -> str:
    """An invented `no_fact_ramq` that no other invoice of this document has."""
    return f"{(plan.spec.seed * 1_000_003 + ordinal) % 10**11:011d}"


def token(plan: Plan) -> str:
    """An invented `jeton_comm`."""
    return f"{int(plan.rng.random() * 10**8):08d}"


def _named(number: str, token: str) -> str:
    return f"<id_fact_ramq>\n<no_fact_ramq>{number}</no_fact_ramq>\n<jeton_comm>{token}</jeton_comm>\n</id_fact_ramq>\n"


def _mode(plan: Plan) -> str:
    if plan.has("account_mode"):
        return "<moda_paimt>\n<typ_moda_paimt>2</typ_moda_paimt>\n</moda_paimt>\n"
    if plan.admin_account is None:
        return "<moda_paimt>\n<typ_moda_paimt>1</typ_moda_paimt>\n</moda_paimt>\n"
    return (
        "<moda_paimt>\n<typ_moda_paimt>2</typ_moda_paimt>\n"
        f"<no_cpte_admin>{plan.admin_account}</no_cpte_admin>\n</moda_paimt>\n"
    )


def _profession(plan: Plan) -> str:
    """One practitioner, one profession; its prices are the only ones drawn from."""
    profession = plan.rng.choice(_CLASSES.get(plan.practice[0], ("denta_chirg_denti",)))
    plan.prices = [price for price in prices(plan.spec.format) if price.profession == profession]
    return profession


def _invoice(plan: Plan, profession: str, number: int) -> str:
    element = f"fact_serv_{profession}_{_VERSIONS[profession]}"
    listed = f"liste_ligne_fact_serv_{profession}"
    linked = "" if profession == "denta_dentu" else "<ind_fact_assoc_dr>false</ind_fact_assoc_dr>\n"
    day = plan.day().isoformat()
    drawn = plan.some_prices()
    count = len(drawn)
    lines = "".join(_line(plan, profession, n, price, day) for n, price in enumerate(drawn, 1))
    plan.lines += count
    return (
        f"<{element}>\n<no_fact_ext>{plan.request_number}-{number}</no_fact_ext>\n"
        f"<prof>\n<typ_id_prof>1</typ_id_prof>\n<id_prof>{plan.practice}</id_prof>\n</prof>\n"
        f"<lieu_consi>\n{_place(plan)}</lieu_consi>\n<liste_pers_objet_fact>\n{_patient(plan)}</liste_pers_objet_fact>\n"
        f"{linked}<{listed}>\n{lines}</{listed}>\n</{element}>\n"
    )


def _place(plan: Plan) -> str:
    if plan.rng.random() < 0.3:
        return (
            "<lieu_phys>\n<typ_id_lieu_phys>1</typ_id_lieu_phys>\n"
            f"<id_lieu_phys>{int(plan.rng.random() * 100_000):05d}</id_lieu_phys>\n"
            "<no_sect_activ>01</no_sect_activ>\n</lieu_phys>\n"
        )
    code = _POSTAL_CODES[int(plan.rng.random() * len(_POSTAL_CODES))]
    return (
        f"<lieu_geo>\n<typ_id_lieu_geo>2</typ_id_lieu_geo>\n<id_lieu_geo>{code}</id_lieu_geo>\n"
        "<typ_lieu_geo>C</typ_lieu_geo>\n</lieu_geo>\n"
    )


def _patient(plan: Plan) -> str:
    """Nearly always someone with a number; one in fifty has none and is described instead."""
    who = person(plan.rng)
    if plan.rng.random() < 0.98:
        return (
            "<pers_patnt_avec_idt>\n<typ_situ_consi>1</typ_situ_consi>\n<typ_id_pers>1</typ_id_pers>\n"
            f"<id_pers>{who.nam}</id_pers>\n</pers_patnt_avec_idt>\n"
        )
    return (
        "<pers_patnt_sans_idt>\n<typ_situ_consi>2</typ_situ_consi>\n<info_pers_patnt>\n"
        f"<nom_pers>{who.surname}</nom_pers>\n<pre_pers>{who.given}</pre_pers>\n"
        f"<dat_naiss_pers>{who.born.isoformat()}</dat_naiss_pers>\n"
        f"<cod_sexe_pers>{'F' if who.female else 'M'}</cod_sexe_pers>\n</info_pers_patnt>\n</pers_patnt_sans_idt>\n"
    )


def _line(plan: Plan, profession: str, number: int, price: Price, day: str) -> str:
    line = f"ligne_fact_serv_{profession}"
    role = "" if profession == "denta_dentu" else "<cod_role>1</cod_role>\n"
    return (
        f"<{line}>\n<no_ligne_fact>{number}</no_ligne_fact>\n<typ_id_elm_fact>1</typ_id_elm_fact>\n"
        f"<id_elm_fact>{price.code}</id_elm_fact>\n<dat_serv_elm_fact>{day}</dat_serv_elm_fact>\n"
        f"{role}{_detail(plan, profession)}</{line}>\n"
    )


def _detail(plan: Plan, profession: str) -> str:
    """A tooth and its surface for dentists, an element of context now and then for the others."""
    if profession in ("denta_chirg_denti", "denta_chirg_bucc"):
        tooth = _TEETH[int(plan.rng.random() * len(_TEETH))]
        surfaces = _FRONT_SURFACES if tooth[1] < "4" else _SURFACES
        surface = surfaces[int(plan.rng.random() * len(surfaces))]
        return (
            f"<info_serv_denta>\n<no_dent>{tooth}</no_dent>\n<liste_surf_dent_trait>\n<surf_dent>\n"
            f"<cod_surf_dent>{surface}</cod_surf_dent>\n</surf_dent>\n</liste_surf_dent_trait>\n</info_serv_denta>\n"
        )
    if plan.rng.random() < 0.2:
        return "<liste_elm_contx>\n<elm_contx>\n<cod_elm_contx>85</cod_elm_contx>\n</elm_contx>\n</liste_elm_contx>\n"
    return ""


_INVOICE_EDITS: dict[str, Edits] = {
    "schema": ((r"<typ_id_prof>1<", "<typ_id_prof>7<"),),
    "unknown_code": ((r"<id_elm_fact>[0-9]{5}<", "<id_elm_fact>99999<"),),
}
_PLANNED = frozenset({"foreign_number", "request_number_device"})
WRITERS = {
    "dem_paimt": Writer(
        key="P",
        pieces=_payment,
        days=NEW_SYSTEM,
        edits=_INVOICE_EDITS,
        planned=_PLANNED | {"account_unknown", "account_mode", "duplicate_invoice_number"},
        needs_sender=False,
    ),
    "dem_modif": Writer(
        key="M",
        pieces=_modification,
        days=NEW_SYSTEM,
        edits=_INVOICE_EDITS,
        planned=_PLANNED,
        one=True,
        needs_sender=False,
    ),
    "dem_annu": Writer(
        key="A",
        pieces=_cancellation,
        days=NEW_SYSTEM,
        edits={"schema": ((r"<jeton_comm>[0-9]{8}<", "<jeton_comm>JETON<"),)},
        planned=_PLANNED,
        targets=True,
        needs_sender=False,
    ),
}
