"""Reports and summaries as JSON: for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.report import Report

KINDS = ("receipt", "report", "receivability", "statement", "extract")


def report_json(report: Report) -> bytes:
    """One report, as `gateway check --format json` lists them."""
    return _bytes(report.public())


def reports_json(reports: Sequence[Report], _lang: str, _excerpts: object = None) -> bytes:
    """Several reports: a list of the objects that docs/report.schema.json describes."""
    return _bytes([report.public() for report in reports])


def summary_json(kind: str, facts: Mapping[str, Any]) -> bytes:
    """The facts of a summary, with what kind of summary it is."""
    return _bytes({"kind": kind, **facts})


def _bytes(value: Mapping[str, Any] | list[dict[str, Any]]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode()
