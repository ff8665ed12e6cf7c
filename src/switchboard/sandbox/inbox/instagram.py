"""Instagram's stand-in: professional accounts behind a page (Facebook login) or by themselves (Instagram login)."""

import secrets
from typing import Any, ClassVar

from switchboard.sandbox.inbox.errors import CODES
from switchboard.sandbox.inbox.people import Inbox
from switchboard.sandbox.standin import Look, Move
from switchboard.sandbox.state import Bubble, PlatformAccount, digits
from switchboard.sandbox.web import Refused, Router

Json = dict[str, Any]
CODES_HERE = (*CODES, 230)

MOVES = (
    Move(en="Tap a first question", zh="点击破冰问题", wish={"type": "get_started"}),
    Move(en="Share a post", zh="分享帖子", wish={"type": "share"}),
    Move(en="Share a reel", zh="分享 Reel", wish={"type": "reel"}),
    Move(en="Answer the story", zh="回复快拍", wish={"type": "story_reply"}, ask="text"),
    Move(en="Mention the shop in a story", zh="在快拍中提及", wish={"type": "story_mention"}),
    Move(en="Picture that vanishes", zh="阅后即焚图片", wish={"type": "ephemeral"}),
    Move(en="Ask about a product", zh="咨询商品", wish={"type": "product"}),
    Move(en="Write after an advertisement", zh="从广告进入并留言", wish={"type": "ad"}),
    Move(en="Come by an ig.me link", zh="通过 ig.me 链接进入", wish={"action": "referral"}, ask="ref"),
    Move(en="Comment on the shop's post", zh="评论帖子", wish={"type": "comment"}, ask="text"),
    Move(en="Comment on the live video", zh="评论直播", wish={"type": "live_comment"}, ask="text"),
    Move(en="Mention the shop in a comment", zh="在评论中提及", wish={"type": "mention"}, ask="text"),
    Move(
        en="Mention the shop in a caption",
        zh="在帖子文案中提及",
        wish={"type": "mention_caption"},
        ask="text",
    ),
    Move(
        en="The company answers elsewhere",
        zh="企业在其他工具中回复",
        wish={"action": "elsewhere"},
        ask="text",
    ),
    Move(en="Another app takes the chat", zh="其他应用接管会话", wish={"action": "take"}),
    Move(en="It hands the chat back", zh="其他应用交还会话", wish={"action": "pass"}),
    Move(en="Block", zh="屏蔽", wish={"action": "block"}),
    Move(en="Unblock", zh="取消屏蔽", wish={"action": "unblock"}),
    Move(en="Something without content", zh="平台不提供内容的消息", wish={"type": "unsupported"}),
)


class Instagram(Inbox):
    """Professional accounts."""

    name: ClassVar[str] = "instagram"
    look: ClassVar[Look] = Look(
        en="Instagram",
        zh="Instagram",
        color="#d62976",
        mark="Ig",
        shown=("login", "access_token", "app_secret", "verify_token", "app_id"),
        codes=CODES_HERE,
        moves=MOVES,
        menu=("edit", "revoke", "reaction"),
        window_hours=24,
    )

    def routes(self, router: Router) -> None:
        """Messenger's stand-in has registered the paths of both."""

    def invent(self, given: Json) -> tuple[str, str, Json]:
        """An account. `login` = instagram gives it a token of its own that lives sixty days."""
        alone = (given.get("settings") or given).get("login") == "instagram"
        settings: Json = {
            "login": "instagram" if alone else "facebook",
            "access_token": ("IGAA" if alone else "EAA") + secrets.token_urlsafe(60),
            "page_token": "EAA" + secrets.token_urlsafe(60),
            "page_id": "10" + digits(13),
            "username": "sandbox.shop",
            "app_id": digits(15),
            "app_secret": secrets.token_hex(16),
            "verify_token": secrets.token_urlsafe(12),
            "fields": [],
            "receipts": "sent",
            "human_agent": True,
        }
        return str(given.get("id") or "1784" + digits(13)), "Sandbox Shop", settings

    def shared(self, kind: str, url: str) -> Json:
        """A post or reel that the person passes on."""
        if kind == "reel":
            payload = {"url": url, "title": "A reel", "reel_video_id": digits(17)}
            return {"attachments": [{"type": "ig_reel", "payload": payload}]}
        return {"attachments": [{"type": "share", "payload": {"url": url}}]}

    def special(self, account: PlatformAccount, bubble: Bubble, wish: Json, origin: str) -> Json:
        """Stories, which link to pictures that must not be kept, and what vanishes."""
        kind = bubble.kind
        if kind in {"story_reply", "story_mention"}:
            url = self.address(self._story(account), "story.jpg", origin)
            bubble.kind = "text"
            if kind == "story_mention":
                bubble.text = "\N{SPARKLES} mentioned the shop in a story"
                return {"attachments": [{"type": "story_mention", "payload": {"url": url}}]}
            bubble.text = bubble.text or "\N{FIRE}"
            return {"text": bubble.text, "reply_to": {"story": {"id": digits(17), "url": url}}}
        if kind == "ephemeral":
            bubble.kind = "unsupported"
            return {"attachments": [{"type": "ephemeral"}]}
        if kind in {"sticker", "location"}:
            raise Refused(422, f"type: Instagram tells nobody of a {kind}")
        return super().special(account, bubble, wish, origin)

    def _story(self, account: PlatformAccount) -> str:
        """The picture of a story."""
        media = self.world.store.keep(
            account=account.id,
            name="story.jpg",
            content_type="image/jpeg",
            content=b"\xff\xd8\xff\xe0" + secrets.token_bytes(64),
            now=self.world.clock.now(),
        )
        return media.key
