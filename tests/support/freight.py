"""Documents of a family from another country and another business (tests/families/frakt)."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent.parent / "families" / "frakt"
CANARY = "Kari Kanarifugl"  # who gets the goods: must never come back
_SPACES = 'xmlns:f="urn:eksempel:frakt:3" xmlns:g="urn:eksempel:felles:2" xmlns:k="urn:eksempel:kolli:1"'


def consignment(number: int, *, day: str = "24.12.2025", kind: str = "PALL", more: str = "") -> str:
    """One consignment of one package, on one line."""
    return (
        f'<f:Sending Serie="A" Nr="{number}" Dato="{day}" Oere="12500" Transportoer="271234"{more}>'
        f'<k:Kolli Nr="1" Kode="{kind}" Oere="12500" Mottaker="{CANARY}"/></f:Sending>'
    )


def order(*consignments: str, number: str = "OPP-1") -> str:
    """An order: its root on line 1, its consignments from line 3, one a line."""
    body = "".join(f"{one}\n" for one in consignments)
    part = '<g:Part Nr="18001" Konto="40001"><g:System Navn="Lasteplan"/></g:Part>'
    return f'<f:Oppdrag {_SPACES} Nr="{number}">{part}\n<f:Sendinger>\n{body}</f:Sendinger></f:Oppdrag>'


def receipt(*answers: str, number: str = "OPP-1", said: str = "JA") -> str:
    """The payer's answer to an order."""
    return f'<f:Kvittering {_SPACES} Oppdrag="{number}" Part="18001" Svar="{said}">{"".join(answers)}</f:Kvittering>'


def taken(number: int, reference: str, said: str = "JA") -> str:
    """A consignment that the payer takes."""
    package = '<f:Kolli Nr="1" Svar="JA" Oere="12000"/>'
    return f'<f:Sending Serie="A" Nr="{number}" Ref="{reference}" Svar="{said}">{package}</f:Sending>'


def refused(number: int) -> str:
    """One that it does not."""
    return f'<f:Sending Serie="A" Nr="{number}" Svar="NEI"><f:Melding Kode="F12">Feil vekt</f:Melding></f:Sending>'
