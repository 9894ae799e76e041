"""The scenarios by name, each with what every Kafka answers, and the codes of Kafka's answers."""

from collections.abc import Callable

from simulation.conforming import Scenario

OK, OUT_OF_RANGE, UNKNOWN_TOPIC, TOO_LARGE = 0, 1, 3, 10
ILLEGAL_GENERATION, UNKNOWN_MEMBER, REBALANCING, MEMBER_ID_REQUIRED = 22, 25, 27, 79
EXISTS, FEWER, OUT_OF_ORDER, OLD_EPOCH, NO_SUCH_PRODUCER = 36, 37, 45, 47, 49
END, BEGINNING = -1, -2

SCENARIOS: dict[str, tuple[Scenario, object]] = {}


def answers(*expected: object) -> Callable[[Scenario], Scenario]:
    """The scenario's answers, in their order."""

    def known(scenario: Scenario) -> Scenario:
        SCENARIOS[scenario.__name__.strip("_")] = scenario, list(expected)
        return scenario

    return known
