"""Alerts: symptoms become alerts, alerts become notices to whoever must know, notices become sentences."""

from gateway.alerts.reconcile import BY_HAND, TooLate, acknowledge, reconcile
from gateway.alerts.wording import Letter, letter, sentence, title

__all__ = ["BY_HAND", "Letter", "TooLate", "acknowledge", "letter", "reconcile", "sentence", "title"]
