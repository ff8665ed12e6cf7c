"""Starts the demo: the sandbox, the product, then company, channels and past where they are missing."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import msgspec
import structlog

from switchboard.app.config import Settings
from switchboard.app.demo.accounts import Accounts, open_accounts, regulars
from switchboard.app.demo.company import PASSWORD, STAFF, TEAMS, company
from switchboard.app.demo.fill import Filling, fill
from switchboard.app.demo.live import live
from switchboard.app.demo.platforms import DemoError, Platforms, platforms
from switchboard.app.demo.shop import PREFIX, Shop
from switchboard.app.demo.stand_ins import BASES, begin
from switchboard.app.demo.story import Teller
from switchboard.app.demo.talk import load
from switchboard.app.pages import NOT_BUILT, is_built
from switchboard.app.serve import Process, bind, serve
from switchboard.core.errors import Problem

log = structlog.get_logger()
Say = Callable[[str], None]
ROLES = {"administrator": "管理员 administrator", "supervisor": "主管 supervisor", "agent": "坐席 agent"}


async def demo(settings: Settings, contacts: int, with_traffic: bool, say: Say) -> None:
    """Serve the demo until it is told to stop; raises DemoError, PortTaken and what `serve` raises."""
    begun = time.monotonic()
    # Tried before the sandbox starts, so that a busy port is the first and only thing said.
    bind(settings.host, settings.port).close()
    async with platforms(settings) as sandbox:
        bases = dict.fromkeys(("telegram", "whatsapp", *BASES), sandbox.ready.url)
        settings = msgspec.structs.replace(
            settings,
            outbound_allow=(*settings.outbound_allow, *sandbox.ready.targets),
            base_urls={**settings.base_urls, **bases},
        )

        async def ready(process: Process) -> None:
            if not is_built():
                say(NOT_BUILT.decode())
            await _prepare(process, sandbox, contacts, say)
            say(farewell(process.runtime.settings.url, sandbox.ready.url, time.monotonic() - begun))
            if with_traffic:
                await live(sandbox, {"zh": load("zh"), "en": load("en")})

        await serve(settings, ready=ready)


async def _prepare(process: Process, sandbox: Platforms, contacts: int, say: Say) -> None:
    """Bring everything to where the demo should be; what is there already is only looked at."""
    runtime = process.runtime
    try:
        here = await company(runtime.db)
        if len(here.agents) < sum(one.role == "agent" for one in STAFF) or len(here.teams) < len(TEAMS):
            log.warning(
                "demo_changed", detail="people or teams of the demo were changed by hand; they stay so"
            )
        accounts = Accounts(runtime, here, sandbox)
        if not here.filled:
            say("Connecting the sandbox's accounts …")
        await accounts.connect(await open_accounts(sandbox))
        process.doors[PREFIX] = Shop(await accounts.script())
        if not here.filled:
            say("Writing three months of conversations (only at the first start):")
            now = datetime.now(UTC)
            teller = Teller([load("zh"), load("en")], here.crew, now)
            story = await asyncio.to_thread(teller.tell, contacts, regulars())
            await fill(Filling(runtime, here, await accounts.lines(), sandbox, now), story, say)
            await begin(sandbox)
    except (Problem, httpx.HTTPError) as error:
        raise DemoError(f"The demo's channels can't be connected: {error}") from error


def farewell(url: str, sandbox: str, seconds: float) -> str:
    """Return what a person needs to go on, in both languages."""
    people = "\n".join(f"  {one.email:<24} {PASSWORD:<14} {ROLES[one.role]:<22} {one.name}" for one in STAFF)
    return f"""
Switchboard demo is ready after {seconds:.1f} s.  演示已就绪。

  Workspace  工作台        {url}
  Demo shop  演示商城      {url}{PREFIX}zh/   {url}{PREFIX}en/
  Phone of the customers
  客户的手机（沙盒）       {sandbox}

Accounts  账号（e-mail 邮箱, password 密码, role 角色）
{people}

What to try
  1. Sign in as suxiao@shanye.example and set yourself online: waiting conversations come to you.
  2. Open the customers' phone, write as 林美 on WhatsApp, Telegram, the app or by mail, and answer here.
  3. Write in the chat of the demo shop; the answer appears there.
  4. Search for 睡袋 or for an order number; look at a customer's other conversations.
  5. As admin@shanye.example see Administration: channels with their forms and guides, people, dead letters.

可以试试
  1. 用 suxiao@shanye.example 登录并切换为“在线”，排队中的会话会自动分配给您。
  2. 打开“客户的手机”，以林美的身份用 WhatsApp、Telegram、App 或邮件写一条消息，然后在工作台回复。
  3. 在演示商城右下角的聊天窗口留言，回复会出现在同一窗口。
  4. 搜索“睡袋”或某个订单号；查看客户的历史会话。
  5. 用 admin@shanye.example 登录，进入“管理”：渠道表单与接入指南、人员、死信。

Stop with Ctrl-C. With `switchboard demo --live` customers write by themselves.
按 Ctrl-C 停止；用 `switchboard demo --live` 启动时会有客户陆续来访。
"""
