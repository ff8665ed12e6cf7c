"""The open platform's interfaces: answers, group posts, recalls, pictures, comments, videos."""

import base64
import secrets
from typing import Any

from switchboard.sandbox.douyin import drafts, events
from switchboard.sandbox.douyin.errors import DouyinError, by_data, by_extra, by_number
from switchboard.sandbox.douyin.tokens import NAME, Tokens
from switchboard.sandbox.faults import Fault
from switchboard.sandbox.state import Bubble, Chat, PlatformAccount
from switchboard.sandbox.web import NotMine, Refused, Request, Response, json_response
from switchboard.sandbox.world import after, before

Json = dict[str, Any]
PICTURE_BYTES = 10 * 1024 * 1024
PICTURES = ("image/jpeg", "image/png", "image/bmp", "image/webp")
COMMENT_LONGEST = 100
WINDOWS_KEPT = 5_000


class Api(Tokens):
    """Handlers."""

    async def begin(self, account: PlatformAccount, *, sends: bool) -> tuple[Fault | None, Response | None]:
        """The failure that somebody asked for, and the answer that ends the call at once."""
        fault = self.world.faults.take(NAME, account.id, sends=sends)
        early = await before(fault)
        if early is None and fault is not None and fault.kind == "error":
            raise DouyinError(fault.code or 28001005)
        return fault, early

    # -- messages ------------------------------------------------------------------------------------------

    async def send(self, request: Request) -> Response:
        """POST /im/send/msg/: an answer to the message or visit that `msg_id` names."""
        account = self.account(request)
        fault, early = await self.begin(account, sends=True)
        if early is not None:
            return early
        body = _json(request)
        customer = events.person(self.world, account, str(body.get("to_user_id") or ""))
        if customer is None:
            raise DouyinError(28001007, "to_user_id")
        chat = self.world.store.chat(NAME, account.id, customer.id)
        if body.get("conversation_id") != events.conversation(account, customer.id):
            raise DouyinError(28001007, "conversation_id")
        found = drafts.read(self.world, account, body)
        self._window(account, chat, str(body.get("msg_id") or ""), len(found))
        ids = [self._show(account, chat, draft, body, fault, str(body["to_user_id"])) for draft in found]
        for ident, draft in zip(ids, found, strict=True):
            self.echo(
                account,
                chat,
                ident,
                draft.raw,
                str(body["to_user_id"]),
                source=account.settings["client_key"],
            )
        return after(fault, by_extra(msg_id=ids[0], msg_list=ids))

    def _window(self, account: PlatformAccount, chat: Chat, msg_id: str, count: int) -> None:
        entry = _opened(account).get(msg_id)
        if entry is None or entry["chat"] != chat.key:
            raise DouyinError(28001007, "msg_id")
        if self.world.clock.now() - entry["at"] > float(account.settings["window_hours"]) * 3600:
            raise DouyinError(28001007, "msg_id 已失效")
        if entry["used"] + count > int(account.settings["window_messages"]):
            raise DouyinError(28003070)
        entry["used"] += count

    def opens(self, account: PlatformAccount, chat: Chat, msg_id: str) -> None:
        """A message or visit of the customer's allows so many answers for so long."""
        opened = _opened(account)
        while len(opened) > WINDOWS_KEPT:
            del opened[next(iter(opened))]
        opened[msg_id] = {"chat": chat.key, "at": self.world.clock.now(), "used": 0}

    def _show(
        self,
        account: PlatformAccount,
        chat: Chat,
        draft: drafts.Draft,
        body: Json,
        fault: Fault | None,
        to: str,
    ) -> str:
        bubble = Bubble(
            id=events.new_id(), side="business", kind=draft.kind, at=self.world.clock.now(), text=draft.text,
            attachments=draft.attachments, status="sent", raw=draft.raw,
        )  # fmt: skip
        self.world.show(chat, bubble)
        self.world.note(
            message_id=bubble.id, platform=NAME, account=account.id, to=to, kind=draft.kind, text=draft.text,
            body=body, fault=fault,
        )  # fmt: skip
        return bubble.id

    def echo(
        self,
        account: PlatformAccount,
        chat: Chat,
        ident: str,
        raw: Json,
        to: str,
        *,
        source: str,
        group: str = "",
    ) -> None:
        """Tell the product what its account has said, by the API or on the owner's phone."""
        name = {1: "text", 2: "image", 3: "video", 8: "retain_consult_card"}.get(
            raw.get("msg_type", 1), "other"
        )
        content: Json = {
            "conversation_short_id": group or events.conversation(account, chat.peer),
            "server_message_id": ident,
            "conversation_type": 2 if group else 1,
            "create_time": int(self.world.clock.now() * 1000),
            "message_type": name,
            "source": source,
            "user_infos": [],
        }
        if name == "text":
            content["text"] = raw["text"]["text"]
        event = "im_group_send_msg" if group else "im_send_msg"
        events.tell(self.world, account, chat, event, account.id, to, content)

    async def send_to_group(self, request: Request) -> Response:
        """POST /im/send/msg/group/"""
        account = self.account(request)
        fault, early = await self.begin(account, sends=True)
        if early is not None:
            return early
        body = _json(request)
        group = str(body.get("group_id") or "")
        if group not in events.rooms(account, "groups"):
            raise DouyinError(28001007, "group_id")
        (draft, *_) = drafts.read(self.world, account, body)
        chat = self.world.store.chat(NAME, account.id, group)
        ident = self._show(account, chat, draft, body, fault, group)
        self.echo(account, chat, ident, draft.raw, group, source=account.settings["client_key"], group=group)
        return after(fault, by_extra(msg_id=ident))

    async def recall(self, request: Request) -> Response:
        """POST /im/recall/msg/"""
        account = self.account(request)
        body = _json(request)
        found = self.world.store.find(NAME, account.id, str(body.get("msg_id") or ""))
        if found is None or found[1].side != "business" or body.get("conversation_type") not in {1, 2}:
            raise DouyinError(28001007, "msg_id")
        chat, bubble = found
        bubble.revoked = True
        self.world.changed(chat, bubble)
        customer = self.world.state.customers.get(chat.peer)
        to = events.open_id(self.world, account, customer) if customer else chat.peer
        content = {"server_message_id": bubble.id}
        events.tell(self.world, account, chat, "im_recall_msg", account.id, to, content, as_text=True)
        return by_number()

    # -- files ---------------------------------------------------------------------------------------------

    async def upload(self, request: Request) -> Response:
        """POST /tool/imagex/client_upload/ with the app's own token."""
        account = self.app(request)
        fault, early = await self.begin(account, sends=False)
        if early is not None:
            return early
        _, files = request.form()
        image = files.get("image")
        if image is None or not image.content or len(image.content) > PICTURE_BYTES:
            raise DouyinError(28001007, "image")
        if image.content_type not in PICTURES:
            raise DouyinError(28001007, f"image: {image.content_type}")
        media = self.world.store.keep(
            account=account.id, name=image.name, content_type=image.content_type, content=image.content,
            now=self.world.clock.now(), key="@" + secrets.token_urlsafe(37),
        )  # fmt: skip
        return after(fault, by_extra(image_id=media.key, width=1, height=1, md5=""))

    async def resource(self, request: Request) -> Response:
        """GET /api/im/message/resources/: where a picture or film of the customer's is."""
        account = self.account(request)
        _, early = await self.begin(account, sends=False)
        if early is not None:
            return early
        found = self.world.store.find(NAME, account.id, request.query.get("message_id", ""))
        if found is None or request.query.get("conversation_id") != events.conversation(
            account, found[0].peer
        ):
            raise DouyinError(28001007, "message_id")
        files = found[1].attachments
        if not files or found[1].revoked:
            raise DouyinError(28001007, "message_id")
        url = f"{request.origin}/douyin-media/{base64.urlsafe_b64encode(files[0].key.encode()).decode()}"
        return by_number(data={"url": url, "media_type": files[0].content_type})

    async def stored(self, request: Request, name: str) -> Response:
        """The file itself: token and open id stand in the headers."""
        try:
            account = self.account(request)
        except DouyinError:
            return json_response({"error": "access-token"}, 403)
        media = self.world.state.media.get(base64.urlsafe_b64decode(name).decode("utf-8", "replace"))
        if media is None or request.headers.get("openid") != account.id:
            return json_response({"error": "openid"}, 403)
        return Response(media.content, content_type=media.content_type)

    # -- videos, comments, the account ---------------------------------------------------------------------

    async def comment(self, request: Request) -> Response:
        """POST /item/comment/reply/: under a video, or under somebody's comment."""
        account = self.account(request)
        fault, early = await self.begin(account, sends=True)
        if early is not None:
            return early
        body = _json(request)
        item, words = str(body.get("item_id") or ""), body.get("content")
        if item not in events.rooms(account, "items"):
            raise DouyinError(28001007, "item_id")
        if not isinstance(words, str) or not 0 < len(words) <= COMMENT_LONGEST:
            raise DouyinError(28001007, "content")
        chat, parent = self.world.store.chat(NAME, account.id, item), str(body.get("comment_id") or "")
        if parent and chat.find(parent) is None:
            raise DouyinError(28001007, "comment_id")
        draft = drafts.Draft(kind="text", text=words, raw=body)
        ident = self._show(account, chat, draft, body, fault, item)
        bubble = chat.find(ident)
        if bubble is not None:
            bubble.reply_to = parent
        self.tell_comment(account, chat, ident, account.id, words, parent)
        return after(fault, by_extra(data={"comment_id": ident, "nick_name": account.name}))

    def tell_comment(
        self, account: PlatformAccount, chat: Chat, ident: str, author: str, words: str, parent: str
    ) -> None:
        """Tell the product of a comment."""
        content = {
            "comment_id": ident, "comment_user_id": "@" + secrets.token_urlsafe(12), "content": words,
            "create_time": int(self.world.clock.now()), "digg_count": 0, "reply_comment_total": 0,
            "reply_to_comment_id": parent, "reply_to_item_id": chat.peer, "at_user_id": "",
        }  # fmt: skip
        events.tell(self.world, account, chat, "item_comment_reply", author, account.id, content)

    async def videos(self, request: Request) -> Response:
        """POST /api/douyin/v1/video/video_data/"""
        account = self.account(request)
        _, early = await self.begin(account, sends=False)
        if early is not None:
            return early
        wanted = _json(request).get("item_ids") or []
        items = events.rooms(account, "items")
        rows = [
            {"item_id": one, "video_status": 5, "media_type": 4, **items[one]}
            for one in wanted
            if one in items
        ]
        return by_extra(data={"list": rows})

    async def userinfo(self, request: Request) -> Response:
        """POST /oauth/userinfo/ by open_id and access_token, in the form or in a header."""
        form, _ = request.form()
        if "open_id" not in form:
            raise NotMine
        token = (
            form.get("access_token")
            or request.headers.get("access_token")
            or request.headers.get("access-token")
        )
        request.headers["access-token"], request.query["open_id"] = str(token or ""), str(form["open_id"])
        account = self.account(request)
        _, early = await self.begin(account, sends=False)
        if early is not None:
            return early
        avatar = "https://p3.douyinpic.example/shop.jpeg"
        return by_data(
            open_id=account.id, union_id=f"union-{account.id}", nickname=account.name, avatar=avatar
        )


def _json(request: Request) -> Json:
    try:
        return request.json()
    except Refused:
        raise DouyinError(28001007, "body") from None


def _opened(account: PlatformAccount) -> dict[str, Json]:
    """Return what allows answers: the chat, since when, how many were given."""
    found: dict[str, Json] = account.kept.setdefault("opened", {})
    return found
