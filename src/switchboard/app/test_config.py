"""Settings and the keys that stand beside them."""

import threading
from pathlib import Path

from switchboard.app.config import Settings, link_key


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    for nr in range(30):
        settings, together = Settings(data=tmp_path / str(nr)), threading.Barrier(6)
        found: list[bytes] = []

        def start(settings: Settings = settings, together: threading.Barrier = together) -> None:
            together.wait()
            found.append(link_key(settings))  # noqa: B023 - all threads of a round end within it

        threads = [threading.Thread(target=start) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 6
        assert set(found) == {(settings.data / "link.key").read_bytes()}
        assert len(found[0]) == 32
