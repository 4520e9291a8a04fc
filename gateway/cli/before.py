"""What a decision will do, in numbers, before it is done: shown, and agreed to by `--yes` or by an answer."""

from __future__ import annotations

import sys

from gateway.cli.common import Call
from gateway.errors import GatewayError
from gateway.store.proofs import Sums

_YES = frozenset({"o", "oui", "y", "yes"})


class NotAgreed(GatewayError):
    """Nobody said yes; nothing was changed."""


def agreed(call: Call, sentences: list[str], *, yes: bool) -> None:
    """Print what will happen; go on only when somebody agrees. Raises NotAgreed."""
    for sentence in sentences:
        sys.stdout.write(sentence + "\n")
    sys.stdout.flush()
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotAgreed(call.say("acts.needs_yes"))
    sys.stdout.write(call.say("acts.question") + " ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in _YES:
        raise NotAgreed(call.say("acts.not_agreed"))


def numbers(call: Call, sums: Sums) -> str:
    """`2 requests, 40 invoices, 1234.50 $ (2 without an amount)`."""
    known = sums.invoices > sums.unknown
    amount = f"{sums.cents // 100}.{sums.cents % 100:02d} $" if known else "? $"
    told = call.say("acts.numbers", requests=sums.requests, invoices=sums.invoices, amount=amount)
    return told + (call.say("acts.unknown", count=sums.unknown) if sums.unknown else "")
