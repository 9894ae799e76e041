"""How the version before the journal had headers reads and writes it, word for word, but for its imports.

Workers of both may share a journal while one is replaced by the other, in either direction: what is in here is not to
be changed. The whole of that version is in the history, at COMMIT.
"""

from typing import Final

COMMIT: Final = "0394f6c0c566ad2bccf27be884ca8d13e4b49e37"
