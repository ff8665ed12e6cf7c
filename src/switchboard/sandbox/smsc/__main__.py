"""Run the SMSC by itself: `python -m switchboard.sandbox.smsc --port 2775 --account desk:sesame --echo`.

With `--echo` every message is sent back by the customer who got it, so that both directions can be tried by hand.
"""

import argparse
import asyncio
import json
import sys
import time

from switchboard.sandbox.smsc.frames import Sm
from switchboard.sandbox.smsc.server import Fate, Settings, Smsc
from switchboard.sandbox.smsc.shorts import Phones


class Echo(Smsc):
    """Customers answer with what they got."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._phones = Phones()

    def taken(self, system_id: str, identifier: str, sm: Sm, fate: Fate) -> None:
        """Write back what is whole."""
        del fate
        short = self._phones.take(identifier, sm)
        if short is not None:
            self.writes(system_id, short.destination, short.source, short.text)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m switchboard.sandbox.smsc")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2775, help="0 chooses a free one")
    parser.add_argument("--account", default="desk:sesame", help="system id and password")
    parser.add_argument("--echo", action="store_true", help="customers answer with what they got")
    return parser.parse_args()


async def run(options: argparse.Namespace) -> None:
    """Serve until the process is ended."""
    system_id, _, password = options.account.partition(":")
    settings = Settings(accounts={system_id: password}, first_id=time.time_ns() // 1000)
    smsc = Echo(settings) if options.echo else Smsc(settings)
    port = await smsc.start(options.host, options.port)
    sys.stdout.write(json.dumps({"host": options.host, "port": port, "system_id": system_id}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(arguments()))
