"""The customer worker: keeps a CRM in step with a Kafka event stream, without creating customers twice."""

import os
import signal

__version__ = "0.1.0"

if os.getpid() == 1:
    # The kernel keeps a signal without a handler from process 1 of a container: told to stop while it still imports, a
    # worker would begin all the same, and be killed later with calls on their way. Everywhere else SIGTERM ends it.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
