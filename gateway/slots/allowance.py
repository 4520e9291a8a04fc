"""What judging one document may cost, by its size."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Allowance:
    """The defaults are the configuration's."""

    seconds: float = 2.0  # of the processor
    seconds_per_megabyte: float = 1.0  # and more for each; honest documents need a fifth of it
    patience: float = 10.0  # times that, by the clock: the machine has other work
    memory_bytes: int = 256 << 20  # address space of the process, whatever the document's size: judging streams
    documents: int = 200  # judged by one process before another takes its place

    def processor(self, size: int) -> float:
        """Seconds of the processor for a document of `size` bytes."""
        return self.seconds + self.seconds_per_megabyte * size / MEGABYTE

    def clock(self, size: int) -> float:
        """Seconds after which whoever waits gives up."""
        return self.patience * self.processor(size)
