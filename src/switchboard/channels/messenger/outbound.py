"""Messages as Messenger wants them, and comments as a page's wall does."""

from switchboard.channels.api import (
    Audio,
    Cards,
    Choices,
    File,
    Image,
    Io,
    Media,
    Outbound,
    Part,
    Refused,
    Sent,
    Template,
    Text,
    Video,
)
from switchboard.channels.families.meta_graph import Graph, place
from switchboard.channels.families.meta_sends import COMMENT, cards_of, frame, lone, recipient, words_of
from switchboard.channels.reading import Json

NAME = "Messenger"
KINDS: dict[type[Media], str] = {Image: "image", Audio: "audio", Video: "video", File: "file"}
LONGEST_METADATA = 1000


async def send_message(message: Outbound, graph: Graph, io: Io, token: str) -> Sent:
    """Send one message to a person. Our key goes along as metadata and comes back in the echo."""
    part = lone(message, NAME)
    templated = isinstance(part, Template)
    body = _utility(message) if templated else frame(message, NAME)
    content = await _content(part, graph, io, token)
    if message.idempotency_key:
        content["metadata"] = message.idempotency_key[:LONGEST_METADATA]
    body["message"] = content
    if message.reply_to and not templated and "id" in body["recipient"]:
        body["reply_to"] = {"mid": message.reply_to}
    return await graph.send(f"{place(message.account)}/messages", token, body)


def _utility(message: Outbound) -> Json:
    """Return an approved template's send without its content: no window, no tag, and a machine may send it too."""
    if message.to.startswith(COMMENT):
        raise Refused("Facebook takes no template as private answer to a comment.", code="unfit")
    return {"recipient": recipient(message), "messaging_type": "UTILITY"}


def _template(part: Template) -> Json:
    body: Json = {"name": part.name, "language": {"code": part.language}}
    if part.variables:
        parameters = [{"type": "text", "text": value} for value in part.variables]
        body["components"] = [{"type": "body", "parameters": parameters}]
    return body


async def _content(part: Part, graph: Graph, io: Io, token: str) -> Json:
    content = words_of(part, NAME)
    if content is not None:
        return content
    match part:
        case Template():
            return {"template": _template(part)}
        case Cards():
            return await cards_of(part, io, NAME)
        case Image() | Audio() | Video() | File():
            if part.file_id is None:
                raise Refused("the file is not stored", code="unfit")
            kind = KINDS[type(part)]
            ident = await graph.upload(token, kind, await io.file(part.file_id))
            return {"attachment": {"type": kind, "payload": {"attachment_id": ident}}}
        case _:
            raise Refused(f"Messenger can't carry {type(part).__name__}", code="unfit")


async def send_comment(message: Outbound, graph: Graph, io: Io, token: str) -> Sent:
    """Answer a comment in public, or comment on the post itself when no comment is answered."""
    path = f"{place(message.reply_to or message.to)}/comments"
    match lone(message, NAME):
        case Text() as part:
            return await graph.send(path, token, {"message": part.text})
        case Image(file_id=file_id) if file_id is not None:
            content = await io.file(file_id)
            return graph.posted(await graph.post_file(path, token, {}, "source", content))
        case Choices():
            raise Refused("Facebook shows no buttons in comments.", code="unfit")
        case part:
            raise Refused(
                f"Facebook takes words and pictures in comments, not {type(part).__name__}", code="unfit"
            )
