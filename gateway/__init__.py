"""The agency batch-transmission gateway between billing agencies and the payer."""

__version__ = "0.1.0"
