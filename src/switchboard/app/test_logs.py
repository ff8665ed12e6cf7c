"""What a log must not hold, tried on the lines that are written."""

from collections.abc import Iterator

import pytest
import structlog

from switchboard.app.logs import configure


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_neither_secrets_nor_words_of_customers_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """An adapter that fails may have an address with a token in its hands; a refused row holds what somebody wrote."""
    configure()
    log = structlog.get_logger()
    try:
        raise ValueError(
            "can't fetch https://api.example/bot123456789:AAAA-bbbb_cccc-dddd_eeee-ffff_gggg/send?access_token=hush"
        )
    except ValueError:
        log.exception("send_failed", kind="telegram")
    log.error(
        "accept_failed", error="DataError(\"invalid input for query argument $3: 'my own words' (too long)\")"
    )
    log.error(
        "batch_failed", error="duplicate key value\nDETAIL:  Key (value)=(my own words) already exists."
    )
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 3
    assert not [word for word in ("AAAA", "hush", "my own words") if word in said]
    assert "test_logs.py" in said
    assert "api.example" in said
    assert "query argument $3" in said
