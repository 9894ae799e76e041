"""One suite for the model of Kafka and for the real one: each scenario ends in the same answers."""

import pytest

from .conforming import ask_kafka, ask_model
from .scenarios import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_model(name: str):
    scenario, expected = SCENARIOS[name]
    assert ask_model(scenario) == expected


@pytest.mark.parametrize("name", SCENARIOS)
def test_kafka(name: str, kafka: str):
    scenario, expected = SCENARIOS[name]
    assert ask_kafka(kafka, scenario) == expected
