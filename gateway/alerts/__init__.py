"""Alerts: symptoms become alerts, alerts become notices to whoever must know, notices become sentences."""

from gateway.alerts.reconcile import BY_HAND, TooLate, acknowledge, reconcile
from gateway.alerts.wording import letter, sentence, title

__all__ = ["BY_HAND", "TooLate", "acknowledge", "letter", "reconcile", "sentence", "title"]
