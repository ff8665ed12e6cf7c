"""Alibaba Cloud's messages to numbers outside the mainland: plain text, and reports in fields of their own."""

import asyncio
import re
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

from switchboard.sandbox.faults import Fault
from switchboard.sandbox.sms.aliyun_errors import AliyunError
from switchboard.sandbox.sms.pushes import Pushes
from switchboard.sandbox.sms.segments import segments
from switchboard.sandbox.state import Bubble, Chat, PlatformAccount, digits
from switchboard.sandbox.world import World

Json = dict[str, Any]
ABROAD_VERSION = "2018-05-01"
BEIJING = timezone(timedelta(hours=8))
LONGEST = 1530
SENDER = re.compile(r"\d{1,15}|[0-9A-Za-z]{1,11}")
DELIVERED, FAILED = "1", "2"


class Abroad:
    """SendMessageToGlobe and what comes back of it."""

    def __init__(self, world: World, platform: str, pushes: Pushes) -> None:
        self._world = world
        self._platform = platform
        self._pushes = pushes

    def send(self, account: PlatformAccount, params: Json, fault: Fault | None) -> Json:
        """Take one message; AliyunError for what is refused."""
        to, text, sender = (str(params.get(name) or "") for name in ("To", "Message", "From"))
        number = to.lstrip("+")
        if not re.fullmatch(r"[1-9]\d{6,14}", number):
            raise AliyunError("isv.MOBILE_NUMBER_ILLEGAL", abroad=True)
        if re.fullmatch(r"861\d{10}", number):
            raise AliyunError("isv.COUNTRY_RESTRICTED", abroad=True)
        if not text:
            raise AliyunError("isv.INVALID_PARAMETERS", "Message is mandatory for this action.", abroad=True)
        if len(text) > LONGEST:
            raise AliyunError("isv.PARAM_LENGTH_LIMIT", abroad=True)
        if sender and not SENDER.fullmatch(sender):
            raise AliyunError("isv.INVALID_SENDERID", abroad=True)
        message_id = digits(19)
        customer = self._world.store.customer_by_phone(number)
        chat = self._world.store.chat(self._platform, account.id, customer.id if customer else f"+{number}")
        bubble = Bubble(
            id=message_id, side="business", kind="text", at=self._world.clock.now(), text=text, status="sent",
            raw=dict(params),
        )  # fmt: skip
        self._world.show(chat, bubble)
        self._world.note(
            message_id=message_id, platform=self._platform, account=account.id, to=f"+{number}", kind="text",
            text=text, body=dict(params), fault=fault,
        )  # fmt: skip
        failing = fault is not None and fault.kind == "status"
        good = customer is not None and not chat.blocked and not failing
        self._world.spawn(self._report(account, chat, bubble, number, good=good))
        return {
            "ResponseCode": "OK",
            "ResponseDescription": "The SMS Send Request was accepted",
            "MessageId": message_id,
            "Segments": str(segments(text)),
            "From": sender,
            "To": number,
            "NumberDetail": {"Country": "", "Region": "", "Carrier": ""},
        }

    async def _report(
        self, account: PlatformAccount, chat: Chat, bubble: Bubble, number: str, *, good: bool
    ) -> None:
        await asyncio.sleep(self._world.config.receipt_delay_seconds)
        bubble.status = "delivered" if good else "failed"
        bubble.error = "" if good else "EXPIRED"
        self._world.changed(chat, bubble)
        item = {
            "To": number,
            "SendDate": _written(bubble.at),
            "ReceiveDate": _written(self._world.clock.now()),
            "Status": DELIVERED if good else FAILED,
            "ErrorCode": "DELIVERED" if good else "EXPIRED",
            "ErrorDescription": "success" if good else "The message was not delivered before it expired.",
            "MessageId": bubble.id,
            "TaskId": str(bubble.raw.get("TaskId") or ""),
        }
        self._pushes.put(
            account, "abroad", item, lambda: account.settings["report_url"] or account.webhook_url
        )


def _written(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, BEIJING))
