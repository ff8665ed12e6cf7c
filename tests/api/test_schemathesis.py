"""Every operation of the OpenAPI document with made-up input, good and bad: no 5xx, no answer that is not
documented.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from switchboard.api.app import create
from switchboard.api.description import document
from tests.api.conftest import PASSWORD, opened
from tests.api.test_matrix import things
from tests.plugins.postgres import fresh_database

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 20
DESCRIPTION = document(create(cast(Any, SimpleNamespace())))
OPERATIONS = {
    operation["operationId"]: (path, method)
    for path, item in DESCRIPTION["paths"].items()
    for method, operation in item.items()
}
# It would end the session that the other operations need; tests/api/test_sessions.py ends one.
LEFT_OUT = {"signOut"}
# What they look for is a secret, lies with a platform, or may have been put away by another operation.
CAN_FAIL = {"listTemplates", "lookUpInvitation", "readDeadLetter", "readRemotePicture", "readSticker"}


class Front:
    """The API on a port of loopback, and what a request needs to mean something."""

    def __init__(self) -> None:
        self.address = ""
        self.token = ""
        self.things: dict[str, Any] = {}


@pytest.fixture(scope="module")
def front(
    postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """A server in a thread with a loop of its own, on a database of its own."""
    databases = fresh_database(postgres_server, migrated_template)
    found, ready, stop = Front(), threading.Event(), threading.Event()
    failure: list[BaseException] = []
    work = _serve(next(databases), tmp_path_factory.mktemp("data"), found, ready, stop)

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001  (the test raises it)
            failure.append(error)
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(60)
    if failure:
        raise failure[0]
    yield found
    stop.set()
    thread.join(20)
    next(databases, None)


async def _serve(
    database: str, directory: Path, found: Front, ready: threading.Event, stop: threading.Event
) -> None:
    async with opened(database, directory) as office:
        boss = await office.person("boss", "administrator")
        found.things = {name: str(value) for name, value in (await things(office, boss)).items()}
        found.things["agent_id"] = str(await office.hire("ann", "agent"))
        found.things["session_id"] = str((await office.person("bo")).id)
        program = await office.client().post(
            "/api/v1/sessions", json={"email": boss.email, "password": PASSWORD}
        )
        found.token = program.json()["token"]
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            found.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            config = uvicorn.Config(cast(Any, office.app), lifespan="off", log_level="error", ws="none")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
                await asyncio.sleep(0.01)
            ready.set()
            await asyncio.to_thread(stop.wait)
            server.should_exit = True
            await serving


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - LEFT_OUT))
def test_no_input_leads_to_an_answer_that_is_not_documented(
    name: str, mode: GenerationMode, front: Front
) -> None:
    path, method = OPERATIONS[name]
    operation = schemathesis.openapi.from_dict(DESCRIPTION)[path][method.upper()]
    try:
        cases = operation.as_strategy(generation_mode=mode)
        cases.validate()
    except Exception as error:
        if mode is GenerationMode.NEGATIVE and "Impossible to generate negative" in str(error):
            return
        raise
    statuses: set[int] = set()
    ids = {key: value for key, value in front.things.items() if f"{{{key}}}" in path}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def call(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            case.path_parameters = {**case.path_parameters, **ids}
        answer = case.call(
            base_url=front.address, headers={"Authorization": f"Bearer {front.token}"}, timeout=30
        )
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    call()
    if method == "get" and mode is GenerationMode.POSITIVE and name not in CAN_FAIL:
        assert 200 in statuses, f"no input was good enough: {statuses}"
