"""How many attempts each family must hold at least (RELIABILITY section 6)."""

from __future__ import annotations

MINIMUM = {
    "X1": 20,
    "X2": 12,
    "X3": 8,
    "X4": 15,
    "X5": 6,
    "X6": 20,
    "X7": 25,
    "X8": 70,
    "X9": 8,
    "X10": 10,
    "X11": 10,
    "X12": 15,
    "X13": 10,
    "Z1": 25,
    "Z2": 15,
    "Z3": 5,
    "Z4": 8,
    "Z5": 4,
    "Z6": 8,
    "F1": 2000,
    "F3": 60,
    "F5": 40,
    "F6": 10,
    "F7": 20,
    "F8": 12,
    "F9": 20,
}
