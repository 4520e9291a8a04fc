"""A password that an operator keeps in a file, for an agency's own server."""

from __future__ import annotations

from pathlib import Path

from gateway.errors import Denied, PasswordMustChange


class FileSecret:
    """A Secret that is read anew at each login and never changed from here."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self) -> str:
        """The file's first line. Raises Denied when it cannot be read."""
        try:
            return self._path.read_text(encoding="utf-8").splitlines()[0]
        except (OSError, UnicodeError, IndexError) as error:
            raise Denied(f"the password file {self._path} cannot be used") from error

    def propose(self) -> str:
        """Raises PasswordMustChange: a person must agree on a new one with the agency."""
        raise PasswordMustChange(f"the agency's server wants another password than the one in {self._path}")

    def confirm(self) -> None:
        """Nothing to remember."""

    def refuse(self) -> None:
        """Nothing to remember."""

    def journal(self, raw: bytes) -> None:
        """Nothing to remember."""
