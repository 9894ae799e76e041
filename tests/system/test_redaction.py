"""No value of a customer and no secret is told anywhere but where it belongs, whatever goes wrong."""

import asyncio
import signal
from collections import Counter
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import aiohttp
import orjson
import pytest
from aiohttp import web
from builders import seed
from console_visitor import TOKEN, visiting
from patience import PATIENCE
from span_collector import span_collector

from worker.events.letter_headers import original

MARK = "Zq7Mark"
CRASHING = Path(__file__).with_name("crashing.py")
ATTRIBUTES = {"specversion": "1.0", "source": "shop", "type": "customer.create.requested.v1", "tenant": MARK}
STRUCTURED = ("content-type", b"application/cloudevents+json")
SECRET = ("x-secret", MARK.encode())


def person(kind, **elements):
    """A customer with the mark in every free text; the first name tells the fake API how to answer."""
    free = "middleName lastName loginId initials secretQuestion secretAnswer jobTitle spouseName occupation hobbies"
    points = [
        {"type": {"value": "email", "email": {"emailAddress": f"{MARK}.{kind}@customer.example"}}},
        {"type": {"value": "phone", "phone": {"type": {"value": "home"}, "phoneNo": f"{MARK} 1"}}},
        {"type": {"value": "postal", "postal": {"type": {"value": "home"}, "address_1": MARK, "city": MARK}}},
    ]
    given = {"firstName": f"{MARK} {kind}", **dict.fromkeys(free.split(), MARK), **elements}
    return {
        "type": {"value": "individual"},
        "pin": MARK,
        "entitlements": MARK,
        "contactPersons": {"contactPerson": [{**given, "contactPoints": {"contactPoint": points}}]},
    }


def event(kind, **elements):
    return orjson.dumps({**ATTRIBUTES, "id": f"e-{kind}", "data": person(kind, **elements)})


def marked(tree):
    """A document with every text replaced by the mark, except the types of customer and contact points."""
    match tree:
        case {"value": "individual" | "phone" | "postal" | "email"}:
            return {name: item if name == "value" else marked(item) for name, item in tree.items()}
        case dict():
            return {name: marked(item) for name, item in tree.items()}
        case list():
            return [marked(item) for item in tree]
        case _:
            return MARK


ALL_WRONG = orjson.dumps(marked(orjson.loads(seed("individual-all.json"))))
XML = seed("individual-required.xml").replace(b"Jack", f"{MARK} created".encode())
VALUES = {
    "created": event("created"),
    "bare": orjson.dumps(person("created bare")),
    "xml": XML,
    "all-wrong": ALL_WRONG,
    "too-long": event("invalid", lastName=MARK * 40, initials=MARK * 4, dateOfBirth=MARK, gender=MARK, suffix=MARK),
    "wrong-xml": XML.replace(b"individual<", f"{MARK}<".encode()),
    "broken-json": event("broken")[:-9],
    "broken-xml": XML[:-9],
    "entity": f'<!DOCTYPE a [<!ENTITY b "{MARK}">]><customer>&b;{MARK}</customer>'.encode(),
    "not-utf-8": f'{{"pin": "{MARK}\xff"}}'.encode("latin-1"),
    "twice": f'{{"pin": "{MARK}", "pin": "{MARK}"}}'.encode(),
    "text": f'"{MARK}"'.encode(),
    "null": None,
    "rejected": event("rejected"),
    "forbidden": event("forbidden"),
    "refused": event("refused"),
    "later": event("later"),
    "garbage": event("garbage"),
    "lost": event("lost"),
    "gateway": event("gateway"),
    "crash": event("created crash"),
    "expired": event("expired"),
}


class Echo:
    """An API that repeats what it was sent in every part of its answers."""

    def __init__(self):
        self.numbers = count(2801)
        self.calls: Counter[str] = Counter()

    async def log_in(self, request):
        self.calls["login"] += 1
        body = await request.text()
        if self.calls["login"] == 1:
            return self.said(401, body)
        return web.Response(status=204, headers={"X-egain-session": f"{MARK}-session-{self.calls['login']}"})

    async def log_out(self, request):
        return self.said(500, request.headers["X-egain-session"])

    async def search(self, request):
        self.calls["search"] += 1
        return self.said(403, request.query_string)

    async def create(self, request):
        body = await request.text()
        kind = next((kind for kind in VALUES if f"{MARK} {kind}" in body), "created")
        self.calls[kind] += 1
        match kind:
            case "lost":
                request.transport.abort()
                return self.said(500, body)
            case "expired" if self.calls[kind] == 1:
                return self.said(401, body)
            case "garbage":
                return self.said(201, body, Location=f"https://{MARK}.example/{MARK}")
            case "later" if self.calls[kind] == 1:
                return self.said(503, body)
            case "rejected" | "forbidden" | "refused" | "gateway":
                statuses = {"rejected": 400, "forbidden": 403, "refused": 409, "gateway": 502}
                return self.said(statuses[kind], body)
            case _:
                path = f"/system/ws/v12/interaction/customer/{next(self.numbers)}"
                return self.said(201, body, Location=path)

    def said(self, status, text, **headers):
        body = orjson.dumps({"code": f"{status}-101", "developerMessage": text})
        return web.Response(status=status, reason=MARK, body=body, headers={"X-Echo": MARK, **headers})

    @asynccontextmanager
    async def running(self):
        app, path = web.Application(), "/system/ws/v12"
        app.add_routes(
            [
                web.post(f"{path}/authentication/user/login", self.log_in),
                web.delete(f"{path}/authentication/user/logout", self.log_out),
                web.post(f"{path}/interaction/customer", self.create),
                web.get(f"{path}/interaction/customer", self.search),
                web.get(f"{path}/interaction/customer/attributes", self.search),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def pages(port):
    """Everything that the operations port tells."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        found = []
        for path in ("/livez", "/readyz", "/status", "/metrics"):
            for accept in ("*/*", "application/openmetrics-text; version=1.0.0"):
                async with http.get(path, headers={"Accept": accept}) as answer:
                    found.append(await answer.text())
    return found


async def console_pages(world, **settings):
    """Everything that the console shows to somebody with every right but that to see payloads, and its log."""
    rights = {"WORKER_CONSOLE__TOKEN": TOKEN.secret, "WORKER_CONSOLE__RIGHTS": "replay,accept_duplicates,resolve"}
    console = await world.start("console", WORKER_CONSOLE__PORT="0", **rights, **settings)
    (started,) = await console.until("console.started")
    letters = await world.read(world.plan.dead_letters)
    places = [f"/letters/{each.partition}@{each.offset}" for each in letters]
    events = [f"/events?source=shop&id=e-{kind}" for kind in VALUES]
    found = []
    async with visiting(f"http://127.0.0.1:{started['port']}/", "customer-worker-0") as visitor:
        for path in ("/", "/letters", *places, "/doubts", "/runs", "/verify", *events, "/nothing"):
            found += [await visitor.open(path), await visitor.open(path, json=True)]
        shown = await visitor.open("/letters")
        planned = await visitor.send(shown.form("Plan a replay"))
        verified = await visitor.send((await visitor.open("/verify")).form("Verify now"))
        found += [shown, planned, verified, await visitor.open(planned.address)]
    assert [each.status for each in found if each.status not in {200, 404}] == []
    assert await console.stop() == 0
    return [f"{each.address} {each.text}" for each in found], everything_said(console)


def everything_said(worker):
    return "\n".join([*map(str, worker.lines), *worker.text])


async def test_marked_customers_and_secrets(world):
    """Through success, failure, doubt, crash, hold and stop the mark is in no log, page, header, result or span."""
    await world.topics()
    api = Echo()
    async with api.running() as url, span_collector() as collector:
        echo_settings = {
            "WORKER_API__BASE_URL": url,
            "WORKER_API__USERNAME": f"{MARK}-user",
            "WORKER_API__PASSWORD": f"{MARK}-password",
            "WORKER_LOG__LEVEL": "debug",
            "WORKER_RECONCILE__BY": "email",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={MARK}",
        }
        world.hurry(WORKER_HOLD__MAX_PROBE_DELAY="0.5")
        for kind, value in VALUES.items():
            headers = [SECRET, STRUCTURED] if value and value.startswith(b'{"specversion') else [SECRET]
            await world.publish(value, key=f"{MARK}-{kind}".encode(), headers=headers, partition=len(kind) % 2)
        worker = await world._process(str(CRASHING), "run", **echo_settings)
        (ops,) = await worker.until("ops.started")
        said = await pages(ops["port"])
        finished = await worker.until("record.finished", len(VALUES))
        said += await pages(ops["port"])
        assert await worker.stop() == 0
        shown, logged = await console_pages(world, **echo_settings)
        spans = b"".join(collector.bodies)

    reasons = {line.get("reason") for line in finished}
    assert reasons == {
        None,
        "undecodable",
        "invalid_customer",
        "rejected",
        "forbidden",
        "refused",
        "outcome_unknown",
    }
    assert api.calls["search"]
    assert worker.of("record.crashed")
    assert worker.of("task.crashed")
    assert worker.of("hold.started", reason="session_refused")
    assert worker.of("session.logout_failed")
    succeeded, failed = await world.read(world.plan.succeeded), await world.read(world.plan.failed)
    letters = await world.read(world.plan.dead_letters)
    assert (len(succeeded) + len(failed), len(letters)) == (len(VALUES), len(failed))
    headers = [header for each in (*succeeded, *failed) for header in each.headers]
    headers += [header for each in letters for header in each.headers[len(original(each.headers)) :]]
    assert MARK.encode() in b"".join(letter.value or b"" for letter in letters)
    assert b"invalid_customer" in spans
    assert [text for text in said if MARK in text] == []
    assert [text for text in shown if MARK in text] == []
    assert MARK not in logged
    assert [line for line in everything_said(worker).splitlines() if MARK in line] == []
    assert [each for each in headers if MARK.encode() in repr(each).encode()] == []
    assert [each.value for each in (*succeeded, *failed) if MARK.encode() in each.value] == []
    assert MARK.encode() not in spans


BAD = {
    "WORKER_API__BASE_URL": f"https://user:{MARK}@crm.example",
    "WORKER_API__ACCOUNTS": f'[{{"username": "{MARK}", "password": "{MARK}", "more": "{MARK}"}}, "{MARK}"',
    "WORKER_API__PASSWROD": MARK,
    "WORKER_EVENTS__MAX_BYTES": MARK,
    "WORKER_KAFKA__SECURITY_PROTOCOL": MARK,
}
TOML = f'[api]\npassword = ["{MARK}"]\n[kafka]\npassword = {{secret = "{MARK}"}}\n'


@pytest.mark.parametrize(
    ("settings", "toml"),
    [(BAD, ""), ({}, TOML), ({}, f'[api]\npassword = "{MARK}\n')],
    ids=["environment", "toml", "no"],
)
async def test_wrong_settings(world, tmp_path, settings, toml):
    """Wrong settings are told by name, never with their values."""
    file = tmp_path / "settings.toml"
    file.write_text(toml)
    worker = await world.start("--config", str(file), "run", **settings)
    assert await worker.ended() == 2
    assert worker.text
    assert MARK not in everything_said(worker)


async def test_a_password_that_kafka_does_not_take(world):
    """The hold about a refused Kafka login tells neither user nor password."""
    async with Echo().running() as url:
        worker = await world.start(
            WORKER_API__BASE_URL=url,
            WORKER_LOG__LEVEL="debug",
            WORKER_KAFKA__SECURITY_PROTOCOL="SASL_PLAINTEXT",
            WORKER_KAFKA__USERNAME=MARK,
            WORKER_KAFKA__PASSWORD=MARK,
        )
        await worker.until("hold.started", reason="kafka_unavailable")
        worker.send(signal.SIGTERM)
        await asyncio.wait_for(worker.ended(), PATIENCE)
    assert MARK not in everything_said(worker)
