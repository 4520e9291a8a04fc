"""Applications to the payer: opening, joining, leaving or changing agency, changing software, as its letters say.

Pure decisions: `procedures` (the payer's ways, dated data), `judged` (may this be asked, sent, confirmed?), `progress`
(what is missing, late, blocked), `proposal` (what the registry should say then), `summary` (what goes on each form).
"""

from gateway.applications.known import AgencyFacts, Known, Remark
from gateway.applications.procedures import Book, Procedure
from gateway.applications.progress import Progress, examine
from gateway.applications.proposal import Proposal, propose

__all__ = ["AgencyFacts", "Book", "Known", "Procedure", "Progress", "Proposal", "Remark", "examine", "propose"]
