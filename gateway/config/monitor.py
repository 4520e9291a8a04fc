"""How the gateway is watched: the port for metrics and health."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.config.strict import Seconds, Table


def _address(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise PydanticCustomError("config.no_address", "not an IP address") from None


class MonitorConfig(Table):
    """[monitor]: metrics, liveness and readiness over HTTP. Nothing listens while `port` is 0."""

    port: int = Field(0, ge=0, le=65535)
    address: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    live_within: Seconds = Field(120, ge=10)
    disk_low_bytes: int = Field(1_000_000_000, ge=0)

    @property
    def loopback(self) -> bool:
        """Whether no other machine can ask."""
        return ip_address(self.address).is_loopback
