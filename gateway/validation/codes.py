"""The codes that no catalog names: what the guard, the engine and the archive reader find by themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """One code: whose word it is, the sentences it may come with (keys of locales/validation.toml), and the smallest
    document that brings it about, where there is one that can be printed."""

    code: str
    authority: str | None  # None: that of the schema
    sentences: tuple[str, ...]
    example: bytes | None = None
    severity: str = "error"
    next: str | None = None  # one next step for all its sentences, where each has none of its own


_REQUEST = b'<dem_annu xmlns="urn:ramq-gouv-qc-ca:RFP">'
BUILT_IN = (
    BuiltIn("EMPTY_DOCUMENT", "official", ("empty",), b""),
    BuiltIn("NOT_XML", "official", ("not_xml",), b"%PDF-1.7"),
    BuiltIn("HOSTILE_DOCTYPE", "ours", ("doctype",), b"<!DOCTYPE dem_annu>" + _REQUEST + b"</dem_annu>"),
    BuiltIn(
        "HOSTILE_ENCODING",
        "ours",
        ("encoding_other", "encoding_unmarked", "encoding_disagrees", "encoding_broken", "utf16_declared"),
        b'<?xml version="1.0" encoding="UTF-7"?>' + _REQUEST + b"</dem_annu>",
    ),
    BuiltIn("ENCODING_DOUBTFUL", "ours", ("encoding_doubtful",), severity="warning"),
    BuiltIn(
        "HOSTILE_SIZE",
        "ours",
        (
            "too_large",
            "prolog_too_large",
            "part_too_large",
            "too_many_invoices",
            "too_many_lists",
            "too_many_beside",
            "too_many_elements",
            "too_many_attributes",
            "too_many_attributes_together",
            "too_many_namespaces",
            "head_too_large",
            "too_deep",
            "parser_limit",
        ),
    ),
    BuiltIn(
        "NOT_WELL_FORMED",
        "official",
        (
            "cut",
            "tags_cross",
            "attribute_twice",
            "after_the_end",
            "entity",
            "character",
            "before_declaration",
            "prefix",
            "syntax",
        ),
        _REQUEST + b"<no_dem_ext></dem_annu>",
    ),
    BuiltIn("UNKNOWN_DOCUMENT", "ours", ("unknown_document", "unknown_namespace"), b"<dem_annu/>"),
    BuiltIn("REQUEST_NUMBER_MISSING", "ours", ("request_number_missing",), _REQUEST + b"</dem_annu>"),
    BuiltIn(
        "REQUEST_NUMBER_ALPHABET",
        "ours",
        ("request_number_alphabet",),
        _REQUEST + "<no_dem_ext>été 1</no_dem_ext></dem_annu>".encode(),
    ),
    BuiltIn(
        "SCHEMA_ELEMENT", None, ("element_unexpected", "element_missing", "text_unexpected", "children_unexpected")
    ),
    BuiltIn("SCHEMA_ATTRIBUTE", None, ("attribute_missing", "attribute_unexpected")),
    BuiltIn("SCHEMA_VALUE", None, ("value_refused",)),
    BuiltIn("SCHEMA_UNIQUE", None, ("repeated",)),
    BuiltIn("SCHEMA_OTHER", None, ("schema_other", "invoices_not_judged")),
    BuiltIn(
        "NOT_JUDGED",
        "ours",
        ("not_judged", "judging_time", "judging_clock", "judging_memory", "judging_died", "judging_answer"),
    ),
    BuiltIn(
        "HOSTILE_ARCHIVE",
        "ours",
        (
            "zip_cut",
            "zip_parts",
            "zip_64",
            "zip_members",
            "zip_surplus",
            "zip_total",
            "zip_empty",
            "name_nul",
            "name_backslash",
            "name_absolute",
            "name_upwards",
            "name_empty",
            "name_invisible",
            "name_long",
            "name_twice",
            "member_special",
            "member_encrypted",
            "member_method",
            "member_large",
            "member_ratio",
            "member_kind",
            "member_headers",
            "member_overlap",
            "member_lies",
        ),
        next="archive_next",
    ),
)
