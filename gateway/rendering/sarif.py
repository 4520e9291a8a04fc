"""Reports as SARIF 2.1.0 (OASIS): what code hosts and editors show beside the lines of a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from gateway import __version__
from gateway.report import Finding, Report

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def reports_sarif(reports: Sequence[Report], lang: str, _excerpts: object = None) -> bytes:
    """One run over all documents. A document that was not judged makes the run unsuccessful."""
    rules = {finding.code: finding for report in reports for finding in report.findings}
    order = {code: number for number, code in enumerate(rules)}
    run = {
        "tool": {"driver": _driver(rules.values())},
        "language": f"{lang}-CA",
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": all(report.verdict != "not_judged" for report in reports)}],
        "artifacts": [_artifact(report) for report in reports],
        "results": [
            _result(finding, number, order[finding.code], report, lang)
            for number, report in enumerate(reports)
            for finding in report.findings
        ],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return (json.dumps(log, ensure_ascii=False, indent=1) + "\n").encode()


def _driver(findings: Iterable[Finding]) -> dict[str, Any]:
    return {
        "name": "gateway check",
        "semanticVersion": __version__,
        "rules": [
            {
                "id": finding.code,
                "defaultConfiguration": {"level": _LEVELS[finding.severity]},
                "properties": {"authority": finding.authority} | ({"letter": finding.letter} if finding.letter else {}),
            }
            for finding in findings
        ],
    }


def _artifact(report: Report) -> dict[str, Any]:
    hashes = {"hashes": {"sha-256": report.sha256}} if report.sha256 else {}
    return {"location": {"uri": _uri(report.file)}} | hashes


def _result(finding: Finding, artifact: int, rule: int, report: Report, lang: str) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(report.file), "index": artifact}}
    if finding.line is not None:
        physical["region"] = {"startLine": finding.line} | (
            {"startColumn": finding.column} if finding.column is not None else {}
        )
    logical = [{"fullyQualifiedName": finding.path, "kind": "element"}] if finding.path else []
    if finding.invoice is not None and finding.invoice.number:
        logical.append({"name": finding.invoice.number, "kind": "invoice"})
    location = {"physicalLocation": physical} | ({"logicalLocations": logical} if logical else {})
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message[lang]} {finding.next[lang]}"},
        "locations": [location],
    }


def _uri(file: str) -> str:
    """A relative reference; an absolute path as a file URI."""
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), safe="/!")
