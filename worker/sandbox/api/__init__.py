"""A double of the create-customer API: as strict as the API's pages, with a ledger of what was executed, and faults."""

from worker.sandbox.api.command import run_sandbox
from worker.sandbox.api.config import (
    DEFAULT_PASSWORD,
    DEFAULT_USER,
    ConfiguredValues,
    CustomAttribute,
    CustomAttributes,
    SandboxConfig,
    load_configured_values,
)
from worker.sandbox.api.fault_script import faults_by_chance, load_faults
from worker.sandbox.api.faults import Fault, Kind, Match
from worker.sandbox.api.ledger import Entry, Ledger
from worker.sandbox.api.server import RunningSandbox, sandbox_api
from worker.sandbox.api.state import CallLine

__all__ = [
    "DEFAULT_PASSWORD",
    "DEFAULT_USER",
    "CallLine",
    "ConfiguredValues",
    "CustomAttribute",
    "CustomAttributes",
    "Entry",
    "Fault",
    "Kind",
    "Ledger",
    "Match",
    "RunningSandbox",
    "SandboxConfig",
    "faults_by_chance",
    "load_configured_values",
    "load_faults",
    "run_sandbox",
    "sandbox_api",
]
