"""A payer one can run: real SFTP doors, its own judgement, its own book; it shares nothing with the gateway's rooms."""

from gateway.sandbox.payer import Sandbox

__all__ = ["Sandbox"]
