"""X11 and X12: numbers that are not the sender's, and values that no calendar and no purse knows."""

from __future__ import annotations

from collections.abc import Iterator

from support.attacks import Attack
from support.family import document, invoice
from support.house import paimt, sample

# How a document may write who sends it, and what becomes of it. The agency is 18001; 18002 and 180010 are others.
_NO_TEST_NUMBER = ("REFUSED", "TEST_NUMBER_IN_PRODUCTION")  # a test payer, and nothing that is a test number
SENDERS: dict[str, tuple[str, str]] = {
    "18002": ("REFUSED", "FOREIGN_NUMBER"),
    "18010": ("REFUSED", "FOREIGN_NUMBER"),
    "18003": ("HELD", "NUMBER_UNKNOWN"),
    "": ("HELD", "SCHEMA_VALUE"),
    **dict.fromkeys(
        (
            *(
                "18001 ",
                " 18001",
                "18001\n",
                "18001&#160;",
                "18001\u200b",
                "\ufeff18001",
                "１８００１",
                "1800１",
                "١٨٠٠١",
            ),
            *(
                "018001",
                "180010",
                "1800",
                "+18001",
                "18001.0",
                "1.8001E4",
                "0x4651",
                "18 001",
                "18001-x",
                "18001,18002",
            ),
            *("18001 18002", "18001/../18002", "18001;18002", "' or '1'='1", "18001%", "*", "9" * 1000),
        ),
        _NO_TEST_NUMBER,
    ),
}
_SENDER = (
    "<exped_difrn_demdr>\n    <typ_id_intvn>3</typ_id_intvn>\n    <id_intvn>18001</id_intvn>\n  </exped_difrn_demdr>"
)


def sent_by(number: str, written: str) -> str:
    """A request of this number whose sender is written so."""
    return paimt(number, first=f"{number}-1", second=f"{number}-2", sender=written)


def two_senders(number: str) -> str:
    """A request that names two senders; the first one is right."""
    text = sent_by(number, "18001")
    assert _SENDER in text
    return text.replace(_SENDER, _SENDER + _SENDER.replace("18001", "18002"))


def out_of_range() -> Iterator[Attack]:
    """X12."""
    dates = {
        "year 0": "0000-09-14", "31 February": "2026-02-31", "29 February": "2026-02-29", "month 13": "2026-13-01",
        "month 0": "2026-00-10", "day 0": "2026-09-00", "day 32": "2026-08-32", "year 26": "26-09-14",
        "without hyphens": "20260914", "one digit": "2026-9-14", "slashes": "2026/09/14", "Arabic digits": "٢٠٢٦-09-14",
        "full-width digits": "２０２６-09-14", "with a time": "2026-09-14T00:00:00", "nothing": "", "a word": "hier",
        "a NUL": "2026-09-14%00", "fifty digits": "9" * 50 + "-09-14",
    }  # fmt: skip
    for name, day in dates.items():
        yield Attack("X12", f"date {name}", lambda d=day: document(invoice(1, date=d)), "SCHEMA_VALUE")
        yield Attack(
            "X12", f"RFP date {name}", lambda d=day: _rfp("dat_serv_elm_fact", "2026-09-14", d), "SCHEMA_VALUE"
        )
    amounts = {
        "NaN": "NaN", "infinite": "INF", "exponent": "1e9", "hexadecimal": "0x10", "comma": "12,50",
        "two points": "1.2.3", "two signs": "--1", "currency": "$12", "Arabic digits": "١٢",
        "underscores": "1_000", "a blank": "1 000",
        "minus alone": "-", "nothing": "", "a fraction": "1/2",
    }  # fmt: skip
    for name, money in amounts.items():
        yield Attack("X12", f"amount {name}", lambda m=money: document(invoice(1, montant=m)), "SCHEMA_VALUE")
    for name, money in {
        "negative": "-12.50",
        "fractions of a cent": "0.00001",
        "300,000 digits": "9" * 300_000,
    }.items():
        yield Attack("X12", f"amount {name}", lambda m=money: document(invoice(1, montant=m)))
    numbers = {
        "a line of 20 digits": "9" * 20,
        "line 0": "0",
        "a negative line": "-1",
        "line 1.0": "1.0",
        "line 1e1": "1e1",
    }
    for name, number in numbers.items():
        yield Attack("X12", name, lambda n=number: _rfp("no_ligne_fact", "1", n), "SCHEMA_VALUE")
    total = {"total of 100 digits": "9" * 100, "total beyond 32 bits": "2147483648"}
    for name, number in total.items():
        tail = f"<total>{number}</total>"
        yield Attack("X12", name, lambda t=tail: document(invoice(1), tail=t), "SCHEMA_VALUE")


def honest() -> Iterator[Attack]:
    """Odd values that are right."""
    for day in ("2024-02-29", "1900-01-01", "9999-12-31"):
        yield Attack("X12", f"date {day}", lambda d=day: document(invoice(1, date=d)))
    for money in ("0", "0.01", "99999999.99", "+1"):
        yield Attack("X12", f"amount {money}", lambda m=money: document(invoice(1, montant=m)))


def _rfp(field: str, old: str, new: str) -> str:
    text = sample("ramq-rfp", "valid_dem_paimt_dentist")
    assert f"<{field}>{old}<" in text
    return text.replace(f"<{field}>{old}<", f"<{field}>{new}<", 1)
