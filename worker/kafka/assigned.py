"""What a group's coordinator tells of its members' partitions."""

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

STABLE = "Stable"
"""The state of a group in which no rebalance is under way."""


def partitions_of(assignment: bytes, topic: str) -> list[int]:
    """The topic's partitions in a member's assignment, which is empty bytes for a member without any.

    Raises ValueError for the assignment of another kind of client.
    """
    given = ConsumerProtocolMemberAssignment.decode(assignment).assignment if assignment else []
    return [number for name, numbers in given if name == topic for number in numbers]
