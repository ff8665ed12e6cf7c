"""How long a text message is for the network: GSM 03.38 septets or UCS-2, in parts."""

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = "^{}\\[~]|€\f"
CHINESE_ALONE, CHINESE_PART = 70, 67


def segments(text: str) -> int:
    """Return how many parts a text takes on the air; at least one."""
    if all(c in BASIC or c in EXTENDED for c in text):
        size = sum(2 if c in EXTENDED else 1 for c in text)
        alone, part = 160, 153
    else:
        size = len(text.encode("utf-16-be")) // 2
        alone, part = CHINESE_ALONE, CHINESE_PART
    return 1 if size <= alone else -(-size // part)


def chinese_segments(text: str) -> int:
    """Return the parts as Chinese providers count them: any character is one, 70 alone, else 67 each."""
    return 1 if len(text) <= CHINESE_ALONE else -(-len(text) // CHINESE_PART)
