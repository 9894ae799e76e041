"""One verification of all topics at a time, for all who ask."""

import asyncio
from dataclasses import dataclass, field

import structlog

from worker import clocks, wiring
from worker.console.work.steps import Steps, why
from worker.settings.settings import Settings
from worker.tools.verification.report import Report
from worker.tools.verification.scan import Asked
from worker.tools.verification.verify import verified

log = structlog.get_logger()


@dataclass(slots=True)
class Verifying:
    """The verification; the last report stays until the next one has ended."""

    settings: Settings
    steps: Steps = field(default_factory=Steps)
    report: Report | None = None
    trouble: str | None = None
    ended: float | None = None
    task: "asyncio.Task[None] | None" = None

    @property
    def is_under_way(self) -> bool:
        """Whether a verification is under way."""
        return self.task is not None and not self.task.done()

    def begin(self) -> None:
        """Begin a verification, unless one is under way."""
        if not self.is_under_way:
            self.steps = Steps()
            self.task = asyncio.create_task(self._verify(), name="verify")

    async def _verify(self) -> None:
        try:
            mapping = wiring.mapping(self.settings)
            self.report = await verified(self.settings, Asked(), mapping, self.steps.progress)
            self.trouble = None
            log.info("verification.ended", holds=self.report.holds, findings=len(self.report.findings))
        except Exception as error:  # noqa: BLE001  the page tells that there is no report
            self.report, self.trouble = None, why(error)
        self.ended = clocks.moment().timestamp()

    async def close(self) -> None:
        """Cancel the verification."""
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
