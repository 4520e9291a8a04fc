"""What the decisions about an application may know of the registry: handed in, so that they ask nothing themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.messages import LANGUAGES, Both, say
from gateway.models import Application

# An application of one of these changes who bills for the account: two at once would contradict each other.
ACCREDITING = frozenset(
    {
        "self_no_software",
        "self_software",
        "relative",
        "new_on_site",
        "join_on_site",
        "join_commercial",
        "join_commercial_group",
        "change_agency",
        "leave",
    }
)
GIVES_NUMBER = frozenset({"self_software", "relative", "new_on_site"})
NAMES_AGENCY = frozenset({"join_on_site", "join_commercial", "join_commercial_group", "change_agency"})
ENDS_AGENCY = frozenset({"self_no_software", "leave"})
USER = "user"  # the person form 4319 is for, who has no practice number


@dataclass(frozen=True)
class Remark:
    """Something to tell: a code of `locales/applications.toml`, its values, and both sentences."""

    code: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def both(self) -> Both:
        """The sentence; a value that is itself in both languages is taken in each."""
        said = {lang: {k: v[lang] if isinstance(v, dict) else v for k, v in self.values.items()} for lang in LANGUAGES}
        return {lang: say(f"applications.{self.code}", lang, **values) for lang, values in said.items()}


@dataclass(frozen=True)
class AgencyFacts:
    """An agency as the registry knows it. `number`: the first it holds, or the one that was asked for."""

    id: str
    name: str
    kind: str  # commercial | in_practice | solo
    number: str | None = None
    recognised: bool = True  # False: the registry says that the payer does not recognise it
    sources: tuple[str, ...] = ()  # names of its billing systems, those that are served


@dataclass(frozen=True)
class Held:
    """One accreditation (or mandate) of the account, as the registry holds it."""

    agency: AgencyFacts
    start: date
    to: date | None


@dataclass(frozen=True)
class Known:
    """What the registry says that matters to one application, on one day."""

    account_kind: str | None = None  # None: the registry does not know the account
    users: frozenset[str] = frozenset()  # practice numbers that bill through it
    held: tuple[Held, ...] = ()  # its accreditations, oldest first
    mandates: tuple[Held, ...] = ()  # mandates (2788) its users gave
    coordinates: str | None = None  # where its statements go, where somebody said: paper | agency
    agency: AgencyFacts | None = None  # the new agency, where the registry knows it
    credential: str | None = None  # state of the password of the new number, or of the new agency's
    others: tuple[Application, ...] = ()  # other applications for the account that wait

    def holder(self, day: date) -> AgencyFacts | None:
        """Who bills for the account on that day."""
        on = [held.agency for held in self.held if held.start <= day <= (held.to or date.max)]
        return on[0] if len(on) == 1 else None
