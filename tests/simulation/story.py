"""A story: what happens in a world, as data that is drawn from a seed, told, cut down and played again."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from random import Random

import orjson


class Act(StrEnum):
    """One thing that happens at a moment. `who` is a worker, a partition or a share; `lasts` is in seconds."""

    FREEZE = "freeze"  # a worker stands still; `size` is how far its wall clock is set when it goes on
    KILL = "kill"  # a worker dies, and another one takes its place
    STOP = "stop"  # a clean stop, and another one
    SKEW = "skew"  # a worker's wall clock jumps by `size` seconds
    SUSPEND = "suspend"  # frozen, and its monotonic clock stands still as well
    API_LOST = "api-lost"  # calls are carried out and their answers lost
    API_BEFORE = "api-before"  # calls are lost on the way there
    API_LATE = "api-late"  # calls are carried out late
    API_AWAY = "api-away"  # nobody can connect
    API_STATUS = "api-status"  # `size` is the status
    API_NO_ID = "api-no-id"  # 201 without a Location
    API_HIDDEN = "api-hidden"  # 201 without a Location, and no search finds what was made
    API_EXPIRES = "api-expires"  # sessions end
    API_LOGIN = "api-login"  # and their calls are sent to a login page
    API_LOCKED = "api-locked"  # logins are refused
    SEARCH_REFUSED = "search-refused"
    SEARCH_LAG = "search-lag"  # by `size` seconds
    KAFKA_CUT = "kafka-cut"  # all connections break
    KAFKA_LOSSY = "kafka-lossy"  # some break, now and then
    KAFKA_FROZEN = "kafka-frozen"  # the broker answers nobody
    KAFKA_SLOW = "kafka-slow"  # acknowledgements come late
    LEADER_LOST = "leader-lost"  # a partition loses what only its leader had
    ABORTED = "aborted"  # a transaction with events is aborted
    OPEN = "open"  # a transaction stays open for a while
    DELETED = "deleted"  # retention takes the beginning of a request partition
    COMPACTED = "compacted"  # the journal loses what its keys have newer entries for
    COMMITTED = "committed"  # a transaction stays open for a while, and counts
    LEADER_MOVED = "leader-moved"  # a partition of each topic goes to another broker, and loses nothing
    COORDINATOR_MOVED = "coordinator-moved"  # groups and transactions are another broker's
    BROKER_DOWN = "broker-down"  # its partitions go to others, and it comes back
    BROKER_FROZEN = "broker-frozen"  # one of them answers nobody
    CUT_OFF = "cut-off"  # a worker does not reach the coordinator, and everybody else does
    GROWN = "grown"  # the requests have one more partition, and the journal in the end
    MORE = "more"  # one more worker
    LESS = "less"  # one less, after a clean stop
    POISON = "poison"  # records that nobody can read, without a key or a value
    ODD_NAMES = "odd-names"  # records with header names that are not UTF-8, at which the client stumbles
    STRANGERS = "strangers"  # somebody else makes customers with the addresses of events that are to come
    REDRIVEN = "redriven"  # dead letters are published again by a tool; `size` 1: it drops the headers
    REPEAT = "repeat"  # an earlier event is published again
    FLOOD = "flood"  # many events that the API rejects
    REPLAYED = "replayed"  # `dead-letters replay`, killed where it takes longer than it `lasts`
    RESOLVED = "resolved"  # people say which customers doubts have, or have them sent again
    OFFSETS_GONE = "offsets-gone"  # the group forgets a partition's offset; after a while people set it
    RETRIED = "retried"  # for a while the producer sends each event twice, or once more without its key
    RESET = (
        "reset"  # a clean stop, and another one with a limit that no event keeps, or a mapping by which it is another
    )
    MISLED = "misled"  # the leaders of a partition say of places which they have that they are out of range
    WAVERING = "wavering"  # brokers refuse requests for now, some of them after they have carried them out
    TWIN = "twin"  # a worker begins under the name of one that still runs, and is killed after a while
    RIGHTS = "rights"  # nobody may read, or write, one of the topics
    BEHIND = "behind"  # one broker has not heard since who leads what, and which partitions were added
    RESULTS_ANEW = "results-anew"  # a topic of results, or of dead letters, is deleted, and made again after a while
    JOURNAL_ANEW = "journal-anew"  # the journal is
    API_PACED = "api-paced"  # calls are refused for now with a Retry-After of `size` seconds
    SEARCH_BROKEN = "search-broken"  # searches for a third of the customers fail


@dataclass(frozen=True, slots=True, order=True)
class Happening:
    """`at` is in seconds since the story began."""

    at: float
    act: Act
    who: int = 0
    lasts: float = 0.0
    size: float = 0.0

    def __str__(self) -> str:
        lasts = f" for {self.lasts:.1f} s" if self.lasts else ""
        size = f", {self.size:g}" if self.size else ""
        return f"{self.at:7.2f}  {self.act.value} {self.who}{size}{lasts}"


@dataclass(frozen=True, slots=True)
class Story:
    """`events` are published one after another, `pause` seconds apart on average, with `keys` different keys."""

    seed: int
    workers: int = 2
    partitions: int = 2
    events: int = 60
    keys: int = 8
    pause: float = 0.05
    look_up: str = "none"
    in_flight: int = 8
    ahead: int = 10_000
    """Records of a partition that may be uncommitted."""
    latency: float = 0.05
    """Of the API, seconds on average."""
    session: int = 10
    """After so many seconds without a heartbeat a member is given up."""
    rate: float = 0.0
    """Creations a second that the whole group may send; 0 is without a limit."""
    unique: bool = False
    """The API rejects an e-mail address that some customer has."""
    adaptive: bool = False
    """Workers find out how many calls at once the API bears."""
    static: bool = False
    """Workers are members of the group under names, which whoever replaces one takes over."""
    happenings: Sequence[Happening] = field(default_factory=tuple)

    def told(self) -> list[str]:
        """What a person reads."""
        head = (
            f"seed {self.seed}: {self.workers} workers, {self.partitions} partitions, {self.events} events of "
            f"{self.keys} keys, look-up {self.look_up}, {self.in_flight} in flight, {self.ahead} ahead, "
            f"{self.latency:g} s a call, "
            f"sessions of {self.session} s{', unique addresses' * self.unique}"
            + (f", {self.rate:g} a second" if self.rate else "")
            + (", adaptive" if self.adaptive else "")
            + (", static members" if self.static else "")
        )
        return [head, *map(str, self.happenings)]

    def written(self) -> str:
        """One line from which `read` makes the same story; what is as usual is left out."""
        usual = asdict(Story(self.seed))
        told = {name: value for name, value in asdict(self).items() if name == "seed" or value != usual[name]}
        if self.happenings:
            told["happenings"] = [[each.at, each.act, each.who, each.lasts, each.size] for each in self.happenings]
        return orjson.dumps(told).decode()

    def without(self, happenings: Sequence[Happening]) -> "Story":
        """The same story where these do not happen."""
        gone = set(happenings)
        return replace(self, happenings=tuple(each for each in self.happenings if each not in gone))


def read(line: str) -> Story:
    """What `written` wrote."""
    told = orjson.loads(line)
    happenings = tuple(Happening(at, Act(act), *rest) for at, act, *rest in told.pop("happenings", ()))
    return Story(**told, happenings=happenings)


LASTING: dict[Act, tuple[float, float]] = {
    Act.FREEZE: (0.5, 400), Act.SUSPEND: (0.5, 400), Act.CUT_OFF: (0.5, 90),
    Act.API_LOST: (0.2, 5), Act.API_BEFORE: (0.2, 5),
    Act.API_LATE: (0.2, 5),
    Act.API_AWAY: (0.2, 60), Act.API_STATUS: (0.2, 20), Act.API_NO_ID: (0.2, 2), Act.API_HIDDEN: (0.2, 2),
    Act.API_EXPIRES: (0.2, 5), Act.API_LOGIN: (0.2, 5), Act.API_LOCKED: (1, 60), Act.SEARCH_REFUSED: (1, 60),
    Act.SEARCH_LAG: (5, 60),
    Act.KAFKA_LOSSY: (0.2, 5), Act.KAFKA_FROZEN: (0.2, 40), Act.KAFKA_SLOW: (0.2, 10), Act.OPEN: (0.5, 20),
    Act.COMMITTED: (0.1, 20), Act.RETRIED: (0.5, 10),
    Act.GROWN: (0.2, 60), Act.REPLAYED: (0.1, 60), Act.OFFSETS_GONE: (1, 60),
    Act.BROKER_DOWN: (0.5, 30), Act.BROKER_FROZEN: (0.2, 40),
    Act.MISLED: (0.2, 20), Act.WAVERING: (0.2, 20), Act.BEHIND: (0.5, 40),
    Act.TWIN: (0.5, 60), Act.RIGHTS: (0.5, 40),
    Act.RESULTS_ANEW: (0.05, 40), Act.JOURNAL_ANEW: (0.05, 40), Act.API_PACED: (0.5, 20), Act.SEARCH_BROKEN: (1, 60),
}  # fmt: skip
"""How long what lasts may last, seconds."""
SIZES: dict[Act, Sequence[float]] = {
    Act.API_STATUS: (400, 403, 404, 429, 500, 502, 503, 504, 303, 408),
    Act.SKEW: (-86_400.0, -3_600.0, -5.0, 5.0, 30.0, 3_600.0, 86_400.0),
    Act.FREEZE: (0.0, 0.0, 0.0, -3_600.0, 3_600.0), Act.SUSPEND: (0.0, 0.0, 0.0, -3_600.0, 3_600.0),
    Act.SEARCH_LAG: (0.5, 2.0, 4.0),
    Act.FLOOD: (10, 60, 150),
    Act.REDRIVEN: (0, 1), Act.API_PACED: (1, 5, 30),
}  # fmt: skip


def drawn(seed: int, acts: Sequence[Act] = tuple(Act)) -> Story:
    """The story of that seed."""
    random = Random(seed)
    events = random.choice((20, 20, 60, 60, 60, 200))
    story = Story(
        seed,
        workers=random.choice((1, 2, 2, 3)),
        partitions=random.choice((1, 2, 4)),
        events=events,
        keys=random.choice((1, 4, 20, events)),
        pause=random.choice((0.0, 0.02, 0.1, 0.5)),
        look_up=random.choice(("none", "custom_attribute", "email")),
        in_flight=random.choice((1, 4, 16, 64)),
        ahead=random.choice((3, 20, 10_000, 10_000)),
        latency=random.choice((0.02, 0.05, 0.05, 0.5, 1.0)),
        session=random.choice((10, 10, 45)),
        unique=random.choice((False, False, True)),
        # Drawn beside the others, so that these stories are what they were before there was a rate.
        rate=Random(f"rate {seed}").choice((0.0, 0.0, 5.0, 20.0, 100.0)),
        adaptive=Random(f"adaptive {seed}").random() < 0.3,
        static=Random(f"static {seed}").random() < 0.3,
    )
    length = 2.0 + events * story.pause
    happenings = [
        happening(random, random.choice(acts), length * 1.5) for _ in range(random.choice((0, 1, 2, 3, 5, 8)))
    ]
    return replace(story, happenings=tuple(sorted(happenings)))


def happening(random: Random, act: Act, within: float) -> Happening:
    """One of that kind, at some moment."""
    low, high = LASTING.get(act, (0.0, 0.0))
    lasts = low * (high / low) ** random.random() if low else 0.0
    size = random.choice(SIZES.get(act, (0.0,)))
    return Happening(round(random.random() * within, 3), act, random.randrange(4), round(lasts, 3), size)
