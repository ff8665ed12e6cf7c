"""The sandbox as the process that others start: one line on standard output, what goes wrong on the other."""

import subprocess
import sys
from pathlib import Path

import httpx
import msgspec

ENOUGH = 8
"""Tracebacks that fill a pipe several times."""


def test_what_fails_inside_stops_nothing_and_is_written_down(tmp_path: Path) -> None:
    written = tmp_path / "log"
    with (
        written.open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "switchboard.sandbox"], stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        try:
            assert process.stdout is not None
            url = msgspec.json.decode(process.stdout.readline())["url"]
            with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
                client.post("/sandbox/customers", json={"id": "ann", "name": "Ann"})
                broken = {"settings": {"encoding_aes_key": 5}, "webhook_url": "http://127.0.0.1:9/"}
                account = client.post("/sandbox/platforms/wechat_oa", json=broken).json()["id"]
                wish = {"platform": "wechat_oa", "account": account, "customer": "ann", "text": "x"}
                answers = [client.post("/sandbox/play", json=wish).status_code for _ in range(ENOUGH)]
                assert answers == [500] * ENOUGH
                assert client.get("/sandbox/info").status_code == 200
                assert client.get("/" + "x" * 5000).status_code == 404
        finally:
            process.terminate()
            process.wait(10)
    assert written.read_text().count("sandbox_failed") == ENOUGH
