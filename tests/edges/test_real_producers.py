"""Records written by clients of other languages: every codec, batches, and headers of every kind."""

import orjson
import pytest
from grouped import member, read
from patience import PATIENCE
from real_producers import BUILD_WITHIN, franz_go, java_client, librdkafka, taken_back

from worker.events.decode import Decoder
from worker.kafka import admin
from worker.kafka.batches import NOT_UTF8
from worker.kafka.connection import Connection
from worker.model.commands import CreateCustomer, Unusable
from worker.topics import TopicSpec

CUSTOMER = {"type": "individual", "contactPersons": [{"firstName": "Jörg"}]}
BARE = orjson.dumps(CUSTOMER)
WRITTEN = {"specversion": "1.0", "type": "customer.create.requested.v1", "source": "urn:crm", "id": "structured"}
STRUCTURED = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
BINARY = tuple((f"ce_{name}", text.encode()) for name, text in {**WRITTEN, "id": "binary"}.items())
ODD = (("a", b"1"), ("b", None), ("a", b"2"), ("c", b""), ("ключ".encode().decode(), "wért".encode()))
# One record of each kind, and more that a codec can compress.
RECORDS = (
    (b"k1", orjson.dumps(WRITTEN | {"data": CUSTOMER}), STRUCTURED),
    (b"k2", BARE, (*BINARY, ("content-type", b"application/json"))),
    (None, BARE, ()),
    (b"k3", None, ()),
    (b"", BARE, ODD),
    *((b"k%d" % number, BARE, ()) for number in range(4, 40)),
)
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


@pytest.fixture
async def topic(kafka, unique):
    async with admin.opened(Connection(kafka)) as client:
        await client.create(TopicSpec(unique, 1, 1))
    return unique


@pytest.mark.timeout(BUILD_WITHIN + 3 * PATIENCE)
@pytest.mark.parametrize(
    ("client", "codecs"),
    [
        (librdkafka, CODECS),
        # Each costs a JVM; Java frames these two in a way of its own.
        (java_client, ("snappy", "lz4")),
        (franz_go, CODECS),
    ],
    ids=["librdkafka", "java", "franz-go"],
)
async def test_what_a_client_writes(kafka, topic, client, codecs):
    """Records arrive byte for byte and in order, and each is decoded as it should be."""
    for codec in codecs:
        await client(kafka, topic, codec, RECORDS)
    async with member(Connection(kafka, request_timeout=10), topic) as (source, _):
        found = await read(source, len(codecs) * len(RECORDS), partitions=(0,))
    assert [(each.key, each.value, each.headers) for each in found] == list(RECORDS) * len(codecs)
    decode = Decoder()
    for start in range(0, len(found), len(RECORDS)):
        structured, binary, *bare, _, odd = map(decode, found[start : start + 5])
        assert [each.request.id for each in (structured, binary)] == ["structured", "binary"]
        assert all(isinstance(each, CreateCustomer) for each in (structured, binary, *bare, odd))
        assert isinstance(decode(found[start + 3]), Unusable)


async def test_what_a_transaction_took_back(kafka, topic):
    """Records of an aborted transaction are not read, those committed after it are."""
    await taken_back(kafka, topic, topic, RECORDS[:2], RECORDS[2:4])
    async with member(Connection(kafka, request_timeout=10), topic) as (source, _):
        found = await read(source, 2, partitions=(0,))
    assert [(each.key, each.value) for each in found] == [(None, BARE), (b"k3", None)]


@pytest.mark.timeout(BUILD_WITHIN + 3 * PATIENCE)
async def test_a_name_that_is_no_text(kafka, topic):
    """A header name that is not UTF-8, as Go can write it, makes its own record unreadable and no other."""
    odd = (b"odd", BARE, (("trace\udcff\udcfe-id", b"1"),))
    records = (*RECORDS[:3], odd, *RECORDS[3:6])
    for codec in CODECS:
        await franz_go(kafka, topic, codec, records)
    async with member(Connection(kafka, request_timeout=10), topic) as (source, _):
        found = await read(source, len(CODECS) * len(records), partitions=(0,))
    assert [each.unreadable for each in found] == [None, None, None, NOT_UTF8, None, None, None] * len(CODECS)
    well = [(each.key, each.value, each.headers) for each in found if each.unreadable is None]
    assert well == list(RECORDS[:6]) * len(CODECS)
