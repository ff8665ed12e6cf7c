"""The Send API: windows, tags, private replies to comments, sender actions, uploads."""

from typing import Any

from switchboard.sandbox.faults import Fault
from switchboard.sandbox.inbox import drafts, hooks, walls
from switchboard.sandbox.inbox.access import Access, form
from switchboard.sandbox.inbox.drafts import Draft, wrong
from switchboard.sandbox.inbox.errors import NOBODY, OTHER_APP, OUTSIDE, InboxError, refused
from switchboard.sandbox.state import Bubble, Chat, Customer, Media, PlatformAccount, attachment, digits
from switchboard.sandbox.web import Request, Response, Upload, json_response
from switchboard.sandbox.world import FetchFailed, after, before

Json = dict[str, Any]
DAY = 86_400
MB = 1024 * 1024
ACTIONS = {"typing_on", "typing_off", "mark_seen", "react", "unreact"}


class Sending(Access):
    """Everything that reaches a person in private."""

    async def begin(self, account: PlatformAccount, *, sends: bool) -> tuple[Fault | None, Response | None]:
        """The failure that somebody asked for, and the answer that ends the call at once."""
        fault = self.world.faults.take(account.platform, account.id, sends=sends)
        early = await before(fault)
        if early is None and fault is not None and fault.kind == "error":
            raise refused(OUTSIDE) if fault.code == OUTSIDE[0] else InboxError(fault.code or 1)
        if early is None and account.settings.get("rates"):
            limit = float(account.settings.get("per_second") or 300)
            if self.world.rate(f"meta:{account.id}", limit, limit):
                raise InboxError(613)
        return fault, early

    async def messages(self, request: Request, id: str) -> Response:  # noqa: A002
        """Send, or show that we read, type, react."""
        body, files = form(request)
        account = self.one(request, id, body)
        action = body.get("sender_action")
        fault, early = await self.begin(account, sends=action is None)
        if early is not None:
            return early
        recipient = body.get("recipient")
        if not isinstance(recipient, dict) or not recipient:
            raise wrong("The parameter recipient is required")
        if action is not None:
            return after(fault, self._act(account, recipient, str(action).lower(), body))
        draft = drafts.read(body.get("message"), account, has_file="filedata" in files)
        customer, chat = self._admit(account, recipient, body)
        media = await self._media(account, draft, files.get("filedata"))
        bubble = self._deliver(account, customer, chat, draft, body, media, fault)
        answer = {"recipient_id": hooks.scoped(self.world, account, customer), "message_id": bubble.id}
        if "user_ref" in recipient:
            answer.pop("recipient_id")
        return after(fault, json_response(answer))

    # -- who may be written to ---------------------------------------------------------------------------------------

    def _admit(self, account: PlatformAccount, recipient: Json, body: Json) -> tuple[Customer, Chat]:
        """Find the person and check that they may be written to now."""
        if recipient.get("comment_id"):
            return self._by_comment(account, str(recipient["comment_id"]), post=False)
        if recipient.get("post_id") and account.platform == "messenger":
            return self._by_comment(account, str(recipient["post_id"]), post=True)
        if recipient.get("user_ref"):
            return self._by_reference(account, str(recipient["user_ref"]))
        customer = hooks.person(self.world, account, str(recipient.get("id") or ""))
        if customer is None:
            raise refused(NOBODY)
        chat = self.world.store.chat(account.platform, account.id, customer.id)
        if chat.blocked:
            raise InboxError(551)
        if chat.key in account.kept.get("elsewhere", {}):
            raise refused(OTHER_APP)
        self._check_window(account, chat, body)
        return customer, chat

    def _check_window(self, account: PlatformAccount, chat: Chat, body: Json) -> None:
        usual = "UTILITY" if body["message"].get("template") is not None else "RESPONSE"
        now, kind = self.world.clock.now(), str(body.get("messaging_type") or usual)
        quiet = now - chat.last_inbound_at
        if kind not in {"RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY"}:
            raise wrong("Param messaging_type must be one of RESPONSE, UPDATE, MESSAGE_TAG, UTILITY")
        if self._is_template(account, body, kind):
            return
        if kind == "MESSAGE_TAG" or body.get("tag"):
            if body.get("tag") != "HUMAN_AGENT":
                raise wrong("param tag must be one of HUMAN_AGENT")
            if not account.settings.get("human_agent", True):
                raise InboxError(10, "The app may not use the tag HUMAN_AGENT")
            if quiet > 7 * DAY:
                raise refused(OUTSIDE)
            return
        until: float = account.kept.get("ad_windows", {}).get(chat.key, 0.0)
        if quiet > DAY and now > until and account.settings.get("window") != "off":
            raise refused(OUTSIDE)

    def _is_template(self, account: PlatformAccount, body: Json, kind: str) -> bool:
        """Approved templates have no window, but a type of their own and a permission."""
        if (body["message"].get("template") is not None) != (kind == "UTILITY"):
            raise wrong("messaging_type UTILITY and message[template] belong together")
        if kind == "UTILITY" and not account.settings.get("utility", True):
            raise InboxError(10, "Application does not have permission for this action")
        return kind == "UTILITY"

    def _by_comment(self, account: PlatformAccount, comment: str, *, post: bool) -> tuple[Customer, Chat]:
        """The writer of a comment (or of a post on the page's wall), once, for a week."""
        found = self.world.store.find(account.platform, account.id, comment)
        if found and post != (comment in walls.posts(account)):
            found = None
        customer = self.world.state.customers.get(found[1].author) if found else None
        if found is None or customer is None or found[1].revoked:
            raise InboxError(100, "The comment does not exist or its writer cannot be written to")
        answered: list[str] = account.kept.setdefault("answered", [])
        if comment in answered:
            raise InboxError(10900)
        if self.world.clock.now() - found[1].at > 7 * DAY:
            raise InboxError(10903)
        answered.append(comment)
        del answered[:-1000]
        return customer, self.world.store.chat(account.platform, account.id, customer.id)

    def _by_reference(self, account: PlatformAccount, reference: str) -> tuple[Customer, Chat]:
        """The visitor who ticked the box of the plugin, once."""
        references: dict[str, str] = account.kept.setdefault("references", {})
        customer = self.world.state.customers.get(references.pop(reference, ""))
        if customer is None:
            raise refused(NOBODY)
        return customer, self.world.store.chat(account.platform, account.id, customer.id)

    # -- what they get -----------------------------------------------------------------------------------------------

    def _deliver(
        self,
        account: PlatformAccount,
        customer: Customer,
        chat: Chat,
        draft: Draft,
        body: Json,
        media: Media | None,
        fault: Fault | None,
    ) -> Bubble:
        world = self.world
        answered = body.get("reply_to")
        bubble = Bubble(
            id=hooks.message_id(account),
            side="business",
            kind=draft.kind,
            at=world.clock.now(),
            text=draft.text,
            title=draft.title,
            cards=draft.cards,
            buttons=draft.buttons,
            attachments=[attachment(media, draft.kind)] if media else [],
            reply_to=str(answered.get("mid") or "") if isinstance(answered, dict) else "",
            status="sent",
            raw={"message": {**body["message"], **draft.told}, "actions": draft.actions, "url": draft.link},
        )
        world.note(
            message_id=bubble.id,
            platform=account.platform,
            account=account.id,
            to=hooks.scoped(world, account, customer),
            kind=draft.kind,
            text=draft.text or draft.title,
            body=body,
            fault=fault,
        )
        world.show(chat, bubble)
        hooks.echo(world, account, customer, chat, bubble, str(account.settings["app_id"]))
        world.spawn(hooks.settle(world, account, chat, bubble))
        return bubble

    async def _media(self, account: PlatformAccount, draft: Draft, file: Upload | None) -> Media | None:
        if file is not None:
            return self._keep(account, draft.kind, file)
        if draft.attachment_id:
            media = self.world.state.media.get(draft.attachment_id)
            if media is None or media.account != account.id:
                raise InboxError(100, "Invalid attachment ID", subcode=2018074)
            return media
        if not draft.link:
            return None
        try:
            media = await self.world.fetch(draft.link, account.id)
        except FetchFailed as error:
            raise InboxError(
                100, f"Failed to fetch the file from the url: {error}", subcode=2018008
            ) from error
        self._check_file(account, draft.kind, media.content_type, len(media.content))
        return media

    def _keep(self, account: PlatformAccount, kind: str, file: Upload) -> Media:
        self._check_file(account, kind, file.content_type, len(file.content))
        return self.world.store.keep(
            account=account.id,
            name=file.name,
            content_type=file.content_type,
            content=file.content,
            now=self.world.clock.now(),
            key=digits(16),
        )

    def _check_file(self, account: PlatformAccount, kind: str, mime: str, size: int) -> None:
        limit = 8 if account.platform == "instagram" and kind == "image" else 25
        if size > limit * MB:
            raise InboxError(100, f"The file is larger than {limit} MB", subcode=2018047)
        if kind in {"image", "audio", "video"} and not mime.startswith(
            (f"{kind}/", "application/octet-stream")
        ):
            raise InboxError(100, f"Upload attachment failure: {mime} is no {kind}", subcode=2018047)

    async def upload(self, request: Request, id: str) -> Response:  # noqa: A002
        """Keep a file, or the file of an address, for later sends."""
        body, files = form(request)
        account = self.one(request, id, body)
        fault, early = await self.begin(account, sends=False)
        if early is not None:
            return early
        draft = drafts.read(body.get("message"), account, has_file="filedata" in files)
        media = await self._media(account, draft, files.get("filedata"))
        if media is None:
            raise wrong("No attachment data was provided")
        return after(fault, json_response({"attachment_id": media.key}))

    # -- sender actions ----------------------------------------------------------------------------------------------

    def _act(self, account: PlatformAccount, recipient: Json, action: str, body: Json) -> Response:
        customer = hooks.person(self.world, account, str(recipient.get("id") or ""))
        if customer is None:
            raise refused(NOBODY)
        if action not in ACTIONS:
            raise wrong("Param sender_action is not supported")
        chat = self.world.store.chat(account.platform, account.id, customer.id)
        if action == "typing_on":
            self.world.typing(chat)
        elif action == "mark_seen":
            for bubble in chat.bubbles:
                if bubble.side == "customer" and bubble.status != "read":
                    bubble.status = "read"
                    self.world.changed(chat, bubble)
        elif action in {"react", "unreact"}:
            self._react(chat, body, action)
        return json_response({"recipient_id": recipient["id"]})

    def _react(self, chat: Chat, body: Json, action: str) -> None:
        wish = body.get("payload")
        wish = wish if isinstance(wish, dict) else {}
        target = chat.find(str(wish.get("message_id") or ""))
        if target is None:
            raise wrong("The message of the reaction does not exist")
        target.reactions.pop("business", None)
        if action == "react":
            target.reactions["business"] = walls.EMOJI.get(str(wish.get("reaction")), "\N{HEAVY BLACK HEART}")
        self.world.changed(chat, target)
