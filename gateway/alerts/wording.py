"""What a message says, in the language of whoever gets it: as text for people and as data for machines.

Made of the message's body alone, which is written down before anything leaves: said again it has the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway import anchors
from gateway.clock import local
from gateway.messages import room, say
from gateway.models import Alert, Message
from gateway.ports import Letter

_EXPLAINING = ("transmit", "validate", "match", "receive", "distribute", "credentials")  # rooms whose keys are reasons
_MOMENTS = ("since", "last")


def item(alert: Alert, what: str, agency: str | None) -> dict[str, Any]:
    """What a message says of an alert, as it is now. `agency`: its name."""
    return {
        "id": alert.id,
        "what": what,
        "kind": alert.kind,
        "severity": alert.severity,
        "agency": agency,
        "subject": alert.subject,
        "things": alert.things,
        "facts": dict(alert.facts),
        "opened_at": alert.opened_at.isoformat(),
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
    }


def title(one: Mapping[str, Any], lang: str) -> str:
    """One line."""
    what, name = say(f"alerts.what_{one['what']}", lang), _named(one, lang)
    return say("alerts.title", lang, what=what, cause=say(f"alerts.kind_{one['kind']}", lang, **name))


def sentence(one: Mapping[str, Any], lang: str) -> str:
    """What is wrong, why as far as it is known, and what to do."""
    values = _named(one, lang)
    parts = [say(f"alerts.says_{one['kind']}", lang, **values), _explained(one, lang)]
    if one["what"] != "resolved":
        parts.append(say(f"alerts.do_{one['kind']}", lang, **values))
    return " ".join(filter(None, parts))


def letter(message: Message, lang: str) -> Letter:
    """The message in one language."""
    if message.kind == "anchor":
        return _anchor(message, lang)
    alerts = message.body["alerts"]
    first = title(alerts[0], lang)
    more = say("alerts.several", lang, count=len(alerts), first=first) if len(alerts) > 1 else first
    parts = [_paragraph(one, lang) for one in alerts]
    text = "\n\n".join([*parts, say("alerts.foot", lang, message=message.id)]) + "\n"
    told = [dict(one) | {"title": title(one, lang), "text": sentence(one, lang)} for one in alerts]
    data = {"type": "gateway.alerts", "version": 1, "id": message.id, "created_at": message.created_at.isoformat()}
    thread = alerts[0]["id"] if len(alerts) == 1 else None
    return Letter(message.id, message.created_at, _line(more), text, data | {"alerts": told}, thread)


def _anchor(message: Message, lang: str) -> Letter:
    """An anchor to keep elsewhere. The text is what `audit verify` takes back, pasted."""
    anchor = anchors.Anchor.model_validate(message.body)
    said = say("alerts.anchor", lang, events=anchor.events)
    text = f"{said}\n\n{anchors.wrapped(anchor)}\n\n{say('alerts.foot', lang, message=message.id)}\n"
    data = {"type": "anchor", "line": anchors.line(anchor)}
    subject = say("alerts.anchor_subject", lang, events=anchor.events)
    return Letter(message.id, message.created_at, subject, text, data, thread="anchor")


def _paragraph(one: Mapping[str, Any], lang: str) -> str:
    said = [title(one, lang), sentence(one, lang)]
    times = {name: _moment(one[f"{name}_at"]) for name in ("opened", "resolved")}
    key = "alerts.over" if one["resolved_at"] else "alerts.since"
    severity = say(f"alerts.severity_{one['severity']}", lang)
    return "\n".join([*said, say(key, lang, severity=severity, alert=one["id"], **times)])


def _named(one: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """The values a sentence may name; those that are not known are a dash."""
    facts = {name: _written(name, value) for name, value in one["facts"].items()}
    empty = dict.fromkeys(("code", "example", "since", "last", "stage", "by", "statement", "cut_off"), "–")
    named = {"agency": one["agency"] or "–", "subject": one["subject"], "things": one["things"]}
    what = say(f"alerts.record_{one['facts'].get('what', 'request')}", lang)
    return empty | {"days_left": 0, "free_megabytes": 0, "seq": 0} | facts | named | {"what": what}


def _explained(one: Mapping[str, Any], lang: str) -> str:
    """The sentence of the room that gave the reason, where it needs no more to be said."""
    key = str(one["facts"].get("why") or one["facts"].get("code") or "").lower()
    found = (room(name).get(key) for name in _EXPLAINING)
    return next((said[lang] for said in found if said and "{" not in said[lang]), "")


def _written(name: str, value: Any) -> Any:
    if value is None:
        return "–"
    return _moment(str(value)) if name in _MOMENTS and "T" in str(value) else value


def _moment(text: str | None) -> str:
    return f"{local(datetime.fromisoformat(text)):%Y-%m-%d %H:%M}" if text else "–"


def _line(text: str) -> str:
    """Fit for a header: one line of printable letters, not endless."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:200]
