"""A few customers who write every minute, through the sandbox, for as long as the demo runs."""

import asyncio
from random import Random

import structlog

from switchboard.app.demo.accounts import APP, ASIA, BOT, EUROPE, MAIL, REGULARS
from switchboard.app.demo.platforms import DemoError, Platforms
from switchboard.app.demo.stand_ins import STAND_INS
from switchboard.app.demo.talk import Talk, spoken

log = structlog.get_logger()
EVERY_SECONDS = (8, 30)
PLATFORMS = [
    ("whatsapp", ASIA),
    ("whatsapp", EUROPE),
    ("telegram", BOT),
    ("custom", APP),
    ("email", MAIL),
    *((kind, one.account) for kind, one in STAND_INS.items()),
]


async def live(platforms: Platforms, talks: dict[str, Talk]) -> None:
    """Let the sandbox's people write now and then. Never returns."""
    dice = Random()
    while True:
        await asyncio.sleep(dice.uniform(*EVERY_SECONDS))
        key, _, language, _, _ = dice.choice(REGULARS)
        talk = talks[language[:2]]
        dialogue = talk.pick(dice)
        platform, account = dice.choice(PLATFORMS)
        wish = {
            "platform": platform,
            "account": account,
            "customer": key,
            "text": spoken(talk, dialogue, dice)[0].text,
        }
        if platform == "email":
            wish["subject"] = dialogue.topic
        try:
            await platforms.post("play", **wish)
        except (DemoError, OSError) as error:
            log.warning("demo_customer", error=str(error))
