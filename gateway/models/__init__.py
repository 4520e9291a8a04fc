"""The tables. Import the classes from here, so that the metadata is always whole."""

from gateway.models.alerts import Alert, AlertNotice, Message
from gateway.models.answers import Distribution, PaperStatement, Parcel, Reply, Statement, StatementEntry
from gateway.models.applications import Application, ApplicationSignature
from gateway.models.credential import Credential, CredentialAttempt, CredentialPast
from gateway.models.deadlines import DeadlineAlert
from gateway.models.exchange import Batch, Deposit, FindingRow, Invoice, Line, Request, Salvage, Submission
from gateway.models.facts import Fact
from gateway.models.incidents import Incident, Recall
from gateway.models.keys import DataKey, MasterKey
from gateway.models.ledger import Attempt, Breaker, ChainHead, DeliveryProof, Due, Event, RegistryToken
from gateway.models.people import (
    DeclaredSoftware,
    Developer,
    GroupMember,
    PracticeGroup,
    PracticeNumber,
    Practitioner,
    PractitionerStanding,
    Software,
)
from gateway.models.proposals import Evidence, Proposal
from gateway.models.registry import (
    Account,
    AccountChannel,
    AccountPractitioner,
    Accreditation,
    Agency,
    AgencyPayer,
    AgencyStanding,
    Mandate,
    NumberSuspension,
    Source,
    StatementCoordinates,
    TransmissionNumber,
)
from gateway.models.retention import Tombstone

__all__ = [
    "Account",
    "AccountChannel",
    "AccountPractitioner",
    "Accreditation",
    "Agency",
    "AgencyPayer",
    "AgencyStanding",
    "Alert",
    "AlertNotice",
    "Application",
    "ApplicationSignature",
    "Attempt",
    "Batch",
    "Breaker",
    "ChainHead",
    "Credential",
    "CredentialAttempt",
    "CredentialPast",
    "DataKey",
    "DeadlineAlert",
    "DeclaredSoftware",
    "DeliveryProof",
    "Deposit",
    "Developer",
    "Distribution",
    "Due",
    "Event",
    "Evidence",
    "Fact",
    "FindingRow",
    "GroupMember",
    "Incident",
    "Invoice",
    "Line",
    "Mandate",
    "MasterKey",
    "Message",
    "NumberSuspension",
    "PaperStatement",
    "Parcel",
    "PracticeGroup",
    "PracticeNumber",
    "Practitioner",
    "PractitionerStanding",
    "Proposal",
    "Recall",
    "RegistryToken",
    "Reply",
    "Request",
    "Salvage",
    "Software",
    "Source",
    "Statement",
    "StatementCoordinates",
    "StatementEntry",
    "Submission",
    "Tombstone",
    "TransmissionNumber",
]
