"""New passwords: drawn by the machine's own randomness, to the rules of the payer."""

from __future__ import annotations

import secrets

from gateway.config import PasswordConfig

_ENOUGH = 20  # characters: beyond any guessing, whatever the payer's shortest is


def new_password(rules: PasswordConfig) -> str:
    """A password of these rules: of its classes alone, at least one character of each."""
    length = min(rules.longest, max(rules.shortest, _ENOUGH, len(rules.classes)))
    kinds = [rules.letters(kind) for kind in rules.classes]
    letters = [secrets.choice(kind) for kind in kinds]
    letters += [secrets.choice("".join(kinds)) for _ in range(length - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)
