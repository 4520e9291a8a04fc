"""The keys of an installation: one for each lot, reply and password, under a master key that can be replaced."""

from gateway.keyring.ring import Keyring, Standing
from gateway.keyring.rotation import POINTS, renew

__all__ = ["POINTS", "Keyring", "Standing", "renew"]
