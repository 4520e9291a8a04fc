"""As much of the SARIF 2.1.0 standard as our logs use: which keys an object may have, which it must, of what kind."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
PLACE = {"type": "integer", "minimum": 1}
BAG = {"type": "object"}


def thing(required: list[str], **properties: Any) -> dict[str, Any]:
    """An object that has these keys and no others."""
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def several(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


LEVEL = {"enum": ["none", "note", "warning", "error"]}
MESSAGE = thing(["text"], text=TEXT)
ARTIFACT_LOCATION = thing([], uri={"type": "string", "pattern": r"^[!-~]+$"}, index=COUNT)
REGION = thing(["startLine"], startLine=PLACE, startColumn=PLACE, endLine=PLACE, endColumn=PLACE)
RULE = thing(["id"], id=TEXT, defaultConfiguration=thing([], level=LEVEL), properties=BAG)
DRIVER = thing(["name"], name=TEXT, version=TEXT, semanticVersion=TEXT, rules=several(RULE))
LOGICAL = thing([], name=TEXT, index=COUNT, fullyQualifiedName=TEXT, decoratedName=TEXT, parentIndex=COUNT, kind=TEXT)
LOCATION = thing(
    [],
    physicalLocation=thing(["artifactLocation"], artifactLocation=ARTIFACT_LOCATION, region=REGION),
    logicalLocations=several(LOGICAL),
)
RESULT = thing(
    ["message"],
    ruleId=TEXT,
    ruleIndex=COUNT,
    level=LEVEL,
    message=MESSAGE,
    locations=several(LOCATION),
)
RUN = thing(
    ["tool"],
    tool=thing(["driver"], driver=DRIVER),
    language={"type": "string", "pattern": "^[a-z]{2}(-[A-Z]{2})?$"},
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    invocations=several(thing(["executionSuccessful"], executionSuccessful={"enum": [True, False]})),
    artifacts=several(thing([], location=ARTIFACT_LOCATION, hashes=BAG)),
    results=several(RESULT),
)
LOG = thing(["version", "runs"], **{"$schema": TEXT, "version": {"enum": ["2.1.0"]}, "runs": several(RUN)})
