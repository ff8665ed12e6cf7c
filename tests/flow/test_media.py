"""Media that still lies with a platform, or in a mail that we keep: fetched, or given up with a sentence."""

import asyncio
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest

from switchboard.app import media_worker
from switchboard.app.media_worker import MediaWorker
from switchboard.app.runtime import Runtime
from switchboard.channels.api import File, Source
from switchboard.channels.custom.channel import CustomConfig
from switchboard.channels.email import inbound
from switchboard.channels.email.config import EmailConfig
from switchboard.ingest import commands as ingest
from tests.flow.conftest import NOW, Pipe

SETTINGS = EmailConfig(address="main", incoming_host="imap.example", smtp_host="smtp.example")


async def configure(runtime: Runtime, pipe: Pipe, kind: str, config: msgspec.Struct) -> None:
    sealed = runtime.sealer.seal(msgspec.json.encode(config), workspace=pipe.workspace, purpose="connection")
    await pipe.sql("update connection set kind = $1, config_sealed = $2", kind, sealed)
    await pipe.sql("update channel set kind = $1", kind)


async def parts(pipe: Pipe) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.json.decode(await pipe.only("select parts::text from message"))
    return found


async def job(pipe: Pipe) -> str:
    return str(await pipe.only("select state from job"))


async def test_what_lies_in_a_mail_is_taken_out_of_it(runtime: Runtime, pipe: Pipe) -> None:
    await configure(runtime, pipe, "email", SETTINGS)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = "ann@shop.example", "main@desk.example", "<1@shop.example>"
    mail.set_content("Hello")
    mail.add_alternative("<p onclick='x'>Hello</p>", subtype="html")
    mail.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="table.csv")
    raw = mail.as_bytes()
    delivery = pipe.delivery(inbound.facts(raw, SETTINGS))
    async with pipe.db.transaction() as tx:
        await ingest.accept(tx, [msgspec.structs.replace(delivery, body=raw)])
    await pipe.process()
    assert await MediaWorker(runtime).step()
    text, table = await parts(pipe)
    assert (table["name"], table["mime"], table["size"]) == ("table.csv", "text/csv", 8)
    assert table["file_id"]
    assert "state" not in table  # stored
    names = await pipe.sql("select name, origin from file order by name")
    assert [tuple(row) for row in names] == [("mail.html", "html"), ("table.csv", "")]
    assert text["html_file"]
    assert await job(pipe) == "done"


async def test_a_file_that_never_comes_is_given_up(
    runtime: Runtime, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that takes the request and says nothing: tried again, after the last try shown as failed."""
    monkeypatch.setattr(media_worker, "TRY_SECONDS", 0.2)
    await configure(runtime, pipe, "custom", CustomConfig(system_id="main"))

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        file = File(source=Source(url=f"http://127.0.0.1:{port}/x.pdf"), name="x.pdf")
        await pipe.receive(pipe.message("", parts=[file]))
        worker = MediaWorker(runtime)
        assert await worker.step()
        assert await job(pipe) == "waiting"
        assert [part["state"] for part in await parts(pipe)] == ["fetching"]
        last = media_worker.TRIES - 1
        await pipe.sql("update job set attempts = $1, due_at = $2", last, NOW.replace(year=2020))
        assert await worker.step()
    (part,) = await parts(pipe)
    assert (part["state"], part["error"]) == ("failed", "The file could not be fetched.")
    assert await job(pipe) == "done"
