"""Every way machinery can break, drawn once. Bad documents are data and never appear here.

GatewayError
├─ ConfigError                the process does not start; file and key named; exit 2
├─ CatalogError               a schema family cannot be used; file named; exit 2
├─ TransportError             something between us and a mailbox
│  ├─ Unreachable             retryable: nobody answered, or the line was cut before the commit point
│  │  └─ NoAnswer             no server answers at that address: nobody's mailbox there can be reached
│  ├─ Denied                  password, key or host key; the record is HELD at once
│  │  ├─ PasswordMustChange   the server wants a new password and this channel cannot give one
│  │  ├─ PasswordLocked       the account is locked at the other side
│  │  └─ HostKeyChanged       the server is not the one we know (or none is pinned)
│  ├─ Conflict                other bytes already stand under this name; HELD
│  ├─ Gone                    the file left, or is another file now; skipped
│  └─ InDoubt                 cut at or after the commit point; decided by the payer's facts, else HELD
├─ JudgingError               no process to judge a document can be had; the document stays where it is
├─ BackupError                a backup cannot be made, read or restored; the folder is named
├─ SealingError               a key is missing or wrong, or a sealed value was moved or altered
└─ StoreError
   ├─ StaleState              someone else moved the record first; next record
   ├─ AlteredError            archived bytes are not those that were put there; a person looks
   └─ NotHeldFor              a person names a code that does not hold the record
"""

from __future__ import annotations

from collections.abc import Collection, Mapping


class GatewayError(Exception):
    """Broken machinery. The text is for an operator: what happened, to which thing, what to do."""


class ConfigError(GatewayError):
    """A configuration or registry file cannot be used; the text names the file and the key.

    `both` is the sentence in each language; the text is the one beside the other.
    """

    def __init__(self, sentence: str | Mapping[str, str]) -> None:
        self.both = {"fr": sentence, "en": sentence} if isinstance(sentence, str) else dict(sentence)
        super().__init__(" / ".join(dict.fromkeys(self.both.values())))


class CatalogError(GatewayError):
    """A schema family cannot be used; the text names the folder and the file."""


class TransportError(GatewayError):
    """Something went wrong between us and a mailbox."""

    retryable = False
    code = "transport_error"


class Unreachable(TransportError):
    """Nobody answered, or the connection was cut before anything became visible there."""

    retryable = True
    code = "unreachable"


class NoAnswer(Unreachable):
    """No server answers as one should at that address, before anybody says who he is: not one mailbox's trouble."""


class Denied(TransportError):
    """The other side refused who we are (or we refused who it is)."""

    code = "denied"


class PasswordMustChange(Denied):
    """The server wants a new password and this way of logging in cannot give one."""

    code = "password_must_change"


class PasswordLocked(Denied):
    """The account is locked at the other side; no further attempt may be made."""

    code = "password_locked"


class HostKeyChanged(Denied):
    """The server's host key is not the pinned one, or no key is pinned: no connection."""

    code = "host_key_changed"


class Conflict(TransportError):
    """Other bytes already stand under the name we wanted to write."""

    code = "name_taken"


class Gone(TransportError):
    """The file left, or another file stands under its name now."""

    code = "gone"


class InDoubt(TransportError):
    """The connection was cut at or after the commit point: it may be there, it may not."""

    code = "in_doubt"


class JudgingError(GatewayError):
    """No process that judges could be started, or the service is ending: this says nothing of any document."""


class BackupError(GatewayError):
    """A backup cannot be made, read or restored as it stands."""


class SealingError(GatewayError):
    """A key is missing or wrong, or a sealed value was altered or moved to another place."""


class StoreError(GatewayError):
    """The database cannot be used as asked."""


class StaleState(StoreError):
    """The record is no longer in the state we saw: someone else moved it first."""


class AlteredError(StoreError):
    """What the archive holds is no longer what was put there."""


class NotHeldFor(StoreError):
    """A person wants to go on in spite of codes that the record does not have."""

    def __init__(self, codes: Collection[str], held_for: Collection[str]) -> None:
        self.codes, self.held_for = list(codes), list(held_for)
        super().__init__(f"not held for {', '.join(self.codes)}")
