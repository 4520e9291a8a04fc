"""rules.toml and messages.toml: every rule compiles, names what exists, and speaks both languages."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.catalog import Rule
from gateway.errors import CatalogError
from gateway.families.contents import both_languages, local
from gateway.families.problems import Problem, problem
from gateway.tables import AUTHORITIES
from gateway.validation.conditions import compiled
from gateway.validation.rules import FUNCTIONS

FILE = "rules.toml"
MESSAGES = "messages.toml"
_KEYS = {f.name for f in dataclasses.fields(Rule)}
_NEEDED = ("code", "severity", "documents", "message", "next")
_ONE_OF: Mapping[str, tuple[str, ...]] = {
    "severity": ("error", "warning", "info"),
    "scope": ("document", "invoice", "line"),
    "needs": ("document", "today", "tables", "registry", "past"),
    "authority": AUTHORITIES,
}
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_]{0,63}")
_PARTS = {"document": ("document",), "invoice": ("invoice", "document"), "line": ("line", "invoice", "document")}
# Fields the gateway itself reads (docs/formats.md); any other is read by rules alone.
_READ = (
    "request_number sender requester mode admin_account personal_account developer software version status "
    "statement_number statement_date period system account_mode account_practice account_admin payment_date "
    "payment_kind payment_number disbursed withheld carried_before carried_after entries total code text number "
    "payer_number token practice attestation service amount preliminary kind line paid role start end tooth "
    "collected formula message_code message_text "
)
READ = frozenset(_READ.split())
Documents = Sequence[Mapping[str, Any]]


def rule_problems(rules: Any, documents: Documents) -> Iterator[Problem]:
    """Everything wrong with the rules, beside the documents they speak of."""
    if not isinstance(rules, list) or not all(isinstance(rule, Mapping) for rule in rules):
        yield problem("wrong_kind", FILE, "rule")
        return
    for number, rule in enumerate(rules, 1):
        place = f"rule[{number}]"
        for key in rule.keys() - _KEYS:
            yield problem("unknown_key", FILE, f"{place}.{key}", known=", ".join(sorted(_KEYS)))
        for key in set(_NEEDED) - rule.keys():
            yield problem("key_missing", FILE, f"{place}.{key}")
        yield from _rule(rule, place, documents)
    yield from _unread(rules, documents)


def message_problems(messages: Mapping[str, Any]) -> Iterator[Problem]:
    """The payer's codes need our words in both languages."""
    for code, text in messages.items():
        yield from both_languages(text, MESSAGES, code)


def patterns(rules: Any) -> Iterator[tuple[str, str]]:
    """Every regular expression of the rules: place, pattern."""
    for number, rule in enumerate(rules if isinstance(rules, list) else [], 1):
        for operator, operand in _walk(rule.get("must", {})):
            if operator == "matches" and isinstance(operand, list) and len(operand) == 2:
                yield f"rule[{number}].must", str(operand[1])


def _rule(rule: Mapping[str, Any], place: str, documents: Documents) -> Iterator[Problem]:
    for key in rule.keys() & _ONE_OF.keys():
        if rule[key] not in _ONE_OF[key]:
            yield problem("not_one_of", FILE, f"{place}.{key}", known=", ".join(_ONE_OF[key]))
    if not _CODE.fullmatch(str(rule.get("code", ""))):
        yield problem("not_a_code", FILE, f"{place}.code")
    if (rule.get("authority") == "letter") != ("letter" in rule):
        yield problem("letter", FILE, f"{place}.letter")
    for key in ("message", "next", *(["example"] if "example" in rule else [])):
        yield from both_languages(rule.get(key, {}), FILE, f"{place}.{key}")
    about = [d for d in documents if local(str(d.get("root", ""))) in rule.get("documents", ())]
    known = {local(str(d.get("root", ""))) for d in documents}
    for name in set(rule.get("documents", ())) - known:
        yield problem("no_such_document", FILE, f"{place}.documents", name=name)
    yield from _condition(rule, place, about)


def _condition(rule: Mapping[str, Any], place: str, documents: Documents) -> Iterator[Problem]:
    function = rule.get("function")
    if rule.get("must") is None and function is None:
        yield problem("rule_says_nothing", FILE, place)
    # What needs the registry or the past is done by the gateway itself; its name there is a label.
    elsewhere = rule.get("needs") in ("registry", "past")
    if function is not None and not elsewhere and function not in FUNCTIONS:
        yield problem("no_such_function", FILE, f"{place}.function", name=function, known=", ".join(sorted(FUNCTIONS)))
    if rule.get("must") is None:
        return
    try:
        compiled(rule["must"])
    except (CatalogError, TypeError, ValueError, AttributeError) as error:
        yield problem("condition", FILE, f"{place}.must", detail=error)
        return
    for name in sorted(set(_fields(rule["must"])) | {str(rule.get("field") or "")} - {""}):
        for document in documents:
            if name and not _known(name, rule.get("scope", "invoice"), document):
                of = local(str(document.get("root", "")))
                yield problem("no_such_field", FILE, f"{place}.must", name=name, document=of)


def _known(name: str, scope: str, document: Mapping[str, Any]) -> bool:
    above, _, own = name.rpartition(".")
    part = above or scope
    if part not in _PARTS.get(scope, ()):
        return False
    fields = document.get("fields", {}) if part == "document" else document.get(part, {}).get("fields", {})
    return own in fields


def _walk(must: Any) -> Iterator[tuple[str, Any]]:
    """Every operator of a condition with its operand."""
    for operator, operand in must.items() if isinstance(must, Mapping) else ():
        yield operator, operand
        for inner in operand if isinstance(operand, list) else [operand]:
            yield from _walk(inner)


def _fields(must: Any) -> Iterator[str]:
    for operator, operand in _walk(must):
        if operator in ("and", "or", "not"):
            continue
        if operator == "field" or isinstance(operand, str):
            yield str(operand)
        elif isinstance(operand, list) and operand:
            yield str(operand[0])


def _unread(rules: Sequence[Mapping[str, Any]], documents: Documents) -> Iterator[Problem]:
    """A field that nothing reads is a slip of the pen, perhaps: a remark."""
    named = {name.rpartition(".")[2] for rule in rules for name in _fields(rule.get("must"))}
    named |= {str(rule["field"]) for rule in rules if "field" in rule}
    for number, document in enumerate(documents, 1):
        for part in ("document", "invoice", "line"):
            own = document if part == "document" else document.get(part, {})
            for name in own.get("fields", {}):
                if name not in READ | named and not any("function" in rule for rule in rules):
                    place = f"document[{number}].{'' if part == 'document' else f'{part}.'}fields.{name}"
                    yield problem("field_unread", "catalog.toml", place, stops=False)
