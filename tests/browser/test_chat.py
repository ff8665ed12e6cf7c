"""The main job: a visitor of a web site writes, an agent answers, both see it live."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import WebSocketRoute, expect

from tests.browser.conftest import Rooms
from tests.browser.house import BEN, CHIEF, House

WIRE = {"web": "the site widget in Chromium"}

READ_ONE = re.compile(r"/api/v1/conversations/[^/]+$")
pytestmark = pytest.mark.xdist_group("browser")


def test_a_visitor_is_answered_live_and_history_stays(rooms: Rooms) -> None:
    agent = rooms.agent(CHIEF).go()
    visitor = rooms.visitor("Lena Park")
    visitor.write("Is the blue tent in stock?")
    expect(agent.row("Lena Park")).to_contain_text("Is the blue tent in stock?")
    agent.open("Lena Park")
    expect(agent.said("Is the blue tent in stock?")).to_have_count(1)
    agent.do("Take")
    expect(agent.page.get_by_role("button", name="Take", exact=True)).to_have_count(0)
    agent.answer("Yes, five of them.")
    visitor.sees("Yes, five of them.")
    visitor.page.reload()
    visitor.sees("Is the blue tent in stock?")
    visitor.sees("Yes, five of them.")
    agent.page.reload()
    expect(agent.said("Yes, five of them.")).to_have_count(1)
    expect(agent.said("Is the blue tent in stock?")).to_have_count(1)


def test_typing_and_read_marks_go_both_ways(rooms: Rooms) -> None:
    agent = rooms.agent(CHIEF).go()
    visitor = rooms.visitor("Omar Diaz")
    visitor.write("Good morning")
    agent.open("Omar Diaz")
    expect(visitor.log.get_by_text("Read")).to_be_visible()
    # Typing is told at most every three seconds, and the message before began with it.
    visitor.editor.press_sequentially("I have a question", delay=250)
    expect(agent.page.get_by_text("Omar Diaz is typing")).to_be_visible()
    agent.editor.press_sequentially("Hel")
    expect(visitor.log.get_by_role("img", name="is typing")).to_be_visible()
    visitor.chat.get_by_role("button", name="Close").click()
    agent.answer("Hello Omar")
    expect(agent.said("Hello Omar").get_by_label("Delivered")).to_be_visible()
    visitor.page.get_by_role("button", name="Open chat, 1 unread").click()
    visitor.sees("Hello Omar")
    expect(agent.said("Hello Omar").get_by_label("Read", exact=True)).to_be_visible()


def test_files_travel_both_ways(rooms: Rooms, tmp_path: Path) -> None:
    photo, letter = tmp_path / "tent.png", tmp_path / "terms.txt"
    Image.new("RGB", (64, 40), "#2f6b4f").save(photo)
    letter.write_text("Return within 30 days.")
    agent = rooms.agent(CHIEF).go()
    visitor = rooms.visitor("Ines Novak")
    with visitor.page.expect_file_chooser() as chooser:
        visitor.chat.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(photo)
    agent.open("Ines Novak")
    picture = agent.timeline.get_by_role("img", name="tent.png")
    expect(picture).to_be_visible()
    assert picture.evaluate("async (one) => { await one.decode(); return one.naturalWidth }") == 64
    with agent.page.expect_file_chooser() as chooser:
        agent.do("Attach files")
    chooser.value.set_files(letter)
    expect(agent.page.get_by_role("button", name="Remove terms.txt")).to_be_visible()
    agent.answer("Here are our terms")
    visitor.sees("Here are our terms")
    link = visitor.log.get_by_role("link", name="terms.txt")
    with visitor.page.expect_popup() as opened:
        link.click()
    expect(opened.value.get_by_text("Return within 30 days.")).to_be_visible()


def test_a_note_stays_among_colleagues(rooms: Rooms) -> None:
    agent, colleague = rooms.agent(CHIEF).go(), rooms.agent(BEN).go()
    visitor = rooms.visitor("Yuki Sato")
    visitor.write("Can I pay by invoice?")
    agent.open("Yuki Sato")
    colleague.open("Yuki Sato")
    agent.page.get_by_text("Private note", exact=True).click()
    note = agent.page.get_by_role("textbox", name="Private note")
    note.fill("Paid late twice")
    note.press("Enter")
    expect(colleague.said("Paid late twice")).to_be_visible()
    agent.page.get_by_text("Reply", exact=True).click()
    agent.answer("Only in advance, sorry.")
    visitor.sees("Only in advance, sorry.")
    visitor.page.reload()
    visitor.sees("Only in advance, sorry.")
    expect(visitor.log.get_by_text("Paid late twice")).to_have_count(0)


def test_resolved_leaves_the_list_and_comes_back(rooms: Rooms) -> None:
    agent = rooms.agent(CHIEF).go()
    visitor = rooms.visitor("Paul Meyer")
    visitor.write("Thanks for the quick parcel")
    agent.open("Paul Meyer")
    agent.do("Resolve")
    expect(agent.row("Paul Meyer")).to_have_count(0)
    agent.do("Reopen")
    expect(agent.row("Paul Meyer")).to_have_count(1)
    agent.do("Resolve")
    expect(agent.row("Paul Meyer")).to_have_count(0)
    visitor.write("One more question")
    expect(agent.row("Paul Meyer")).to_contain_text("One more question")


def test_of_two_agents_who_take_one_conversation_one_gets_it(rooms: Rooms) -> None:
    held: list[bool] = []

    def pass_on(socket: WebSocketRoute) -> None:
        """Ben's line delays what the server says, so that he acts on what he saw a moment ago."""
        server = socket.connect_to_server()
        socket.on_message(server.send)
        server.on_message(lambda message: None if held else socket.send(message))

    visitor = rooms.visitor("Nora Lind")
    visitor.write("Hello, anyone?")
    ann, ben = rooms.agent(CHIEF).go(), rooms.agent(BEN)
    ben.page.route_web_socket("**/api/v1/stream**", pass_on)
    ben.page.route(READ_ONE, lambda route: route.abort() if held else route.continue_())
    # Its answer, too, would tell him of Ann.
    ben.page.route("**/read", lambda route: route.abort())
    ben.go()
    ann.open("Nora Lind")
    ben.open("Nora Lind")
    expect(ben.page.get_by_role("button", name="Take", exact=True)).to_be_visible()
    held.append(True)
    ann.do("Take")
    expect(ann.page.get_by_role("button", name="Take", exact=True)).to_have_count(0)
    ben.do("Take")
    expect(ben.page.get_by_text("Ann Archer was faster")).to_be_visible()
    ann.answer("I am here")
    visitor.sees("I am here")


def test_nothing_is_lost_when_the_server_dies_while_somebody_writes(rooms: Rooms, house: House) -> None:
    agent = rooms.agent(CHIEF).go()
    visitor = rooms.visitor("Sam Reed")
    visitor.write("My order is late")
    agent.open("Sam Reed")
    expect(agent.said("My order is late")).to_have_count(1)
    agent.editor.fill("I am looking into")
    house.kill()
    try:
        expect(agent.page.get_by_role("status").filter(has_text="No connection")).to_be_visible()
        expect(agent.editor).to_have_value("I am looking into")
        agent.answer("I am looking into it.")
        expect(agent.timeline.get_by_text("I am looking into it.")).to_be_visible()
        visitor.editor.fill("Still there?")
        visitor.editor.press("Enter")
    finally:
        house.start()
    visitor.sees("I am looking into it.")
    expect(agent.said("Still there?")).to_have_count(1)
    expect(agent.said("I am looking into it.")).to_have_count(1)
    expect(agent.page.get_by_role("status").filter(has_text="No connection")).to_have_count(0)
    agent.page.reload()
    expect(agent.said("I am looking into it.")).to_have_count(1)
    visitor.sees("Still there?")
