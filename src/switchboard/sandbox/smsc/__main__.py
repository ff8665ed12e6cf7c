"""Run the SMSC by itself: `python -m switchboard.sandbox.smsc --port 2775 --account desk:sesame`.

Every message that comes is echoed by the customer who got it, so that both directions can be tried by hand.
"""

import argparse
import asyncio
import json
import sys

from switchboard.sandbox.smsc.server import Settings, Smsc


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
    smsc = Smsc(Settings(accounts={system_id: password}))
    port = await smsc.start(options.host, options.port)
    sys.stdout.write(json.dumps({"host": options.host, "port": port, "system_id": system_id}) + "\n")
    sys.stdout.flush()
    seen = 0
    while True:
        await asyncio.sleep(0.2)
        phones = smsc.shown()
        for short in phones[seen:] if options.echo else ():
            smsc.writes(system_id, short.destination, short.source, short.text)
        seen = len(phones)


if __name__ == "__main__":
    asyncio.run(run(arguments()))
