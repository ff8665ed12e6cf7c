"""Messages as Instagram wants them, public answers to comments and mentions."""

from switchboard.channels.api import (
    Audio,
    Cards,
    File,
    Image,
    Io,
    Media,
    Outbound,
    Part,
    Product,
    Refused,
    Sent,
    Text,
    Video,
)
from switchboard.channels.families.meta_graph import Graph, place
from switchboard.channels.families.meta_sends import cards_of, frame, lone, words_of
from switchboard.channels.instagram.inbound import mentioned
from switchboard.channels.reading import Json

NAME = "Instagram"
KINDS: dict[type[Media], str] = {Image: "image", Audio: "audio", Video: "video", File: "file"}


async def send_message(message: Outbound, graph: Graph, io: Io, token: str, *, uploads: bool) -> Sent:
    """Send one message to a person. `uploads`: this login may upload files; else they go by public address."""
    body = frame(message, NAME)
    part = lone(message, NAME)
    if isinstance(part, Product) and not uploads:
        raise Refused("Instagram shows products of a Facebook page only: use Facebook login.", code="unfit")
    body["message"] = await _content(part, graph, io, token, uploads)
    return await graph.send(f"{place(message.account)}/messages", token, body)


async def _content(part: Part, graph: Graph, io: Io, token: str, uploads: bool) -> Json:
    content = words_of(part, NAME)
    if content is not None:
        return content
    match part:
        case Cards():
            return await cards_of(part, io, NAME)
        case Image() | Audio() | Video() | File():
            return {"attachment": await _attachment(part, graph, io, token, uploads)}
        case _:
            raise Refused(f"Instagram can't carry {type(part).__name__}", code="unfit")


async def _attachment(part: Media, graph: Graph, io: Io, token: str, uploads: bool) -> Json:
    if part.file_id is None:
        raise Refused("the file is not stored", code="unfit")
    kind, content = KINDS[type(part)], await io.file(part.file_id)
    if uploads:
        ident = await graph.upload(token, kind, content, platform="instagram")
        return {"type": kind, "payload": {"attachment_id": ident}}
    if not content.url:
        raise Refused("The file has no public address that Instagram could load it from.", code="unfit")
    return {"type": kind, "payload": {"url": content.url}}


async def send_comment(message: Outbound, graph: Graph, token: str) -> Sent:
    """Answer a comment or a mention in public, or comment on the post itself when nothing is answered."""
    part = lone(message, NAME)
    if not isinstance(part, Text):
        raise Refused("Instagram takes words only in comments.", code="unfit")
    mention = mentioned(message.to)
    if mention is not None:
        media, comment = mention
        about = {"media_id": media, "comment_id": comment} if comment else {"media_id": media}
        return await graph.send(f"{place(message.account)}/mentions", token, {**about, "message": part.text})
    answered = message.reply_to
    path = f"{place(answered)}/replies" if answered else f"{place(message.to)}/comments"
    return await graph.send(path, token, {"message": part.text})
