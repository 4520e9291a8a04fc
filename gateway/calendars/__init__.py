"""Days that count: Quebec's business days, the payer's cut-offs and statements, and the rhythm of what should come."""

from gateway.calendars.days import day_before, day_of, holidays, is_business, next_business, wall
from gateway.calendars.payer import Book, Calendar, Period, Rhythm, load
from gateway.calendars.silence import WEEKS, Habit, Silence, learned, quiet

__all__ = [
    "WEEKS",
    "Book",
    "Calendar",
    "Habit",
    "Period",
    "Rhythm",
    "Silence",
    "day_before",
    "day_of",
    "holidays",
    "is_business",
    "learned",
    "load",
    "next_business",
    "quiet",
    "wall",
]
