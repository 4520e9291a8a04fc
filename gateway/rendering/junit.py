"""Reports as JUnit XML: what build servers show as tests. A document is a suite; each invoice at fault is a case."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from gateway.messages import say
from gateway.rendering.text import by_invoice
from gateway.report import Finding, InvoiceRef, Report


def reports_junit(reports: Sequence[Report], lang: str, _excerpts: object = None) -> bytes:
    """The file a build server reads. Warnings are told and fail nothing; "not judged" is an error, never a pass."""
    root = etree.Element("testsuites", name="gateway check")
    for report in reports:
        root.append(_suite(report, lang))
    for what in ("tests", "failures", "errors"):
        root.set(what, str(sum(int(suite.get(what, "0")) for suite in root)))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _suite(report: Report, lang: str) -> etree._Element:
    suite = etree.Element("testsuite", name=_clean(report.file))
    groups: dict[InvoiceRef | None, list[Finding]] = {None: [], **dict(by_invoice(report.findings))}
    for invoice, findings in groups.items():
        suite.append(_case(report, invoice, findings, lang))
    suite.set("tests", str(len(suite)))
    for what, tag in (("failures", "failure"), ("errors", "error")):
        suite.set(what, str(sum(1 for case in suite if case.find(tag) is not None)))
    return suite


def _case(report: Report, invoice: InvoiceRef | None, findings: Sequence[Finding], lang: str) -> etree._Element:
    number = "" if invoice is None else _clean(invoice.number or "–")
    name = report.document or "document" if invoice is None else f"{number} ({invoice.ordinal})"
    case = etree.Element("testcase", name=name, classname=_clean(report.file))
    if report.verdict == "not_judged":
        verdict = say("rendering.verdict_not_judged", lang)
        _told(case, "error", "NOT_JUDGED", verdict, findings, lang)
        return case
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        _told(case, "failure", errors[0].code, errors[0].message[lang], errors, lang)
    if rest := [finding for finding in findings if finding.severity != "error"]:
        etree.SubElement(case, "system-out").text = _text(rest, lang)
    return case


def _told(case: etree._Element, tag: str, code: str, message: str, findings: Sequence[Finding], lang: str) -> None:
    told = etree.SubElement(case, tag, type=code, message=_clean(message))
    told.text = _text(findings, lang)


def _text(findings: Sequence[Finding], lang: str) -> str:
    return "\n".join(
        _clean(f"{f.line or 0}:{f.column or 0} {f.code} {f.message[lang]} → {f.next[lang]}") for f in findings
    )


def _clean(text: str) -> str:
    """What XML can carry."""
    return "".join(c if c.isprintable() else "�" for c in text)
