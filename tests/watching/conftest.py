"""What the host sees."""

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from runtime import metrics

Sample = Callable[..., float]


def sample(text: str, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    found = [s for family in text_string_to_metric_families(text) for s in family.samples if s.name == name]
    return sum(s.value for s in found if labels.items() <= s.labels.items())


@pytest.fixture
def counted(app) -> Sample:
    """counted("freehold_log_ins_total", outcome="refused") -> what this process shows now."""

    def now(name: str, **labels: str) -> float:
        with app.app_context():
            return sample(metrics.exposed().decode(), name, **labels)

    return now
