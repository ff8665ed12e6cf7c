"""The sample for web pages, in Chromium, with its own server that vouches for the customer."""

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import FilePayload, async_playwright, expect

from tests.faults.installation import free_port
from tests.sdk.shop import Shop
from tests.sdk.test_sdk import PICTURE

pytestmark = pytest.mark.xdist_group("sdk")


@contextmanager
def served(sample: Path, shop: Shop, customer: str) -> Iterator[str]:
    """Run the sample's server for one signed-in customer; gives its address."""
    port = str(free_port(random.Random()))
    site, secret = shop.connect(f"http://127.0.0.1:{port}")
    given = {"SERVER": shop.url, "CHANNEL": site, "SECRET": secret, "PORT": port}
    known = {"USER_ID": customer, "USER_NAME": customer}
    with subprocess.Popen(
        ["node", str(sample)], env=os.environ | given | known, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().split()[-1]
        finally:
            server.kill()


async def test_the_sample_for_web_pages_talks_with_an_agent(
    shop: Shop, web: Path, browser_type_launch_args: dict[str, Any]
) -> None:
    customer, errors = f"Mei {uuid4().hex[:8]}", list[str]()
    async with shop.agent() as agent, async_playwright() as playwright:
        browser = await playwright.chromium.launch(**browser_type_launch_args)
        page = await browser.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        with served(web, shop, customer) as url:
            await page.goto(url)
            await expect(page.get_by_text("Tents", exact=True)).to_be_visible()
            await page.get_by_label("Message").fill("Is the blue tent in stock?")
            await page.get_by_role("button", name="Send").click()
            case = await agent.case(customer)
            await agent.answer(case, "<b>Yes</b>, five of them.")
            await expect(page.get_by_text("<b>Yes</b>, five of them.")).to_be_visible()
            await agent.seen(case, "read")
            picture = FilePayload(name="tent.png", mimeType="image/png", buffer=PICTURE)
            await page.locator("input[type=file]").set_input_files(picture)
            await agent.messages(case, 2)
            await page.reload()
            await expect(page.get_by_text("Is the blue tent in stock?")).to_be_visible()
            shown = page.get_by_role("img", name="tent.png")
            assert await shown.evaluate("async (one) => { await one.decode(); return one.naturalWidth }") == 1
            await page.get_by_role("button", name="Sign out").click()
            await expect(page.get_by_role("listitem")).to_have_count(0)
        await browser.close()
    assert errors == []
