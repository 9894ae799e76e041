"""What `verify` and `check` say of a worker's real work."""

import orjson


def individual(name):
    return orjson.dumps({"type": {"value": "individual"}, "contactPersons": {"contactPerson": [{"firstName": name}]}})


async def told(world, *arguments):
    """(exit code, what the command printed as JSON)."""
    command = await world.start(*arguments, "--json")
    return await command.ended(), command.lines


async def test_verify_after_a_run(world):
    """`verify` holds after good and broken records, a repeated event and a redelivery; nothing counts as foreign."""
    await world.topics()
    await world.sandbox()
    event = orjson.dumps(
        {
            "specversion": "1.0",
            "id": "17",
            "source": "urn:crm",
            "type": "customer.create.requested.v1",
            "data": orjson.loads(individual("C")),
        }
    )
    headers = [("content-type", b"application/cloudevents+json")]
    await world.publish(individual("A"), b"broken", None, key=b"k")
    await world.publish(event, event, key=b"k", headers=headers)
    await world.publish(individual("B"), partition=1)
    group = world.environment["WORKER_KAFKA__GROUP_ID"]
    for finished in (6, 5):
        worker = await world.start()
        await worker.until("record.finished", finished)
        code, lines = await told(world, "check")
        assert code == 0
        assert [line["detail"] for line in lines if line["check"] == "group"] == [f"{group}, 1 member now"]
        assert await worker.stop() == 0
        if finished == 6:
            code, _ = await told(world, "offsets", "set", "0", "earliest", "--yes")
            assert code == 0
    code, (document,) = await told(world, "verify")
    assert code == 0
    assert (document["holds"], document["succeeded"], document["failed"]) == (True, 4, 2)
    assert (document["notJudged"], document["foreign"]) == ([], {})
    assert [each["inFlight"] for each in document["partitions"]] == [0, 0]
