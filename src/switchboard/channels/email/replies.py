"""Parts what somebody wrote from the history their mail program put below (or above) it. Pure."""

import re

from mailparser_reply import EmailReplyParser
from mailparser_reply.parser import EmailMessage

# The library's patterns are polynomial in the length of a line, and mails come from strangers.
_MAX_LINE = 200
_MAX_LINES = 400

# Headers of quoted history that the library doesn't know: Chinese programs, and forwarding lines in general.
_WROTE = r"(?:写道|写到|寫道|编写|编寫|wrote)\ ?[:：]"
_ORIGINAL = r"(?:回复的)?原(?:始)?[邮郵]件|邮件原件|转发的邮件|转发邮件信息|轉寄郵件|Forwarded\ message"
_FROM = r"\*?(?:发件人|寄件者|寄件人)\*?\ ?[:：]"
_NEXT = r"\*?(?:发送时间|日期|时间|收件人|寄件日期|收件者|主题|抄送)\*?\ ?[:：]"
_CHINESE = re.compile(
    rf"""^[>\ ]*+(?:
      (?:在|于)?\ ?\d{{4}}\s?[年/-]\s?\d{{1,2}}\s?[月/-]\s?\d{{1,2}}(?:\s?日)?.{{0,150}}{_WROTE}
    | (?:在|于|At)\ ?.{{4,150}}{_WROTE}
    | [-=_*\s]{{2,60}}(?:{_ORIGINAL})[-=_*\s:：]{{2,60}}
    | {_FROM}.{{1,190}}\n[>\ ]*+{_NEXT}
    | \*?From:\ ?.{{1,190}}\n[>\ ]*+\*?(?:Sent|Date|To|Subject|Cc):
    | _{{20,}}\n[>\ ]*+\*?(?:From|发件人|Von|De|Da)\ ?[:：]
    )""",
    re.MULTILINE | re.VERBOSE | re.IGNORECASE,
)
_LANGUAGES = ["en", "zh", "de", "fr", "es", "it", "nl", "ja", "ko", "pl", "sv", "da", "cs"]
_LIBRARY = EmailMessage(text="", languages=EmailReplyParser(_LANGUAGES).languages).HEADER_REGEX
_SIGNATURE = re.compile(
    r"--\s?$|_{3,}$|(?:发自|来自)我?的?|Sent from |Get Outlook|Von meinem ", re.IGNORECASE
)


def fold(text: str) -> tuple[str, str]:
    """Return (what is new, what is quoted). Where telling them apart is unsafe, all of it is new."""
    lines = text.split("\n")
    start = _history(lines)
    if start is None:
        return text.strip(), ""
    head, tail = lines[:start], lines[start:]
    answers = _answers_below(tail)
    if answers is None:
        return text.strip(), ""
    quoted, below = tail[:answers], tail[answers:]
    new = "\n".join([*head, *below]).strip()
    if not new:
        return text.strip(), ""
    return new, "\n".join(quoted).strip()


def _history(lines: list[str]) -> int | None:
    """Return the line at which quoted history begins."""
    view = "\n".join(line.strip()[:_MAX_LINE] for line in lines[:_MAX_LINES])
    found = [match.start() for match in (_CHINESE.search(view), _LIBRARY.search(view)) if match]
    starts = []
    if found:
        at = min(found)
        # A pattern may begin with the line end before its first word.
        while view[at : at + 1].isspace():
            at += 1
        line = view.count("\n", 0, at)
        # "On the other hand she wrote:" is no header: those hold a time or an address.
        if re.search(r"[\d@<]|[-_]{4}|^>", "\n".join(lines[line : line + 3]), re.MULTILINE):
            starts.append(line)
    block = next((index for index, line in enumerate(lines) if line.startswith(">")), None)
    if block is not None:
        starts.append(_introduction(lines, block))
    return min(starts) if starts else None


def _introduction(lines: list[str], block: int) -> int:
    """Return where a marked quotation begins: with the line that introduces it, in whatever language."""
    above = block - 1
    while above > 0 and not lines[above].strip():
        above -= 1
    line = lines[above].rstrip() if above >= 0 else ""
    introduces = line.endswith((":", "：")) and len(line) < _MAX_LINE and re.search(r"\d.*[@<]", line)
    return above if introduces else block


def _answers_below(tail: list[str]) -> int | None:
    """Return where, below the quotation, the person's own words go on (the end, when they don't).

    None when words and quotations take turns: such an answer makes no sense without what it answers.
    """
    marked = [index for index, line in enumerate(tail) if line.startswith(">")]
    if not marked:
        return len(tail)
    first = marked[0]
    own = [at for at, line in enumerate(tail[first:], first) if line.strip() and not line.startswith(">")]
    if not own:
        return len(tail)
    if _SIGNATURE.match(tail[own[0]].strip()) or _continues(tail, own, marked):
        return len(tail)
    return own[0] if own[0] > marked[-1] else None


def _continues(tail: list[str], own: list[int], marked: list[int]) -> bool:
    """Tell whether unmarked lines are the overlong ends of quoted ones, as some programs break them."""
    return all(index - 1 in marked and len(tail[index - 1]) > 60 and len(tail[index]) < 40 for index in own)
