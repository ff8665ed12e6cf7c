"""What may be forgotten is forgotten, and nothing else."""

from datetime import UTC, datetime, timedelta

from switchboard.app.housekeeping import EVENTS_KEPT, Housekeeping
from switchboard.app.runtime import Runtime
from switchboard.core.ids import new_id
from switchboard.db import log
from tests.flow.conftest import Pipe


async def tidy(runtime: Runtime) -> None:
    house = Housekeeping(runtime)
    await house._attempt(house._park, house._forget)
    await house._prune()


async def test_old_events_go_and_the_count_goes_on(runtime: Runtime, pipe: Pipe) -> None:
    await pipe.receive(pipe.message("hello"))
    await pipe.follow()
    head = await pipe.only("select max(pos) from event")
    old = datetime.now(UTC) - EVENTS_KEPT - timedelta(days=1)
    for (event,) in await pipe.sql("select id from event"):
        await pipe.sql("update event set id = $1 where id = $2", new_id(int(old.timestamp() * 1000)), event)
    await tidy(runtime)
    assert await pipe.only("select max(pos) from event") == head  # the next one is counted from it
    assert await pipe.only("select count(*) from event") == 1
    await pipe.receive(pipe.message("again"))
    async with pipe.db.transaction() as tx:
        fresh = await log.number(tx)
    assert fresh > 0
    await tidy(runtime)
    assert await pipe.only("select count(*) from event") == fresh


async def test_kept_answers_and_failed_sign_ins_go(runtime: Runtime, pipe: Pipe) -> None:
    for key, days in (("old", 3), ("new", 1)):
        await pipe.sql(
            "insert into request_key (workspace_id, actor, key, request_hash, status, answer, at) "
            "values ($1, 'a', $2, '', 200, '', now() - $3 * interval '1 day')",
            pipe.workspace, key, days,
        )  # fmt: skip
        await pipe.sql(
            "insert into sign_in_failure (key, failures, until) values ($1, 1, now() - $2 * interval '1 day')",
            key, days - 0.5,
        )  # fmt: skip
    await tidy(runtime)
    assert await pipe.only("select key from request_key") == "new"
    assert await pipe.only("select key from sign_in_failure") == "new"


async def test_edits_that_were_given_up_go(runtime: Runtime, pipe: Pipe) -> None:
    for days in (6, 9):
        await pipe.sql(
            "insert into waiting_change (workspace_id, id, channel_id, external_id, body, since, parked_at) "
            "values ($1, $2, $3, 'x', '{}', now(), now() - $4 * interval '1 day')",
            pipe.workspace, new_id(), pipe.channels["main"], days,
        )  # fmt: skip
    await tidy(runtime)
    assert await pipe.only("select count(*) from waiting_change") == 1
