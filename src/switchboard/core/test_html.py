"""HTML from outside: what must vanish, what must stay, and documents built to exhaust the reader."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.core.html import html_of, sanitise, text_of

LOADS = re.compile(
    r"<[^>]*\s(?:src|srcset|background|poster|data|action|formaction|on\w+)\s*=", re.IGNORECASE
)

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src='http://t.example/pixel.gif'>",
    '<img srcset="http://t.example/a.png 2x">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#115;cript:alert(1)">x</a>',
    '<a href=" data:text/html,<script>alert(1)</script>">x</a>',
    '<div style="background:url(http://t.example/x)">x</div>',
    '<div style="background-image:u\\72l(http://t.example)">x</div>',
    '<div style="color:url(http://t.example/x)">x</div>',
    '<div style="position:fixed;inset:0">x</div>',
    "<style>@import 'http://t.example/x.css'</style>",
    '<base href="http://t.example"><meta http-equiv="refresh" content="0;url=http://t.example">',
    '<table background="http://t.example/x"><tr><td background="http://t.example/y">x</td></tr></table>',
    '<form action="http://t.example"><input type="image" src="http://t.example/i.png"></form>',
    '<svg onload="alert(1)"><image href="http://t.example/x.png"/></svg>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=a()&gt;">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    '<iframe src="http://t.example"></iframe><object data="http://t.example"></object><embed src="//t">',
    '<video poster="http://t.example/p.png" src="http://t.example/v.mp4"></video>',
    '<link rel="stylesheet" href="http://t.example/x.css">',
    '<body background="http://t.example/b.png" onload="alert(1)">x</body>',
    '<img src="data:image/svg+xml;base64,PHN2Zy8+">',
    '<img alt=" src=&quot;http://t.example&quot;" data-src="javascript:alert(1)">',
    "<<script>script>alert(1)<</script>/script>",
]


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_runs_and_nothing_is_fetched(html: str) -> None:
    clean = sanitise(html)
    assert not LOADS.search(clean), clean
    assert not re.search(
        r"<(?:script|style|iframe|object|embed|svg|math|form|input|meta|base|link|video)", clean
    )
    assert not re.search(r'href="(?!https?:|mailto:|tel:)', clean), clean
    assert "url(" not in clean, clean
    assert "position" not in clean, clean
    assert "svg+xml" not in clean, clean
    assert 'data-src="javascript' not in clean, clean


@given(
    st.lists(
        st.sampled_from([*HOSTILE, "<b>", "</b>", "<p>", "</p>", "<!--", "-->", "<", '"', "'", "x"]),
        max_size=8,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_mixture_of_hostile_pieces_gets_through(pieces: list[str]) -> None:
    clean = sanitise("".join(pieces))
    assert not LOADS.search(re.sub(r'"[^"]*"', '""', clean)), clean
    assert sanitise(clean).count("<img") == clean.count("<img")


def test_pictures_keep_their_place() -> None:
    clean = sanitise('<img src="cid:logo@mail" alt="Logo"><img src=https://a.example/b.png width=40>')
    assert clean == '<img data-cid="logo@mail" alt="Logo"><img data-src="https://a.example/b.png" width="40">'


def test_links_open_elsewhere_and_tell_nobody() -> None:
    clean = sanitise('<a href="https://a.example/?a=1&b=2" target="_self">x</a>')
    assert clean == (
        '<a href="https://a.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">x</a>'
    )


def test_the_look_of_an_ordinary_mail_stays() -> None:
    mail = '<div style="color:red; float:left"><table><tr><td width="10">你好</td></tr></table></div>'
    assert sanitise(mail) == (
        '<div style="color:red"><table><tbody><tr><td width="10">你好</td></tr></tbody></table></div>'
    )
    assert sanitise("a < b && c > d") == "a &lt; b &amp;&amp; c &gt; d"
    assert (
        sanitise("<p>a<p>b<ul><li>1<li><b>2</b></ul>")
        == "<p>a</p><p>b</p><ul><li>1</li><li><b>2</b></li></ul>"
    )
    assert sanitise("<!--[if mso]><p>x</p><![endif]--><![if !mso]>shown<![endif]>") == "shown"


def fonts(count: int) -> str:
    """Return a paragraph that leaves that many different elements open."""
    return "<p>" + "".join(f"<font color=c{index}>" for index in range(count)) + "</p>"


@pytest.mark.parametrize(
    ("name", "html"),
    [
        ("reopened formatting", fonts(1500) + "<p>x</p>" * 1000),
        ("reopened by blocks that end paragraphs", fonts(90)[:-4] + "<center>x</center>" * 9000),
        ("deep", "<div>" * 200_000),
        ("deep tables", "<table><tr><td>" * 60_000),
        ("unclosed tag", "<a " * 600_000),
        ("unclosed quote", '<a "' * 500_000),
        ("unclosed comments", "<!--" * 500_000),
        ("unclosed scripts", "<script" * 200_000),
        ("one long attribute name", "<a " + "a" * 1_000_000 + ">"),
        ("brackets", "<" * 1_000_000),
        ("entities", "&amp" * 500_000),
        ("closing only", "</b>" * 400_000),
    ],
)
def test_a_document_built_to_exhaust_the_reader_takes_moments(name: str, html: str) -> None:
    begin = time.process_time()
    assert len(sanitise(html)) < 20 * len(html)
    assert time.process_time() - begin < 4, name


def test_words_of_a_mail() -> None:
    html = (
        "<style>p{}</style><p>你好，</p><p>请看 <a href='https://a.example/x'>这里</a><br>谢谢</p>"
        "<blockquote>old<blockquote>older</blockquote></blockquote><ul><li>1<li>2</ul><pre>a\n  b</pre>"
        "<table><tr><td>价格<td>12&nbsp;元</table>"
    )
    greeting = "你好，\n\n请看 这里 (https://a.example/x)\n谢谢\n\n"
    assert text_of(html) == f"{greeting}> old\n>\n> > older\n>\n- 1\n- 2\n\na\n  b\n\n价格 12 元"


def test_plain_text_becomes_simple_html() -> None:
    link = '<a href="https://a.example/x?a=1&amp;b=2">https://a.example/x?a=1&amp;b=2</a>'
    text = ["a <b>\nc", "见 https://a.example/x?a=1&b=2。"]
    assert html_of(text) == f"<p>a &lt;b&gt;<br>c</p><p>见 {link}。</p>"
