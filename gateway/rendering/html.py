"""Reports and summaries as one self-contained page each: nothing is fetched, no script runs, it prints well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.messages import room, say
from gateway.rendering import formats
from gateway.rendering.data import KINDS
from gateway.report import Report

_LISTED = 1000  # invoices or entries in one page; the counts stay true
_TONES = {"receivable": "good", "valid": "good", "not_receivable": "bad", "invalid": "bad", "not_judged": "doubt"}
_STATE_TONES = {"REFUSED": "bad", "HELD": "doubt", "READY": "good"}
_ENTRY_TONES = {"PAIE": "good", "MODIF": "doubt", "REFUS": "bad", "COUR": "plain", "ANNU": "bad"}


def report_html(report: Report, lang: str) -> bytes:
    """The page of one report."""
    return summary_html("report", report.public(), lang)


def summary_html(kind: str, facts: Mapping[str, Any], lang: str) -> bytes:
    """The page of a receipt, a report, a receivability reply, a statement or an extract of one; `facts` as the package
    says. Raises KeyError for another kind."""
    if kind not in KINDS:
        raise KeyError(kind)
    page = environment().get_template(f"{kind}.html")
    return page.render(_context(kind, _tolerant(facts), lang)).encode()


class _Facts(dict[str, Any]):
    """Facts of which any may be missing; a template's own names may not."""

    def __missing__(self, _key: str) -> None:
        return None


def _tolerant(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _Facts({key: _tolerant(own) for key, own in value.items()})
    return [_tolerant(own) for own in value] if isinstance(value, list | tuple) else value


@cache
def environment() -> Environment:
    """Where templates come from: values are always escaped, a name that nobody gave is an error."""
    return Environment(
        loader=PackageLoader("gateway.rendering"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _context(kind: str, facts: dict[str, Any], lang: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "facts": facts,
        "verdict": verdict(facts),
        "tones": _TONES | _STATE_TONES | _ENTRY_TONES,
        "segments": formats.bar(_counts(kind, facts, lang)),
        "limit": _LISTED,
        **words(lang),
    }


def words(lang: str) -> dict[str, Any]:
    """What a template needs to speak a language: its sentences, its words for our values, its ways to write numbers."""
    known: Callable[..., str] = partial(_say, lang)
    written = (formats.money, formats.count, formats.day, formats.moment, formats.size)
    return {
        "lang": lang,
        "t": known,
        "word": partial(_word, lang),
        **{form.__name__: partial(form, lang=lang) for form in written},
    }


def _say(lang: str, key: str, **values: object) -> str:
    return say(f"rendering.{key}", lang, **values)


def _word(lang: str, group: str, value: str | None) -> str:
    """The word for one value of a vocabulary; the value itself when there is none."""
    if value is None:
        return "–"
    known = room("rendering").get(f"{group}_{value.lower()}")
    return known[lang] if known else value


def verdict(facts: Mapping[str, Any]) -> str | None:
    """The one word at the top of a page: what the payer or we said, else the state the thing is in."""
    return facts.get("status") or facts.get("state") or facts.get("verdict")


def _counts(kind: str, facts: Mapping[str, Any], lang: str) -> list[tuple[str, int, str]]:
    if kind == "receivability":
        parts = [(name, facts.get(name) or 0) for name in ("receivable", "not_receivable")]
        return [(_say(lang, f"count_{name}"), number, _TONES[name]) for name, number in parts]
    if kind in ("statement", "extract"):
        kinds = Counter(entry.get("kind") or "" for entry in facts.get("entries", []))
        return [(_word(lang, "entry", name), number, _ENTRY_TONES.get(name, "plain")) for name, number in kinds.items()]
    if kind == "report" and facts.get("invoices"):
        bad = facts.get("invalid_invoices") or 0
        parts = [("valid", facts["invoices"] - bad), ("invalid", bad)]
        return [(_say(lang, f"count_{name}"), number, _TONES[name]) for name, number in parts]
    return []
