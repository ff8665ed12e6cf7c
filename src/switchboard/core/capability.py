"""What a channel can carry natively, as an adapter's manifest claims it; `core.fit` degrades the rest."""

import msgspec


class MediaLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How large (bytes) and of which types a file may be; no `mimes` means any, `image/*` a family.

    `caption` is the longest caption in the unit of the text limit, 0 when none is taken.
    """

    max_bytes: int
    mimes: list[str] = []
    caption: int = 0


class StickerPack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stickers that a platform lets us send by name: numbers `first` to `last`, each with the key `<id>:<number>`.

    `title` is the platform's own.
    """

    id: str
    title: str
    first: int
    last: int


class StickerLimit(MediaLimit, frozen=True, forbid_unknown_fields=True):
    """How stickers are sent: as files, as any media (`max_bytes` 0: not so), or by the key of one in `packs`."""

    packs: list[StickerPack] = []

    def lists(self, key: str) -> bool:
        """Tell whether a key names a sticker of the packs."""
        pack, _, number = key.partition(":")
        if not (number.isascii() and number.isdigit() and len(number) < 20 and str(int(number)) == number):
            return False
        return any(one.id == pack and one.first <= int(number) <= one.last for one in self.packs)


class TextLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The longest text, counted in `unit` (characters, utf16 or bytes)."""

    max: int
    unit: str = "characters"


class ChoicesLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many buttons and list rows fit; 0 means that the style isn't offered.

    `urls`: a button may open an address; `mixed`: it may stand beside buttons that answer, or beside a second
    address.
    """

    buttons: int = 0
    title: int = 20
    rows: int = 0
    row_title: int = 24
    row_description: int = 72
    text: int = 1024
    urls: bool = False
    mixed: bool = True


class Outgoing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What can be sent natively. `multipart`: all parts of a message travel in one send (e-mail); `cards`: how many cards side by
    side; `link`: a page as a card of the platform's own.
    """

    text: TextLimit
    image: MediaLimit | None = None
    audio: MediaLimit | None = None
    video: MediaLimit | None = None
    file: MediaLimit | None = None
    sticker: StickerLimit | None = None
    choices: ChoicesLimit | None = None
    location: bool = False
    contact: bool = False
    template: bool = False
    product: bool = False
    link: bool = False
    cards: int = 0
    multipart: bool = False
