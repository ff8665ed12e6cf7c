"""The generated references: read back what they say, and refuse what is out of date."""

from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec
import pytest

from switchboard.channels.registry import adapters
from tools import (
    reference_api,
    reference_channels,
    reference_conformance,
    reference_database,
    references,
)
from tools.reference_text import cell, spell

MIGRATIONS = """
-- staff ---------------------------------------
create table team (
    workspace_id uuid not null references workspace (id),
    id uuid not null,
    kind text not null check (kind in ('a', 'b')), -- two of them
    primary key (workspace_id, id),
    unique (workspace_id, name)
);
create index team_kind on team (kind);
create index team_old on team (workspace_id);
drop index team_old;
drop index team_kind;
create unique index team_kind on team (workspace_id, kind) where kind = 'a';

-- Failed sign-ins; not a tenant's data.
create table failure (key text primary key, failures int
);
create table old (id int
);
alter table team add column name text not null default '';
alter table team drop column kind;
drop table old;
"""


def test_tables_are_read_as_all_migrations_leave_them() -> None:
    found = reference_database.read_tables(MIGRATIONS)

    assert list(found) == ["team", "failure"]
    assert found["team"].columns == {
        "workspace_id": "uuid not null references workspace (id)",
        "id": "uuid not null",
        "name": "text not null default ''",
    }
    assert found["team"].keys == ["primary key (workspace_id, id)", "unique (workspace_id, name)"]
    assert found["team"].indexes == ["`team_kind` (unique): (workspace_id, kind) where kind = 'a'"]
    assert found["team"].remark == ""
    assert found["failure"].remark == "Failed sign-ins; not a tenant's data."


def test_every_table_has_a_room() -> None:
    assert "nobody yet" not in reference_database.database_page()


def test_types_are_written_in_words() -> None:
    assert spell(UUID | None) == "uuid or null"
    assert spell(list[str]) == "list of text"
    assert spell(dict[UUID, str]) == "object of text"
    assert spell(Literal["a", "b"]) == "`a` or `b`"
    assert cell("a | b\n c") == "a \\| b c"


def test_schemas_are_written_in_words() -> None:
    assert reference_api.spell({"$ref": "#/components/schemas/Page_switchboard.api.people.Team_"}) == (
        "[Page of Team](#page-of-team)"
    )
    assert (
        reference_api.spell({"type": "array", "items": {"type": "string", "format": "uuid"}})
        == "list of uuid"
    )
    assert reference_api.spell({"oneOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}) == (
        "integer (from 0) or null"
    )


def test_every_endpoint_says_who_may() -> None:
    page = reference_api.api_page()

    assert page.count("\nMay: ") == page.count("\n### GET ") + sum(
        page.count(f"\n### {method} /") for method in ("POST", "PUT", "PATCH", "DELETE")
    )
    assert "May: not said" not in page


def test_sizes_are_rounded_to_what_people_read() -> None:
    assert [reference_channels.size(count) for count in (512, 512_000, 5_242_880, 100_000_000)] == [
        "512 B",
        "512 kB",
        "5.2 MB",
        "100 MB",
    ]


def test_a_page_out_of_date_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(references, "FOLDER", tmp_path)

    assert references.main(["--check"]) == 1
    assert not list(tmp_path.iterdir()), "--check writes nothing"
    assert references.main([]) == 0
    assert references.main(["--check"]) == 0
    capsys.readouterr()

    (tmp_path / "events.md").write_text("# Events\n")
    assert references.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "events.md out of date" in said
    assert "python -m tools.references" in said


def test_making_a_page_twice_gives_the_same() -> None:
    for make in references.PAGES.values():
        assert make() == make()


def test_a_claim_without_a_file_that_shows_it_stops_the_page() -> None:
    line = adapters()["line"]
    shown = reference_conformance.proofs(line)
    assert reference_conformance.state_of(line, "sends.choices", shown) == "works"
    with pytest.raises(AssertionError, match=r"line: claims sends\.choices, but no fixture"):
        reference_conformance.state_of(line, "sends.choices", {})


def test_what_the_platform_does_not_offer_is_not_called_missing() -> None:
    line = adapters()["line"]
    assert reference_conformance.state_of(line, "receipts.read", {}) == "not offered"
    silent = msgspec.structs.replace(line.manifest, not_offered=[])
    assert (
        reference_conformance.state_of(msgspec.structs.replace(line, manifest=silent), "receipts.read", {})
        == "missing"
    )
