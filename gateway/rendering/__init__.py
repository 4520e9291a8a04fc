"""What people read: reports and summaries as text, HTML and JSON. Facts in, bytes out; no database, no clock.

`summary_html(kind, facts, lang)` and `summary_json(kind, facts)` take a plain dict that JSON can carry. Every key may
be missing; unknown keys are in the JSON only. `says` and `next` are sentences in both languages, {"fr": …, "en": …}.

  receipt        lot file sha256 size received_at documents agency number says next
                 and for bytes that came before: same_as state requests_total requests[{request member number state}]
  report         what Report.public() gives, and lot request number member state reason duplicate_of says next
                 and of a request of which only a part goes: salvage{deposited_sha256 sent{request number state holds
                 sha256 size} set_aside{number file sha256 size} totals{deposited sent set_aside answered: {invoices
                 cents}} invoices[{number ordinal line codes}] invoices_total answered[{number ordinal payer_number
                 verdict dated request}] answered_total}; of that part: derived_from; where none goes: not_salvaged
  receivability  request request_number file action account status messages[{code text}] invoices_total receivable
                 not_receivable preliminary_cents invoices[{number payer_number token status preliminary_cents messages
                 lines[{number status preliminary_cents formula messages}]}] listed
  statement      number dated period mode system account paid_on paid_cents withheld_cents carried_in_cents
                 carried_out_cents total_cents entries_total entries[{kind number payer_number line code service
                 preliminary_cents paid_cents messages}] listed
  extract        of a statement, for who held the account before: extract number dated period mode system account
                 total_cents entries_total entries listed, all of its own entries only
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.rendering.data import report_json, summary_json
    from gateway.rendering.html import report_html, summary_html
    from gateway.rendering.pdf import sheets_pdf
    from gateway.rendering.sheets import sheets_html, sheets_text
    from gateway.rendering.text import render as report_text

__all__ = [
    "report_html",
    "report_json",
    "report_text",
    "sheets_html",
    "sheets_pdf",
    "sheets_text",
    "summary_html",
    "summary_json",
]

# Pages need Jinja and Babel, which cost more than judging a small document: each part is loaded when it is asked for.
_HOMES = {
    "report_html": ("html", "report_html"),
    "report_json": ("data", "report_json"),
    "report_text": ("text", "render"),
    "sheets_html": ("sheets", "sheets_html"),
    "sheets_pdf": ("pdf", "sheets_pdf"),
    "sheets_text": ("sheets", "sheets_text"),
    "summary_html": ("html", "summary_html"),
    "summary_json": ("data", "summary_json"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    module, what = _HOMES[name]
    return getattr(import_module(f"gateway.rendering.{module}"), what)
