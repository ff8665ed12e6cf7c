"""The e-mail channel's contract, and what is peculiar to mail."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from switchboard.channels.api import Content, Outbound, Refused, Retry, Sent
from switchboard.channels.contract import Answer, ChannelContract, Request
from tests.email.peers import LoopbackIo, Script, closed_port, mail_server

OK = Answer(status=250, text="2.0.0 queued")


class TestEmail(ChannelContract):
    kind = "email"
    config: ClassVar[Mapping[str, Any]] = {
        "address": "help@desk.example",
        "display_name": "客服中心",
        "incoming_host": "imap.desk.example",
        "smtp_host": "smtp.desk.example",
        "smtp_security": "plain",
        "password": "a-password-for-tests",
        "signature": "Desk Ltd.\nhttps://desk.example",
        "trusted_authserv_id": "mx.desk.example",
        "plus_addresses": True,
    }
    wire = "own"
    answer = OK
    situations: ClassVar[Mapping[str, Answer]] = {
        "unavailable": Answer(status=451, text="4.3.0 try again later"),
        "slow_down": Answer(status=450, text="4.2.0 greylisted, try again in 7 seconds"),
        "bad_request": Answer(status=554, text="5.6.0 message refused"),
        "unauthorised": Answer(status=535, text="5.7.8 wrong user name or password"),
    }
    errors: ClassVar[Sequence[Any]] = (
        (Answer(status=421, text="4.7.0 too many connections"), Retry),
        (Answer(status=452, text="4.2.2 mailbox full"), Retry),
        (Answer(status=552, text="5.3.4 message too big"), Refused),
    )
    samples = ("mime/*.eml",)

    async def deliver(
        self, message: Outbound, answers: Sequence[Answer], files: Mapping[str, Content]
    ) -> tuple[Sent, list[Request]]:
        answer = answers[0]
        script = Script(
            auth=f"535 {answer.text}" if answer.status == 535 else "",
            data=f"{answer.status} {answer.text}" if answer.status != 535 and not answer.fails else "",
            drop="answer" if answer.fails == "timeout" else "",
        )
        async with mail_server(script) as (port, received):
            away = closed_port() if answer.fails == "connect" else port
            io = LoopbackIo({"smtp.desk.example": away}, files)
            sent = await self.adapter.factory(self.settings(), io).send(message)
            return sent, [
                Request(
                    "MAIL",
                    "smtp://smtp.desk.example",
                    form={
                        "from": mail.sender,
                        "to": " ".join(mail.recipients),
                        "user": mail.user,
                        "data": re.sub(rb"Date: [^\r]*", b"Date: now", mail.data)
                        .decode()
                        .replace("\r\n", "\n"),
                    },
                )
                for mail in received
            ]
