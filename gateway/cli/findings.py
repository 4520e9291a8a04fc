"""docs/findings.md: every code there is, what it means, an example, what to do; written from the catalogs."""

from __future__ import annotations

import re
import string
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from gateway.catalog import Catalog, Family, Rule
from gateway.messages import LANGUAGES, room
from gateway.rendering.excerpt import excerpts
from gateway.report import Report
from gateway.validation import check
from gateway.validation.codes import BUILT_IN, BuiltIn

COMMAND = "gateway rules document --output docs/findings.md"
_NEEDS = {
    "document": "",
    "today": " · needs the day / dépend du jour",
    "tables": " · needs a code table / demande une table de codes",
    "registry": " · needs the registry / demande le registre",
    "past": " · needs the past / demande le passé",
}
_HEAD = f"""# Findings · Constats

Every code that a report may carry: what it means, an example, what to do. Written by `{COMMAND}`
from the catalogs and the program; do not edit. A rule is *error*, *warning* or *info*; its authority says whose word it
is. Only `official` and `letter` refuse a document, and what no payer could take; other errors hold it.
`gateway check` tells which codes it could not judge for want of the registry or the past.

Tous les codes qu’un rapport peut porter. Écrit par cette commande d’après les catalogues : ne pas modifier à la main.
"""


@dataclass(frozen=True, slots=True)
class Example:
    """Where a code is seen: a sample, the line, and what stands there, covered as in any report."""

    file: str
    line: int | None
    text: str | None


def document(catalog: Catalog) -> str:
    """The whole page."""
    seen = examples(catalog)
    parts = [
        _HEAD,
        "## Any document · Tout document\n",
        *(_built_in(one, seen.get(("", one.code))) for one in BUILT_IN),
    ]
    for family in sorted(catalog.families.values(), key=lambda f: f.name):
        parts.append(f"## {family.name} · {family.title['en']} · {family.title['fr']}\n")
        parts += [_rule(rules, seen.get((family.name, rules[0].code))) for rules in _rules(family)]
    return "\n".join(parts)


def examples(catalog: Catalog) -> dict[tuple[str, str], Example]:
    """The first sample, by name, in which a code is seen: of the family, and ("", code) of any family."""
    found: dict[tuple[str, str], Example] = {}
    for family in sorted(catalog.families.values(), key=lambda f: f.name):
        for file in sorted(
            (family.folder / "samples").glob("*.xml"), key=lambda f: (not f.name.startswith("rule_"), f)
        ):
            shown: dict[tuple[str, int, int], str] = {}

            def look(report: Report, source: BinaryIO, shown: dict[tuple[str, int, int], str] = shown) -> None:
                shown.update(excerpts(source, report, catalog))

            name = f"schemas/{family.name}/samples/{file.name}"
            for report in check(file.read_bytes(), catalog=catalog, name=name, look=look, on=family.samples_of):
                for one in report.findings:
                    text = shown.get((name, one.line or 0, one.column or 0))
                    for key in ((family.name, one.code), ("", one.code)):
                        found.setdefault(key, Example(name, one.line, text))
    return found


def _rules(family: Family) -> list[list[Rule]]:
    """The family's rules by code: one code may have several, by date or profession."""
    by_code: dict[str, dict[int, Rule]] = defaultdict(dict)
    for document_type in family.documents:
        for rule in document_type.rules:
            by_code[rule.code].setdefault(id(rule), rule)
    return [list(by_code[code].values()) for code in sorted(by_code)]


def _rule(rules: Sequence[Rule], example: Example | None) -> str:
    first = rules[0]
    documents = sorted({name for rule in rules for name in rule.documents})
    facts = f"*{first.severity}* · {_authority(first)}{_NEEDS.get(first.needs, '')} · {', '.join(documents)}"
    told: dict[tuple[str, str], None] = {}
    for rule in rules:
        for lang in LANGUAGES:
            told.setdefault((lang, f"{_period(rule)}{rule.message[lang]} → {rule.next[lang]}"))
    return _entry(first.code, facts, sorted(told, key=lambda t: LANGUAGES.index(t[0])), example, first.example)


def _authority(rule: Rule) -> str:
    return f"{rule.authority} ({rule.letter})" if rule.letter else rule.authority


def _period(rule: Rule) -> str:
    if rule.service_from is None and rule.service_to is None:
        return ""
    return f"[{rule.service_from or '…'} – {rule.service_to or '…'}] "


def _built_in(one: BuiltIn, example: Example | None) -> str:
    known = room("validation")
    facts = f"*{one.severity}* · {one.authority or 'the schema’s / celle du schéma'}"
    told: list[tuple[str, str]] = []
    for lang in LANGUAGES:
        ways = [known[key][lang] + ("" if one.next else f" → {known[f'{key}_next'][lang]}") for key in one.sentences]
        told += [(lang, _bare(way)) for way in [*ways, *([f"→ {known[one.next][lang]}"] if one.next else [])]]
    if one.example is not None:
        example = Example("", None, one.example.decode() or "(0 octet)")
    return _entry(one.code, facts, told, example, room("validation").get(f"example_{one.code.lower()}"))


def _entry(
    code: str, facts: str, told: Iterable[tuple[str, str]], example: Example | None, words: Mapping[str, str] | None
) -> str:
    """A code; the example is a sample, or words where no document alone can show it."""
    lines = [f"### {code}\n", facts + "\n", *(f"- **{lang}** {text}" for lang, text in told)]
    if example is not None:
        lines.append(f"- **ex.** {' '.join(_example(example))}")
    elif words is not None:
        lines += [f"- **ex.** *{lang}* {words[lang]}" for lang in LANGUAGES]
    return "\n".join(lines) + "\n"


def _example(example: Example) -> Iterator[str]:
    if example.file:
        yield f"`{example.file}`" + (f":{example.line}" if example.line else "")
    if example.text:
        yield f"`{example.text}`"


def _bare(sentence: str) -> str:
    """The sentence with the names of its values; nothing in it is taken for markup."""
    parts = string.Formatter().parse(sentence)
    return "".join(re.sub(r"([<*_])", r"\\\1", text) + (f"‹{name}›" if name else "") for text, name, _, _ in parts)
