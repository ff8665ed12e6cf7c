"""What LINE alone has: stickers picked by mouse or keys, and videos with a still."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Rooms
from tests.browser.house import CHIEF, House

pytestmark = pytest.mark.xdist_group("browser")
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


@pytest.fixture(scope="module")
def line(house: House) -> dict[str, Any]:
    """A LINE account to which Somchai has written with a sticker."""
    account = house.sandbox("POST", "/sandbox/platforms/line", name="Harbour LINE")
    config = {name: account["settings"][name] for name in ("channel_secret", "access_token")}
    made = house.chief.post("/connections", json={"kind": "line", "name": "LINE", "config": config}).json()
    assert made["status"] == "green", made
    house.sandbox("POST", "/sandbox/customers", id="somchai", name="Somchai Dee")
    play = {"platform": "line", "account": account["id"], "customer": "somchai"}
    house.sandbox("POST", "/sandbox/play", **play, type="sticker", sticker="1990")
    return account


def drawn(picture: Locator) -> int:
    """The width of a picture once it is there, pixels."""
    expect(picture.first).to_be_visible()
    width: int = picture.first.evaluate("async (one) => { await one.decode(); return one.naturalWidth }")
    return width


def test_a_sticker_is_picked_sent_and_shown(rooms: Rooms, house: House, line: dict[str, Any]) -> None:
    agent = rooms.agent(CHIEF).go()
    agent.open("Somchai Dee")
    assert drawn(agent.timeline.get_by_role("img", name="Sticker")) == 96
    asked: list[str] = []
    agent.page.on("request", lambda request: asked.append(request.url))
    agent.page.get_by_role("button", name="Stickers").click()
    panel = agent.page.get_by_role("group", name="Stickers")
    first = panel.get_by_role("button", name="Sticker 1988, Moon: Special Edition")
    expect(first).to_be_focused()
    assert drawn(first.get_by_role("img", include_hidden=True)) == 96
    agent.page.keyboard.press("ArrowRight")
    agent.page.keyboard.press("ArrowDown")
    agent.page.keyboard.press("Enter")
    expect(panel).to_have_count(0)
    expect(agent.editor).to_be_focused()
    assert drawn(agent.timeline.get_by_role("img", name="Sticker 446:1993")) == 96
    expect(agent.timeline.get_by_label("Sent", exact=True)).to_be_visible()
    (entry,) = [one for one in house.sandbox("GET", "/sandbox/ledger")["items"] if one["kind"] == "sticker"]
    assert (entry["account"], entry["text"]) == (line["id"], "[446/1993]")
    assert asked, "the panel's pictures were asked for"
    assert all(url.startswith((house.url, "data:")) for url in asked)


def shown(house: House, line: dict[str, Any]) -> dict[str, Any]:
    """The film on Somchai's phone."""
    bubbles = house.sandbox("GET", f"/sandbox/chats/line:{line['id']}:somchai/bubbles")["bubbles"]
    (found,) = [one for one in bubbles if one["kind"] == "video"]
    return dict(found)


def test_a_video_reaches_the_phone_with_its_still(
    rooms: Rooms, house: House, line: dict[str, Any], tmp_path: Path
) -> None:
    film = tmp_path / "tent.mp4"
    film.write_bytes(FILM)
    agent = rooms.agent(CHIEF).go()
    agent.open("Somchai Dee")
    with agent.page.expect_file_chooser() as chooser:
        agent.page.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(film)
    expect(agent.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    agent.page.get_by_role("button", name="Send", exact=True).click()
    said = agent.timeline.locator("[data-position]").filter(has=agent.page.locator("video"))
    expect(said.get_by_label("Sent", exact=True)).to_be_visible()
    bubble = shown(house, line)
    for _ in range(50):
        if bubble["attachments"]:
            break
        agent.page.wait_for_timeout(100)
        bubble = shown(house, line)
    assert [one["content_type"] for one in bubble["attachments"]] == ["video/mp4"]
    assert not bubble["error"], "the still could be loaded, and is a picture"
