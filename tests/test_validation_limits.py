"""`gateway check` judges by the limits the service has when nobody changed them."""

from __future__ import annotations

from gateway.config import GatewayConfig
from gateway.validation import ArchiveLimits, Limits


def test_a_check_and_the_service_refuse_the_same_sizes() -> None:
    service = GatewayConfig()
    archive, document = ArchiveLimits(), Limits()
    assert archive.members == service.max_members
    assert archive.member_bytes == document.document_bytes == service.max_document_bytes
    assert archive.total_bytes == service.max_unpacked_bytes
    assert archive.ratio == service.max_ratio
    assert document.invoices == service.max_invoices
