"""Faults put back into the running worker: each has a story that finds it."""

from . import creation, intake, journal, kafka
from .mutant import Mutant

MUTANTS: dict[str, Mutant] = creation.MUTANTS | journal.MUTANTS | intake.MUTANTS | kafka.MUTANTS
