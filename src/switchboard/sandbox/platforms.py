"""The stand-ins that speak through `standin.StandIn`; a new one is a line here."""

from switchboard.sandbox.douyin.standin import Douyin
from switchboard.sandbox.inbox.instagram import Instagram
from switchboard.sandbox.inbox.messenger import Messenger
from switchboard.sandbox.line.standin import Line
from switchboard.sandbox.sms.aliyun import Aliyun
from switchboard.sandbox.sms.tencent import Tencent
from switchboard.sandbox.sms.twilio import Twilio
from switchboard.sandbox.smsc.standin import Smpp
from switchboard.sandbox.standin import StandIn
from switchboard.sandbox.voice.alexa import Alexa
from switchboard.sandbox.voice.dueros import Dueros
from switchboard.sandbox.voice.tmall import TmallGenie
from switchboard.sandbox.web import Router
from switchboard.sandbox.weibo.standin import Weibo
from switchboard.sandbox.weixin.kf import CustomerDesks
from switchboard.sandbox.weixin.mini import MiniPrograms
from switchboard.sandbox.weixin.oa import OfficialAccounts
from switchboard.sandbox.world import World

MADE: tuple[type[StandIn], ...] = (
    Twilio,
    Tencent,
    Aliyun,
    Smpp,
    Douyin,
    Weibo,
    Alexa,
    Dueros,
    TmallGenie,
    Line,
    Messenger,
    Instagram,
    OfficialAccounts,
    CustomerDesks,
    MiniPrograms,
)


class Platforms:
    """All of them, by name."""

    def __init__(self, world: World) -> None:
        self.by_name: dict[str, StandIn] = {kind.name: kind(world) for kind in MADE}

    def routes(self, router: Router) -> None:
        """Register the platforms' paths."""
        for one in self.by_name.values():
            one.routes(router)

    async def start(self) -> None:
        """Open what they listen on beside HTTP."""
        for one in self.by_name.values():
            await one.start()

    async def stop(self) -> None:
        """Close it."""
        for one in self.by_name.values():
            await one.stop()
