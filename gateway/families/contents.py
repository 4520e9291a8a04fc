"""catalog.toml key by key: complete, consistent, with no key or field that nothing would ever read."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from gateway.catalog import DocumentType
from gateway.families.problems import Problem, problem
from gateway.messages import LANGUAGES
from gateway.tables import AUTHORITIES

FILE = "catalog.toml"
_TOP = {
    "title",
    "version",
    "authority",
    "personal",
    "settings",
    "document",
    "from",
    "to",
    "xsd",
    "samples_of",
    "rules_authority",
}
_DOCUMENT = {f.name for f in dataclasses.fields(DocumentType)} - {"family", "name", "rules"}
_DOCUMENT = _DOCUMENT - {"valid_from", "valid_to", "settings", "tables"} | {"from", "to"}
_TOTALS = {"invoices", "amount"}
_ONE_OF: Mapping[str, tuple[str, ...]] = {
    "role": ("request", "reply", "statement", "error"),
    "action": ("new", "modify", "cancel"),
    "container": ("xml", "zip"),
    "money": ("decimal", "cents"),
    "xsd": ("1.0", "1.1"),
    "authority": AUTHORITIES,
    "rules_authority": AUTHORITIES,
}
_ROOT = re.compile(r"(\{[^{}]+\})?[^\W\d][\w.-]*")
_PATH = re.compile(r"(?:(?:[\w.*-]+)/)*(?:[\w.*-]+|@[\w.-]+)")
# What reading a payer's document cannot do without (gateway/reading).
_NEEDED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("reply", "document"): ("status",),
    ("reply", "invoice"): ("status",),
    ("reply", "line"): ("number", "status"),
    ("statement", "document"): (
        *("statement_number", "statement_date", "period", "mode", "system", "sender", "entries", "total"),
        *("disbursed", "withheld", "carried_before", "carried_after"),
    ),
    ("statement", "invoice"): ("kind", "paid"),
    ("error", "document"): ("code",),
}


def toml(folder: Path, name: str) -> dict[str, Any] | Problem:
    """A TOML file of the folder; nothing where there is none."""
    try:
        return tomllib.loads((folder / name).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        return problem("not_utf_8", name)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        return problem("not_toml", name, found[1] if found else "")


def catalog_problems(folder: Path, data: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything wrong with what catalog.toml says, before a schema is opened."""
    yield from _keys(data, _TOP, "", {"title", "version", "authority", "document"})
    yield from both_languages(data.get("title", {}), FILE, "title")
    yield from _values(data, "")
    if "samples_of" in data and type(data["samples_of"]) is not date:
        yield problem("not_a_day", FILE, "samples_of")
    documents = data.get("document")
    if not isinstance(documents, list) or not all(isinstance(d, dict) for d in documents):
        yield problem("wrong_kind", FILE, "document")
        return
    names = [local(str(d.get("root", ""))) for d in documents]
    for number, document in enumerate(documents, 1):
        yield from _document(folder, document, f"document[{number}]", names)


def local(root: str) -> str:
    """The root's local name."""
    return root.rpartition("}")[2]


def both_languages(text: Any, file: str, place: str) -> Iterator[Problem]:
    """A text must be there in French and in English."""
    for lang in LANGUAGES:
        if not (isinstance(text, Mapping) and isinstance(text.get(lang), str) and text[lang].strip()):
            yield problem("language_missing", file, f"{place}.{lang}")


def _keys(data: Mapping[str, Any], known: set[str], place: str, needed: Iterable[str] = ()) -> Iterator[Problem]:
    for key in data.keys() - known:
        yield problem("unknown_key", FILE, f"{place}.{key}".lstrip("."), known=", ".join(sorted(known)))
    for key in set(needed) - data.keys():
        yield problem("key_missing", FILE, f"{place}.{key}".lstrip("."))


def _values(data: Mapping[str, Any], place: str) -> Iterator[Problem]:
    for key in data.keys() & _ONE_OF.keys():
        if str(data[key]) not in _ONE_OF[key]:
            yield problem("not_one_of", FILE, f"{place}.{key}".lstrip("."), known=", ".join(_ONE_OF[key]))
    days = [data[key] for key in ("from", "to") if key in data]
    if not all(type(day) is date for day in days):
        yield problem("not_a_day", FILE, f"{place}.from".lstrip("."))
    elif len(days) == 2 and days[0] > days[1]:
        yield problem("ends_before", FILE, f"{place}.to".lstrip("."))


def _document(folder: Path, data: Mapping[str, Any], place: str, names: list[str]) -> Iterator[Problem]:
    yield from _keys(data, _DOCUMENT, place, {"root", "role"})
    yield from _values(data, place)
    name = local(str(data.get("root", "")))
    if not _ROOT.fullmatch(str(data.get("root", ""))):
        yield problem("not_a_root", FILE, f"{place}.root")
    elif names.count(name) > 1:
        yield problem("root_twice", FILE, f"{place}.root", name=name)
    for key in ("reply", "answers"):
        if key in data and data[key] not in names:
            yield problem("no_such_document", FILE, f"{place}.{key}", name=data[key])
    if "schema" in data and not _inside(folder, str(data["schema"])):
        yield problem("no_such_file", FILE, f"{place}.schema", name=data["schema"])
    if "date_format" in data and not _reads_dates(str(data["date_format"])):
        yield problem("not_a_date_format", FILE, f"{place}.date_format")
    yield from _role(data, place)
    yield from _parts(data, place)


def _role(data: Mapping[str, Any], place: str) -> Iterator[Problem]:
    role = data.get("role")
    if role == "request":
        if "action" not in data:
            yield problem("key_missing", FILE, f"{place}.action")
        if "key_prefix" not in data and "request_number" not in data.get("fields", {}):
            yield problem("no_request_number", FILE, f"{place}.fields.request_number")
    for (of_role, part), fields in _NEEDED.items():
        if of_role == role and (part == "document" or part in data):
            own = data if part == "document" else data[part]
            for name in fields:
                if isinstance(own, Mapping) and name not in own.get("fields", {}):
                    yield problem("key_missing", FILE, f"{place}.{_dotted(part)}fields.{name}")


def _dotted(part: str) -> str:
    return "" if part == "document" else f"{part}."


def _parts(data: Mapping[str, Any], place: str) -> Iterator[Problem]:
    """Every path is a path. Whether it leads somewhere the schema says (engines.py)."""
    for part in ("document", "invoice", "line"):
        own = data if part == "document" else data.get(part, {})
        if not isinstance(own, Mapping) or not isinstance(own.get("fields", {}), Mapping):
            yield problem("wrong_kind", FILE, f"{place}.{part}")
            continue
        if part in data and not _is_path(own.get("path", "")):
            yield problem("not_a_path", FILE, f"{place}.{part}.path")
        for name, path in own.get("fields", {}).items():
            if not all(map(_is_path, path if isinstance(path, list) else [path])):
                yield problem("not_a_path", FILE, f"{place}.{_dotted(part)}fields.{name}")
    yield from _totals(data.get("totals", {}), f"{place}.totals")


def _totals(totals: Any, place: str) -> Iterator[Problem]:
    """Each is one path: it is written over where a document is taken apart (gateway/salvage)."""
    if not isinstance(totals, Mapping):
        yield problem("wrong_kind", FILE, place)
        return
    yield from _keys(totals, _TOTALS, place)
    for name, path in totals.items():
        if not _is_path(path):
            yield problem("not_a_path", FILE, f"{place}.{name}")


def _is_path(text: Any) -> bool:
    return isinstance(text, str) and _PATH.fullmatch(text) is not None


def _inside(folder: Path, name: str) -> bool:
    path = folder / name
    return not name.startswith("/") and ".." not in Path(name).parts and "\\" not in name and path.is_file()


def _reads_dates(form: str) -> bool:
    day = datetime(2026, 11, 30)  # noqa: DTZ001 - a day on paper has no zone
    try:
        return datetime.strptime(day.strftime(form), form) == day  # noqa: DTZ007 - likewise
    except ValueError:
        return False
