"""Everything that is asked: accounts, people, posts, comments, subscriptions, profiles, files."""

import struct
import zlib
from typing import Any

from switchboard.sandbox.graph import hooks as graph_hooks
from switchboard.sandbox.inbox import fields, hooks, walls
from switchboard.sandbox.inbox.access import Caller, form, linked, page_id
from switchboard.sandbox.inbox.comments import Comments
from switchboard.sandbox.inbox.errors import InboxError, no_such
from switchboard.sandbox.state import Bubble, Button, Customer, PlatformAccount
from switchboard.sandbox.web import NotMine, Request, Response, json_response

Json = dict[str, Any]
PICTURE = 48


class Objects(Comments):
    """Handlers; each is given the request and the id in the path."""

    # -- accounts ----------------------------------------------------------------------------------------------------

    async def me(self, request: Request) -> Response:
        """Whoever the token speaks for."""
        caller = self.caller(request)
        _, early = await self.begin(caller.accounts[0], sends=False)
        if early is not None:
            return early
        wanted = fields.read(request.query.get("fields", ""))
        return json_response(fields.pick(self._self(caller), wanted))

    def _self(self, caller: Caller) -> Json:
        account = caller.accounts[0]
        if caller.kind == "page":
            return self._page(caller, page_id(account))
        if caller.kind == "instagram":
            return {**_instagram(account), "id": "26" + account.id[2:], "user_id": account.id}
        return {"id": "122" + str(account.settings["app_id"])[3:], "name": "Sandbox system user"}

    async def pages(self, request: Request) -> Response:
        """The pages that a person or system user may manage; a page has none."""
        caller = self.caller(request)
        if caller.kind != "user":
            raise InboxError(100, "Tried accessing nonexisting field (accounts) on node type (Page)")
        wanted = fields.read(request.query.get("fields", ""))
        known = list(dict.fromkeys(page_id(account) for account in caller.accounts))
        start = int(request.query.get("after") or 0)
        limit = max(1, min(int(request.query.get("limit") or 25), 100))
        rows = [fields.pick(self._page(caller, one), wanted) for one in known[start : start + limit]]
        return json_response({"data": rows, **_paging(request, start, limit, len(known))})

    def _page(self, caller: Caller, ident: str) -> Json:
        """A page with its token, and the professional account behind it."""
        behind = next((a for a in caller.accounts if a.platform == "instagram" and page_id(a) == ident), None)
        own = next((a for a in caller.accounts if a.id == ident), behind)
        assert own is not None
        page: Json = {
            "id": ident,
            "name": own.name,
            "access_token": own.settings["page_token"],
            "category": "Shop",
        }
        if behind is not None:
            page["instagram_business_account"] = _instagram(behind)
        return page

    # -- one object --------------------------------------------------------------------------------------------------

    async def read_object(self, request: Request, id: str) -> Response:  # noqa: A002
        """A page, an account, a post, a comment or a person by id."""
        caller = self.caller(request)
        _, early = await self.begin(caller.accounts[0], sends=False)
        if early is not None:
            return early
        wanted = fields.read(request.query.get("fields", ""))
        known = self._object(caller, id, wanted, request.origin)
        if known is None:
            raise no_such(id, request.method)
        return json_response(fields.pick(known, wanted))

    def _object(
        self, caller: Caller, ident: str, wanted: tuple[fields.Field, ...], origin: str
    ) -> Json | None:
        if any(page_id(a) == ident for a in caller.accounts if linked(a)):
            return self._page(caller, ident)
        for account in caller.accounts:
            if account.id == ident:
                return {**_instagram(account), **self._mentioned(account, wanted)}
            if caller.kind == "user":
                continue
            found = walls.find(self.world, account, ident)
            if found is not None:
                return self._said(account, *found)
            customer = hooks.person(self.world, account, ident)
            if customer is not None:
                return self._profile(account, customer, ident, origin)
        return None

    def _profile(self, account: PlatformAccount, customer: Customer, ident: str, origin: str) -> Json:
        """A person; who never wrote in private has not agreed to be known."""
        chat = self.world.state.chats.get(f"{account.platform}:{account.id}:{customer.id}")
        if chat is None or not chat.last_inbound_at:
            raise InboxError(230) if account.platform == "instagram" else no_such(ident)
        picture = f"{origin}/meta-cdn/face/{customer.id}.png"
        given, _, family = customer.name.partition(" ")
        if account.platform == "messenger":
            names = {"first_name": given, "last_name": family, "name": customer.name}
            return {"id": ident, **names, "profile_pic": picture, "locale": customer.language}
        return {
            "id": ident,
            "name": customer.name,
            "username": walls.username(customer),
            "profile_pic": picture,
            "follower_count": 120,
            "is_user_follow_business": True,
            "is_business_follow_user": False,
            "is_verified_user": False,
        }

    def _said(self, account: PlatformAccount, post: str, comment: Bubble | None) -> Json:
        about = walls.posts(account)[post]
        author = self.world.state.customers.get(str(about["author"]))
        if comment is not None:
            told = walls.author_of(self.world, account, comment)
            when = walls.graph_time(comment.at)
            return {
                "id": comment.id,
                "message": comment.text,
                "text": comment.text,
                "from": told,
                "timestamp": when,
            }
        words, name = str(about["message"]), author.name if author else account.name
        if account.platform == "messenger":
            page = {"id": account.id, "name": name}
            return {"id": post, "message": words, "permalink_url": walls.link(post), "from": page}
        return {
            "id": post,
            "caption": words,
            "permalink": walls.link(post),
            "media_type": "IMAGE",
            "media_url": "https://cdn.example/lamp.jpg",
            "username": walls.username(author) if author else account.settings["username"],
        }

    def _mentioned(self, account: PlatformAccount, wanted: tuple[fields.Field, ...]) -> Json:
        """What was said where the account was named; only there may one look at what others posted."""
        made: Json = {}
        for field in wanted:
            if field.name not in {"mentioned_comment", "mentioned_media"}:
                continue
            ident = next(iter(field.arguments.values()), "")
            found = walls.find(self.world, account, ident)
            if found is None:
                raise no_such(ident)
            made[field.name] = self._said(account, *found)
            customer = self.world.state.customers.get(str(walls.posts(account)[found[0]]["author"]))
            if customer is not None:
                made[field.name]["username"] = walls.username(customer)
        return made

    # -- subscriptions -----------------------------------------------------------------------------------------------

    async def subscribed_apps(self, request: Request, id: str) -> Response:  # noqa: A002
        """Subscribe the app to a page or account, list it, take it away."""
        given, _ = form(request)
        account = self.one(request, id, given)
        _, early = await self.begin(account, sends=False)
        if early is not None:
            return early
        if request.method == "GET":
            names = account.settings["fields"]
            row = {"id": account.settings["app_id"], "name": "Sandbox app", "subscribed_fields": names}
            return json_response({"data": [row] if names else []})
        if request.method == "DELETE":
            account.settings["fields"] = []
            return json_response({"success": True})
        wanted = given.get("subscribed_fields") or ""
        names = (
            wanted
            if isinstance(wanted, list)
            else [name for name in str(wanted).strip("[]").split(",") if name]
        )
        names = [str(name).strip("\"' ") for name in names]
        if not names:
            raise InboxError(100, "The parameter subscribed_fields is required")
        unknown = [name for name in names if name not in known_fields(account)]
        if unknown:
            raise InboxError(100, f"Param subscribed_fields[0] must be one of known fields, not {unknown[0]}")
        account.settings["fields"] = names
        return json_response({"success": True})

    async def subscriptions(self, request: Request, id: str) -> Response:  # noqa: A002
        """The app's webhook address per kind of object, with the app's own token."""
        given, _ = form(request)
        mine = [a for a in self.accounts() if a.settings["app_id"] == id]
        if not mine:
            raise NotMine
        caller = self.caller(request, given)
        if caller.kind != "app":
            raise InboxError(15, "This method must be called with an app access token.")
        kinds = {"page": "messenger", "instagram": "instagram"}
        if request.method == "GET":
            rows = [_subscription(name, kind, mine) for name, kind in kinds.items()]
            return json_response({"data": [row for row in rows if row]})
        kind = kinds.get(str(given.get("object")))
        if kind is None:
            raise InboxError(100, "Param object must be one of page, instagram")
        url = str(given.get("callback_url") or "")
        await graph_hooks.verify(self.world, url, str(given.get("verify_token") or ""))
        for account in mine:
            if account.platform == kind:
                account.webhook_url = url
        self.world.feed.publish("accounts")
        return json_response({"success": True})

    async def messenger_profile(self, request: Request, id: str) -> Response:  # noqa: A002
        """Greeting, Get Started, menu, first questions."""
        given, _ = form(request)
        account = self.one(request, id, given)
        profile: Json = account.kept.setdefault("profile", {})
        if request.method == "GET":
            names = request.query.get("fields", "").split(",")
            found = {name: profile[name] for name in names if name in profile}
            return json_response({"data": [found] if found else []})
        if request.method == "DELETE":
            for name in given.get("fields") or []:
                profile.pop(str(name), None)
        else:
            self._set_profile(account, profile, given)
        self._draw_menu(account, profile)
        return json_response({"result": "success"})

    def _set_profile(self, account: PlatformAccount, profile: Json, given: Json) -> None:
        known = {"greeting", "get_started", "persistent_menu", "ice_breakers", "whitelisted_domains"}
        fresh = {name: value for name, value in given.items() if name in known}
        if not fresh:
            raise InboxError(
                100, "Requires one of the params: get_started, persistent_menu, greeting, ice_breakers"
            )
        if "persistent_menu" in fresh and not (fresh.get("get_started") or profile.get("get_started")):
            raise InboxError(100, "You must set a Get Started button if you also wish to use persistent menu")
        if account.platform == "instagram" and "greeting" in fresh:
            raise InboxError(100, "greeting is not supported on Instagram")
        questions = [
            q for one in fresh.get("ice_breakers") or [] for q in one.get("call_to_actions") or [one]
        ]
        if len(questions) > 4:
            raise InboxError(100, "ice_breakers: at most 4 questions")
        profile.update(fresh)

    def _draw_menu(self, account: PlatformAccount, profile: Json) -> None:
        """What stands below every private chat."""
        rows = menu_of(profile)
        for chat in self.world.state.chats.values():
            if chat.account == account.id and not chat.title:
                chat.keyboard = rows
                self.world.feed.publish("chat", chat=chat.key)

    # -- files --------------------------------------------------------------------------------------------

    async def file(self, request: Request, key: str, name: str) -> Response:
        """What a person sent, by its signed address; 403 once that is over."""
        del name
        media = self.world.state.media.get(key)
        until = request.query.get("oe", "")
        if media is None:
            return Response(b"", status=404, content_type="text/plain")
        if until and int(until, 16) < self.world.clock.now():
            return Response(b"URL signature expired", status=403, content_type="text/plain")
        return Response(media.content, content_type=media.content_type)

    async def face(self, request: Request, customer: str) -> Response:
        """A person's picture: a square of their colour."""
        del request
        person = self.world.state.customers.get(customer)
        if person is None:
            return Response(b"", status=404, content_type="text/plain")
        return Response(_square(bytes.fromhex(person.color.lstrip("#"))), content_type="image/png")


def known_fields(account: PlatformAccount) -> set[str]:
    """What an app may subscribe to there; behind a page those of the page. `refused_fields` want a permission it lacks."""
    refused = set(account.settings.get("refused_fields") or ())
    if linked(account):
        more = {"standby", "feed", "mention", "ratings", "message_template_status_update"}
        return (set(hooks.FIELD_OF.values()) | more) - refused
    own = {"comments", "live_comments", "mentions", "standby"}
    return (set(hooks.FIELD_OF_INSTAGRAM.values()) | own) - {"message_deliveries"} - refused


def menu_of(profile: Json) -> list[list[Button]]:
    """The persistent menu as rows of keys."""
    actions = [a for one in profile.get("persistent_menu") or [] for a in one.get("call_to_actions") or []]
    return [
        [
            Button(
                id=f"menu:{i}", title=str(a.get("title") or ""), kind="keyboard", url=str(a.get("url") or "")
            )
        ]
        for i, a in enumerate(actions)
    ]


def _instagram(account: PlatformAccount) -> Json:
    if account.platform != "instagram":
        return {"id": account.id, "name": account.name}
    return {"id": account.id, "username": account.settings["username"], "name": account.name}


def _paging(request: Request, start: int, limit: int, count: int) -> Json:
    end = min(start + limit, count)
    paging: Json = {"cursors": {"before": str(start), "after": str(end)}}
    if end < count:
        paging["next"] = f"{request.origin}{request.path}?limit={limit}&after={end}"
    return {"paging": paging} if count else {}


def _subscription(name: str, kind: str, mine: list[PlatformAccount]) -> Json:
    urls = [a.webhook_url for a in mine if a.platform == kind and a.webhook_url]
    if not urls:
        return {}
    rows = [{"name": field, "version": "v24.0"} for field in sorted(set(hooks.FIELD_OF.values()))]
    return {"object": name, "callback_url": urls[0], "active": True, "fields": rows}


def _square(color: bytes) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", PICTURE, PICTURE, 8, 2, 0, 0, 0)
    rows = (b"\0" + color * PICTURE) * PICTURE
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
