"""Whose is it, on that date: the registry file, the plan that applies it, and the book that answers."""

from gateway.registry.book import Book
from gateway.registry.permission import Permission, may_send
from gateway.registry.plan import Plan, apply, bring
from gateway.registry.reasons import Reason
from gateway.registry.recipient import Recipient, statement_recipient

__all__ = [
    "Book",
    "Permission",
    "Plan",
    "Reason",
    "Recipient",
    "apply",
    "bring",
    "may_send",
    "statement_recipient",
]
