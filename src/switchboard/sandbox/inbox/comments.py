"""Public answers: comments on posts and comments, replies, mentions."""

from typing import Any

from switchboard.sandbox.inbox import walls
from switchboard.sandbox.inbox.drafts import wrong
from switchboard.sandbox.inbox.errors import no_such
from switchboard.sandbox.inbox.sending import Sending
from switchboard.sandbox.state import Bubble, PlatformAccount, attachment
from switchboard.sandbox.web import Request, Response, Upload, json_response
from switchboard.sandbox.world import after

Json = dict[str, Any]
LONGEST = {"messenger": 8000, "instagram": 2200}


class Comments(Sending):
    """Handlers; the id in the path is that of a post, a comment or an account."""

    async def comment(self, request: Request, id: str) -> Response:  # noqa: A002
        """Write under a post, or below a comment on Facebook."""
        return await self._write(request, id, replies=False)

    async def reply(self, request: Request, id: str) -> Response:  # noqa: A002
        """Answer a comment on Instagram."""
        return await self._write(request, id, replies=True)

    async def _write(self, request: Request, ident: str, *, replies: bool) -> Response:
        body, files = request.form()
        account, post, parent = self._place(request, ident, body)
        # Facebook has one edge for both, Instagram one for posts and one for comments.
        if replies if account.platform == "messenger" else replies == (parent is None):
            raise no_such(ident, request.method)
        fault, early = await self.begin(account, sends=True)
        if early is not None:
            return early
        text, file = str(body.get("message") or ""), files.get("source")
        if not text and (file is None or account.platform == "instagram"):
            raise wrong("The parameter message is required")
        if len(text) > LONGEST[account.platform]:
            raise wrong(f"Length of param message must be less than or equal to {LONGEST[account.platform]}")
        bubble = self._show(account, post, text, self._parent(parent), file, request.origin)
        self.world.note(
            message_id=bubble.id,
            platform=account.platform,
            account=account.id,
            to=ident,
            kind="comment",
            text=text,
            body={k: v for k, v in body.items() if k != "access_token"},
            fault=fault,
        )
        return after(fault, json_response({"id": bubble.id}))

    def _parent(self, parent: Bubble | None) -> str:
        """Threads are one level deep: an answer to an answer stands beside it."""
        return "" if parent is None else str(parent.raw.get("parent") or parent.id)

    def _show(
        self, account: PlatformAccount, post: str, text: str, parent: str, file: Upload | None, origin: str
    ) -> Bubble:
        if file is None:
            return walls.add(self.world, account, post, None, text, parent)
        media = self._keep(account, "image", file)
        photo = f"{origin}/meta-cdn/{media.key}/{media.name}"
        files = [attachment(media, "image")]
        return walls.add(self.world, account, post, None, text, parent, files=files, photo=photo)

    def _place(self, request: Request, ident: str, body: Json) -> tuple[PlatformAccount, str, Bubble | None]:
        """The account, the post and the comment that an id means."""
        for account in self.own(request, body):
            found = walls.find(self.world, account, ident)
            if found is not None:
                return account, *found
        raise no_such(ident, request.method)

    async def mentions(self, request: Request, id: str) -> Response:  # noqa: A002
        """Answer where somebody named the account."""
        body, _ = request.form()
        account = self.one(request, id, body)
        fault, early = await self.begin(account, sends=True)
        if early is not None:
            return early
        media, comment = str(body.get("media_id") or ""), str(body.get("comment_id") or "")
        text = str(body.get("message") or "")
        if media not in walls.posts(account) or not text:
            raise wrong("media_id and message are required")
        if comment and walls.find(self.world, account, comment) is None:
            raise no_such(comment, request.method)
        bubble = walls.add(self.world, account, media, None, text, comment)
        self.world.note(
            message_id=bubble.id,
            platform=account.platform,
            account=account.id,
            to=comment or media,
            kind="mention",
            text=text,
            body=body,
            fault=fault,
        )
        return after(fault, json_response({"id": bubble.id}))
