"""From the SDK's registration to the notification: a phone is woken when its app is closed, and not after a sign-out.

That an open app is left alone depends on how fast it answers, so `tests/push` shows it, where time is ours.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.push.standin import APPLE, BUNDLE_ID, KEY_ID, TEAM_ID, PushServices, key_file, pem, push_services
from tests.sdk.phone import SECONDS, phone
from tests.sdk.shop import Shop
from tests.sdk.test_sdk import python_token

pytestmark = pytest.mark.xdist_group("sdk")

DROID, IPHONE = "droid:token_1", "a1" * 32


def said(notice: dict[str, Any]) -> str:
    """What a notification of either service says."""
    body: str = (notice["aps"]["alert"] if "aps" in notice else notice["message"]["notification"])["body"]
    return body


async def pushed(services: PushServices, body: str, count: int) -> list[dict[str, Any]]:
    """Return the notifications that say this, once there are so many of them, by their paths."""
    while True:
        found = [one.json | {"path": one.path} for one in services.pushes() if said(one.json) == body]
        if len(found) >= count:
            return sorted(found, key=lambda one: one["path"])
        await asyncio.sleep(0.05)


async def test_a_phone_is_woken_while_its_app_is_closed(sdk: Path, database: str, tmp_path: Path) -> None:
    async with push_services(tmp_path) as services:
        urls = ",".join(f"{name}={services.url}" for name in ("apns", "fcm", "google_oauth"))
        shop = Shop(
            tmp_path, database, SWITCHBOARD_BASE_URLS=urls, SWITCHBOARD_OUTBOUND_ALLOW="127.0.0.0/8",
            SSL_CERT_FILE=str(tmp_path / "push.crt"),
        )  # fmt: skip
        try:
            await asyncio.to_thread(shop.open)
            shop.site, shop.secret = await asyncio.to_thread(
                shop.connect, "https://tents.example", apns_key_id=KEY_ID, apns_team_id=TEAM_ID, apns_bundle_id=BUNDLE_ID,
                apns_key=pem(APPLE), fcm_service_account=key_file(),
            )  # fmt: skip
            async with asyncio.timeout(6 * SECONDS):
                await wake(sdk, shop, services, tmp_path)
        finally:
            await asyncio.to_thread(shop.close)


async def wake(sdk: Path, shop: Shop, services: PushServices, folder: Path) -> None:
    """Li has two phones with the app."""
    options = {"sdk": sdk, "server": shop.url, "site": shop.site}

    def token() -> str:
        return python_token(shop, "li", name="Li")

    async with (
        shop.agent() as agent,
        phone(token, kept=folder / "droid.json", **options) as droid,
        phone(token, kept=folder / "iphone.json", **options) as iphone,
    ):
        await droid.ready()
        await droid.call("sendText", "Hello?")
        case = await agent.case("Li")
        await agent.answer(case, "Hello!")
        await droid.call("registerDevice", "fcm", DROID)
        await iphone.call("registerDevice", "apns", IPHONE)
        await agent.answer(case, "Said to an open app")
        await droid.hears_of(2)
        # The app must have had the time to say so.
        await agent.seen(case, "delivered")
        await droid.call("stop")
        await agent.answer(case, "Said to closed ones")
        first, second = await pushed(services, "Said to closed ones", 2)
        assert first["path"] == f"/3/device/{IPHONE}"
        assert first["aps"]["alert"]["title"] == "Ann Archer · Tents"
        assert (first["aps"]["badge"], first["switchboard"]["conversation"]) == (3, case)
        assert second["message"]["token"] == DROID
        await droid.call("signOut")
        await agent.answer(case, "Said after the sign-out")
        (third,) = await pushed(services, "Said after the sign-out", 1)
        assert third["path"] == f"/3/device/{IPHONE}"
        await asyncio.sleep(0.5)
        assert len(await pushed(services, "Said after the sign-out", 1)) == 1
