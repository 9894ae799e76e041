"""Values that the API's administrator configures (levels and so on) are checked before anything is sent."""

import orjson


def individual(level):
    person = {"firstName": level}
    return orjson.dumps({"type": "individual", "level": level, "contactPersons": [person]})


async def test_a_live_catalog(world):
    """With `CATALOG=live` the worker reads the levels from the API, and refuses an event with any other level."""
    await world.topics()
    sandbox = await world.sandbox()
    worker = await world.start(WORKER_CUSTOMER__CATALOG="live", WORKER_CUSTOMER__CATALOG_REFRESH="1")
    await worker.until("hold.ended", reason="journal_restoring")
    await world.publish(individual("Premium"), individual("Platinum"), key=b"k")
    await worker.until("record.finished", 2)
    assert await worker.stop() == 0
    (failed,) = await world.events(world.plan.failed)
    (violation,) = failed["data"]["reason"]["violations"]
    assert (violation["path"], violation["rule"]) == ("level.value", "configured_values")
    assert len(sandbox.ledger) == 1


async def test_a_catalog_file(world, tmp_path):
    """With a catalog file only the levels that it lists are accepted."""
    await world.topics()
    await world.sandbox()
    catalog = tmp_path / "catalog.toml"
    catalog.write_text('levels = ["Premium"]\n')
    worker = await world.start(WORKER_CUSTOMER__CATALOG=str(catalog))
    await world.publish(individual("Premium"), individual("Platinum"), key=b"k")
    first, second = await worker.until("record.finished", 2)
    assert (first["outcome"], second["reason"]) == ("succeeded", "invalid_customer")
    assert await worker.stop() == 0


async def test_a_catalog_file_that_is_none(world, tmp_path):
    """With a file that is not a catalog the worker exits with 2 and names the file."""
    catalog = tmp_path / "catalog.toml"
    catalog.write_text("levels = 7\n")
    await world.sandbox()
    worker = await world.start(WORKER_CUSTOMER__CATALOG=str(catalog))
    assert await worker.ended() == 2
    assert str(catalog) in "\n".join(worker.text)
