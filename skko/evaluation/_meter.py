"""What an evaluation took: seconds, texts that models read, and what services were asked."""

import time
from dataclasses import asdict
from typing import Any

from skko.embedding import encode_counts
from skko.models import remote_usage


class Meter:
    """Counts from its making on."""

    def __init__(self) -> None:
        self._started, self._counts, self._usage = time.perf_counter(), encode_counts(), remote_usage()

    def read(self) -> dict[str, Any]:
        """What a report says of it; ``usage`` only if a service was asked."""
        taken: dict[str, Any] = {
            "texts_encoded": (encode_counts() - self._counts).texts_encoded,
            "seconds": round(time.perf_counter() - self._started, 3),
        }
        usage: dict[str, float] = {}
        for model, now in remote_usage().items():
            before = self._usage.get(model)
            for name, value in asdict(now).items():
                more = 0 if value is None else value - ((asdict(before)[name] or 0) if before else 0)
                if more:
                    usage[name] = usage.get(name, 0) + more
        return {**taken, "usage": usage} if usage else taken
