"""Accounts in the sandbox, each connected for real: made once, brought up to date at every start."""

from typing import Any
from uuid import UUID

import msgspec

from switchboard import flow
from switchboard.api.connects import Prepared
from switchboard.app.connecting import Connector
from switchboard.app.demo.company import NAME, Company
from switchboard.app.demo.platforms import Platforms
from switchboard.app.demo.stand_ins import STAND_INS, open_stand_ins
from switchboard.app.demo.story import Regular
from switchboard.app.runtime import Runtime
from switchboard.connections import commands as connections
from switchboard.connections import reads as connection_reads
from switchboard.connections.reads import ChannelRow, ConnectionRow
from switchboard.core.events import Event
from switchboard.core.ids import new_id
from switchboard.db.pool import Tx
from switchboard.secrecy import CannotOpen

WABA = "100200300400500"
EUROPE, ASIA, BOT, APP = "155510000000001", "155510000000002", "7000000001", "shanye-app"
MAIL = "service@shanye.example"
NAMES = {
    "whatsapp": "WhatsApp",
    "telegram": "Telegram",
    "email": "客服邮箱 Mail",
    "custom": "山野集 App",
    "web": "官网 Website",
    **{kind: one.name for kind, one in STAND_INS.items()},
}
REGULARS = [
    ("mei", "林美", "zh-CN", "杭州", "8613800000001"),
    ("wei", "陈伟", "zh-CN", "成都", "8613800000002"),
    ("aisha", "Aisha Rahman", "en", "Kuala Lumpur", "60120000003"),
    ("tom", "Tom Becker", "en", "Munich", "4915100000004"),
    ("sofia", "Sofia Marín", "en", "Madrid", "34600000005"),
    ("somchai", "Somchai Dee", "en", "Bangkok", "66810000006"),
]
"""Who has a phone in the sandbox: id, name, language, city, number."""


class Line(msgspec.Struct, frozen=True):
    """One channel of the demo as the story needs it; `space` is the id space of who writes by it."""

    kind: str
    connection: UUID
    channel: UUID
    space: str


def regulars() -> list[Regular]:
    """Return the sandbox's people as customers of the story."""
    found = []
    for nr, (key, name, language, city, phone) in enumerate(REGULARS):
        addresses = {"bot": str(750_000_001 + nr), "app": key}
        number = "asia" if nr in (0, 1, 2, 5) else "europe"
        found.append(Regular(name, language, city, {number: f"+{phone}", **addresses}))
    return found


async def open_accounts(platforms: Platforms) -> dict[str, dict[str, Any]]:
    """Make the customers and accounts in the sandbox, or find them as they were; return settings by kind."""
    for nr, (key, name, language, _, phone) in enumerate(REGULARS):
        await platforms.post(
            "customers", id=key, name=name, language=language, phone=phone,
            username=key if key != "wei" else "",
            telegram_id=750_000_001 + nr, email=f"{key}@customers.example",
        )  # fmt: skip
    number = await platforms.post(
        "whatsapp/numbers",
        id=EUROPE,
        waba_id=WABA,
        verified_name="Shanye Europe",
        display_phone_number="+44 20 5555 0101",
    )
    await platforms.post(
        "whatsapp/numbers",
        id=ASIA,
        waba_id=WABA,
        verified_name="Shanye Asia",
        display_phone_number="+65 5555 0102",
    )
    bot = await platforms.post("telegram/bots", id=BOT, name="Shanye Outfitters", username="shanye_bot")
    box = await platforms.post("mailboxes", id=MAIL, address=MAIL, name="山野集客服")
    link = await platforms.post("custom", id=APP, name=NAMES["custom"])
    return {
        "whatsapp": {
            "waba_id": WABA, "access_token": number["token"], "app_secret": number["app_secret"],
            "verify_token": number["verify_token"],
        },
        "telegram": {"token": bot["token"]},
        "email": {
            "address": MAIL, "display_name": "山野集客服 Shanye Outfitters", "incoming": "pop3",
            "incoming_host": box["pop3"]["host"], "incoming_port": box["pop3"]["port"],
            "incoming_security": "plain",
            "smtp_host": box["smtp"]["host"], "smtp_port": box["smtp"]["port"], "smtp_security": "plain",
            "password": box["password"], "poll_seconds": 1,
            "signature": "山野集 Shanye Outfitters\nservice@shanye.example",
        },
        "custom": {
            "system_id": APP, "name": NAMES["custom"], "signing_secret": link["secret"],
            "send_url": link["send_url"],
            "trusted_identities": True,
        },
        "web": {"name": NAME, "colour": "#2f6b4f", "greeting_zh": "您好，这里是山野集，想去哪座山？",
                "greeting_en": "Hello from Shanye! Which hills are calling?"},
        **await open_stand_ins(platforms),
    }  # fmt: skip


class Accounts:
    """Keeps the demo's connections as they should be."""

    def __init__(self, runtime: Runtime, company: Company, platforms: Platforms) -> None:
        self._runtime = runtime
        self._company = company
        self._platforms = platforms
        self._connector = Connector(runtime)

    async def connect(self, wanted: dict[str, dict[str, Any]]) -> None:
        """Connect what is not connected, and change what has changed, such as ports."""
        workspace = self._company.workspace
        async with self._runtime.db.transaction() as tx:
            rows = await connection_reads.all_of(tx, workspace)
        known = {row.name: row for row in rows if row.disabled_at is None}
        for kind, config in wanted.items():
            row = known.get(NAMES[kind])
            if row is None:
                await self._add(kind, config)
            elif row.status != "green" or self._differs(row, config):
                await self._change(row, config)
            else:
                await self._connector.register(workspace, row.id)
        for row in await self._rows():
            if row.name == NAMES["custom"]:
                await self._platforms.post("custom", id=APP, webhook_url=self._connector.webhook_url(row))
            elif row.name == NAMES.get(row.kind) and row.kind in STAND_INS:
                await self._point(row)

    async def _point(self, row: ConnectionRow) -> None:
        """Enter our address by hand, as in the platform's console: not every one can be told it by its own interface."""
        account, url = STAND_INS[row.kind].account, self._connector.webhook_url(row)
        await self._platforms.post(f"platforms/{row.kind}", id=account, webhook_url=url)

    async def _rows(self) -> list[ConnectionRow]:
        async with self._runtime.db.transaction() as tx:
            return await connection_reads.all_of(tx, self._company.workspace)

    def _differs(self, row: ConnectionRow, config: dict[str, Any]) -> bool:
        try:
            present = msgspec.to_builtins(self._runtime.connections.config(row))
        except (CannotOpen, msgspec.DecodeError):
            return True
        return any(present.get(key) != value for key, value in config.items())

    async def _add(self, kind: str, config: dict[str, Any]) -> None:
        workspace, connection = self._company.workspace, new_id()
        ready = await self._connector.prepare(workspace, kind, config, force=False)
        async with self._runtime.db.transaction() as tx:
            _, events = await flow.carry(
                tx,
                connections.create,
                workspace,
                connection,
                kind,
                NAMES[kind],
                ready.sealed,
                ready.tested.accounts,
                "green",
            )
        await self._done(connection, events)

    async def _change(self, row: ConnectionRow, config: dict[str, Any]) -> None:
        ready = await self._connector.prepare_change(row, config, force=False)
        async with self._runtime.db.transaction() as tx:
            events = await self._save(tx, row, ready)
        await self._done(row.id, events)

    async def _save(self, tx: Tx, row: ConnectionRow, ready: Prepared) -> list[Event]:
        _, events = await flow.carry(
            tx, connections.update, row.workspace_id, row.id, None, ready.sealed, None
        )
        found = ready.tested.accounts
        _, more = await flow.carry(
            tx, connections.save_channels, row.workspace_id, row.id, row.kind, found, "green"
        )
        _, status = await flow.carry(tx, connections.set_status, row.id, "green")
        return [*events, *more, *status]

    async def _done(self, connection: UUID, events: list[Event]) -> None:
        self._runtime.announce(events)
        await self._connector.register(self._company.workspace, connection)

    async def lines(self) -> dict[str, Line]:
        """Return the channels by the names that the story calls them."""
        async with self._runtime.db.transaction() as tx:
            channels = await connection_reads.channels(tx, self._company.workspace)
        found = {"asia": _one(channels, ASIA), "europe": _one(channels, EUROPE), "bot": _one(channels, BOT),
                 "mail": _one(channels, MAIL), "app": _one(channels, APP)}  # fmt: skip
        spaces = {
            "asia": "phone",
            "europe": "phone",
            "bot": "telegram",
            "mail": "email",
            "app": f"custom:{APP}",
        }
        site = next(row for row in channels if row.kind == "web")
        lines = {key: Line(row.kind, row.connection_id, row.id, spaces[key]) for key, row in found.items()}
        return {**lines, "web": Line("web", site.connection_id, site.id, f"web:{site.external_id}")}

    async def script(self) -> str:
        """Return the widget's line for the demo shop."""
        return next(self._connector.widget_script(row) for row in await self._rows() if row.kind == "web")


def _one(channels: list[ChannelRow], external: str) -> ChannelRow:
    return next(row for row in channels if row.external_id == external)
