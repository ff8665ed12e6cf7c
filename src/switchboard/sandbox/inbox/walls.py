"""Posts with their comments: a chat of its own per post, its events, its public answers."""

from datetime import UTC, datetime
from typing import Any

from switchboard.sandbox.inbox import hooks
from switchboard.sandbox.state import Attachment, Bubble, Chat, Customer, PlatformAccount, digits
from switchboard.sandbox.world import World

Json = dict[str, Any]
EMOJI = {
    "love": "\N{HEAVY BLACK HEART}",
    "like": "\N{THUMBS UP SIGN}",
    "haha": "\N{SMILING FACE WITH OPEN MOUTH}",
    "wow": "\N{FACE WITH OPEN MOUTH}",
    "sad": "\N{CRYING FACE}",
    "angry": "\N{ANGRY FACE}",
    "smile": "\N{SMILING FACE WITH OPEN MOUTH}",
}
NAMES = {emoji: name for name, emoji in EMOJI.items()}
FIRST = "Our new rain jacket is here. What do you think?"


def posts(account: PlatformAccount) -> dict[str, Json]:
    """Posts by id: `{"message", "at", "author" (customer id or ""), "mine"}`; there is always one of the account's own."""
    found: dict[str, Json] = account.kept.setdefault("posts", {})
    if not found:
        found[new_post_id(account)] = {"message": FIRST, "at": 0, "author": "", "mine": True}
    return found


def new_post_id(account: PlatformAccount) -> str:
    """`<page>_<post>` on Facebook, a bare number on Instagram."""
    return f"{account.id}_{digits(15)}" if account.platform == "messenger" else "179" + digits(14)


def first(account: PlatformAccount) -> str:
    """The account's own first post."""
    return next(ident for ident, post in posts(account).items() if post["mine"])


def room(world: World, account: PlatformAccount, post: str) -> Chat:
    """The chat of a post."""
    chat = world.store.chat(account.platform, account.id, post)
    about = posts(account)[post]
    chat.title = str(about["message"])[:60] or post
    if about["mine"] and not chat.bubbles:
        at = float(about["at"]) or world.clock.now()
        world.show(
            chat,
            Bubble(id=post, side="business", kind="post", at=at, text=str(about["message"]), status="sent"),
        )
    return chat


def comment_id(account: PlatformAccount, post: str) -> str:
    """`<post>_<comment>` on Facebook, a bare number on Instagram."""
    return (
        f"{post.rpartition('_')[2]}_{digits(15)}" if account.platform == "messenger" else "180" + digits(14)
    )


def add(
    world: World,
    account: PlatformAccount,
    post: str,
    author: Customer | None,
    text: str,
    parent: str = "",
    files: list[Attachment] | None = None,
    **more: Any,
) -> Bubble:
    """Put a comment under a post and tell it. `author` is nobody for the account itself; `more` joins the event."""
    chat = room(world, account, post)
    bubble = Bubble(
        id=comment_id(account, post),
        side="customer" if author else "business",
        kind="comment",
        at=world.clock.now(),
        text=text,
        reply_to=parent,
        attachments=files or [],
        author=author.id if author else "",
        status="" if author else "sent",
        raw={"parent": parent, **more},
    )
    world.show(chat, bubble)
    told(world, account, post, bubble, "add")
    return bubble


def told(world: World, account: PlatformAccount, post: str, bubble: Bubble, verb: str) -> None:
    """Tell of a comment that is new, was changed, was taken back (Instagram: only of new ones under its own posts)."""
    lane = room(world, account, post).key
    if account.platform == "messenger":
        hooks.change(world, account, "feed", _feed(world, account, post, bubble, verb), lane)
    elif verb == "add" and posts(account)[post]["mine"]:
        hooks.change(
            world,
            account,
            str(bubble.raw.get("field") or "comments"),
            _comment(world, account, post, bubble),
            lane,
        )


def _feed(world: World, account: PlatformAccount, post: str, bubble: Bubble, verb: str) -> Json:
    stamp = int(bubble.at)
    about = {"id": post, "status_type": "added_photos", "is_published": True, "permalink_url": link(post)}
    value: Json = {
        "item": "comment",
        "verb": verb,
        "post_id": post,
        "comment_id": bubble.id,
        "parent_id": bubble.raw.get("parent") or post,
        "created_time": stamp,
        "from": author_of(world, account, bubble),
        "post": about,
    }
    if verb != "remove":
        value["message"] = bubble.text
    if bubble.raw.get("photo"):
        value["photo"] = bubble.raw["photo"]
    return value


def _comment(world: World, account: PlatformAccount, post: str, bubble: Bubble) -> Json:
    kind = "LIVE" if bubble.raw.get("field") == "live_comments" else "FEED"
    media: Json = {"id": post, "media_product_type": kind}
    if bubble.raw.get("ad"):
        media.update(ad_id=digits(12), ad_title="Lamps", media_product_type="AD")
    value: Json = {
        "id": bubble.id,
        "text": bubble.text,
        "from": author_of(world, account, bubble),
        "media": media,
    }
    if bubble.raw.get("parent"):
        value["parent_id"] = bubble.raw["parent"]
    return value


def author_of(world: World, account: PlatformAccount, bubble: Bubble) -> Json:
    """`from`: a person by the id that private messages have too, or the account itself."""
    customer = world.state.customers.get(bubble.author)
    ident = hooks.scoped(world, account, customer) if customer else account.id
    if account.platform == "messenger":
        return {"id": ident, "name": customer.name if customer else account.name}
    return {"id": ident, "username": username(customer) if customer else account.settings["username"]}


def username(customer: Customer) -> str:
    """The name that Instagram shows."""
    return customer.username or f"user.{customer.id}"


def react(
    world: World,
    account: PlatformAccount,
    post: str,
    bubble: Bubble,
    author: Customer,
    emoji: str,
    *,
    gone: bool,
) -> None:
    """A reaction to a comment; Instagram does not tell of those."""
    if account.platform != "messenger":
        return
    value = {
        "item": "reaction",
        "verb": "remove" if gone else "add",
        "post_id": post,
        "comment_id": bubble.id,
        "parent_id": post,
        "created_time": int(world.clock.now()),
        "from": {"id": hooks.scoped(world, account, author), "name": author.name},
        "reaction_type": NAMES.get(emoji, "like"),
    }
    hooks.change(world, account, "feed", value, room(world, account, post).key)


def visitor_post(world: World, account: PlatformAccount, author: Customer, text: str) -> Bubble:
    """Somebody writes on the page's wall: a post of its own."""
    post = new_post_id(account)
    posts(account)[post] = {"message": text, "at": world.clock.now(), "author": author.id, "mine": False}
    chat = room(world, account, post)
    bubble = Bubble(
        id=post, side="customer", kind="comment", at=world.clock.now(), text=text, author=author.id
    )
    world.show(chat, bubble)
    value = {
        "item": "status",
        "verb": "add",
        "post_id": post,
        "created_time": int(bubble.at),
        "from": author_of(world, account, bubble),
        "message": text,
        "published": 1,
    }
    hooks.change(world, account, "feed", value, chat.key)
    return bubble


def mention(world: World, account: PlatformAccount, author: Customer, text: str, *, caption: bool) -> Bubble:
    """Somebody names the Instagram account in a post of theirs, or in a comment under it."""
    media = new_post_id(account)
    posts(account)[media] = {"message": text, "at": world.clock.now(), "author": author.id, "mine": False}
    chat = room(world, account, media)
    ident = media if caption else comment_id(account, media)
    bubble = Bubble(
        id=ident, side="customer", kind="comment", at=world.clock.now(), text=text, author=author.id
    )
    world.show(chat, bubble)
    value = {"media_id": media} if caption else {"media_id": media, "comment_id": ident}
    hooks.change(world, account, "mentions", value, chat.key)
    return bubble


def link(post: str) -> str:
    """Where people see the post."""
    return (
        f"https://www.facebook.example/{post}" if "_" in post else f"https://www.instagram.example/p/{post}/"
    )


def find(world: World, account: PlatformAccount, ident: str) -> tuple[str, Bubble | None] | None:
    """A post (nothing more) or a comment with its post, by id."""
    if ident in posts(account):
        return ident, None
    found = world.store.find(account.platform, account.id, ident)
    if found is None or found[0].peer not in posts(account) or found[1].revoked:
        return None
    return found[0].peer, found[1]


def graph_time(at: float) -> str:
    """Time as Graph writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
