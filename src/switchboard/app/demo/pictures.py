"""Pictures that customers of the demo send: each product on a table, the damage ringed. Drawn here."""

from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 960, 720
Shape = list[tuple[float, float]]
NAMES = ["pack", "tent", "jacket", "boots", "stove", "sleeping-bag", "lamp", "flask"]
CLOTH = ["#3d6b52", "#c8742d", "#24587a", "#6b4a32", "#8a8f96", "#7a3245", "#d9a441", "#4b6f8f"]
# Outlines in hundredths of the height around the middle: first the body, then what lies on it, darker.
SHAPES = [
    ("-18,-34 18,-34 24,-10 24,34 -24,34 -24,-10; -16,4 16,4 16,28 -16,28; -14,-30 14,-30 14,-18 -14,-18"),
    ("-52,30 -8,-32 8,-32 52,30; -12,30 0,-22 12,30; -52,30 52,30 52,33 -52,33"),
    (
        "-16,-34 16,-34 40,-16 34,10 22,2 22,36 -22,36 -22,2 -34,10 -40,-16; "
        "-2,-30 2,-30 2,34 -2,34; "
        "-10,-38 10,-38 14,-28 -14,-28"
    ),
    ("-20,-32 6,-32 8,2 38,12 42,26 -22,26; -24,26 44,26 44,34 -24,34; -12,-24 2,-24 4,-2 -10,-2"),
    ("-30,-6 30,-6 24,24 -24,24; -34,-10 34,-10 34,-5 -34,-5; -6,24 6,24 10,36 -10,36"),
    ("-50,-12 34,-18 52,-6 52,14 34,26 -50,20; 30,-16 50,-5 50,13 30,24; -30,-13 -26,-13 -26,21 -30,21"),
    ("-16,-20 16,-20 20,28 -20,28; -12,-28 12,-28 16,-20 -16,-20; -10,-10 10,-10 12,18 -12,18"),
    ("-11,-26 11,-26 14,-14 14,36 -14,36 -14,-14; -10,-36 10,-36 10,-26 -10,-26; -14,4 14,4 14,16 -14,16"),
]
RINGS = [(18, -8), (-16, 2), (14, 20), (20, 26), (-14, 8), (-22, 6), (10, -16), (6, 22)]


def picture(product: int) -> bytes:
    """Return a JPEG of one product, 960 by 720 pixels."""
    image = _table(product)
    shadow = Image.new("L", image.size, 0)
    body, *parts = [_placed(shape) for shape in _shapes(SHAPES[product])]
    ImageDraw.Draw(shadow).polygon([(x + 14, y + 18) for x, y in body], fill=110)
    image.paste("#1d1a17", mask=shadow.filter(ImageFilter.GaussianBlur(14)))
    draw = ImageDraw.Draw(image)
    colour = CLOTH[product]
    draw.polygon(body, fill=colour)
    for part in parts:
        draw.polygon(part, fill=_darker(colour))
    x, y = _placed([RINGS[product]])[0]
    draw.line([(x - 30, y + 8), (x - 12, y - 10), (x + 4, y + 6), (x + 26, y - 12)], fill="#f4efe6", width=5)
    image = image.filter(ImageFilter.GaussianBlur(0.8))
    ImageDraw.Draw(image).ellipse((x - 62, y - 56, x + 62, y + 56), outline="#e5322d", width=7)
    out = BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()


def _table(product: int) -> Image.Image:
    """Boards of wood in the light of a window, a little different for each product."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "#b9946a")
    draw = ImageDraw.Draw(image)
    for nr in range(7):
        top = nr * 108 - product * 9
        tone = 172 + (nr * 37 + product * 11) % 28
        draw.rectangle((0, top, WIDTH, top + 104), fill=(tone, int(tone * 0.8), int(tone * 0.58)))
    light = Image.linear_gradient("L").rotate(90).resize(image.size)
    return Image.composite(
        image, Image.new("RGB", image.size, "#5d452d"), light.point(lambda value: 120 + value // 2)
    )


def _shapes(text: str) -> list[Shape]:
    """Read outlines: points `x,y` with blanks between, outlines with semicolons."""
    return [
        [(float(x), float(y)) for x, y in (point.split(",") for point in outline.split())]
        for outline in text.split(";")
    ]


def _placed(shape: Shape) -> list[tuple[float, float]]:
    scale = HEIGHT / 100
    return [(WIDTH / 2 + x * scale, HEIGHT / 2 + y * scale) for x, y in shape]


def _darker(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) * 7 // 10 for at in (1, 3, 5))
    return f"#{red:02x}{green:02x}{blue:02x}"
