"""Dead letters: one for each failed record with the original's bytes, and none for anybody else."""

from collections.abc import Iterator

from chaos.known import OF_A_CUSTOMER, Known


def wrong(known: Known) -> Iterator[str]:
    """Each failed event names one, and each one's record has failed."""
    letters = {letter.place: letter for letter in known.facts.dead_letters}
    records = {each.place: each for each in known.facts.asked}
    failed = [told for told in known.facts.told if told.ending not in OF_A_CUSTOMER and told.place in records]
    for told in failed:
        asked, named = records[told.place], told.event["data"]["deadLetter"]
        letter = letters.get((named["partition"], named["offset"])) if named else None
        if letter is None or letter.of != told.place:
            yield f"{asked} is told with a dead letter that is not there"
        elif (letter.key, letter.value) != (asked.item.key, asked.item.value):
            yield f"{asked} has a dead letter of other bytes"
    places = {told.place for told in failed}
    for letter in known.facts.dead_letters:
        if letter.of not in places:
            yield f"{records.get(letter.of, letter.of)} has one, and has not failed"
