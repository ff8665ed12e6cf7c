"""Mails as they really are: wrong charsets, forged trust, bombs, loops, replies in many languages."""

import base64
import io
import time
import zipfile
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from switchboard.channels.api import (
    BadPayload,
    BadSignature,
    Claim,
    Content,
    EchoReceived,
    File,
    MessageReceived,
    Part,
    RawRequest,
    ReceiptReceived,
    Refused,
    Sender,
    Source,
    Text,
    Unsupported,
)
from switchboard.channels.email import inbound, mime, threads
from switchboard.channels.email.channel import EmailChannel
from switchboard.channels.email.config import EmailConfig
from switchboard.channels.email.loop import Caps, Verdict, auto_reply
from switchboard.channels.email.replies import fold
from switchboard.channels.email.trust import dmarc_passed

CONFIG = EmailConfig(
    address="Help@Desk.example",
    incoming_host="imap.desk.example",
    smtp_host="smtp.desk.example",
    trusted_authserv_id="mx.desk.example",
)
HEAD = "From: Ann <ann@customer.example>\r\nTo: help@desk.example\r\nMessage-ID: <m@customer.example>\r\n"


def read(raw: bytes | str) -> MessageReceived:
    """Return the one message that a mail is."""
    (fact,) = inbound.facts(raw.encode() if isinstance(raw, str) else raw, CONFIG)
    assert isinstance(fact, MessageReceived)
    return fact


def text(raw: bytes | str) -> str:
    """Return the words of a mail."""
    return next(part.text for part in read(raw).parts if isinstance(part, Text))


def body(words: bytes, charset: str) -> bytes:
    return f"{HEAD}Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + words


# -- charsets ------------------------------------------------------------------------------------------------

LONG = "您好，请问我的订单什么时候发货？我已经等了两个星期了，谢谢。"


@pytest.mark.parametrize(
    ("words", "encoding", "label"),
    [
        ("朱镕基", "gbk", "gb2312"),
        ("一", "gbk", "gb2312"),
        ("𠮷野家", "gb18030", "GB2312"),
        ("镕：€5 → αβ", "gb18030", "gb2312"),
        (LONG, "utf-8", "gb2312"),
        (LONG, "utf-8", "iso-8859-1"),
        ("café", "utf-8", "iso-8859-1"),
        ("“quoted” – café", "cp1252", "iso-8859-1"),
        (LONG, "gbk", "x-unknown"),
        ("你好", "gbk", "x-unknown"),
        (LONG, "gbk", "us-ascii"),
        (LONG, "gb18030", "utf-8"),
        ("裏碁", "cp950", "big5"),
        ("①髙", "cp932", "shift_jis"),
        ("日本", "iso-2022-jp", "iso-2022-jp"),
        ("안녕 똠", "cp949", "euc-kr"),
        (LONG, "utf-16", "utf-16"),
        (LONG, "utf-8", "unicode_escape"),
        (LONG, "utf-8", "punycode"),
        (LONG, "utf-8", "hex"),
        (LONG, "utf-8", '"utf-8"'),
    ],
)
def test_words_under_a_wrong_or_narrow_label_are_read_right(words: str, encoding: str, label: str) -> None:
    assert text(body(words.encode(encoding), label)) == words


@given(
    st.binary(max_size=300),
    st.sampled_from(["gb2312", "utf-8", "utf-7", "hz", "x", "utf-16", "big5", "idna", ""]),
)
@example(b"+2AA-", "utf-7")
@settings(max_examples=200, deadline=None)
def test_no_bytes_under_no_label_break_the_reader(data: bytes, label: str) -> None:
    words = mime.clean(mime.text_in(data, label))
    assert words.encode("utf-8").decode("utf-8") == words
    msgspec.json.encode(inbound.facts(body(data, label or '""'), CONFIG))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("=?gb2312?B?" + base64.b64encode("朱镕基".encode("gbk")).decode() + "?=", "朱镕基"),
        ("=?utf-8?Q?=E4=BD=A0=E5?= =?utf-8?Q?=A5=BD?=", "你好"),
        ("=?utf-8?B?5L2g5aW9?= and =?utf-8?q?more?=", "你好 and more"),
        ("=?utf-8?B?not base64!?=", "=?utf-8?B?not base64!?="),
        ("=?x-none?Q?abc?=", "abc"),
        ("退款".encode(), "退款"),
        ("退款".encode("gbk"), "退款"),
        ("one\r\n two", "one two"),
    ],
)
def test_subjects_in_every_dress(written: str | bytes, meant: str) -> None:
    subject = written.encode() if isinstance(written, str) else written
    assert read(b"Subject: " + subject + b"\r\n" + HEAD.encode() + b"\r\nx").subject == meant


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("filename=plain.pdf", "plain.pdf"),
        ("filename*=utf-8''%E5%90%88%E5%90%8C.pdf", "合同.pdf"),
        ("filename*=gb2312'zh'%D6%EC%E9F%BB%F9.pdf", "朱镕基.pdf"),
        ("filename*0*=utf-8''%E5%90%88; filename*1*=%E5%90%8C; filename*2=.pdf", "合同.pdf"),
        ('filename="=?utf-8?B?5ZCI5ZCMLnBkZg==?="', "合同.pdf"),
        ('filename="../../../etc/passwd"', "_.._.._etc_passwd"),
        ('filename="a\u202efdp.exe"', "a_fdp.exe"),
        ("filename=" + "x" * 400 + ".pdf", "x" * 130 + ".pdf"),
    ],
)
def test_file_names_in_every_dress(header: str, name: str) -> None:
    raw = f"{HEAD}Content-Type: application/pdf\r\nContent-Disposition: attachment; {header}\r\n\r\n%PDF"
    (part,) = read(raw).parts
    assert isinstance(part, File)
    assert part.name == name


# -- trust ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "trusted"),
    [
        (["mx.desk.example; dmarc=pass header.from=customer.example"], True),
        (["mx.desk.example 1; spf=fail; dmarc=pass (p=reject) header.from=customer.example"], True),
        (["MX.Desk.Example; DMARC=pass"], True),
        (["mx.desk.example; dmarc=pass header.from=other.example"], False),
        (["mx.desk.example; dmarc=fail header.from=customer.example"], False),
        (["mx.desk.example; dkim=pass header.d=customer.example; spf=pass"], False),
        (["mx.evil.example; dmarc=pass header.from=customer.example"], False),
        (["mx.desk.example; (dmarc=pass) dmarc=fail"], False),
        (["mx.desk.example; spf=pass smtp.helo=dmarc=pass"], False),
        (["mx.desk.example; dmarc=fail", "mx.desk.example; dmarc=pass header.from=customer.example"], False),
        (["mx.desk.example.evil.example; dmarc=pass"], False),
        ([], False),
    ],
)
def test_only_our_own_servers_word_verifies_a_sender(results: list[str], trusted: bool) -> None:
    assert dmarc_passed(results, "mx.desk.example", "ann@customer.example") is trusted
    assert not dmarc_passed(results, "", "ann@customer.example")
    raw = "".join(f"Authentication-Results: {result}\r\n" for result in results) + HEAD + "\r\nx"
    assert read(raw).sender.claims == [Claim("email", "ann@customer.example", trusted)]


def test_a_second_author_is_nobody_vouched_for() -> None:
    passed = "Authentication-Results: mx.desk.example; dmarc=pass header.from=customer.example\r\n"
    for authors in (
        "From: ann@customer.example, eve@evil.example\r\n",
        "From: ann@customer.example\r\nFrom: eve@evil.example\r\n",
    ):
        assert not read(f"{passed}{authors}To: help@desk.example\r\n\r\nx").sender.claims[0].verified


def test_a_colleagues_mail_is_an_echo_only_when_the_server_vouches_for_it() -> None:
    mail = "From: help@desk.example\r\nTo: Ann <ann@customer.example>\r\n\r\nx"
    forged = read(mail)
    assert forged.auto
    (echo,) = inbound.facts(f"Authentication-Results: mx.desk.example; dmarc=pass\r\n{mail}".encode(), CONFIG)
    assert isinstance(echo, EchoReceived)
    assert echo.address == "ann@customer.example"


# -- identity, thread ----------------------------------------------------------------------------------------


def test_the_key_tells_mails_apart_and_deliveries_not() -> None:
    """Ids repeat and can be missing; the same mail comes twice by two ways."""
    first = read(HEAD + "Date: Mon, 1 Jun 2026 10:00:00 +0000\r\n\r\nx")
    other_way = read("Received: by other\r\n" + HEAD + "Date: Mon, 1 Jun 2026 10:00:00 +0000\r\n\r\nx\r\n")
    other_body = read(HEAD + "Date: Mon, 1 Jun 2026 10:00:00 +0000\r\n\r\ny")
    assert first.dedupe_key == other_way.dedupe_key != other_body.dedupe_key
    assert read("From: a@b.example\r\n\r\nx").external_id != read("From: a@b.example\r\n\r\ny").external_id


def test_ancestors_come_oldest_first_and_the_answered_one_last() -> None:
    raw = HEAD + "In-Reply-To: <b@x>\r\nReferences: <a@x>\r\n <b@x> <c@x>\r\n\r\nx"
    assert (read(raw).thread, read(raw).reply_to) == (["<a@x>", "<c@x>", "<b@x>"], "<b@x>")
    assert threads.references(["<a@x>", "<b@x>"], "<a@x>") == ["<b@x>", "<a@x>"]
    many = [f"<{number}@x>" for number in range(100)]
    kept = threads.references(many, "<last@x>")
    assert (len(kept), kept[0], kept[-1]) == (threads.MAX_REFERENCES, "<0@x>", "<last@x>")


def test_our_ids_carry_our_key_and_nobody_elses_do() -> None:
    ours = threads.message_id("0197a1b2-0000-7000-8000-00000000e001", "Help@Desk.example")
    assert threads.key_of(ours, "help@desk.example") == "0197a1b2-0000-7000-8000-00000000e001"
    assert threads.key_of(ours.replace("desk", "evil"), "help@desk.example") == ""
    assert threads.message_id("any key\r\n", "a@b.example") == threads.message_id(
        "any key\r\n", "c@b.example"
    )
    assert threads.named_by_token(["help+short@desk.example"], "help@desk.example") == ""
    assert threads.named_by_token(["other+0197a1b2-0000@desk.example"], "help@desk.example") == ""


# -- limits --------------------------------------------------------------------------------------------------


def shown(raw: bytes) -> Part:
    (part,) = read(raw).parts
    return part


def multipart(inside: str, boundary: str) -> str:
    kind = f'Content-Type: multipart/mixed; boundary="{boundary}"'
    return f"{kind}\r\n\r\n--{boundary}\r\n{inside}\r\n--{boundary}--\r\n"


def test_bombs_are_told_in_a_sentence() -> None:
    """Too many parts, too deep, too large, too many lines: the mail is announced, not taken apart."""
    deep = "Content-Type: text/plain\r\n\r\nx"
    for level in range(mime.MAX_DEPTH + 2):
        deep = multipart(deep, f"b{level}")
    many = "\r\n--b\r\n".join(["Content-Type: text/plain\r\n\r\nx"] * (mime.MAX_PARTS + 1))
    rfc822 = "Content-Type: message/rfc822\r\n\r\n" * 500
    for bomb, words in (
        (deep, "parts within parts"),
        (multipart(many, "b"), "more than 200 parts"),
        (rfc822, "parts within parts"),
        ("\r\n" + "\n" * (mime.MAX_LINES + 1), "lines"),
        ("\r\n" + "x" * mime.MAX_BYTES, "larger than 40 MB"),
    ):
        begin = time.process_time()
        part = shown((HEAD + bomb).encode())
        assert isinstance(part, Unsupported)
        assert words in part.detail
        assert part.detail.endswith("It is still in the mailbox.")
        assert time.process_time() - begin < 5


def test_a_header_bomb_is_refused() -> None:
    for bomb in (f"X: {'y' * 600_000}\r\n", "X: y\r\n" * 3000, "X: y\r\n" + " z\r\n" * 30_000):
        with pytest.raises(BadPayload, match="header"):
            inbound.facts((HEAD + bomb + "\r\nx").encode(), CONFIG)


def test_an_archive_stays_a_file() -> None:
    """A ZIP of death: 10 MB of zeros in 10 kB, nested; nothing of ours ever opens it."""
    packed = b"\0" * 10_000_000
    for level in range(3):
        store = io.BytesIO()
        with zipfile.ZipFile(store, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{level}.zip", packed)
        packed = store.getvalue()
    raw = f"{HEAD}Content-Type: application/zip; name=bomb.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    mail = raw.encode() + base64.encodebytes(packed)
    begin = time.process_time()
    (part,) = read(mail).parts
    assert part == File(
        source=Source(ref="part:1"), name="bomb.zip", mime="application/zip", size=len(packed)
    )
    (taken,) = inbound.extract(mail, [Source(ref="part:1")])
    assert isinstance(taken, Content)
    assert taken.data == packed
    assert time.process_time() - begin < 0.5


def test_hostile_headers_take_moments() -> None:
    for name, value in (
        ("Authentication-Results", "mx.desk.example; " + "(" * 9000),
        ("References", "<" * 90_000),
        ("From", "a" * 90_000 + "@b"),
        ("To", ",".join(["a@b.example"] * 9000)),
        ("To", "(" * 20_000),
        ("Subject", "=?utf-8?Q?" * 9000),
        ("Content-Type", "text/plain;" + "a*0=b;" * 9000),
        ("Content-Disposition", "attachment; filename*0*=" + "%" * 90_000),
        ("Date", "Mon, " * 9000),
        ("In-Reply-To", "<a@" + "b" * 90_000),
    ):
        begin = time.process_time()
        read(f"{name}: {value}\r\n{HEAD}\r\nx")
        assert time.process_time() - begin < 2, name


# -- parts taken out -----------------------------------------------------------------------------------------

RICH = (
    HEAD + 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n'
    '<script>x</script><p onclick="x">Hi <img src="cid:p"></p>\r\n--b\r\n'
    "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n--b--\r\n"
).encode()


def test_parts_and_harmless_html_are_taken_out_of_the_mail() -> None:
    page, inner = inbound.extract(RICH, [Source(ref="html"), Source(ref="part:2")])
    assert isinstance(page, Content)
    assert isinstance(inner, Content)
    assert (page.mime, page.data) == ("text/html", b'<p>Hi <img data-cid="p"></p>')
    assert (inner.name, inner.mime) == ("inner.eml", "message/rfc822")
    assert inner.data == b"Subject: inner\r\n\r\ninside"


@pytest.mark.parametrize("ref", ["part:9", "part:1.1", "1", "", "part:", "part:../1", "html2"])
def test_a_part_that_is_not_there_is_refused(ref: str) -> None:
    (answer,) = inbound.extract(RICH, [Source(ref=ref)])
    assert isinstance(answer, Refused)


# -- delivery reports ----------------------------------------------------------------------------------------


def test_each_recipient_of_a_report_gets_a_receipt() -> None:
    raw = (
        'From: MAILER-DAEMON@mx.example\r\nContent-Type: multipart/report; boundary="b"\r\n\r\n--b\r\n'
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        "Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "Final-Recipient: rfc822; b@x.example\r\nAction: delayed\r\nStatus: 4.2.0\r\n\r\n"
        "Final-Recipient: rfc822; c@x.example\r\nAction: nonsense\r\n\r\n--b\r\n"
        "Content-Type: message/rfc822\r\n\r\nMessage-ID: <sent@desk.example>\r\n\r\nx\r\n--b--\r\n"
    )
    found = inbound.facts(raw.encode(), CONFIG)
    assert [
        (fact.status, fact.key, fact.code, fact.external_id)
        for fact in found
        if isinstance(fact, ReceiptReceived)
    ] == [
        ("failed", "a@x.example", "5.1.1", "<sent@desk.example>"),
        ("sent", "b@x.example", "4.2.0", "<sent@desk.example>"),
    ]


def test_a_report_about_nothing_we_know_is_shown() -> None:
    """Without the original's id it stays a mail, written by a machine."""
    raw = (
        'From: MAILER-DAEMON@mx.example\r\nContent-Type: multipart/report; boundary="b"\r\n\r\n--b\r\n'
        "Content-Type: text/plain\r\n\r\nUndeliverable.\r\n--b--\r\n"
    )
    assert text(raw) == "Undeliverable."
    assert read(raw).auto


# -- loops ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "auto"),
    [
        ("", False),
        ("Auto-Submitted: no", False),
        ("Auto-Submitted: auto-replied (vacation)", True),
        ("Auto-Submitted: auto-generated; owner=x", True),
        ("Precedence: bulk", True),
        ("Precedence: List", True),
        ("Precedence: first-class", False),
        ("List-Id: <x.example>", True),
        ("List-Unsubscribe: <https://x.example>", True),
        ("Return-Path: <>", True),
        ("Return-Path: <ann@customer.example>", False),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", True),
        ("X-Auto-Response-Suppress: DR, RN", False),
        ("X-Autoreply: yes", True),
    ],
)
def test_what_machines_write_is_known(header: str, auto: bool) -> None:
    assert read((f"{header}\r\n" if header else "") + HEAD + "\r\nx").auto is auto


@pytest.mark.parametrize("sender", ["MAILER-DAEMON@x", "postmaster@x.example", "no-reply@x", "bounces+1=a@x"])
def test_robots_are_known_by_name(sender: str) -> None:
    assert read(f"From: {sender}\r\n\r\nx").auto


def ordinary(**changes: Any) -> MessageReceived:
    plain = MessageReceived(
        account="help@desk.example",
        dedupe_key="k",
        external_id="<m@x>",
        sender=Sender([Claim("email", "ann@customer.example", False)]),
        address="ann@customer.example",
        parts=[Text("hi")],
    )
    return msgspec.structs.replace(plain, **changes)


@pytest.mark.parametrize(
    ("message", "hour", "day", "allowed"),
    [
        (ordinary(), 0, 0, True),
        (ordinary(), 1, 4, True),
        (ordinary(), 2, 2, False),
        (ordinary(), 0, 5, False),
        (ordinary(auto=True), 0, 0, False),
        (ordinary(backfill=True), 0, 0, False),
        (ordinary(address="Sales@desk.example"), 0, 0, False),
        (ordinary(sender=Sender([Claim("email", "sales@desk.example")])), 0, 0, False),
        (ordinary(address="noreply@customer.example"), 0, 0, False),
        (ordinary(sender=Sender([])), 0, 0, False),
    ],
)
def test_an_automatic_answer_never_starts_a_loop(
    message: MessageReceived, hour: int, day: int, allowed: bool
) -> None:
    own = ["help@desk.example", "sales@Desk.example"]
    verdict = auto_reply(message, own=own, last_hour=hour, last_day=day)
    assert verdict.allowed is allowed
    assert bool(verdict.reason) is not allowed


def test_caps_are_the_callers_to_set() -> None:
    generous = auto_reply(ordinary(), own=[], last_hour=5, last_day=9, caps=Caps(10, 10))
    assert generous == Verdict(True)


# -- replies -------------------------------------------------------------------------------------------------

QUOTE = "> 您好\n> hello"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("On Mon, 1 Jun 2026 at 10:00, Bob <b@x.example> wrote:", "English"),
        ("On Mon, 1 Jun 2026 at 10:00, Bob\n<b@x.example> wrote:", "English, broken line"),
        ("在 2026年6月1日，张三 <a@b.example> 写道：", "Chinese"),
        ("2026年6月1日 下午3:20，张三 <a@b.example> 写道：", "Chinese, Apple"),
        ("于 2026/6/1 10:00, Bob 写道:", "Chinese, Thunderbird"),
        ('At 2026-06-01 10:00:00, "张三" <a@b.example> wrote:', "NetEase"),
        ("---- 回复的原邮件 ----\n| 发件人 | 张三 |", "NetEase, new"),
        ('------------------ 原始邮件 ------------------\n发件人: "x" <a@b.example>;', "QQ"),
        (
            "发件人： 张三 <a@b.example>\n发送时间： 2026年6月1日 10:00\n收件人： x\n主题： y",
            "Outlook, Chinese",
        ),
        ("寄件者: 張三 <a@b.example>\n寄件日期: 2026年6月1日\n收件者: x\n主旨: y", "Outlook, traditional"),
        ("From: Bob <b@x.example>\nSent: Monday, 1 June 2026\nTo: x\nSubject: y", "Outlook"),
        ("________________________________\nFrom: Bob <b@x.example>\nSent: Monday", "Outlook, web"),
        ("-----Original Message-----\nFrom: Bob <b@x.example>", "Outlook, old"),
        ("Am 01.06.2026 um 10:00 schrieb Bob <b@x.example>:", "German"),
        ("Le 1 juin 2026 à 10:00, Bob <b@x.example> a écrit :", "French"),
        ("El 1 jun 2026, a las 10:00, Bob <b@x.example> escribió:", "Spanish"),
        ("2026年6月1日(月) 10:00 Bob <b@x.example>:", "Japanese"),
        ("2026년 6월 1일 (월) 오전 10:00, Bob <b@x.example>님이 작성:", "Korean"),
    ],
)
def test_history_is_folded_in_every_language(header: str, language: str) -> None:
    assert fold(f"好的 OK\n第二行\n\n{header}\n{QUOTE}\n") == ("好的 OK\n第二行", f"{header}\n{QUOTE}"), (
        language
    )


@pytest.mark.parametrize(
    "words",
    [
        "On the other hand he wrote:\nbye",
        "> only\n> quoted",
        "---------- Forwarded message ---------\nFrom: A <a@b.example>\nDate: Mon\nSubject: x\n\nbody",
        "On 1 Jun, Bob wrote:\n> q1?\nyes\n> q2?\nno",
        "From: here to there I went.\nIt was far.",
        "发件人地址写错了，请改成 a@b.example",
    ],
)
def test_what_cannot_be_told_apart_stays_in_sight(words: str) -> None:
    assert fold(words) == (words, "")


def test_an_answer_below_the_quotation_is_the_new_part() -> None:
    assert fold(f"On 1 Jun, Bob wrote:\n{QUOTE}\n\n我的回答在下面。") == (
        "我的回答在下面。",
        f"On 1 Jun, Bob wrote:\n{QUOTE}",
    )


@pytest.mark.parametrize(
    "line",
    ["On " + "a " * 120, "> " * 150, "From: x", "From:" + " " * 195, "2026年1月1日" + "写" * 190, "-" * 200,
     "在 " + "写 道" * 60, "Am " + "a " * 98, "Le " + "a " * 98, "2026 " * 40],
)  # fmt: skip
def test_a_text_built_to_exhaust_the_patterns_takes_moments(line: str) -> None:
    begin = time.process_time()
    fold((line + "\n") * 5000)
    assert time.process_time() - begin < 2


# -- the door ------------------------------------------------------------------------------------------------


def test_there_is_no_webhook() -> None:
    channel = EmailChannel(CONFIG, io=None)  # type: ignore[arg-type]  # verify touches nothing outside
    request = RawRequest("MAIL", "", {}, {}, HEAD.encode(), datetime.now(UTC))
    channel.verify(request)
    for method in ("POST", "GET", "mail", ""):
        with pytest.raises(BadSignature):
            channel.verify(msgspec.structs.replace(request, method=method))
