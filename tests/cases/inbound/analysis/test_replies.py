"""The new text of a mail, in the forms of the mail programs and their languages."""

from __future__ import annotations

import pytest

from tests.cases.inbound.analysis.mails import analysed, mail

NEW = "The lamp is still dark.\n\nCan you send another one?"
OLD = "Please restart the lamp."

# (language and program, the line or lines above the quote)
ATTRIBUTIONS = [
    ("en gmail", "On Fri, Jan 5, 2024 at 10:12 AM Acme Support <support@acme.example> wrote:"),
    (
        "en gmail wrapped",
        "On Fri, Jan 5, 2024 at 10:12 AM Acme Support With A Long Name <\nsupport@acme.example> wrote:",
    ),
    ("en apple", "On Jan 5, 2024, at 10:12 AM, Acme Support <support@acme.example> wrote:"),
    ("en apple uk", "On 5 Jan 2024, at 10:12, Acme Support <support@acme.example> wrote:"),
    ("en thunderbird", "On 05/01/2024 10:12, Acme Support wrote:"),
    ("en yahoo", "On Friday, January 5, 2024 at 10:12:13 AM GMT+1, Acme Support <support@acme.example> wrote:"),
    ("en proton", "On Friday, January 5th, 2024 at 10:12 AM, Acme Support <support@acme.example> wrote:"),
    ("en zoho", "---- On Fri, 05 Jan 2024 10:12:13 +0100 Acme Support <support@acme.example> wrote ----"),
    ("en mutt", "On Fri, Jan 05, 2024 at 10:12:13AM +0100, Acme Support wrote:"),
    ("en notes", "Acme Support <support@acme.example> wrote on 01/05/2024 10:12:13 AM:"),
    ("en three lines", "On Fri, Jan 5, 2024 at 10:12 AM\nAcme Support\n<support@acme.example> wrote:"),
    ("de gmail", "Am Fr., 5. Jan. 2024 um 10:12 Uhr schrieb Acme Support <support@acme.example>:"),
    ("de gmail wrapped", "Am Fr., 5. Jan. 2024 um 10:12 Uhr schrieb Acme Support <\nsupport@acme.example>:"),
    ("de apple", "Am 05.01.2024 um 10:12 schrieb Acme Support <support@acme.example>:"),
    ("de thunderbird", "Am 05.01.24 um 10:12 schrieb Acme Support:"),
    ("de proton", "Acme Support <support@acme.example> schrieb am Freitag, 5. Januar 2024 um 10:12:"),
    ("de horde", "Zitat von Acme Support <support@acme.example>:"),
    ("fr gmail", "Le ven. 5 janv. 2024 à 10:12, Acme Support <support@acme.example> a écrit :"),
    ("fr gmail nbsp", "Le ven. 5 janv. 2024 à 10:12, Acme Support <support@acme.example> a\nécrit :"),
    ("fr apple", "Le 5 janv. 2024 à 10:12, Acme Support <support@acme.example> a écrit :"),
    ("fr thunderbird", "Le 05/01/2024 à 10:12, Acme Support a écrit :"),
    ("es gmail", "El vie, 5 ene 2024 a las 10:12, Acme Support (<support@acme.example>) escribió:"),
    ("es apple", "El 5 ene 2024, a las 10:12, Acme Support <support@acme.example> escribió:"),
    ("it gmail", "Il giorno ven 5 gen 2024 alle ore 10:12 Acme Support <support@acme.example> ha scritto:"),
    ("it apple", "Il giorno 5 gen 2024, alle ore 10:12, Acme Support <support@acme.example> ha scritto:"),
    ("it thunderbird", "Il 05/01/2024 10:12, Acme Support ha scritto:"),
    ("nl gmail", "Op vr 5 jan 2024 om 10:12 schreef Acme Support <support@acme.example>:"),
    ("nl apple", "Op 5 jan. 2024 om 10:12 heeft Acme Support <support@acme.example> het volgende geschreven:"),
    ("pt gmail", "Em sex., 5 de jan. de 2024 às 10:12, Acme Support <support@acme.example> escreveu:"),
    ("pt gmail pt", "Acme Support <support@acme.example> escreveu (sexta, 5/01/2024 à(s) 10:12):"),
    ("pt apple", "No dia 05/01/2024, às 10:12, Acme Support <support@acme.example> escreveu:"),
    ("pl gmail", "pt., 5 sty 2024 o 10:12 Acme Support <support@acme.example> napisał(a):"),
    ("pl apple", "Wiadomość napisana przez Acme Support <support@acme.example> w dniu 5 sty 2024, o godz. 10:12:"),
    ("pl thunderbird", "W dniu 05.01.2024 o 10:12, Acme Support pisze:"),
    ("ru gmail", "пт, 5 янв. 2024 г. в 10:12, Acme Support <support@acme.example>:"),
    ("ru apple", "5 янв. 2024 г., в 10:12, Acme Support <support@acme.example> написал(а):"),
    ("ru yandex", '05.01.2024, 10:12, "Acme Support" <support@acme.example>:'),
    ("ru mail.ru", "Пятница, 5 января 2024, 10:12 +03:00 от Acme Support <support@acme.example>:"),
    ("ru thunderbird", "05.01.2024 10:12, Acme Support пишет:"),
    ("uk gmail", "пт, 5 січ. 2024 р. о 10:12 Acme Support <support@acme.example> пише:"),
    ("uk apple", "5 січ. 2024 р. о 10:12 Acme Support <support@acme.example> написав:"),
    ("cs gmail", "pá 5. 1. 2024 v 10:12 odesílatel Acme Support <support@acme.example> napsal:"),
    ("cs apple", "5. 1. 2024 v 10:12, Acme Support <support@acme.example>:"),
    ("cs thunderbird", "Dne 05. 01. 24 v 10:12 Acme Support napsal(a):"),
    ("sv gmail", "Den fre 5 jan. 2024 kl 10:12 skrev Acme Support <support@acme.example>:"),
    ("sv apple", "5 jan. 2024 kl. 10:12 skrev Acme Support <support@acme.example>:"),
    ("sv thunderbird", "Den 2024-01-05 kl. 10:12, skrev Acme Support:"),
    ("da gmail", "Den fre. 5. jan. 2024 kl. 10.12 skrev Acme Support <support@acme.example>:"),
    ("da apple", "Den 5. jan. 2024 kl. 10.12 skrev Acme Support <support@acme.example>:"),
    ("nb gmail", "fre. 5. jan. 2024 kl. 10:12 skrev Acme Support <support@acme.example>:"),
    ("nb apple", "5. jan. 2024 kl. 10:12 skrev Acme Support <support@acme.example>:"),
    ("fi gmail", "pe 5. tammik. 2024 klo 10.12 Acme Support (support@acme.example) kirjoitti:"),
    ("fi apple", "Acme Support <support@acme.example> kirjoitti 5.1.2024 kello 10.12:"),
    ("tr gmail", "Acme Support <support@acme.example>, 5 Oca 2024 Cum, 10:12 tarihinde şunu yazdı:"),
    ("tr apple", "Acme Support <support@acme.example> şunları yazdı (5 Oca 2024 10:12):"),
    ("ja gmail", "2024年1月5日(金) 10:12 Acme Support <support@acme.example>:"),
    ("ja apple", "2024/01/05 10:12、Acme Support <support@acme.example>のメール:"),
    ("ja thunderbird", "On 2024/01/05 10:12, Acme Support wrote:"),
    ("zh-cn gmail", "Acme Support <support@acme.example> 于2024年1月5日周五 10:12写道："),
    ("zh-cn apple", "2024年1月5日 10:12，Acme Support <support@acme.example> 写道："),
    ("zh-tw gmail", "Acme Support <support@acme.example> 於 2024年1月5日 週五 上午10:12寫道："),
    ("ko gmail", "2024년 1월 5일 (금) 오전 10:12, Acme Support <support@acme.example>님이 작성:"),
    ("ko apple", "2024. 1. 5. 오전 10:12, Acme Support <support@acme.example> 작성:"),
    ("hu gmail", "Acme Support <support@acme.example> ezt írta (időpont: 2024. jan. 5., P, 10:12):"),
    ("ro gmail", "În vin., 5 ian. 2024 la 10:12, Acme Support <support@acme.example> a scris:"),
    ("el gmail", "Στις Παρ 5 Ιαν 2024 στις 10:12 π.μ., ο χρήστης Acme Support <support@acme.example> έγραψε:"),
    (
        "he gmail",
        (
            "\u202bבתאריך יום ו׳, 5 בינו׳ 2024 ב-10:12 מאת \u202aAcme Support\u202c\u200f "
            "<\u202asupport@acme.example\u202c\u200f>:\u202c"
        ),
    ),
    ("ar gmail", "في الجمعة، 5 يناير 2024 في 10:12 ص تمت كتابة ما يلي بواسطة Acme Support <support@acme.example>:"),
    ("vi gmail", "Vào Th 6, 5 thg 1, 2024 vào lúc 10:12 Acme Support <support@acme.example> đã viết:"),
    ("id gmail", "Pada tanggal Jum, 5 Jan 2024 pukul 10.12 Acme Support <support@acme.example> menulis:"),
    ("bg gmail", "На пт, 5.01.2024 г. в 10:12 Acme Support <support@acme.example> написа:"),
]

# (language and program, the header block above the earlier mail)
HEADER_BLOCKS = [
    (
        "en outlook web",
        (
            "________________________________\n"
            "From: Acme Support <support@acme.example>\n"
            "Sent: Friday, January 5, 2024 10:12 AM\n"
            "To: Casey <casey@example.net>\n"
            "Subject: Re: Lamp"
        ),
    ),
    (
        "en outlook classic",
        (
            "-----Original Message-----\nFrom: Acme Support [mailto:support@acme.example]\n"
            "Sent: Friday, January 5, 2024 10:12 AM\n"
            "To: Casey\nSubject: Re: Lamp"
        ),
    ),
    (
        "en outlook bold",
        (
            "*From:* Acme Support <support@acme.example>\n"
            "*Sent:* Friday, January 5, 2024 10:12 AM\n"
            "*To:* Casey <casey@example.net>\n"
            "*Cc:* Kim <kim@example.net>; Lee\n"
            "<lee@example.net>\n*Subject:* Re: Lamp"
        ),
    ),
    (
        "en outlook mac",
        (
            "From: Acme Support <support@acme.example>\n"
            "Date: Friday, January 5, 2024 at 10:12 AM\n"
            "To: Casey <casey@example.net>\n"
            "Subject: Re: Lamp"
        ),
    ),
    (
        "en outlook ios",
        (
            "Get Outlook for iOS<https://aka.ms/o0ukef>\n"
            "________________________________\n"
            "From: Acme Support <support@acme.example>\n"
            "Sent: Friday, January 5, 2024 10:12:13 AM\n"
            "To: Casey <casey@example.net>\n"
            "Subject: Re: Lamp"
        ),
    ),
    (
        "en roundcube",
        (
            "-------- Original Message --------\n"
            "Subject: Re: Lamp\nDate: 2024-01-05 10:12\n"
            "From: Acme Support <support@acme.example>\n"
            "To: casey@example.net"
        ),
    ),
    (
        "en samsung",
        (
            "-------- Original message --------\n"
            "From: Acme Support <support@acme.example>\n"
            "Date: 05/01/2024 10:12 (GMT+01:00)\n"
            "To: casey@example.net\nSubject: Re: Lamp"
        ),
    ),
    (
        "en notes",
        (
            "From:        Acme Support <support@acme.example>\n"
            "To:        casey@example.net\nDate:        01/05/2024 10:12 AM\n"
            "Subject:        Re: Lamp"
        ),
    ),
    (
        "de",
        (
            "Von: Acme Support <support@acme.example>\n"
            "Gesendet: Freitag, 5. Januar 2024 10:12\n"
            "An: Casey <casey@example.net>\n"
            "Betreff: AW: Lampe"
        ),
    ),
    (
        "de classic",
        (
            "-----Ursprüngliche Nachricht-----\n"
            "Von: Acme Support\nGesendet: Freitag, 5. Januar 2024 10:12\n"
            "An: Casey\nBetreff: AW: Lampe"
        ),
    ),
    (
        "de gmx",
        (
            "Gesendet: Freitag, 05. Januar 2024 um 10:12 Uhr\n"
            'Von: "Acme Support" <support@acme.example>\n'
            "An: casey@example.net\nBetreff: Re: Lampe"
        ),
    ),
    (
        "fr",
        (
            "De : Acme Support <support@acme.example>\n"
            "Envoyé : vendredi 5 janvier 2024 10:12\n"
            "À : Casey <casey@example.net>\n"
            "Objet : RE: Lampe"
        ),
    ),
    (
        "fr classic",
        (
            "-----Message d'origine-----\nDe : Acme Support\n"
            "Envoyé : vendredi 5 janvier 2024 10:12\n"
            "À : Casey\nObjet : RE: Lampe"
        ),
    ),
    (
        "es",
        (
            "De: Acme Support <support@acme.example>\n"
            "Enviado: viernes, 5 de enero de 2024 10:12\n"
            "Para: Casey <casey@example.net>\n"
            "Asunto: RE: Lámpara"
        ),
    ),
    (
        "es classic",
        (
            "-----Mensaje original-----\nDe: Acme Support\n"
            "Enviado el: viernes, 5 de enero de 2024 10:12\n"
            "Para: Casey\nAsunto: RE: Lámpara"
        ),
    ),
    (
        "it",
        (
            "Da: Acme Support <support@acme.example>\n"
            "Inviato: venerdì 5 gennaio 2024 10:12\n"
            "A: Casey <casey@example.net>\nOggetto: R: Lampada"
        ),
    ),
    (
        "nl",
        (
            "Van: Acme Support <support@acme.example>\n"
            "Verzonden: vrijdag 5 januari 2024 10:12\n"
            "Aan: Casey <casey@example.net>\n"
            "Onderwerp: RE: Lamp"
        ),
    ),
    (
        "pt",
        (
            "De: Acme Support <support@acme.example>\n"
            "Enviada em: sexta-feira, 5 de janeiro de 2024 10:12\n"
            "Para: Casey <casey@example.net>\n"
            "Assunto: RES: Lâmpada"
        ),
    ),
    (
        "pl",
        (
            "Od: Acme Support <support@acme.example>\n"
            "Wysłano: piątek, 5 stycznia 2024 10:12\n"
            "Do: Casey <casey@example.net>\n"
            "Temat: ODP: Lampa"
        ),
    ),
    (
        "ru",
        (
            "От: Acme Support <support@acme.example>\n"
            "Отправлено: 5 января 2024 г. 10:12\n"
            "Кому: Casey <casey@example.net>\n"
            "Тема: RE: Лампа"
        ),
    ),
    (
        "uk",
        (
            "Від: Acme Support <support@acme.example>\n"
            "Надіслано: 5 січня 2024 р. 10:12\n"
            "Кому: Casey <casey@example.net>\n"
            "Тема: RE: Лампа"
        ),
    ),
    (
        "cs",
        (
            "Od: Acme Support <support@acme.example>\n"
            "Odesláno: pátek 5. ledna 2024 10:12\n"
            "Komu: Casey <casey@example.net>\n"
            "Předmět: RE: Lampa"
        ),
    ),
    (
        "sv",
        (
            "Från: Acme Support <support@acme.example>\n"
            "Skickat: den 5 januari 2024 10:12\n"
            "Till: Casey <casey@example.net>\n"
            "Ämne: SV: Lampa"
        ),
    ),
    (
        "da",
        (
            "Fra: Acme Support <support@acme.example>\n"
            "Sendt: 5. januar 2024 10:12\nTil: Casey <casey@example.net>\n"
            "Emne: SV: Lampe"
        ),
    ),
    (
        "nb",
        (
            "Fra: Acme Support <support@acme.example>\n"
            "Sendt: fredag 5. januar 2024 10:12\n"
            "Til: Casey <casey@example.net>\n"
            "Emne: SV: Lampe"
        ),
    ),
    (
        "fi",
        (
            "Lähettäjä: Acme Support <support@acme.example>\n"
            "Lähetetty: perjantai 5. tammikuuta 2024 10:12\n"
            "Vastaanottaja: Casey <casey@example.net>\n"
            "Aihe: VS: Lamppu"
        ),
    ),
    (
        "tr",
        (
            "Kimden: Acme Support <support@acme.example>\n"
            "Gönderildi: 5 Ocak 2024 Cuma 10:12\n"
            "Kime: Casey <casey@example.net>\n"
            "Konu: YNT: Lamba"
        ),
    ),
    (
        "tr outlook",
        (
            "Gönderen: Acme Support <support@acme.example>\n"
            "Gönderilme Tarihi: 5 Ocak 2024 Cuma 10:12\n"
            "Kime: Casey <casey@example.net>\n"
            "Konu: YNT: Lamba"
        ),
    ),
    (
        "ja",
        (
            "差出人: Acme Support <support@acme.example>\n"
            "送信日時: 2024年1月5日 10:12\n宛先: Casey <casey@example.net>"
            "\n件名: RE: ランプ"
        ),
    ),
    (
        "zh-cn",
        (
            "发件人: Acme Support <support@acme.example>\n"
            "发送时间: 2024年1月5日 10:12\n收件人: Casey <casey@example.net>"
            "\n主题: 答复: 灯"
        ),
    ),
    (
        "zh-tw",
        (
            "寄件者: Acme Support <support@acme.example>\n"
            "寄件日期: 2024年1月5日 上午 10:12\n"
            "收件者: Casey <casey@example.net>\n"
            "主旨: RE: 燈"
        ),
    ),
    (
        "zh foxmail",
        (
            "------------------ 原始邮件 ------------------\n"
            '发件人: "Acme" <support@acme.example>;\n'
            "发送时间: 2024年1月5日(星期五) 上午10:12\n"
            '收件人: "Casey"<casey@example.net>;\n'
            "主题: Re: 灯"
        ),
    ),
    (
        "ko",
        (
            "보낸 사람: Acme Support <support@acme.example>\n"
            "보낸 날짜: 2024년 1월 5일 금요일 오전 10:12\n"
            "받는 사람: Casey <casey@example.net>\n"
            "제목: RE: 램프"
        ),
    ),
    (
        "hu",
        (
            "Feladó: Acme Support <support@acme.example>\n"
            "Elküldve: 2024. január 5., péntek 10:12\n"
            "Címzett: Casey <casey@example.net>\n"
            "Tárgy: RE: Lámpa"
        ),
    ),
    (
        "el",
        (
            "Από: Acme Support <support@acme.example>\n"
            "Στάλθηκε: Παρασκευή, 5 Ιανουαρίου 2024 10:12\n"
            "Προς: Casey <casey@example.net>\n"
            "Θέμα: RE: Λάμπα"
        ),
    ),
    (
        "ro",
        (
            "De la: Acme Support <support@acme.example>\n"
            "Trimis: vineri, 5 ianuarie 2024 10:12\n"
            "Către: Casey <casey@example.net>\n"
            "Subiect: RE: Lampă"
        ),
    ),
]


def quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))


@pytest.mark.parametrize("attribution", [text for _, text in ATTRIBUTIONS], ids=[name for name, _ in ATTRIBUTIONS])
def test_text_above_an_attribution_and_a_quote_is_the_reply(attribution: str) -> None:
    text = f"{NEW}\n\n{attribution}\n\n{quoted(OLD)}\n"

    result = analysed(mail(text))

    assert result.reply_text == NEW


@pytest.mark.parametrize(
    "attribution",
    [text for _, text in ATTRIBUTIONS if "@" in text],
    ids=[name for name, text in ATTRIBUTIONS if "@" in text],
)
def test_an_attribution_with_an_address_needs_no_quote_marks_below(attribution: str) -> None:
    text = f"{NEW}\n\n{attribution}\n\n{OLD}\n"

    result = analysed(mail(text))

    assert result.reply_text == NEW


@pytest.mark.parametrize("block", [text for _, text in HEADER_BLOCKS], ids=[name for name, _ in HEADER_BLOCKS])
def test_text_above_a_header_block_is_the_reply(block: str) -> None:
    text = f"{NEW}\n\n{block}\n\n{OLD}\n"

    result = analysed(mail(text, subject="Re: Lamp"))

    assert result.reply_text == NEW


# --- HTML of the mail programs --------------------------------------------------------------------------------------
NEW_HTML = "<div>The lamp is still dark.</div><div><br></div><div>Can you send another one?</div>"
HTML_REPLIES = [
    (
        "gmail",
        f'<div dir="ltr">{NEW_HTML}</div><br><div class="gmail_quote gmail_quote_container">'
        '<div dir="ltr" class="gmail_attr">On Fri, Jan 5, 2024 at '
        '10:12 AM Acme &lt;<a href="mailto:support@acme.example">support@acme.example</a>'
        '&gt; wrote:<br></div><blockquote class="gmail_quote" '
        f'style="margin:0 0 0 .8ex"><div>{OLD}</div></blockquote></div>',
    ),
    (
        "gmail in an unknown language",
        f'<div dir="ltr">{NEW_HTML}</div><br><div class="gmail_quote"><div '
        'dir="ltr" class="gmail_attr">Zzyx 5.1.2024 qwer Acme &lt;support@acme.example&gt; '
        f'plugh<br></div><blockquote class="gmail_quote"><div>{OLD}</div></blockquote></div>',
    ),
    (
        "outlook web",
        f'<div class="elementToProof">{NEW_HTML}</div><div id="appendonsend">'
        '</div><hr style="display:inline-block;width:98%" tabindex="-1">'
        '<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri"><b>Fromage:</b>'
        " Acme &lt;support@acme.example&gt;<br><b>Plugh:</b> 5<br></font>"
        "<div>&nbsp;</div></div>"
        f"<div>{OLD}</div>",
    ),
    (
        "outlook web quoted by another",
        f'<div>{NEW_HTML}</div><hr><div id="x_divRplyFwdMsg"><b>From:</b> Acme<br></div><div>{OLD}</div>',
    ),
    (
        "outlook desktop",
        '<div class="WordSection1"><p class="MsoNormal">The lamp is still '
        'dark.<o:p></o:p></p><p class="MsoNormal"><o:p>&nbsp;</o:p></p>'
        '<p class="MsoNormal">Can you send another one?<o:p></o:p></p>'
        '<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt '
        '0cm 0cm 0cm">'
        '<p class="MsoNormal"><b>Von:</b> Acme &lt;support@acme.example&gt;<br>'
        "<b>Gesendet:</b> Freitag, 5. Januar 2024 10:12<br><b>An:</b> "
        "Casey<br>"
        f'<b>Betreff:</b> AW: Lampe<o:p></o:p></p></div></div><p class="MsoNormal">{OLD}</p></div>',
    ),
    (
        "outlook mobile",
        f'<div>{NEW_HTML}</div><div id="ms-outlook-mobile-signature">Get '
        '<a href="https://aka.ms/o0ukef">Outlook for iOS</a></div>'
        '<div id="mail-editor-reference-message-container"><div class="ms-outlook-mobile-refer'
        f'ence-message"><b>From:</b> Acme<br>{OLD}</div></div>',
    ),
    (
        "outlook express",
        (
            f'<div>{NEW_HTML}</div><div class="OutlookMessageHeader" dir="ltr">'
            '<font size="2">-----Original Message-----<br><b>From:</b> Acme</font>'
            f"</div><div>{OLD}</div>"
        ),
    ),
    (
        "apple mail",
        f'<html><body>{NEW_HTML}<div><br><blockquote type="cite"><div>On '
        "5 Jan 2024, at 10:12, Acme &lt;support@acme.example&gt; wrote:</div>"
        "<br>"
        f"<div>{OLD}</div></blockquote></div></body></html>",
    ),
    (
        "thunderbird",
        "<p>The lamp is still dark.</p><p>Can you send another one?</p>"
        '<div class="moz-cite-prefix">On 05/01/2024 10:12, Acme wrote:<br>'
        "</div>"
        f'<blockquote type="cite" cite="mid:1@acme.example"><p>{OLD}</p>'
        '</blockquote><pre class="moz-signature" cols="72">-- \n'
        "Casey</pre>",
    ),
    (
        "thunderbird in an unknown language",
        (
            "<p>The lamp is still dark.</p><p>Can you send another one?</p>"
            '<div class="moz-cite-prefix">05/01/2024 10:12, Acme plugh</div>'
            f'<blockquote type="cite"><p>{OLD}</p></blockquote>'
        ),
    ),
    (
        "yahoo",
        f'<div>{NEW_HTML}</div><div id="yahoo_quoted_123" class="yahoo_quoted">'
        "<div><div>On Friday, January 5, 2024 at 10:12:13 AM GMT+1, Acme "
        "&lt;support@acme.example&gt; "
        f"wrote:</div><div><br></div><div>{OLD}</div></div></div>",
    ),
    (
        "zoho",
        f'<div>{NEW_HTML}</div><div><br></div><div class="zmail_extra_hr" '
        'style="border-top:1px solid"></div><div class="zmail_extra"><br>'
        "<div>---- On Fri, 05 Jan 2024 "
        "10:12:13 +0100 <b>Acme</b> wrote ----<br></div><br><blockquote "
        f'id="blockquote_zmail"><div>{OLD}</div></blockquote></div>',
    ),
    (
        "proton",
        f'<div>{NEW_HTML}</div><div class="protonmail_signature_block">'
        '<div>Sent with Proton Mail secure email.</div></div><div class="protonmail_quote">'
        "On Friday, January 5th, 2024 "
        "at 10:12 AM, Acme &lt;support@acme.example&gt; wrote:<br><blockquote "
        f'class="protonmail_quote" type="cite">{OLD}</blockquote></div>',
    ),
    (
        "notes",
        f"<font>{NEW_HTML}</font><br><br><font size=1>From: </font><font>"
        "Acme &lt;support@acme.example&gt;</font><br><font>To: </font>"
        "<font>casey@example.net</font><br>"
        "<font>Date: </font><font>01/05/2024 10:12 AM</font><br><font>"
        f"Subject: </font><font>Re: Lamp</font><br><hr noshade><br>{OLD}",
    ),
    (
        "gmx with a table of headers",
        f'<div>{NEW_HTML}</div><div style="border-left:2px solid"><div>'
        "<table><tr><td><b>Gesendet:</b></td><td>Freitag, 5. Januar 2024 "
        "um 10:12 Uhr</td></tr><tr><td><b>Von:</b></td>"
        "<td>Acme &lt;support@acme.example&gt;</td></tr><tr><td><b>An:</b>"
        "</td><td>casey@example.net</td></tr><tr><td><b>Betreff:</b></td>"
        "<td>Re: Lampe</td></tr></table></div>"
        f"<div>{OLD}</div></div>",
    ),
]


@pytest.mark.parametrize("html", [html for _, html in HTML_REPLIES], ids=[name for name, _ in HTML_REPLIES])
def test_html_of_a_mail_program_says_where_the_quote_begins(html: str) -> None:
    result = analysed(mail("", html, subject="Re: Lamp"))

    assert result.reply_text == NEW


def test_html_structure_goes_before_the_text_when_both_exist() -> None:
    html = f'<div>{NEW_HTML}</div><div id="divRplyFwdMsg">Plugh</div><div>{OLD}</div>'

    result = analysed(mail(f"{NEW}\n\nPlugh\n\n{OLD}", html))

    assert result.reply_text == NEW


def test_plain_text_is_kept_when_both_forms_say_the_same() -> None:
    html = "<p>One line</p><blockquote type=cite>Old</blockquote>"

    result = analysed(mail("One\nline\n\n> Old", html))

    assert result.reply_text == "One\nline"


def test_a_blockquote_that_the_sender_made_is_no_quote() -> None:
    html = "<p>The label says</p><blockquote>230 V</blockquote><p>and ours is 110 V</p>"

    result = analysed(mail("", html))

    assert result.reply_text == "The label says\n\n    230 V\n\nand ours is 110 V"


def test_an_empty_signature_or_attribution_marks_nothing() -> None:
    html = (
        '<div class="gmail_signature"></div><div>The lamp is dark.</div><div class="moz-cite-prefix"><br></div>'
        "<p>Really dark.</p><blockquote type=cite>Old</blockquote>"
    )

    result = analysed(mail("", html))

    assert "The lamp is dark." in result.reply_text
    assert "Really dark." in result.reply_text


# --- answers between and below --------------------------------------------------------------------------------------
def test_answers_between_quoted_lines_are_kept_with_them() -> None:
    text = (
        "On 5 Jan 2024, at 10:12, Acme <support@acme.example> wrote:\n"
        "> Which lamp?\n\nThe red one.\n"
        "\n> Which socket?\n\nThe left one.\n"
        "\n> Regards\n> Acme\n"
    )

    result = analysed(mail(text))

    assert result.reply_text == "> Which lamp?\n\nThe red one.\n\n> Which socket?\n\nThe left one."


def test_answers_in_gmail_html_between_quotes_are_kept_with_them() -> None:
    html = (
        '<div dir="ltr">See below<br><div class="gmail_quote"><div class="gmail_attr">'
        "On Fri, Jan 5, 2024 at 10:12 AM Acme &lt;support@acme.example&gt; "
        "wrote:</div>"
        '<blockquote class="gmail_quote">Which lamp?</blockquote><div>'
        'The red one.</div><blockquote class="gmail_quote">Which socket?</blockquote>'
        "<div>The left one.</div></div></div>"
    )

    result = analysed(mail("", html))

    assert "See below" in result.reply_text
    assert "> Which lamp?\nThe red one.\n> Which socket?\nThe left one." in result.reply_text


def test_an_answer_below_the_whole_quote_stands_alone() -> None:
    text = "On 5 Jan 2024, at 10:12, Acme <support@acme.example> wrote:\n> Which lamp?\n> Regards\n\nThe red one.\n"

    result = analysed(mail(text))

    assert result.reply_text == "The red one."


def test_a_list_footer_below_the_quote_is_no_answer() -> None:
    text = (
        "The red one.\n\nOn 5 Jan 2024, at 10:12, Acme <support@acme.example>"
        " wrote:\n> Which lamp?\n\n_______________________________________________\n"
        "lamps mailing list\nlamps@lists.example\n"
    )

    result = analysed(mail(text))

    assert result.reply_text == "The red one."


# --- what is no quote -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "I booked From: Berlin\nTo: Paris\nDate: 5 May\nand it failed.",
        "On Monday I tried it at 10:12.\nThen I called you:\nnobody answered.",
        "I am writing about 5.1.2024:\nthe lamp is dark.",
        "Name: Casey\nSubject: lamp\nMessage: it is dark",
        "Steps:\n----\n1. switch on\n----\nNothing happens.",
        "You wrote:\nPlease restart. I did.",
        "Dear all,\n\nDo: nothing\n\nregards",
    ],
)
def test_ordinary_text_is_not_cut(text: str) -> None:
    result = analysed(mail(text))

    assert result.reply_text == text


def test_a_mail_that_is_all_quote_is_shown_as_it_is() -> None:
    result = analysed(mail("> Which lamp?\n> Regards"))

    assert result.reply_text == "> Which lamp?\n> Regards"


# --- signatures -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "signature",
    [
        "-- \nCasey Customer\n+49 30 123",
        "--\nCasey",
        "Sent from my iPhone",
        "Get Outlook for Android<https://aka.ms/x>",
        "Von meinem iPhone gesendet",
        "Gesendet mit der GMX Mail App",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Enviado do meu iPhone",
        "Wysłane z iPhone'a",
        "Отправлено с iPhone",
        "Надіслано з iPhone",
        "Odesláno z iPhonu",
        "Skickat från min iPhone",
        "Sendt fra min iPhone",
        "Lähetetty iPhonesta",
        "iPhone'umdan gönderildi",
        "iPhoneから送信",
        "发自我的iPhone",
        "從我的 iPhone 傳送",
        "나의 iPhone에서 보냄",
    ],
)
def test_a_signature_is_not_part_of_the_reply(signature: str) -> None:
    result = analysed(
        mail(f"{NEW}\n\n{signature}\n\nOn 5 Jan 2024, at 10:12, Acme <support@acme.example> wrote:\n> {OLD}\n")
    )

    assert result.reply_text == NEW


def test_text_in_the_middle_that_begins_like_a_phone_signature_stays() -> None:
    text = "Sent from my shop to yours:\nfive lamps,\nthree chairs,\nno table."

    result = analysed(mail(text))

    assert result.reply_text == text


def test_a_sentence_that_begins_like_a_phone_signature_stays() -> None:
    text = "Here is another mail.\n\nSent from my desk, which is easier than my mobile phone."

    result = analysed(mail(text))

    assert result.reply_text == text


def test_a_name_below_the_only_rule_is_a_signature() -> None:
    result = analysed(mail(f"{NEW}\n____________________\nCasey Customer\nLamps and more\n+49 30 123"))

    assert result.reply_text == NEW


def test_fields_between_several_rules_are_text() -> None:
    text = "====================\nName: Casey\n====================\nThe lamp is dark."

    result = analysed(mail(text))

    assert result.reply_text == text
