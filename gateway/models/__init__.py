"""The tables. Import the classes from here, so that the metadata is always whole."""

from gateway.models.answers import Distribution, Parcel, Reply, Statement, StatementEntry
from gateway.models.applications import Application, ApplicationSignature
from gateway.models.credential import Credential, CredentialAttempt
from gateway.models.exchange import Batch, Deposit, FindingRow, Invoice, Line, Request, Salvage, Submission
from gateway.models.ledger import Attempt, ChainHead, Due, Event
from gateway.models.registry import (
    Account,
    AccountPractitioner,
    Accreditation,
    Agency,
    AgencyPayer,
    Source,
    TransmissionNumber,
)

__all__ = [
    "Account",
    "AccountPractitioner",
    "Accreditation",
    "Agency",
    "AgencyPayer",
    "Application",
    "ApplicationSignature",
    "Attempt",
    "Batch",
    "ChainHead",
    "Credential",
    "CredentialAttempt",
    "Deposit",
    "Distribution",
    "Due",
    "Event",
    "FindingRow",
    "Invoice",
    "Line",
    "Parcel",
    "Reply",
    "Request",
    "Salvage",
    "Source",
    "Statement",
    "StatementEntry",
    "Submission",
    "TransmissionNumber",
]
