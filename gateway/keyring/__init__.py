"""The keys of an installation: one for each lot, reply and password, under a master key that can be replaced."""

from gateway.keyring.ring import Keyring, Standing
from gateway.keyring.rotation import POINTS, finish, is_unfinished, renew

__all__ = ["POINTS", "Keyring", "Standing", "finish", "is_unfinished", "renew"]
