"""What an administrator fills in for one account at an SMSC."""

import re
from typing import Annotated, Literal

import msgspec

from switchboard.channels.api import field, secret
from switchboard.channels.families import sms
from switchboard.channels.sms_smpp.receipts import Ids
from switchboard.channels.sms_smpp.segments import LongMessages

_TON = msgspec.Meta(ge=-1, le=6)
_NPI = msgspec.Meta(ge=-1, le=18)
_AUTO = ("-1 chooses by the number", "-1 表示按号码自动选择")


class SmppConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One account (system_id) at one SMSC, and the numbers it may speak for."""

    host: Annotated[str, field("SMSC host", "短信中心（SMSC）主机")]
    port: Annotated[int, field("Port", "端口"), msgspec.Meta(ge=1, le=65535)] = 2775
    tls: Annotated[
        bool, field("Encrypted (TLS)", "加密连接（TLS）", "The SMSC must offer it", "需短信中心支持")
    ] = False
    system_id: Annotated[str, field("System ID", "系统标识（system_id）")]
    password: Annotated[str, secret("Password", "密码")]
    system_type: Annotated[
        str, field("System type", "系统类型（system_type）", "Usually empty", "通常留空")
    ] = ""
    numbers: Annotated[
        str,
        field(
            "Our numbers",
            "我方号码",
            "Numbers, short codes or names to send from, one a line or separated by commas. International numbers with +. "
            "Each becomes a channel.",
            "用于发送的号码、短号或字母发送者名称，每行一个或用逗号分隔。国际号码请带 +。每个号码成为一个渠道。",
            **{"x-lines": 3},
        ),
    ]
    bind: Annotated[
        Literal["transceiver", "separate"],
        field(
            "Connections",
            "连接方式",
            "transceiver: one for both directions. separate: a receiver and a transmitter, where the SMSC wants it so.",
            "transceiver：一条连接收发共用。separate：接收与发送各一条连接，按短信中心要求选择。",
        ),
    ] = "transceiver"
    window: Annotated[
        int,
        field(
            "Window",
            "发送窗口",
            "How many messages may wait for the SMSC's answer at a time",
            "允许同时等待短信中心应答的消息数",
        ),
        msgspec.Meta(ge=1, le=1000),
    ] = 10
    throughput: Annotated[
        int,
        field(
            "Messages per second",
            "每秒消息数",
            "As agreed with the operator, counted in parts of 160 or 70 characters; 0 means no limit",
            "按与运营商约定的速率填写，以 160 或 70 字的分条计；0 表示不限",
        ),
        msgspec.Meta(ge=0, le=10_000),
    ] = 0
    throttle_seconds: Annotated[
        float,
        field(
            "Pause after too many",
            "限速后暂停（秒）",
            "How long to wait when the SMSC says that it was too fast",
            "短信中心提示速率过快后等待的秒数",
        ),
        msgspec.Meta(ge=0.1, le=600),
    ] = 2
    long_messages: Annotated[
        LongMessages,
        field(
            "Long messages",
            "长短信方式",
            "udh: parts with a header, understood everywhere. sar: parts with optional parameters. payload: whole, the SMSC "
            "cuts them (message_payload).",
            "udh：带用户数据头分条，通用。sar：用可选参数分条。payload：整条提交，由短信中心拆分（message_payload）。",
        ),
    ] = "udh"
    default_alphabet: Annotated[
        Literal["gsm", "latin-1"],
        field(
            "Default alphabet of the SMSC",
            "短信中心默认字符集",
            "What data_coding 0 means there",
            "data_coding 为 0 时所指的字符集",
        ),
    ] = "gsm"
    receipt_ids: Annotated[
        Ids,
        field(
            "Message ids in receipts",
            "回执中的消息编号",
            "same: as answered to the send. decimal or hex: the receipt writes the same id in this other notation.",
            "same：与发送应答一致。decimal 或 hex：回执用该进制书写同一编号。",
        ),
    ] = "same"
    country_code: Annotated[
        str,
        field(
            "Country calling code",
            "国家（地区）代码",
            "Digits only, for numbers that arrive with a leading 0 instead (86, 49 …)",
            "仅数字；用于补全以 0 开头的来信号码（如 86、49）",
        ),
        msgspec.Meta(pattern="^[0-9]{0,4}$"),
    ] = ""
    source_ton: Annotated[int, field("Source TON", "源地址 TON", *_AUTO), _TON] = -1
    source_npi: Annotated[int, field("Source NPI", "源地址 NPI", *_AUTO), _NPI] = -1
    destination_ton: Annotated[int, field("Destination TON", "目的地址 TON"), _TON] = 1
    destination_npi: Annotated[int, field("Destination NPI", "目的地址 NPI"), _NPI] = 1
    service_type: Annotated[
        str, field("Service type", "业务类型（service_type）", "Usually empty", "通常留空")
    ] = ""
    enquire_seconds: Annotated[
        int,
        field(
            "Seconds between enquiries",
            "链路检测间隔（秒）",
            "How often enquire_link asks whether the connection lives",
            "多久发送一次 enquire_link 检查连接",
        ),
        msgspec.Meta(ge=1, le=600),
    ] = 30
    assemble_minutes: Annotated[
        int,
        field(
            "Wait for missing parts",
            "等待缺失分条（分钟）",
            "After so many minutes a long message is shown without the parts that never came",
            "超过该时间后，长短信按已收到的分条显示",
        ),
        msgspec.Meta(ge=1, le=1440),
    ] = 30

    def accounts(self) -> list[str]:
        """Return our numbers as channels are named: `+` and digits where they are international, else as written."""
        written = [one.strip() for one in re.split(r"[\n,;]+", self.numbers) if one.strip()]
        known = [(one.startswith("+") and sms.number(one)) or one for one in written]
        return list(dict.fromkeys(known)) or [self.system_id]
