"""What is kept for how long, and what becomes of the rest: shown in numbers, then gone for good (docs/retention.md)."""

from gateway.retention.proof import Proof, prove
from gateway.retention.purge import POINTS, finish, purge
from gateway.retention.survey import Due, survey

__all__ = ["POINTS", "Due", "Proof", "finish", "prove", "purge", "survey"]
