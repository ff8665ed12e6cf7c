"""What an administrator fills in for one mailbox."""

from typing import Annotated, Literal

import msgspec

from switchboard.channels.api import field, secret

Security = Literal["tls", "starttls", "plain"]

_SECURITY = (
    "tls: encrypted from the start. starttls: after a greeting. plain: never; only in your own network.",
    "tls：全程加密。starttls：先握手再加密。plain：不加密，只可在自己的内网使用。",
)


class EmailConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One mailbox: where mail is fetched, where it is sent, and as whom."""

    address: Annotated[
        str,
        field(
            "E-mail address",
            "邮箱地址",
            "Customers write to it and get answers from it",
            "客户写信到此，也由此收到回复",
        ),
    ]
    display_name: Annotated[
        str,
        field("Sender name", "发件人名称", "Shown to customers beside the address", "显示在地址旁，客户可见"),
    ] = ""
    incoming: Annotated[
        Literal["imap", "pop3"],
        field("Incoming protocol", "收信协议", "IMAP where there is a choice", "两者都支持时请选 IMAP"),
    ] = "imap"
    incoming_host: Annotated[str, field("Incoming server", "收信服务器")]
    incoming_port: Annotated[
        int,
        field(
            "Incoming port",
            "收信端口",
            "IMAP 993 (starttls 143), POP3 995 (starttls 110); 0 chooses by itself",
            "IMAP 993（starttls 为 143），POP3 995（starttls 为 110）；填 0 自动选择",
        ),
        msgspec.Meta(ge=0, le=65535),
    ] = 0
    incoming_security: Annotated[Security, field("Incoming encryption", "收信加密方式", *_SECURITY)] = "tls"
    smtp_host: Annotated[str, field("Outgoing server (SMTP)", "发信服务器（SMTP）")]
    smtp_port: Annotated[
        int,
        field(
            "Outgoing port",
            "发信端口",
            "465 (tls), 587 (starttls); 0 chooses by itself",
            "465（tls）或 587（starttls）；填 0 自动选择",
        ),
        msgspec.Meta(ge=0, le=65535),
    ] = 0
    smtp_security: Annotated[Security, field("Outgoing encryption", "发信加密方式", *_SECURITY)] = "tls"
    user: Annotated[
        str,
        field(
            "User name",
            "用户名",
            "Usually the address; empty means the address",
            "通常就是邮箱地址；留空即用邮箱地址",
        ),
    ] = ""
    password: Annotated[
        str,
        secret(
            "Password or authorisation code",
            "密码或授权码",
            "Many providers want an app password made for this purpose",
            "多数服务商要求使用专门生成的授权码",
        ),
    ] = ""
    access_token: Annotated[
        str,
        secret(
            "OAuth access token",
            "OAuth 访问令牌",
            "Used instead of the password (XOAUTH2) where it is filled in",
            "填写后代替密码登录（XOAUTH2）",
        ),
    ] = ""
    smtp_user: Annotated[
        str,
        field("Outgoing user name", "发信用户名", "Only where it differs from the above", "与上面不同时才填"),
    ] = ""
    smtp_password: Annotated[
        str,
        secret("Outgoing password", "发信密码", "Only where it differs from the above", "与上面不同时才填"),
    ] = ""
    signature: Annotated[
        str,
        field(
            "Signature",
            "签名",
            "Plain text below every mail sent",
            "附在每封外发邮件末尾的纯文本",
            **{"x-lines": 4},
        ),
    ] = ""
    folder: Annotated[str, field("Folder", "文件夹", "IMAP only", "仅 IMAP")] = "INBOX"
    backfill_days: Annotated[
        int,
        field(
            "Days of old mail to fetch",
            "首次导入天数",
            "At the first connection; 0 means none",
            "首次连接时；0 表示不导入",
        ),
        msgspec.Meta(ge=0, le=365),
    ] = 3
    poll_seconds: Annotated[
        int,
        field(
            "Seconds between looks",
            "轮询间隔（秒）",
            "POP3, and IMAP servers that can't announce new mail",
            "用于 POP3，以及不支持新邮件通知的 IMAP 服务器",
        ),
        msgspec.Meta(ge=1, le=3600),
    ] = 60
    after: Annotated[
        Literal["keep", "seen", "delete"],
        field(
            "Mail that has been fetched",
            "取回后的邮件",
            "keep: left as it is. seen: marked as read. delete: removed.",
            "keep：保持原样。seen：标为已读。delete：从服务器删除。",
        ),
    ] = "keep"
    trusted_authserv_id: Annotated[
        str,
        field(
            "Trusted authentication server",
            "可信认证服务器",
            "First word of the header Authentication-Results that your mail server adds. With it, senders "
            "that pass DMARC count as verified; without it, none does.",
            "贵方邮件服务器所加 Authentication-Results 邮件头的第一个词。"
            "填写后，通过 DMARC 的发件人视为已验证；不填则一律视为未验证。",
        ),
    ] = ""
    plus_addresses: Annotated[
        bool,
        field(
            "Reply address with a token",
            "带标记的回信地址",
            "Answers go to name+token@…, so that replies find their conversation even when a mail program "
            "drops the thread. The mailbox must accept plus addresses.",
            "回信寄到 name+标记@…，即使客户的邮件程序丢失会话信息也能归入原会话。邮箱须支持加号地址。",
        ),
    ] = False

    def login(self) -> str:
        """Return the name to sign in with at the incoming server."""
        return self.user or self.address

    def ports(self) -> tuple[int, int]:
        """Return the incoming and outgoing ports, the usual ones where none is given."""
        usual = {"imap": (993, 143), "pop3": (995, 110)}[self.incoming]
        incoming = self.incoming_port or (usual[0] if self.incoming_security == "tls" else usual[1])
        by_security = {"tls": 465, "starttls": 587, "plain": 25}
        return incoming, self.smtp_port or by_security[self.smtp_security]
