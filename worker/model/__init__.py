"""What flows through the worker: records, commands, outcomes, errors."""
