"""What makes routing hard: an account that changes agency in mid-period, an agency that has not migrated, and a
statement about an account nobody knows."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import date, timedelta
from typing import Any

from gateway.app import App
from gateway.cli.demo.scene import FLEUVE, LAURIER, MOVING_ACCOUNT, SOLO, SOLO_ACCOUNTS, UNKNOWN_ACCOUNT, Scene
from gateway.models import Reply
from gateway.registry import apply
from gateway.resources import data_dir
from gateway.store import status

_MOVED = """
[[accreditation]]
account = "{account}"
agency = "{before}"
from = 2012-01-01
to = {last}

[[accreditation]]
account = "{account}"
agency = "{after}"
from = {first}
"""


def hand_over(app: App, scene: Scene, day: date) -> None:
    """The account's accreditation ended yesterday; the other agency's begins today."""
    file = scene.folder / "changement.toml"
    yesterday = day - timedelta(days=1)
    text = _MOVED.format(account=MOVING_ACCOUNT, before=FLEUVE, last=yesterday, after=LAURIER, first=day)
    file.write_text(text, encoding="utf-8")
    plan = apply(app.store, file, app.config, app.catalog)
    if plan.refusals:
        raise AssertionError(plan.text("en"))


def leave_odd_statements(scene: Scene, day: date) -> None:
    """The payer leaves a statement of the new system for who has not migrated, and one about an unknown account."""
    for number, account in ((SOLO, SOLO_ACCOUNTS[0]), (LAURIER, UNKNOWN_ACCOUNT)):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as parcel:
            parcel.writestr("etat.xml", _statement(number, account.partition(":")[2], day))
        part = scene.payer.returns(number) / f"EC_{number}_{day}_odd.zip.part"
        part.write_bytes(target.getvalue())
        part.rename(part.with_suffix(""))


def _statement(number: str, practice: str, day: date) -> str:
    """The sample that travels with the program, made out to somebody else; none of its invoices came through here."""
    samples = data_dir("schemas") / "etat-compte" / "samples"
    text = (samples / "valid_etat_compte_personal_account.xml").read_text("utf-8")
    for old, new in (
        ("EC-2026-000101", f"EC-DEMO-{number}"),
        ("<no_trnsm>18001", f"<no_trnsm>{number}"),
        ("231234", practice),
        ("<dat_etat_compte>2026-10-08", f"<dat_etat_compte>{day}"),
        ("000000001", "999999991"),  # the payer's numbers of invoices
    ):
        text = text.replace(old, new)
    return text


def seen(app: App, scene: Scene, picture: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What each of the three should have come to, and what it did: by the name of its check."""
    delivered = picture["deliveries"]
    moved = sorted({d["agency"] for d in delivered if d["kind"] == "extract"})
    with app.store.read() as tx:
        unknown = [h.reason for h in status.held(tx) if isinstance(tx.session.get(Reply, h.id), Reply)]
    printed = sorted((d["name"], d["sha256"]) for d in delivered if d["name"].endswith(".pdf"))
    queue = scene.print_queue.iterdir() if scene.print_queue.is_dir() else ()
    lying = sorted((file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in queue)
    return {
        "hand_over": ([FLEUVE], moved),
        "on_paper": ((1, printed), (len(lying), lying)),
        "unroutable": (["statement_account"], unknown),
    }
