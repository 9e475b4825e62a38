"""The conversations of a fresh demonstration, each showing something else, and mails that become no case. Pure."""

from __future__ import annotations

from datetime import timedelta

from cases.demo_data.mails import BILLING, SALES, SUPPORT, DemoMail, File, Person, Thread, one_page_pdf, picture

CASEY = Person("Casey Customer", "casey@example.net", "Example Net")
ROBIN = Person("Robin Reader", "robin@example.net", "Example Net")
SAM = Person("Sam Sample", "sam@customer.example", "Customer Ltd")
KIM = Person("Kim Buyer", "kim@customer.example", "Customer Ltd")
ALEX = Person("Alex Account", "alex@example.org", "Example Org")
JO = Person("Jo Newcomer", "jo@example.com")
TARO = Person("見本 太郎", "taro@example.org", "Example Org")
ARABIC = Person("عميل تجريبي", "amil@example.com")
MONITOR = Person("Monitoring", "alerts@monitoring.example")
NEWS = Person("Tool Weekly", "news@newsletter.example")
CONTACTS = (CASEY, ROBIN, SAM, KIM, ALEX, TARO)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


SIGN_IN = Thread(
    "demo-sign-in",
    SUPPORT,
    [
        DemoMail(
            CASEY,
            "Hello,\n\nsince yesterday's update I cannot sign in any more. After the password the page stays white.\n"
            "My colleague has the same problem in another browser.\n\nKind regards\nCasey\n",
            subject="Cannot sign in after the update",
            after=hours(5),
        ),
        DemoMail(
            CASEY,
            "One more thing: the browser's console shows the error in the file.\n\nCasey\n\n"
            "> since yesterday's update I cannot sign in any more.\n",
            files=[File("console.txt", "text/plain", b"TypeError: session is undefined\n  at start (app.js:214)\n")],
            after=hours(0.5),
        ),
    ],
)
CHART = Thread(
    "demo-chart",
    SUPPORT,
    [
        DemoMail(
            SAM,
            "The chart on our dashboard ends in March, although there are newer orders. See the picture.\n\nSam\n",
            subject="Dashboard chart ends in March",
            html="<p>The chart on our dashboard ends in <b>March</b>, although there are newer orders:</p>"
            '<p><img src="cid:chart" alt="Chart of orders by month" width="320" height="160"></p><p>Sam</p>',
            files=[File("chart.png", "image/png", picture(320, 160, bars=[40, 90, 130, 0, 0, 0]), "chart")],
            after=hours(26),
        )
    ],
)
INVOICE = Thread(
    "demo-invoice",
    BILLING,
    [
        DemoMail(
            KIM,
            "Dear billing team,\n\ninvoice 2041 lists 30 seats, but we have 25. Please send a corrected one.\n\n"
            "Best regards\nKim Buyer\nCustomer Ltd\n",
            subject="Invoice 2041 shows the wrong number of seats",
            cc=[SAM],
            files=[File("invoice-2041.pdf", "application/pdf", one_page_pdf("Invoice 2041: 30 seats"))],
            after=hours(30),
        ),
        DemoMail(
            SAM,
            "We have had 25 seats since January, I can confirm that.\n\nSam\n\n"
            "On Monday Kim Buyer wrote:\n> invoice 2041 lists 30 seats, but we have 25.\n",
            after=hours(3),
        ),
    ],
)
QUOTE = Thread(
    "demo-quote",
    SALES,
    [
        DemoMail(
            ALEX,
            "Hello,\n\nplease send us a quote for 25 seats for one year, and tell us how long it is valid.\n\nAlex\n",
            subject="Quote for 25 seats",
            html="<p>Hello,</p><p>please send us a quote:</p><table border=1><tr><th>Seats<th>Term</tr>"
            "<tr><td>25<td>one year</tr></table><p>How long is it valid?</p><p>Alex</p>",
            after=hours(8),
        )
    ],
)
JAPANESE = Thread(
    "demo-japanese",
    SUPPORT,
    [
        DemoMail(
            TARO,
            "サポートご担当者様\n\nお世話になっております。\n先週から、レポートの印刷ができません。"
            "「用紙がありません」と表示されますが、用紙は入っています。\n\nよろしくお願いいたします。\n見本\n",
            subject="レポートの印刷ができません",
            after=hours(14),
        )
    ],
)
RIGHT_TO_LEFT = Thread(
    "demo-arabic",
    SUPPORT,
    [
        DemoMail(
            ARABIC,
            "مرحبا،\n\nلم أستلم رسالة تأكيد الطلب رقم 1187 حتى الآن. هل يمكنكم التحقق من ذلك؟\n\nشكرا لكم\n",
            subject="لم تصل رسالة تأكيد الطلب",
            after=hours(19),
        )
    ],
)


def _import_thread() -> Thread:
    """A conversation that grew: each answer quotes all the earlier ones."""
    steps = [
        (ROBIN, "our nightly import stops after 10,000 rows. Is there a limit?"),
        (CASEY, "I had the same a month ago. It went away after we split the file."),
        (ROBIN, "Splitting helps for today, but the file grows every week."),
        (CASEY, "The log says 'timeout while reading', so perhaps it is not the number of rows."),
        (ROBIN, "You are right: with a slower connection it stops even earlier."),
        (CASEY, "I have attached the timings of the last three nights."),
        (ROBIN, "So we need a longer timeout, or a way to go on where it stopped."),
        (CASEY, "Agreed. Support team, which of the two can you offer?"),
    ]
    mails, quote = [], ""
    for number, (sender, sentence) in enumerate(steps):
        text = f"Hello,\n\n{sentence}\n\n{sender.name}\n"
        file = File("timings.csv", "text/csv", b"night,rows,seconds\n1,10240,301\n2,9801,300\n3,10022,302\n")
        mails.append(
            DemoMail(
                sender,
                text + quote,
                subject="" if number else "Nightly import stops after 10,000 rows",
                cc=[CASEY if sender is ROBIN else ROBIN],
                files=[file] if number == 5 else (),
                after=hours(2 if number else 70),
            )
        )
        quoted = "".join(f"> {line}".rstrip() + "\n" for line in (text + quote).splitlines())
        quote = f"\n{sender.name} <{sender.address}> wrote:\n{quoted}"
    return Thread("demo-import", SUPPORT, mails)


NEWSLETTER = Thread(
    "demo-newsletter",
    SALES,
    [
        DemoMail(
            NEWS,
            "This week: five ways to tidy your inbox.\n\nTo leave the list open https://newsletter.example/leave\n",
            subject="Tool Weekly: five ways to tidy your inbox",
            headers=[
                ("List-Id", "Tool Weekly <weekly.newsletter.example>"),
                ("List-Unsubscribe", "<https://newsletter.example/leave>"),
                ("Precedence", "bulk"),
            ],
            after=hours(48),
        )
    ],
)
ALERT = Thread(
    "demo-alert",
    SUPPORT,
    [
        DemoMail(
            MONITOR,
            "PROBLEM: web-2 answers slowly\nSince: 04:12 UTC\nResponse time: 4.8 s (limit 1.0 s)\n",
            subject="[PROBLEM] web-2 answers slowly",
            headers=[("Auto-Submitted", "auto-generated")],
            after=hours(4),
        )
    ],
)
FORWARD = Thread(
    "demo-forward",
    SALES,
    [
        DemoMail(
            KIM,
            "Can you take this one?\n\nKim\n\n---------- Forwarded message ---------\n"
            "From: Jo Newcomer <jo@example.com>\nDate: Mon, 5 Jan 2026 at 09:14\n"
            "Subject: Is there an offer for schools?\nTo: Kim Buyer <kim@customer.example>\n\n\n"
            "Hello Kim,\n\nyou mentioned that your supplier has an offer for schools. Whom can I ask?\n\nJo\n",
            subject="Fwd: Is there an offer for schools?",
            after=hours(11),
        )
    ],
)
REFUND = Thread(
    "demo-refund",
    BILLING,
    [
        DemoMail(
            ALEX,
            "Hello,\n\nwe were charged twice for order 1187. Please refund one of the two payments today.\n\nAlex\n",
            subject="URGENT: charged twice for order 1187",
            headers=[("X-Priority", "1"), ("Importance", "high")],
            after=hours(2),
        )
    ],
)
# Nobody knows Jo in the conversation about the import: this mail opens a case that possibly belongs to it.
STRANGER = Thread(
    "demo-stranger",
    SUPPORT,
    [
        DemoMail(
            JO,
            "Hello,\n\nRobin showed me this conversation. Our import stops as well, after 300 seconds.\n\nJo\n",
            subject="Re: Nightly import stops after 10,000 rows",
            headers=[
                ("In-Reply-To", "<demo-import.7@mail.example.net>"),
                ("References", "<demo-import.0@mail.example.net> <demo-import.7@mail.example.net>"),
            ],
            after=hours(1),
        )
    ],
)

FIRST_THREADS = (
    SIGN_IN,
    CHART,
    INVOICE,
    QUOTE,
    JAPANESE,
    RIGHT_TO_LEFT,
    _import_thread(),
    NEWSLETTER,
    ALERT,
    FORWARD,
    REFUND,
    STRANGER,
)

_BOUNCE = b"""\
From: MAILER-DAEMON@mail.example.com\r
To: support@demo.example\r
Subject: Undelivered Mail Returned to Sender\r
Message-ID: <demo-bounce.0@mail.example.com>\r
Date: Mon, 05 Jan 2026 10:00:00 +0000\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="demo-bounce"\r
\r
--demo-bounce\r
Content-Type: text/plain; charset=us-ascii\r
\r
Your message could not be delivered: the mailbox does not exist.\r
--demo-bounce\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mail.example.com\r
\r
Final-Recipient: rfc822; gone@example.com\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 no such user\r
\r
--demo-bounce--\r
"""
# What an inbound mail list shows beside cases: refused, held back, or received twice.
WITHOUT_CASE = (
    Thread(
        "demo-out-of-office",
        SUPPORT,
        [
            DemoMail(
                ROBIN,
                "I am out of the office until Monday and read mail after that.\n",
                subject="Out of office: Re: your newsletter",
                headers=[("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All")],
                after=hours(3),
            )
        ],
    ),
    Thread("demo-bounce", SUPPORT, [DemoMail(MONITOR, "", raw=_BOUNCE, after=hours(6))]),
    Thread(
        "demo-unknown",
        "nobody-reads-this@demo.example",
        [
            DemoMail(
                JO,
                "Hello, is this the right address for questions about a delivery?\n\nJo\n",
                subject="Question about a delivery",
                after=hours(9),
            )
        ],
    ),
    Thread(
        "demo-blocked",
        BILLING,
        [
            DemoMail(
                Person("Prize Office", "win@prizes.example"),
                "You have won. Send us your account number.\n",
                subject="You have won",
                after=hours(12),
            )
        ],
    ),
    SIGN_IN,  # a second delivery of the same mails
)
