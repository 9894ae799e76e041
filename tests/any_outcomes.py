"""Generated outcomes of every form, for tests of what is written about them."""

from hypothesis import strategies as st

from worker.journal.outcome_json import RULES
from worker.model.outcomes import Failed, HttpAnswer, Reason, ReasonCode, Succeeded, Violation

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
COUNTS = st.integers(0, 5) | st.sampled_from([0xFFFE, 0xFFFF, 0x10000, 2**53])
ALLOWED = st.none() | st.lists(TEXTS, max_size=2).map(tuple)
VIOLATIONS = st.builds(Violation, TEXTS, st.sampled_from(sorted(RULES)), st.none() | COUNTS, ALLOWED)
REASONS = st.builds(
    Reason,
    st.sampled_from(ReasonCode),
    TEXTS,
    st.lists(VIOLATIONS, max_size=2).map(tuple),
    st.none() | st.builds(HttpAnswer, COUNTS, st.none() | TEXTS),
)
IDS = st.sampled_from(["", "7", "2801", "äöü", "x" * 64])
CREATED = IDS.flatmap(
    lambda made: st.builds(
        Succeeded,
        st.just(made),
        TEXTS.map(lambda path: path + made) | TEXTS,
        TEXTS,
        COUNTS,
        st.sampled_from(["created", "already_created", "reconciled"]),
    )
)
OUTCOMES = CREATED | st.builds(Failed, REASONS, COUNTS)
