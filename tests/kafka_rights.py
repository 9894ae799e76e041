"""Access rights in Kafka: those that the documentation lists, and how a test grants them and takes them away."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from pathlib import Path
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest
from patience import PATIENCE

from worker.topics import Plan

RUNBOOK: Final = Path(__file__).parent.parent / "deploy/docs/security.md"
_ROW: Final = re.compile(r"^\| (\w+) \| ([\w-]+) `([^`]+)` \| (.+) \|$", re.MULTILINE)
_LITERAL, _ALLOW = 3, 3
IN_FORCE_WITHIN: Final = PATIENCE


class Kind(IntEnum):
    """The kind of resource that a right is for, by Kafka's number."""

    topic = 2
    group = 3
    transactional_id = 5


class Operation(IntEnum):
    """The operation that a right allows, by Kafka's number."""

    Read = 3
    Write = 4
    Create = 5
    Alter = 7


@dataclass(frozen=True)
class Right:
    """A user may do this operation on the resource of this name."""

    operation: Operation
    kind: Kind
    name: str

    def fields(self, user: str) -> tuple[int, str, int, str, str, int, int]:
        """The right in the form of Kafka's requests."""
        return self.kind, self.name, _LITERAL, f"User:{user}", "*", self.operation, _ALLOW


def documented(command: str, plan: Plan, group: str) -> Iterator[Right]:
    """The rights documented for that command, with the names of this plan's topics and of that group."""
    defaults = dict(Plan().names())
    names = {"customer-worker": group} | {defaults[setting]: name for setting, name in plan.names()}
    section = RUNBOOK.read_text().partition("<!-- rights -->")[2].partition("<!-- /rights -->")[0]
    for operation, kind, name, commands in _ROW.findall(section):
        if f"`{command}`" in commands:
            ours = reduce(lambda told, each: told.replace(*each), names.items(), name)
            yield Right(Operation[operation], Kind[kind.replace("-", "_")], ours)


@dataclass(frozen=True)
class Rights:
    """The rights of one user; a change is in force when the call returns."""

    bootstrap_servers: str
    user: str

    async def grant(self, rights: Iterable[Right]) -> None:
        """Grant rights; one that is granted already stays."""
        for right in rights:
            await self._change(CreateAclsRequest(*right.fields(self.user)), right, there=True)

    async def take(self, right: Right) -> None:
        """Take a right away; one that was not granted is no error."""
        await self._change(DeleteAclsRequest(*right.fields(self.user)), right, there=False)

    async def _change(self, request: CreateAclsRequest | DeleteAclsRequest, right: Right, *, there: bool) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        try:
            answer = (await _ask(admin, request)).values()
            (result,) = next(value for value in answer if isinstance(value, list))
            assert not result["error_code"], result
            async with asyncio.timeout(IN_FORCE_WITHIN):
                # The broker answers before the change is in force.
                while bool((await _ask(admin, self._question(right)))["resources"]) is not there:
                    await asyncio.sleep(0.02)
        finally:
            await admin.close()

    def _question(self, right: Right) -> DescribeAclsRequest:
        return DescribeAclsRequest(*right.fields(self.user))


async def _ask(admin: AIOKafkaAdminClient, request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await admin._send_request(request)).to_object()
    return answer
