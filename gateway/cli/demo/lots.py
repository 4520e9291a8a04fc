"""What the agencies deposit: every outcome once. Round two answers what round one's replies said."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

from gateway.cli.demo import scene as places
from gateway.cli.demo.scene import FLEUVE, LAURIER, SOLO, Scene
from gateway.synthetic import LotSpec, generate, lot
from gateway.xmlsafe import parse

NS = "{urn:ramq-gouv-qc-ca:RFP}"


@dataclass(frozen=True)
class Deposited:
    """One file an agency's software wrote."""

    number: str
    name: str
    sha256: str
    documents: tuple[str, ...]  # sha256 of each document inside
    invoices: int  # new invoices in documents that can be read
    fate: str  # sent | refused | held | repeat | mixed


def first_round(scene: Scene, day: date) -> list[Deposited]:
    """Valid lots, a ZIP with one bad request, one refused (956), one held, one duplicate, one partly receivable."""
    recent = LotSpec(
        format="ramq-rfp", document="dem_paimt", agency=LAURIER, invoices=6, seed=11,
        service_from=day - timedelta(days=21), service_to=day - timedelta(days=2),
    )  # fmt: skip
    old = LotSpec(
        format="ramq-dp", document="DP_RACIN", agency=SOLO, invoices=4, seed=31,
        practice="251111", account="personal:251111",
        service_from=date(2018, 2, 1), service_to=date(2018, 3, 28),
    )  # fmt: skip
    mine = replace(recent, agency=FLEUVE, seed=21, practice="245001", account="personal:245001")
    late = replace(old, invoices=2, faults=("late_old_system",))
    return [
        *_laurier(scene, recent, old),
        _single(scene, FLEUVE, "fleuve-0001.xml", mine, "sent"),
        _single(scene, FLEUVE, "fleuve-0001-copie.xml", mine, "repeat"),
        _single(
            scene, FLEUVE, "fleuve-0002.xml",
            replace(mine, seed=22, invoices=2, practice="249999", account=places.UNKNOWN_ACCOUNT), "held",
        ),
        _single(
            scene, FLEUVE, "fleuve-0005.xml",
            replace(mine, seed=23, invoices=2, practice="245002", account=places.MOVING_ACCOUNT), "sent",
        ),
        _single(scene, SOLO, "rive-0001.xml", old, "sent"),
        _single(scene, SOLO, "rive-0002.xml", replace(late, seed=32), "refused"),
    ]  # fmt: skip


def _laurier(scene: Scene, recent: LotSpec, old: LotSpec) -> list[Deposited]:
    """The commercial agency: a ZIP of three requests of which one cannot be read, and two single documents."""
    collective = replace(recent, practice="231234", account=places.COLLECTIVE)
    personal = replace(recent, seed=12, practice="231236", account="personal:231236")
    broken = replace(
        recent, seed=13, invoices=2, practice="231235", account=places.COLLECTIVE, faults=("not_well_formed",)
    )
    partly = replace(recent, seed=14, practice="231237", account="personal:231237", faults=("unknown_code",))
    earlier = replace(old, agency=LAURIER, seed=15, invoices=3, practice="231236", account="personal:231236")
    return [
        _zip(scene, LAURIER, "laurier-0001.zip", [collective, personal, broken]),
        _single(scene, LAURIER, "laurier-0002.xml", partly, "sent"),
        _single(scene, LAURIER, "laurier-ancien-0001.xml", earlier, "sent"),
    ]


def second_round(scene: Scene, day: date) -> list[Deposited]:
    """One modification and one cancellation, of invoices whose number and token stand in a reply the agency got; and
    what the new agency of an account bills, also for services of before it came."""
    numbers = _receivable(scene.box(FLEUVE, "retours"))
    modify = LotSpec(
        format="ramq-rfp", document="dem_modif", agency=FLEUVE, invoices=1, seed=41,
        practice="245001", account="personal:245001", targets=numbers[:1],
    )  # fmt: skip
    cancel = replace(modify, document="dem_annu", seed=42, targets=numbers[1:2])
    moved = LotSpec(
        format="ramq-rfp", document="dem_paimt", agency=LAURIER, invoices=2, seed=43,
        practice="245002", account=places.MOVING_ACCOUNT,
        service_from=day - timedelta(days=21), service_to=day - timedelta(days=2),
    )  # fmt: skip
    return [
        replace(_single(scene, FLEUVE, "fleuve-0003-modif.xml", modify, "sent"), invoices=0),
        replace(_single(scene, FLEUVE, "fleuve-0004-annul.xml", cancel, "sent"), invoices=0),
        _single(scene, LAURIER, "laurier-0003.xml", moved, "sent"),
    ]


def _receivable(returns: Path) -> list[tuple[str, str]]:
    """Number and token of each receivable invoice, as billing software reads them from the delivered replies."""
    found: list[tuple[str, str]] = []
    for file in sorted(returns.glob("recev_*.xml")):
        for invoice in parse(file.read_bytes()).iter(f"{NS}fact_recev"):
            number, token = (
                invoice.findtext(f"{NS}id_fact_ramq_recev/{NS}{tag}") for tag in ("no_fact_ramq", "jeton_comm")
            )
            if number and token:
                found.append((number, token))
    return found


def _single(scene: Scene, number: str, name: str, spec: LotSpec, fate: str) -> Deposited:
    data = _document(spec)
    digest = hashlib.sha256(data).hexdigest()
    _drop(scene.box(number, "lots") / name, data)
    return Deposited(number, name, digest, (digest,), spec.invoices if fate != "repeat" else 0, fate)


def _zip(scene: Scene, number: str, name: str, specs: Sequence[LotSpec]) -> Deposited:
    sink = BytesIO()
    lot(specs, sink)
    data = sink.getvalue()
    documents = tuple(hashlib.sha256(_document(spec)).hexdigest() for spec in specs)
    readable = sum(spec.invoices for spec in specs if not spec.faults)
    _drop(scene.box(number, "lots") / name, data)
    return Deposited(number, name, hashlib.sha256(data).hexdigest(), documents, readable, "mixed")


def _document(spec: LotSpec) -> bytes:
    sink = BytesIO()
    generate(spec, sink)
    return sink.getvalue()


def _drop(file: Path, data: bytes) -> None:
    """Write under a temporary name, then rename: how well-behaved software deposits."""
    part = file.with_name(file.name + ".part")
    part.write_bytes(data)
    part.rename(file)
