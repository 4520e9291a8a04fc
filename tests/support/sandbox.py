"""Small synthetic documents and a real client for the tests of the sandbox."""

from __future__ import annotations

import hashlib
import io
import socket
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import paramiko
from lxml import etree

from gateway import xmlsafe
from gateway.catalog import Catalog, load
from gateway.resources import data_dir
from gateway.sandbox import Sandbox

RFP = "urn:ramq-gouv-qc-ca:RFP"
PASSWORD = "a-password-of-our-own"
UNPRICED = "99999"


def catalog() -> Catalog:
    return load([data_dir("schemas")])


def price(family: str, code: str) -> int:
    """Cents on the shipped list."""
    prices = tomllib.loads((data_dir("schemas") / family / "prices.toml").read_text("utf-8"))["price"]
    return int(next(p["cents"] for p in prices if p["code"] == code))


def head(root: str, number: str, sender: str | None = "18001", requester: str = "231234") -> str:
    sent = f"<exped_difrn_demdr><typ_id_intvn>3</typ_id_intvn><id_intvn>{sender}</id_intvn></exped_difrn_demdr>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{RFP}"><no_dem_ext>{number}</no_dem_ext>'
        "<logcl_fact><no_devpr_logcl>18001</no_devpr_logcl><nom_devpr_logcl>FactSoft</nom_devpr_logcl>"
        "<nom_logcl_fact>FactSoft</nom_logcl_fact><no_versi_logcl_fact>4.2</no_versi_logcl_fact>"
        "<no_versi_xml_dem>ACTE</no_versi_xml_dem></logcl_fact>"
        f"<demdr><typ_id_intvn>1</typ_id_intvn><id_intvn>{requester}</id_intvn></demdr>{sent if sender else ''}"
    )


def invoice(number: str, codes: Sequence[str] = ("01100",), practice: str = "231234", role: str = "1") -> str:
    kind = "denta_chirg_denti"
    lines = "".join(
        f"<ligne_fact_serv_{kind}><no_ligne_fact>{n}</no_ligne_fact><typ_id_elm_fact>1</typ_id_elm_fact>"
        f"<id_elm_fact>{code}</id_elm_fact><dat_serv_elm_fact>2026-05-04</dat_serv_elm_fact><cod_role>{role}</cod_role>"
        f"</ligne_fact_serv_{kind}>"
        for n, code in enumerate(codes, 1)
    )
    return (
        f"<fact_serv_{kind}_1_1_0><no_fact_ext>{number}</no_fact_ext>"
        f"<prof><typ_id_prof>1</typ_id_prof><id_prof>{practice}</id_prof></prof>"
        "<lieu_consi><lieu_geo><typ_id_lieu_geo>2</typ_id_lieu_geo><id_lieu_geo>H2X1Y4</id_lieu_geo>"
        "<typ_lieu_geo>C</typ_lieu_geo></lieu_geo></lieu_consi>"
        "<liste_pers_objet_fact><pers_patnt_avec_idt><typ_situ_consi>1</typ_situ_consi><typ_id_pers>1</typ_id_pers>"
        "<id_pers>TEST54122816</id_pers></pers_patnt_avec_idt></liste_pers_objet_fact>"
        f"<ind_fact_assoc_dr>false</ind_fact_assoc_dr><liste_ligne_fact_serv_{kind}>{lines}"
        f"</liste_ligne_fact_serv_{kind}></fact_serv_{kind}_1_1_0>"
    )


def payment(number: str, *invoices: str, sender: str | None = "18001", account: str | None = None) -> bytes:
    mode = f"<typ_moda_paimt>2</typ_moda_paimt><no_cpte_admin>{account}</no_cpte_admin>"
    mode = mode if account else "<typ_moda_paimt>1</typ_moda_paimt>"
    body = f"<moda_paimt>{mode}</moda_paimt><liste_fact>{''.join(invoices)}</liste_fact></dem_paimt>"
    return (head("dem_paimt", number, sender) + body).encode()


def _ids(payer_number: str, token: str) -> str:
    return f"<id_fact_ramq><no_fact_ramq>{payer_number}</no_fact_ramq><jeton_comm>{token}</jeton_comm></id_fact_ramq>"


def modification(number: str, payer_number: str, token: str, replacement: str) -> bytes:
    body = f"{_ids(payer_number, token)}<fact_a_modif>{replacement}</fact_a_modif></dem_modif>"
    return (head("dem_modif", number) + body).encode()


def cancellation(number: str, *ids: tuple[str, str]) -> bytes:
    listed = "".join(_ids(*one) for one in ids)
    return (head("dem_annu", number) + f"<liste_fact_a_annu>{listed}</liste_fact_a_annu></dem_annu>").encode()


def old(*services: str, sender: str = "18001", code: str = "01100", first: int = 1) -> bytes:
    """One DP per date of service (YYMMDD)."""
    parts = "".join(
        f'<DP CHN="06" ENRG="1" TRNSM="{sender}" DISP="231234" ATTES="8001001" NCE="{n:04d}" ETAB="" TOT_DEM="003000"'
        f' SERV="{day}"><PERS_ASSU NAM="TEST54122816"/><ACTE ACTE="{code}" ROLE="1" MNT="003000"/></DP>'
        for n, day in enumerate(services, first)
    )
    return f'<?xml version="1.0"?><d:DP_RACIN xmlns:d="http://tempuri.org/DP_DENTI.xsd">{parts}</d:DP_RACIN>'.encode()


def zipped(xml: bytes, *more: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("a.xml", *more):
            archive.writestr(name, xml)
    return buffer.getvalue()


def old_name(xml: bytes) -> str:
    return f"DP-{hashlib.sha256(xml).hexdigest()[:16]}"


def drop(sandbox: Sandbox, name: str, data: bytes, number: str = "18001") -> xmlsafe.Element | None:
    """Deposit without a network, as a killed server's folder would hold it; the reply, taken from the returns."""
    depot = sandbox.returns(number).parent / "depot"
    (depot / name).write_bytes(data)
    sandbox.recover()
    sandbox.process()
    reply = sandbox.returns(number) / f"{Path(name).stem}.recev.xml"
    if not reply.exists():
        return None
    content = reply.read_bytes()
    reply.unlink()
    return valid(content)


def valid(content: bytes) -> xmlsafe.Element:
    """The document, which its own schema accepts."""
    root = xmlsafe.parse(content)
    kind = catalog().recognise(root.tag)
    assert kind is not None
    assert kind.schema is not None
    schema = xmlsafe.schema(kind.schema)
    assert schema.validate(root), schema.error_log
    return root


def texts(root: xmlsafe.Element, *path: str) -> list[str]:
    """The texts at a path of local names."""
    found = [root]
    for step in path:
        found = [child for one in found for child in one if etree.QName(child).localname == step]
    return [one.text or "" for one in found]


def says(root: xmlsafe.Element) -> list[str]:
    """Message codes at the level of the request."""
    return texts(root, "liste_msg_expl_recev", "msg_expl_recev", "cod_msg_expl_recev")


INVOICE = ("liste_fact_recev", "fact_recev")
INVOICE_CODES = (*INVOICE, "liste_msg_expl_recev", "msg_expl_recev", "cod_msg_expl_recev")
LINE = (*INVOICE, "liste_ligne_fact_recev", "ligne_fact_recev")
IDS = (*INVOICE, "id_fact_ramq_recev")


def ids(root: xmlsafe.Element) -> list[tuple[str, str]]:
    return list(zip(texts(root, *IDS, "no_fact_ramq"), texts(root, *IDS, "jeton_comm"), strict=True))


@contextmanager
def client(port: int, number: str, password: str, new: str | None = None) -> Iterator[paramiko.SFTPClient]:
    """A session; with `new`, the temporary password is changed on the way in."""
    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", port)))
    waiting = [password, new, new] if new else [password]
    try:
        transport.start_client(timeout=10)
        transport.auth_interactive(number, lambda _t, _i, prompts: [str(waiting.pop(0)) for _ in prompts])
        sftp = paramiko.SFTPClient.from_transport(transport)
        assert sftp is not None
        yield sftp
    finally:
        transport.close()


def deposit(sftp: paramiko.SFTPClient, name: str, data: bytes) -> None:
    """As clients should: temporary name, then a rename."""
    sftp.putfo(io.BytesIO(data), f"depot/.{name}.part")
    sftp.rename(f"depot/.{name}.part", f"depot/{name}")
