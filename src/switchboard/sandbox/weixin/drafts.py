"""What the product wants to say, checked and drawn, for all three platforms."""

from collections.abc import Callable
from typing import Any

import msgspec

from switchboard.sandbox.state import Attachment, Bubble, Button, PlatformAccount, attachment
from switchboard.sandbox.weixin.errors import WeixinError
from switchboard.sandbox.weixin.files import Files

Json = dict[str, Any]
TEXT_BYTES = 2_048


class Draft(msgspec.Struct, kw_only=True):
    """A message that may be sent."""

    kind: str
    text: str = ""
    title: str = ""
    footer: str = ""
    attachments: list[Attachment] = []
    buttons: list[Button] = []
    location: Json | None = None

    def bubble(self, bubble_id: str, at: float, raw: Json) -> Bubble:
        """As the phone shows it."""
        return Bubble(
            id=bubble_id,
            side="business",
            kind=self.kind,
            at=at,
            text=self.text,
            title=self.title,
            footer=self.footer,
            attachments=self.attachments,
            buttons=self.buttons,
            location=self.location,
            status="sent",
            raw=raw,
        )


Reader = Callable[[PlatformAccount, Json], Draft]


class Drafts:
    """Reads the `msgtype`s that a platform knows; `limit` is how long a text may be, in UTF-8 bytes."""

    def __init__(
        self, files: Files, types: tuple[str, ...], *, limit: int = TEXT_BYTES, app_code: int = 40166
    ):
        self._files = files
        self._types = types
        self._limit = limit
        self._app_code = app_code

    def read(self, account: PlatformAccount, body: Json) -> Draft:
        """A checked message; WeixinError where the platform refuses it."""
        kind = body.get("msgtype")
        if kind not in self._types:
            raise WeixinError(40008)
        content = body.get(kind)
        if not isinstance(content, dict):
            raise WeixinError(47001)
        readers: dict[str, Reader] = {
            "text": self._text,
            "image": self._image,
            "voice": self._voice,
            "video": self._video,
            "file": self._file,
            "music": self._music,
            "news": self._news,
            "mpnews": self._mpnews,
            "mpnewsarticle": self._article,
            "msgmenu": self._menu,
            "wxcard": self._card,
            "link": self._link,
            "miniprogrampage": self._page,
            "miniprogram": self._page,
            "location": self._location,
            "business_card": self._business_card,
            "ca_link": self._acquisition,
        }
        return readers[kind](account, content)

    def _short(self, text: object) -> str:
        said = str(text or "")
        if not said:
            raise WeixinError(44004)
        if len(said.encode()) > self._limit:
            raise WeixinError(45002)
        return said

    def _text(self, account: PlatformAccount, content: Json) -> Draft:
        del account
        return Draft(kind="text", text=self._short(content.get("content")))

    def _of_file(self, account: PlatformAccount, content: Json, kind: str) -> Draft:
        media = self._files.find(account, content.get("media_id"), (kind,))
        title, text = str(content.get("title") or ""), str(content.get("description") or "")
        return Draft(kind=kind, title=title, text=text, attachments=[attachment(media, kind)])

    def _image(self, account: PlatformAccount, content: Json) -> Draft:
        return self._of_file(account, content, "image")

    def _voice(self, account: PlatformAccount, content: Json) -> Draft:
        return self._of_file(account, content, "voice")

    def _video(self, account: PlatformAccount, content: Json) -> Draft:
        return self._of_file(account, content, "video")

    def _file(self, account: PlatformAccount, content: Json) -> Draft:
        return self._of_file(account, content, "file")

    def _thumb(self, account: PlatformAccount, content: Json) -> list[Attachment]:
        media = self._files.find(account, content.get("thumb_media_id"), ("thumb", "image"))
        return [attachment(media, "image")]

    def _music(self, account: PlatformAccount, content: Json) -> Draft:
        url = str(content.get("musicurl") or content.get("hqmusicurl") or "")
        if not url:
            raise WeixinError(40035, "musicurl")
        return Draft(
            kind="music",
            title=str(content.get("title") or ""),
            text=str(content.get("description") or ""),
            attachments=self._thumb(account, content),
            buttons=[Button(id="0", title="♪", kind="url", url=url)],
        )

    def _news(self, account: PlatformAccount, content: Json) -> Draft:
        del account
        articles = content.get("articles")
        if not isinstance(articles, list) or not articles:
            raise WeixinError(44003)
        if len(articles) > 1:
            raise WeixinError(45008)
        one = articles[0]
        if not isinstance(one, dict):
            raise WeixinError(47001)
        return _linked("news", one.get("title"), one.get("description"), one.get("url"))

    def _mpnews(self, account: PlatformAccount, content: Json) -> Draft:
        del account
        if not content.get("media_id"):
            raise WeixinError(41006)
        return Draft(kind="mpnews", title=str(content["media_id"]))

    def _article(self, account: PlatformAccount, content: Json) -> Draft:
        del account
        if not content.get("article_id"):
            raise WeixinError(53600)
        return Draft(kind="mpnewsarticle", title=str(content["article_id"]))

    def _menu(self, account: PlatformAccount, content: Json) -> Draft:
        del account
        items = content.get("list")
        if not isinstance(items, list) or not items:
            raise WeixinError(40035, "list")
        if len(items) > 10:
            raise WeixinError(95008)
        return Draft(
            kind="msgmenu",
            text=str(content.get("head_content") or ""),
            footer=str(content.get("tail_content") or ""),
            buttons=[button for number, item in enumerate(items) if (button := _item(item, number))],
        )

    def _card(self, account: PlatformAccount, content: Json) -> Draft:
        del account
        if not content.get("card_id"):
            raise WeixinError(40035, "card_id")
        return Draft(kind="wxcard", title=str(content["card_id"]))

    def _link(self, account: PlatformAccount, content: Json) -> Draft:
        if not content.get("title") or not content.get("url"):
            raise WeixinError(40035, "title, url")
        text = content.get("description") or content.get("desc")
        made = _linked("link", content["title"], text, content["url"])
        if content.get("thumb_media_id"):
            made.attachments = self._thumb(account, content)
        return made

    def _page(self, account: PlatformAccount, content: Json) -> Draft:
        if self._app_code == 90207 and not content.get("appid"):
            raise WeixinError(90207)
        if not content.get("pagepath"):
            raise WeixinError(40165)
        if "appid" in content and not str(content["appid"]).startswith("wx"):
            raise WeixinError(self._app_code)
        return Draft(
            kind="miniprogram",
            title=str(content.get("title") or ""),
            text=str(content["pagepath"]),
            attachments=self._thumb(account, content),
        )

    def _location(self, account: PlatformAccount, content: Json) -> Draft:
        del account
        try:
            place = {name: float(content[name]) for name in ("latitude", "longitude")}
        except (KeyError, TypeError, ValueError) as error:
            raise WeixinError(40058, "latitude, longitude") from error
        named = {name: str(content.get(name) or "") for name in ("name", "address")}
        return Draft(kind="location", location={**place, **named})

    def _business_card(self, account: PlatformAccount, content: Json) -> Draft:
        del account
        if not content.get("userid"):
            raise WeixinError(40058, "userid")
        return Draft(kind="business_card", title=str(content["userid"]))

    def _acquisition(self, account: PlatformAccount, content: Json) -> Draft:
        del account
        return _linked("ca_link", content.get("link_url"), "", content.get("link_url"))


def _linked(kind: str, title: object, text: object, url: object) -> Draft:
    buttons = [Button(id="0", title="↗", kind="url", url=str(url))] if url else []
    return Draft(kind=kind, title=str(title or ""), text=str(text or ""), buttons=buttons)


def _item(item: object, number: int) -> Button | None:
    """One line of a menu: a service account's `{id, content}` or WeCom's `{type, click|view|miniprogram|text}`."""
    if not isinstance(item, dict):
        raise WeixinError(40035, "list")
    kind = item.get("type")
    if kind is None:
        return Button(id=str(item.get("id", number)), title=str(item.get("content") or ""), kind="reply")
    about = item.get(kind) if kind in ("click", "view", "miniprogram", "text") else None
    if not isinstance(about, dict):
        raise WeixinError(95009)
    if kind == "text":
        return None
    named = Button(id=str(about.get("id") or number), title=str(about.get("content") or ""), kind="reply")
    if kind == "view":
        named.kind, named.url = "url", str(about.get("url") or "")
    elif kind == "miniprogram":
        named.kind, named.url = "url", str(about.get("pagepath") or "")
    return named
