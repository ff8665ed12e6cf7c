"""Everything but sending: the bot, people, groups, files, rich menus, the webhook's address."""

from typing import Any

from switchboard.sandbox.line.errors import LineError
from switchboard.sandbox.line.events import person, rooms, try_endpoint, user_id
from switchboard.sandbox.line.sending import Sending
from switchboard.sandbox.state import Customer, PlatformAccount, digits
from switchboard.sandbox.web import Request, Response, json_response

Json = dict[str, Any]


class Objects(Sending):
    """Handlers; each is given the request and the ids in the path."""

    async def info(self, request: Request) -> Response:
        """The bot behind the token."""
        account = self.mine(request)
        _, early = await self.begin(account, sends=False)
        if early is not None:
            return early
        about = {
            "userId": account.id,
            "basicId": account.settings["basic_id"],
            "displayName": account.name,
            "chatMode": "bot",
            "markAsReadMode": "manual",
        }
        return json_response(about)

    # -- people ------------------------------------------------------------------------------------------------------

    async def profile(self, request: Request, user: str) -> Response:
        """A friend; somebody who blocked the account or never met it is not found."""
        account = self.mine(request)
        _, early = await self.begin(account, sends=False)
        if early is not None:
            return early
        customer = person(self.world, account, user)
        chat = self.world.state.chats.get(f"line:{account.id}:{customer.id}") if customer else None
        if customer is None or chat is None or chat.blocked:
            raise LineError(404)
        return json_response(
            {**_named(customer, user), "language": customer.language, "statusMessage": "Hello!"}
        )

    async def member(self, request: Request, room: str, user: str) -> Response:
        """Somebody in a group or room, friend or not."""
        account = self.mine(request)
        customer = person(self.world, account, user)
        if customer is None or customer.id not in self._room(account, room)["members"]:
            raise LineError(404)
        return json_response(_named(customer, user))

    async def members(self, request: Request, room: str) -> Response:
        """Ids of everybody in a group or room."""
        account = self.mine(request)
        people = [self.world.state.customers[m] for m in self._room(account, room)["members"]]
        return json_response({"memberIds": [user_id(self.world, account, one) for one in people]})

    async def count(self, request: Request, room: str) -> Response:
        """How many they are."""
        return json_response({"count": len(self._room(self.mine(request), room)["members"])})

    async def summary(self, request: Request, room: str) -> Response:
        """A group's name."""
        found = self._room(self.mine(request), room)
        return json_response({"groupId": room, "groupName": found["name"]})

    async def leave(self, request: Request, room: str) -> Response:
        """Leave a group or room."""
        account = self.mine(request)
        self._room(account, room)
        del rooms(account)[room]
        return json_response({})

    def _room(self, account: PlatformAccount, room: str) -> Json:
        found = rooms(account).get(room)
        if found is None:
            raise LineError(404)
        return found

    async def followers(self, request: Request) -> Response:
        """Ids of all friends."""
        account = self.mine(request)
        people = [
            self.world.state.customers[c.peer]
            for c in self.world.state.chats.values()
            if c.account == account.id and not c.blocked and c.peer in self.world.state.customers
        ]
        return json_response({"userIds": [user_id(self.world, account, one) for one in people]})

    async def link_token(self, request: Request, user: str) -> Response:
        """A nonce for linking an account of the company's."""
        account = self.mine(request)
        if person(self.world, account, user) is None:
            raise LineError(404)
        return json_response({"linkToken": digits(32)})

    # -- files -------------------------------------------------------------------------------------------------------

    async def content(self, request: Request, message: str) -> Response:
        """The file of a message: 202 while it is being prepared, 410 once it is gone."""
        account = self.mine(request)
        _, early = await self.begin(account, sends=False)
        if early is not None:
            return early
        media = self.world.state.media.get(message)
        if media is None or media.account != account.id:
            raise LineError(404)
        if media.expires_at < self.world.clock.now():
            raise LineError(410)
        if self._is_preparing(account, message):
            return Response(b"", status=202)
        return Response(media.content, content_type=media.content_type)

    async def transcoding(self, request: Request, message: str) -> Response:
        """Whether a film or recording is ready."""
        account = self.mine(request)
        media = self.world.state.media.get(message)
        if media is None or media.account != account.id:
            raise LineError(404)
        ready = not self._is_preparing(account, message)
        return json_response({"status": "succeeded" if ready else "processing"})

    def _is_preparing(self, account: PlatformAccount, message: str) -> bool:
        until: float = account.kept.get("preparing", {}).get(message, 0.0)
        return until > self.world.clock.now()

    # -- rich menus --------------------------------------------------------------------------------------------------

    async def make_menu(self, request: Request) -> Response:
        """A new menu, not shown yet."""
        account, menu = self.mine(request), request.json()
        faults = [
            ("May not be empty", name)
            for name in ("size", "name", "chatBarText", "areas")
            if not menu.get(name)
        ]
        if faults:
            raise LineError(400, details=faults)
        ident = f"richmenu-{digits(32)}"
        _menus(account)[ident] = {**menu, "richMenuId": ident}
        return json_response({"richMenuId": ident})

    async def menus(self, request: Request) -> Response:
        """All menus."""
        return json_response({"richmenus": list(_menus(self.mine(request)).values())})

    async def menu(self, request: Request, menu: str) -> Response:
        """One menu; DELETE forgets it."""
        account = self.mine(request)
        found = _menu(account, menu)
        if request.method == "DELETE":
            del _menus(account)[menu]
            return json_response({})
        return json_response(found)

    async def menu_picture(self, request: Request, menu: str) -> Response:
        """Take or give the menu's picture."""
        account = self.mine(request)
        _menu(account, menu)
        if request.method == "POST":
            kind = request.headers.get("content-type", "")
            if kind not in {"image/png", "image/jpeg"}:
                raise LineError(415)
            now = self.world.clock.now()
            self.world.store.keep(
                account=account.id, name=menu, content_type=kind, content=request.body, now=now, key=menu
            )
            return json_response({})
        media = self.world.state.media.get(menu)
        if media is None:
            raise LineError(404)
        return Response(media.content, content_type=media.content_type)

    async def menu_of_all(self, request: Request, menu: str = "") -> Response:
        """Link a menu to everybody, name it, take it away."""
        return self._linked(request, "", menu)

    async def menu_of(self, request: Request, user: str, menu: str = "") -> Response:
        """The same for one person."""
        if person(self.world, self.mine(request), user) is None:
            raise LineError(404)
        return self._linked(request, user, menu)

    def _linked(self, request: Request, user: str, menu: str) -> Response:
        account = self.mine(request)
        links: dict[str, str] = account.kept.setdefault("menu_links", {})
        if request.method == "POST":
            _menu(account, menu)
            links[user] = menu
        elif request.method == "DELETE":
            links.pop(user, None)
        elif user not in links:
            raise LineError(404)
        else:
            return json_response({"richMenuId": links[user]})
        return json_response({})

    # -- the webhook -------------------------------------------------------------------------------------------------

    async def endpoint(self, request: Request) -> Response:
        """Where events go to, and whether they go at all."""
        account = self.mine(request)
        active = bool(account.settings.get("use_webhook", True)) and bool(account.webhook_url)
        if not account.webhook_url:
            raise LineError(404)
        return json_response({"endpoint": account.webhook_url, "active": active})

    async def set_endpoint(self, request: Request) -> Response:
        """Set the address. LINE wants https; the sandbox takes loopback without it."""
        account = self.mine(request)
        account.webhook_url = self._address(request)
        self.world.feed.publish("accounts")
        return json_response({})

    async def test_endpoint(self, request: Request) -> Response:
        """Call it with no events."""
        account = self.mine(request)
        url = self._address(request) if request.json().get("endpoint") else account.webhook_url
        return json_response(await try_endpoint(self.world, account, url))

    def _address(self, request: Request) -> str:
        url = str(request.json().get("endpoint") or "")
        if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")) or len(url) > 500:
            raise LineError(400, details=[("Invalid webhook endpoint URL", "endpoint")])
        return url


def _named(customer: Customer, user: str) -> Json:
    return {"displayName": customer.name, "userId": user}


def _menus(account: PlatformAccount) -> dict[str, Json]:
    found: dict[str, Json] = account.kept.setdefault("menus", {})
    return found


def _menu(account: PlatformAccount, menu: str) -> Json:
    found = _menus(account).get(menu)
    if found is None:
        raise LineError(404)
    return found
