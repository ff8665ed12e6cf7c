"""Sessions of WeCom's customer service: who may answer now, and codes that allow one message at a turn."""

import secrets
from typing import Any

from switchboard.sandbox.state import PlatformAccount
from switchboard.sandbox.web import Response
from switchboard.sandbox.weixin.access import Asked
from switchboard.sandbox.weixin.errors import WeixinError, fine
from switchboard.sandbox.weixin.kf_log import desks
from switchboard.sandbox.world import World

Json = dict[str, Any]
NEW, ASSISTANT, QUEUE, HUMAN, ENDED = range(5)
TURNS = {NEW: {1, 2, 3, 4}, ASSISTANT: {1, 2, 3, 4}, QUEUE: {2, 3, 4}, HUMAN: {3, 4}, ENDED: set()}
DAYS_2 = 48 * 3_600
BRIEF = 20
MOST_CODES = 1_000


class Sessions:
    """States of the chats of one stand-in."""

    def __init__(self, world: World) -> None:
        self._world = world

    def at(self, account: PlatformAccount, desk: str, person: str) -> Json:
        """`{state, servicer, wrote, welcomed}`; ended where none has begun or the last was 48 hours ago."""
        blank = {"state": ENDED, "servicer": "", "wrote": 0.0, "welcomed": 0.0, "begun": False}
        found: Json = account.kept.setdefault("sessions", {}).setdefault(f"{desk}:{person}", blank)
        if found["state"] != ENDED and found["wrote"] <= self._world.clock.now() - DAYS_2:
            found.update(state=ENDED, servicer="")
        return found

    def wrote(self, account: PlatformAccount, desk: str, person: str) -> None:
        """The customer wrote: a session that had ended begins anew."""
        session = self.at(account, desk, person)
        if session["state"] == ENDED:
            session.update(state=NEW, servicer="")
        session.update(wrote=self._world.clock.now(), begun=True)

    def welcome(self, account: PlatformAccount, desk: str, person: str) -> str:
        """A code for one greeting; none where they were greeted or wrote within 48 hours."""
        session, now = self.at(account, desk, person), self._world.clock.now()
        if max(session["welcomed"], session["wrote"]) > now - DAYS_2:
            return ""
        return self.code(account, desk, person, BRIEF, None, ("text", "msgmenu"))

    def code(
        self,
        account: PlatformAccount,
        desk: str,
        person: str,
        seconds: float,
        state: int | None,
        types: tuple[str, ...],
    ) -> str:
        """A code for one message of these types while the session is in this state (None: any)."""
        codes: dict[str, Json] = account.kept.setdefault("codes", {})
        while len(codes) >= MOST_CODES:
            codes.pop(next(iter(codes)))
        made = secrets.token_urlsafe(32)
        until = self._world.clock.now() + seconds
        codes[made] = {"desk": desk, "person": person, "until": until, "state": state, "types": list(types)}
        return made

    def redeem(self, account: PlatformAccount, code: str, kind: object) -> Json:
        """Use a code up; 41050 where it is unknown, used or too old."""
        codes: dict[str, Json] = account.kept.setdefault("codes", {})
        found = codes.get(code)
        if found is None or found["until"] <= self._world.clock.now():
            raise WeixinError(41050)
        if kind not in found["types"]:
            raise WeixinError(40008)
        session = self.at(account, found["desk"], found["person"])
        if found["state"] is not None and session["state"] != found["state"]:
            raise WeixinError(95018)
        del codes[code]
        if found["state"] is None:
            session["welcomed"] = self._world.clock.now()
        return found

    async def get(self, asked: Asked) -> Response:
        """`POST kf/service_state/get {open_kfid, external_userid}`."""
        session = self._asked(asked, asked.request.json())
        servicer = {"servicer_userid": session["servicer"]} if session["servicer"] else {}
        return fine(service_state=session["state"], **servicer)

    async def turn(self, asked: Asked) -> Response:
        """`POST kf/service_state/trans {open_kfid, external_userid, service_state, servicer_userid?}`."""
        account, body = asked.account, asked.request.json()
        session, wanted = self._asked(asked, body), body.get("service_state")
        if not isinstance(wanted, int) or wanted not in TURNS:
            raise WeixinError(40058, "service_state")
        if wanted not in TURNS[session["state"]]:
            raise WeixinError(95013 if session["state"] == ENDED else 95016)
        servicer = str(body.get("servicer_userid") or "")
        if wanted == HUMAN and servicer not in account.settings["servicers"]:
            raise WeixinError(95014)
        first = session["state"] != wanted
        session.update(state=wanted, servicer=servicer if wanted == HUMAN else "")
        if not first or wanted == ASSISTANT:
            return fine()
        brief, types = wanted == ENDED, ("text", "msgmenu") if wanted == ENDED else ("text",)
        desk, person = str(body["open_kfid"]), str(body["external_userid"])
        code = self.code(account, desk, person, BRIEF if brief else DAYS_2, int(wanted), types)
        return fine(msg_code=code)

    def _asked(self, asked: Asked, body: Json) -> Json:
        desk, person = str(body.get("open_kfid") or ""), str(body.get("external_userid") or "")
        if desk not in desks(asked.account):
            raise WeixinError(95000)
        if self._world.store.customer_known_as(f"wecom:{asked.account.id}", person) is None:
            raise WeixinError(40096)
        return self.at(asked.account, desk, person)
