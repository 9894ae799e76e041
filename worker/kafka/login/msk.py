"""Tokens for Amazon MSK with IAM, signed on this machine with the credentials that AWS's own chain finds."""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from worker import clocks
from worker.kafka.login.tokens import NoToken, Token

PACKAGE: Final = "aws_msk_iam_sasl_signer"
WITHIN = 20.0
"""Seconds that the instance's metadata or AWS's token service may take."""
_REGION: Final = re.compile(r"\.kafka(?:-serverless)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?(?::\d+)?$")


@dataclass(frozen=True, slots=True)
class MskIam:
    """Signs tokens. Nothing is asked for over the network, unless for the credentials themselves."""

    region: str

    @property
    def origin(self) -> str:
        """Whose credentials sign the token, and for which region's brokers."""
        return f"our own AWS credentials for {self.region}"

    @property
    def settings(self) -> str:
        """What AWS decides by whether a token is accepted."""
        return "kafka-cluster:Connect of these credentials, WORKER_KAFKA__AWS_REGION"

    async def token(self) -> Token:
        """A new token. Raises NoToken."""
        try:
            async with asyncio.timeout(WITHIN):
                return await asyncio.to_thread(self._signed)
        except Exception as error:  # the chain has many links, and each fails in its own way
            # The signer raises one of these where there are no credentials.
            nowhere = isinstance(error, ValueError | AttributeError)
            why = "AWS credentials are not to be found" if nowhere else type(error).__name__
            raise NoToken(f"no token signed for {self.region}: {why} (AWS_* of the environment)") from error

    def _signed(self) -> Token:
        """Sign a token. To be called in a thread: it reads files and may ask over the network.

        The package is loaded only where it is used: it takes 30 MB.
        """
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider  # noqa: PLC0415

        text, ends = MSKAuthTokenProvider.generate_auth_token(self.region)
        return Token(text, ends / 1000 - clocks.moment().timestamp())


def region_of(servers: str) -> str | None:
    """The region that a broker's name contains; None where none does."""
    found = (_REGION.search(server.strip()) for server in servers.split(","))
    return next((match[1] for match in found if match), None)
