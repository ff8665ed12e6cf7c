"""Customers who write and agents who answer, as stubborn as platforms and people are."""

import asyncio
import hashlib
import hmac
import json
import random
import time
import zlib
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.faults.installation import Installation, Link
from tests.faults.ledger import Ledger

GROUPS = 12
GROUP_SIZE = 4
LARGEST_BATCH = 5
PARTNER_SIZE = 4
PAUSE = (0.03, 0.25)
AGENT_PAUSE = (0.03, 0.25)
AGENTS = ("ann", "bo", "cleo")


class Load:
    """Runs until told to stop; then every open request is carried to its end."""

    def __init__(self, house: Installation, links: tuple[Link, Link], dice: random.Random) -> None:
        self.house = house
        self.ledger = Ledger.empty()
        self.over = asyncio.Event()
        self._whatsapp, self._custom = links
        self._dice = dice
        self._clients = [httpx.AsyncClient(base_url=url, trust_env=False, timeout=6) for url in house.webs]
        self._tasks: list[asyncio.Task[None]] = []
        self._people: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, str] = {}
        self.agents: dict[str, UUID] = {}

    async def start(self) -> None:
        """Make the customers known to the sandbox, then let everybody begin."""
        groups = [[f"w{group}-{nr}" for nr in range(GROUP_SIZE)] for group in range(GROUPS)]
        partner = [f"p-{nr}" for nr in range(PARTNER_SIZE)]
        for nr, name in enumerate([*(name for group in groups for name in group), *partner]):
            wish = {"id": name, "name": name, "phone": f"86138{nr:08d}"}
            self._people[name] = await self.house.sandbox("POST", "/sandbox/customers", wish)
        for group in groups:
            self._tasks.append(asyncio.create_task(self._customers(group, self._whatsapp), name=group[0]))
        self._tasks.append(asyncio.create_task(self._customers(partner, self._custom), name=partner[0]))
        for nr, name in enumerate(self.tokens):
            self._tasks.append(asyncio.create_task(self._agent(nr, name), name=name))

    async def finish(self, patience: float) -> list[str]:
        """Say no new word; returns whose last words the product did not acknowledge in time, and why."""
        self.over.set()
        done, waiting = await asyncio.wait(self._tasks, timeout=patience)
        return [f"{one.get_name()} still waits" for one in waiting] + [
            f"{one.get_name()}: {error!r}" for one in done if (error := one.exception()) is not None
        ]

    async def close(self) -> None:
        """Let go of the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients:
            await client.aclose()

    # -- customers ----

    async def _customers(self, names: list[str], link: Link) -> None:
        """A few customers whose messages the platform packs together."""
        counts = dict.fromkeys(names, 0)
        while not self.over.is_set():
            batch: list[tuple[str, str]] = []
            for _ in range(self._dice.randint(1, LARGEST_BATCH)):
                name = self._dice.choice(names)
                counts[name] += 1
                batch.append((name, f"{name} {counts[name]}"))
            content = self._partner_body(batch) if link.kind == "custom" else self._whatsapp_body(batch, link)
            self.ledger.posted |= {text for _, text in batch}
            await self._deliver(link, json.dumps(content).encode())
            for name, text in batch:
                self.ledger.said[name].append(text)
            await asyncio.sleep(self._dice.uniform(*PAUSE))

    async def _deliver(self, link: Link, body: bytes) -> None:
        """Post the same bytes, to one door and then the other, until one of them says 200."""
        turn = self._dice.randrange(len(self._clients))
        while True:
            turn += 1
            try:
                answer = await self._clients[turn % len(self._clients)].post(
                    link.path, content=body, headers=signed(link, body)
                )
                status = answer.status_code
            except httpx.HTTPError:
                status = 0
            self.ledger.statuses[f"door {status}"] += 1
            if status == 200:
                return
            await asyncio.sleep(self._dice.uniform(0.05, 0.4))

    def _whatsapp_body(self, batch: list[tuple[str, str]], link: Link) -> Any:
        messages, contacts = [], {}
        for name, text in batch:
            person = self._people[name]
            messages.append(
                {
                    "from": person["phone"], "from_user_id": person["user_id"],
                    "id": f"wamid.{text.replace(' ', '.')}", "timestamp": str(int(time.time())),
                    "type": "text", "text": {"body": text},
                }
            )  # fmt: skip
            contacts[name] = {
                "profile": {"name": name}, "wa_id": person["phone"], "user_id": person["user_id"],
            }  # fmt: skip
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550100000", "phone_number_id": link.account},
            "contacts": list(contacts.values()),
            "messages": messages,
        }
        entry = {"id": link.business, "changes": [{"value": value, "field": "messages"}]}
        return {"object": "whatsapp_business_account", "entry": [entry]}

    def _partner_body(self, batch: list[tuple[str, str]]) -> Any:
        now = int(time.time())
        return {
            "messages": [
                {"id": text, "from": {"id": name, "name": name}, "text": text, "sent_at": now}
                for name, text in batch
            ]
        }

    # -- agents ----

    async def _agent(self, nr: int, name: str) -> None:
        """Answers the contacts that fall to this agent, one answer after the other."""
        mine: list[dict[str, Any]] = []
        turn, refreshed, count = nr, 0.0, 0
        while not self.over.is_set():
            turn += 1
            if not mine or time.monotonic() - refreshed > 2:
                await self._ask(
                    name,
                    turn,
                    "PUT",
                    "/api/v1/presence",
                    {"status": self._dice.choice(("online", "online", "busy"))},
                )
                page = await self._ask(name, turn, "GET", "/api/v1/conversations?limit=100")
                everything = page["items"] if page else []
                mine = [
                    row
                    for row in everything
                    if zlib.crc32(row["contact"]["id"].encode()) % len(self.tokens) == nr
                ]
                refreshed = time.monotonic()
            if mine:
                row = self._dice.choice(mine)
                if self._dice.random() < 0.04:
                    await self._ask(name, turn, "POST", f"/api/v1/conversations/{row['id']}/resolve",
                                    {"expected_version": row["version"]})  # fmt: skip
                elif self._dice.random() < 0.04:
                    colleague = self.agents[self._dice.choice(list(self.agents))]
                    body = {"agent_id": str(colleague), "expected_version": row["version"]}
                    await self._ask(name, turn, "POST", f"/api/v1/conversations/{row['id']}/assign", body)
                else:
                    count += 1
                    await self._answer(name, row, f"{name} answers {count} ({row['contact']['name']})")
            await asyncio.sleep(self._dice.uniform(*AGENT_PAUSE))

    async def _ask(self, name: str, turn: int, method: str, path: str, body: Any = None) -> Any:
        """Ask once; None where there is no good answer."""
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        try:
            answer = await self._clients[turn % len(self._clients)].request(
                method, path, json=body, headers=headers
            )
        except httpx.HTTPError:
            self.ledger.statuses["rest 0"] += 1
            return None
        self.ledger.statuses[f"rest {answer.status_code}"] += 1
        return answer.json() if answer.is_success and answer.content else None

    async def _answer(self, name: str, row: dict[str, Any], text: str) -> None:
        """Post one answer with one key, to one process and then the other, until it is acknowledged."""
        body = {"parts": [{"type": "text", "text": text}], "client_id": str(uuid4())}
        headers = {"Authorization": f"Bearer {self.tokens[name]}", "Idempotency-Key": str(uuid4())}
        path = f"/api/v1/conversations/{row['id']}/messages"
        self.ledger.written.add(text)
        turn = self._dice.randrange(len(self._clients))
        while True:
            turn += 1
            try:
                answer = await self._clients[turn % len(self._clients)].post(path, json=body, headers=headers)
            except httpx.HTTPError:
                self.ledger.statuses["reply 0"] += 1
            else:
                self.ledger.statuses[f"reply {answer.status_code}"] += 1
                if answer.status_code == 201:
                    self.ledger.answered[row["contact"]["id"]].append(text)
                    self.ledger.messages[text] = UUID(answer.json()["id"])
                    return
                if answer.status_code in (400, 401, 403, 404, 422):
                    raise AssertionError(f"an answer was refused: {answer.status_code} {answer.text[:300]}")
            await asyncio.sleep(self._dice.uniform(0.05, 0.4))


def signed(link: Link, body: bytes) -> dict[str, str]:
    kind = {"content-type": "application/json"}
    if link.kind == "custom":
        at = str(int(time.time()))
        mac = hmac.new(link.secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
        return kind | {"x-switchboard-signature": f"t={at},v1={mac}"}
    return kind | {
        "x-hub-signature-256": "sha256=" + hmac.new(link.secret.encode(), body, hashlib.sha256).hexdigest()
    }
