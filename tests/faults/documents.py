"""Two agencies, and the lots they deposit: small, invented, and other ones for every seed."""

from __future__ import annotations

from io import BytesIO

from gateway.synthetic import LotSpec, generate, lot

AGENCIES = {"18001": "personal:231236", "18003": "personal:251111"}
REGISTRY = """
[[agency]]
name = "Agence A"
kind = "commercial"
payers = ["sandbox"]
migrated_on = 2016-07-01
on_invalid = "salvage"
set_aside = "invalid"
  [[agency.number]]
  payer = "sandbox"
  number = "18001"
  from = 2016-07-01
  [[agency.source]]
  name = "a"
  software = { developer = "18001", name = "FactSoft", salvage_agreed = 2016-07-01 }
  pickup = { kind = "folder", path = "18001/lots", finished = "rename", after = "move" }
  returns = { kind = "folder", path = "18001/retours" }
[[agency]]
name = "Cabinet B"
kind = "solo"
payers = ["sandbox"]
  [[agency.number]]
  payer = "sandbox"
  number = "18003"
  from = 2012-01-01
  [[agency.source]]
  name = "b"
  pickup = { kind = "folder", path = "18003/lots", finished = "rename", after = "remove" }
  returns = { kind = "folder", path = "18003/retours" }
[[account]]
id = "personal:231236"
kind = "personal"
practitioners = ["231236"]
[[account]]
id = "personal:251111"
kind = "personal"
practitioners = ["251111"]
[[accreditation]]
account = "personal:231236"
agency = "18001"
from = 2012-01-01
[[accreditation]]
account = "personal:251111"
agency = "18003"
from = 2012-01-01
"""


def everything() -> dict[str, bytes]:
    """Where → what: right documents, one that cannot be read, one of which a part goes, one of the old system."""
    broken, partly = _new(3, 1, "not_well_formed"), _new(5, 2, "schema")
    return {"18001/lots/a.zip": _zip(_new(1, 2), _new(2, 1), broken, partly), "18003/lots/b.xml": _old(4, 2)}


def one_more(seed: int) -> dict[str, bytes]:
    """A lot of two documents from the one agency; the first time, one of the old system from the other as well (the
    old system's invoice numbers begin again in every invented document)."""
    made = {f"18001/lots/a{seed}.zip": _zip(_new(10 + 2 * seed, 1), _new(11 + 2 * seed, 1))}
    return made | ({"18003/lots/b.xml": _old(9, 1)} if seed == 0 else {})


def single(seed: int = 7, invoices: int = 1) -> dict[str, bytes]:
    """One document from one agency."""
    sink = BytesIO()
    generate(_new(seed, invoices), sink)
    return {f"18001/lots/s{seed}.xml": sink.getvalue()}


def _new(seed: int, invoices: int, *faults: str) -> LotSpec:
    billing = {"agency": "18001", "practice": "231236", "account": AGENCIES["18001"]}
    return LotSpec(format="ramq-rfp", invoices=invoices, seed=seed, faults=faults, **billing)


def _old(seed: int, invoices: int) -> bytes:
    billing = {"agency": "18003", "practice": "251111", "account": AGENCIES["18003"]}
    sink = BytesIO()
    generate(LotSpec(format="ramq-dp", document="DP_RACIN", invoices=invoices, seed=seed, **billing), sink)
    return sink.getvalue()


def _zip(*specs: LotSpec) -> bytes:
    sink = BytesIO()
    lot(specs, sink)
    return sink.getvalue()
