"""Whose is it, on that date: the registry file, the plan that applies it, and the book that answers."""

from gateway.registry.book import Answer, Book
from gateway.registry.plan import Plan, apply, bring

__all__ = ["Answer", "Book", "Plan", "apply", "bring"]
