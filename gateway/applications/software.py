"""What the registry should say once a change of software is confirmed: which software a source declared, since when."""

from __future__ import annotations

from gateway.applications.known import Known, Remark
from gateway.config.written import table
from gateway.models import Application


def declared(application: Application, known: Known) -> tuple[str, tuple[Remark, ...]]:
    """TOML for `registry apply`, empty where it is not clear which software or whose source; and what is odd. The
    source is that of the agency the application names, else of who bills for the account on the day it takes effect."""
    since = application.effective_from or application.confirmed_on
    if since is None:
        return "", ()
    agency = known.agency or known.holder(since)
    if agency is None or len(agency.sources) != 1:
        name = agency.name if agency else "–"
        return "", (Remark("software_source", {"agency": name, "count": len(agency.sources) if agency else 0}),)
    facts = application.facts
    if "software_name" not in facts:
        return "", (Remark("software_unnamed", {"agency": agency.name}),)
    said = {"developer": facts.get("developer_number"), "name": facts["software_name"]}
    said["version"] = facts.get("software_version")
    software = {key: value for key, value in said.items() if value is not None}
    return _file(agency.name, agency.kind, agency.sources[0], software | {"from": since}), ()


def _file(agency: str, kind: str, source: str, software: dict[str, object]) -> str:
    return table("agency", name=agency, kind=kind) + table("agency.source", name=source, software=software)
