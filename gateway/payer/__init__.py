"""What the payer says in its letters, as dated data: the register of letters, and how to reach its services.

What travels with the program lies in `config/ramq/`; what an operator adds, in `payer/` of the state folder.
"""

from gateway.payer.contacts import Contact, Directory, Service
from gateway.payer.hours import Hours, Opening
from gateway.payer.letters import Change, Letter, Letters
from gateway.payer.shelf import keep, shelves

__all__ = [
    "Change",
    "Contact",
    "Directory",
    "Hours",
    "Letter",
    "Letters",
    "Opening",
    "Service",
    "keep",
    "shelves",
]
