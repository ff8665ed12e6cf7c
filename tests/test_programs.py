"""The programs that other tests rely on answer: Dovecot by both protocols, Chromium with Chinese letters."""

import imaplib
import poplib
import subprocess
from pathlib import Path

from PIL import Image

from tests.plugins.programs import Mailbox


def test_dovecot_hands_out_a_delivered_mail(dovecot: Mailbox) -> None:
    mail = dovecot.maildir / "new" / "1.test"
    mail.write_bytes(b"Subject: hello\r\n\r\nbody\r\n")
    try:
        imap = imaplib.IMAP4(dovecot.host, dovecot.imap_port)
        imap.login(dovecot.user, dovecot.password)
        assert imap.select()[1] == [b"1"]
        assert b"IDLE" in imap.capability()[1][0]
        imap.logout()
        pop3 = poplib.POP3(dovecot.host, dovecot.pop3_port)
        pop3.user(dovecot.user)
        pop3.pass_(dovecot.password)
        assert pop3.retr(1)[1] == [b"Subject: hello", b"", b"body"]
        pop3.quit()
    finally:
        for left in dovecot.maildir.rglob("1.test*"):
            left.unlink()


def test_chromium_draws_chinese_letters(chromium: str, tmp_path: Path) -> None:
    """Different words give different pictures; without a font every letter would be the same empty box."""
    pictures = [draw(chromium, tmp_path, word) for word in ("客服", "渠道", "客服")]
    assert pictures[0] != pictures[1]
    assert pictures[0] == pictures[2]


def draw(chromium: str, place: Path, word: str) -> bytes:
    page, picture = place / "page.html", place / "picture.png"
    page.write_text(f'<meta charset="utf-8"><body style="font-size:48px">{word}')
    quiet = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command = [chromium, *quiet, f"--user-data-dir={place}/profile", "--window-size=200,120"]
    subprocess.run(
        [*command, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True, timeout=60
    )
    with Image.open(picture) as image:
        return image.convert("L").tobytes()
