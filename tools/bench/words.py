"""Texts in Chinese and English whose words come as often as words do: few very often, most hardly ever
(Zipf's law).
"""

import itertools
import random
from collections.abc import Iterator

import msgspec

# What a shop's customers write about; the most frequent first. Two to four characters each.
CHINESE = """
的 我 了 请问 订单 什么 发货 您好 谢谢 可以 快递 没有 收到 这个 退款 时候 商品 地址 多少 怎么
一下 已经 今天 明天 现在 物流 质量 客服 尺码 颜色 优惠 发票 换货 退货 包装 破损 电话 手机 号码
修改 取消 付款 支付 价格 活动 会员 积分 库存 预售 衣服 鞋子 裤子 大号 小号 蓝色 红色 黑色 白色
仓库 签收 派送 延迟 催促 投诉 满意 评价 赠品 礼物 生日 周末 北京 上海 广州 深圳 成都 杭州 运费
到账 银行 微信 支付宝 信用卡 身份证 保修 维修 说明书 充电器 电池 屏幕 蓝牙 耳机 电脑 键盘 鼠标
冰箱 洗衣机 空调 安装 师傅 上门 预约 时间
""".split()  # noqa: SIM905  # a list one word a line would be no easier to read
ENGLISH = """
the i my to is it and you order please when can for not have parcel delivery hello thanks
received refund address return still size would like item wrong today how invoice price payment
card change colour shipped tracking number cancel email phone blue black white large small
jacket shoes dress broken damaged missing package discount code account password login late
week monday tuesday friday weekend store stock available warranty repair charger battery screen
keyboard mouse laptop exchange courier pickup customs quality replacement manual installation
appointment technician subscription membership points
""".split()  # noqa: SIM905
SYLLABLES = """
ba ce di fo gu ha je ki lo mu na pe qui ro sa te vi wo xa yo zen bri cla dro fle gri plo sta
tri
""".split()  # noqa: SIM905
HAN = """
一乙二十丁厂七卜人入八九儿力乃刀又三于干亏士工土才寸下大丈与万上小口巾山千乞川亿个勺久凡及夕丸么
广亡门义之尸弓己已子卫也女飞刃习叉马乡丰王井开夫天无元专云扎艺木五支厅不太犬区历尤友匹车巨牙屯比
互切瓦止少日中冈贝内水见午牛手毛气升长仁什片仆化仇币仍仅斤爪反介父从今凶分乏公仓月氏勿欠风丹匀乌
凤勾文六方火为斗忆订计户认心尺引丑巴孔队办以允予劝双书幻玉刊示末未击打巧正扑扒功扔去甘世古
""".replace("\n", "")
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
FIRST = """
Anna Ben Clara David Emma Felix Grace Henry Iris Jack Kate Leo Mia Noah Olive Paul Ruth Sam
Tina Will
""".split()  # noqa: SIM905


class Vocabulary(msgspec.Struct):
    """Words from the most to the least frequent, and the sums of their weights."""

    words: list[str]
    sums: list[float]

    def draw(self, dice: random.Random, count: int) -> list[str]:
        """Draw words by their frequency."""
        return dice.choices(self.words, cum_weights=self.sums, k=count)


def vocabulary(head: list[str], tail: Iterator[str], size: int) -> Vocabulary:
    """Return words whose frequency falls with their rank as 1 ÷ (rank + 3)."""
    words = list(dict.fromkeys(itertools.chain(head, itertools.islice(tail, size))))
    return Vocabulary(words, list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words)))))


def chinese(dice: random.Random, size: int = 12_000) -> Vocabulary:
    """A shop's Chinese: known words, then made-up ones of two characters (names, brands, rare words)."""
    return vocabulary(CHINESE, (dice.choice(HAN) + dice.choice(HAN) for _ in itertools.count()), size)


def english(dice: random.Random, size: int = 12_000) -> Vocabulary:
    """A shop's English, with a tail of made-up words."""
    return vocabulary(ENGLISH, _made_up(dice), size)


def _made_up(dice: random.Random) -> Iterator[str]:
    while True:
        yield "".join(dice.choices(SYLLABLES, k=dice.randint(2, 4)))


def texts(seed: int, count: int) -> Iterator[str]:
    """Yield texts, three of five Chinese, of 3 to 40 words, mostly short; some with a number."""
    dice = random.Random(seed)
    han, latin = chinese(dice), english(dice)
    for _ in range(count):
        length = max(3, min(40, int(dice.lognormvariate(2.2, 0.6))))
        number = f" {dice.randrange(10**7, 10**8)}" if dice.random() < 0.2 else ""
        if dice.random() < 0.6:
            drawn = han.draw(dice, length)
            stops = ["，" if nr % 5 == 4 else "" for nr in range(length)]
            yield "".join(word + stop for word, stop in zip(drawn, stops, strict=True)) + number
        else:
            yield " ".join(latin.draw(dice, length)).capitalize() + number


def people(seed: int, count: int) -> Iterator[tuple[str, str]]:
    """Yield names and telephone numbers."""
    dice = random.Random(seed)
    for nr in range(count):
        name = (
            dice.choice(SURNAMES) + "".join(dice.choices(HAN, k=2))
            if nr % 2
            else f"{dice.choice(FIRST)} {_surname(dice)}"
        )
        yield name, f"+86138{nr:08d}"


def _surname(dice: random.Random) -> str:
    return "".join(dice.choices(SYLLABLES, k=3)).capitalize()
