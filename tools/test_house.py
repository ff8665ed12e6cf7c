"""Every rule of tools/house.py catches what it should and leaves good code alone."""

from pathlib import Path

import pytest

from tools.house import File, collect, excuse, inspect

ROOM = "src/switchboard/contacts"
SCHEMA = File(
    "src/switchboard/db/migrations/0001_pre_x.sql",
    "create table contact (id uuid);\ncreate table other (id uuid);",
)

BAD = [
    ("length", f"{ROOM}/commands.py", "x = 1\n" * 401),
    ("length", "src/switchboard/channels/line/channel.py", "x = 1\n" * 601),
    ("names", f"{ROOM}/utils.py", ""),
    ("names", "frontend/apps/workspace/src/lib/helpers.ts", ""),
    ("names", f"{ROOM}/commands.py", "class ContactManager:\n    pass\n"),
    ("paths", "docs/quickstart.md", "open /" + "root/thing"),
    ("ignores", f"{ROOM}/commands.py", "x: int = ''  # type: " + "ignore[assignment]\n"),
    ("function", f"{ROOM}/commands.py", "def long() -> None:\n" + "    x = 1\n" * 51),
    ("core", "src/switchboard/core/hours.py", "async def wait() -> None:\n    pass\n"),
    ("core", "src/switchboard/core/hours.py", "import datetime\nnow = datetime.datetime.now(datetime.UTC)\n"),
    ("type-checking", f"{ROOM}/reads.py", "if TYPE_CHECKING:\n    from switchboard.core import ids\n"),
    (
        "adapters",
        "src/switchboard/channels/line/channel.py",
        "from switchboard.channels.telegram import channel\n",
    ),
    ("sql", f"{ROOM}/reads.py", "QUERY = 'select id from contact'\n"),
    ("sql", f"{ROOM}/reads.py", "QUERY = f'''\n  INSERT INTO contact VALUES ({1})'''\n"),
    ("sql", f"{ROOM}/reads.py", "QUERY = 'update contact set name = 1'\n"),
    ("sql", f"{ROOM}/reads.py", "QUERY = 'with x as (select 1) select 2'\n"),
    ("environment", f"{ROOM}/reads.py", "import os\nx = os.environ['HOME']\n"),
    (
        "transaction",
        f"{ROOM}/commands.py",
        "async def f(tx):\n    async with tx.transaction():\n        pass\n",
    ),
    ("transaction", f"{ROOM}/commands.py", "async def f(tx):\n    await tx.commit()\n"),
    ("queries", f"{ROOM}/queries.sql", "-- name: find_contact\nselect id from contact;\n"),
    ("queries", f"{ROOM}/queries.sql", "-- name: FindContact\n-- Finds it.\nselect id from contact;\n"),
    ("queries", f"{ROOM}/queries.sql", "select id from contact;\n-- name: x\n-- Nothing.\nselect 1;\n"),
    ("locks", "requirements/run.lock", "x @ https" + "%3A%2F%2Fexample.com/x.whl\n"),
    ("locks", "requirements/run.lock", "--index-url https" + "://example.com/simple\n"),
    (
        "locks",
        "frontend/package-lock.json",
        '{"packages": {"x": {"resolved": "https' + r"\u003a//example.com/x.tgz" + '"}}}',
    ),
]
GOOD = [
    (f"{ROOM}/commands.py", "x = 1\n" * 400),
    ("src/switchboard/channels/line/channel.py", "x = 1\n" * 600),
    (f"{ROOM}/commands.py", "def short(base_url: str) -> None:\n    '''Update contact set name.'''\n"),
    (f"{ROOM}/commands.py", "TEXT = 'Select a contact from the list'\n".replace("from", "on")),
    (f"{ROOM}/commands.py", "x: int = ''  # type: " + "ignore[assignment]  # the platform says so\n"),
    (f"{ROOM}/test_contacts.py", "import os\nx = os.environ['HOME']\nq = 'select id from contact'\n"),
    ("src/switchboard/app/config.py", "import os\nx = os.environ['HOME']\n"),
    ("src/switchboard/flow.py", "async def f(tx):\n    async with tx.transaction():\n        pass\n"),
    (f"{ROOM}/queries.sql", "-- name: find_contact\n-- Who is this.\nselect id from contact;\n"),
    ("frontend/package-lock.json", '{"packages": {"x": {"funding": {"url": "https' + '://example.com"}}}}'),
    ("requirements/run.lock", "x==1 --hash=sha256:ab\n"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_a_breach_is_found_and_told_what_to_do(
    rule: str, path: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_dir", lambda _: True)
    found = inspect([SCHEMA, File(path, text)])
    assert {(fault.rule, fault.path) for fault in found} == {(rule, path)}
    assert all(len(fault.advice.split()) >= 5 for fault in found)


@pytest.mark.parametrize(("path", "text"), GOOD)
def test_good_code_is_left_alone(path: str, text: str) -> None:
    assert inspect([SCHEMA, File(path, text)]) == []


def room(name: str, sql: str) -> File:
    return File(f"src/switchboard/{name}/queries.sql", f"-- name: q\n-- Does it.\n{sql};\n")


@pytest.mark.parametrize(
    "sql",
    [
        "insert into contact values (1)",
        "update contact set id = 1",
        "delete from contact",
        "UPDATE only contact SET id = 1",
    ],
)
def test_two_rooms_do_not_write_one_table(sql: str) -> None:
    found = inspect([SCHEMA, room("contacts", "insert into contact values (1)"), room("routing", sql)])
    assert "one-writer" in {fault.rule for fault in found}


@pytest.mark.parametrize(
    "sql",
    ["select 1 from contact", "select 1 from other o join contact c on true", "select 1 from other o, contact c",
     "delete from other using contact"],
)  # fmt: skip
def test_a_room_reads_views_of_others(sql: str) -> None:
    writers = [room("contacts", "insert into contact values (1)")]
    assert {f.rule for f in inspect([SCHEMA, *writers, room("routing", sql)])} == {"views"}
    assert inspect([SCHEMA, *writers, room("routing", sql.replace("contact", "contacts_v_contact"))]) == []
    if not sql.startswith("delete"):
        assert inspect([SCHEMA, *writers, room("workspace", sql)]) == []


def test_locks_and_comments_are_no_writes() -> None:
    sql = "select 1 from other for no key update of contact -- delete from contact\n"
    assert inspect([SCHEMA, room("contacts", "insert into contact values (1)"), room("routing", sql)]) == []


def test_the_list_of_exceptions_only_shrinks() -> None:
    faults = inspect([SCHEMA, File(f"{ROOM}/utils.py", "")])
    line = f"names {ROOM}/utils.py"
    assert excuse(faults, f"# at most 1\n{line}\n") == []
    assert [f.rule for f in excuse([], f"# at most 1\n{line}\n")] == ["exceptions"]
    assert [f.rule for f in excuse(faults, f"# at most 0\n{line}\n")] == ["exceptions"]
    assert [f.rule for f in excuse(faults, "# at most 0\n")] == ["names"]


def test_files_that_git_ignores_are_not_looked_at() -> None:
    root = Path(__file__).resolve().parent.parent
    paths = {file.path for file in collect(root)}
    assert "tools/house.py" in paths
    assert not [path for path in paths if path.startswith((".venv/", "var/"))]
