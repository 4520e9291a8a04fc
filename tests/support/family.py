"""A schema family that the program has never seen: a folder alone must be enough to judge its documents."""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway import catalog
from gateway.catalog import Catalog

CANARY = "Tremblay-Canari"  # a patient's name: it must never come back
NAMESPACE = "urn:essai:lot"
HERE = Path(__file__).resolve().parent.parent / "families" / "essai"
RULE = """
[[rule]]
code = "{code}"
severity = "{severity}"
documents = ["lot"]
scope = "{scope}"
{condition}
[rule.message]
fr = "Constat {code}."
en = "Finding {code}."
[rule.next]
fr = "Corrigez."
en = "Correct it."
"""


def rule(code: str, scope: str, condition: str, severity: str = "error") -> str:
    """One rule of rules.toml; `condition` holds its other keys."""
    return RULE.format(code=code, scope=scope, condition=condition, severity=severity)


def family(folder: Path, *, rules: str = "", schema: str | None = None) -> Catalog:
    """Write the family below `folder` and load it."""
    home = folder / "essai"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "catalog.toml", home)
    (home / "lot.xsd").write_text(schema or (HERE / "lot.xsd").read_text("utf-8"), "utf-8")
    (home / "rules.toml").write_text(rules, "utf-8")
    return catalog.load([folder])


def invoice(number: int, **own: str) -> str:
    """One valid invoice on one line, unless `own` says otherwise."""
    values = {"prof": "271234", "nom": CANARY, "sexe": "F", "date": "2024-03-01", "montant": "12.50", "rest": ""} | own
    rest = values.pop("rest")
    return f'<envoi serie="S"><no>{number}</no>{"".join(f"<{k}>{v}</{k}>" for k, v in values.items())}{rest}</envoi>'


def document(
    *invoices: str,
    head: str = "<no>A-1</no><agence>18001</agence>",
    tail: str = "<total>1</total>",
    attributes: str = "",
) -> str:
    """A whole document: its root on line 1, its invoices from line 3, one a line."""
    body = "".join(f"{one}\n" for one in invoices)
    return f'<lot xmlns="{NAMESPACE}"{attributes}>{head}\n<corps>\n{body}</corps>{tail}</lot>'
