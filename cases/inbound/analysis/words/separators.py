"""Lines that announce an earlier mail: "Original message", "Begin forwarded message". Data."""

from __future__ import annotations

from cases.inbound.analysis.words.folding import phrase_set

ORIGINAL_MESSAGE = phrase_set(
    "original message|original mail|original email|original e-mail|reply message|replied message|message d'origine|"
    "message original|message initial|"
    "mensaje original|mensaje de origen|mensagem original|messaggio originale|messaggio original|"
    "ursprüngliche nachricht|ursprüngliche mail|"
    "ursprüngliche e-mail|originalnachricht|original-nachricht|original nachricht|originalmail|"
    "oorspronkelijk bericht|oorspronkelijke bericht|"
    "origineel bericht|wiadomość oryginalna|oryginalna wiadomość|wiadomość pierwotna|исходное сообщение|"
    "исходное письмо|исходное cообщение|"
    "оригинальное сообщение|оригінальне повідомлення|вихідне повідомлення|початкове повідомлення|původní zpráva|"
    "původní e-mail|pôvodná správa|"
    "ursprungligt meddelande|originalmeddelande|ursprungligt e-postmeddelande|oprindelig meddelelse|"
    "original meddelelse|original besked|"
    "opprinnelig melding|original melding|opprinnelig e-post|alkuperäinen viesti|alkuperäinen sähköposti|"
    "orijinal mesaj|özgün ileti|asıl ileti|"
    "orjinal mesaj|özgün mesaj|ileti özgün|eredeti üzenet|mesaj original|mesajul original|mesaj inițial|"
    "αρχικό μήνυμα|първоначално съобщение|izvorna poruka|"
    "originalna poruka|izvirno sporočilo|algne kiri|algne sõnum|sākotnējais ziņojums|pradinis pranešimas|"
    "הודעה מקורית|ההודעה המקורית|الرسالة الأصلية|"
    "thư gốc|tin nhắn gốc|pesan asli|ข้อความต้นฉบับ|元のメッセージ|オリジナルメッセージ|オリジナル メッセージ|"
    "original message / 元のメッセージ|原始邮件|原始郵件|原邮件|"
    "邮件原件|回复的原邮件|原始信件|원본 메시지|원본 메세지|원본 메일|original message 원본 메시지|원본메시지"
)

FORWARDED_MESSAGE = phrase_set(
    "forwarded message|forwarded mail|forwarded email|forwarded by|begin forwarded message|"
    "start of forwarded message|forwarding message|"
    "weitergeleitete nachricht|weitergeleitete mail|weitergeleitete e-mail|anfang der weitergeleiteten nachricht|"
    "anfang der weitergeleiteten e-mail|"
    "message transféré|message réexpédié|début du message réexpédié|début du message transféré|message transmis|"
    "courriel transféré|mail transféré|"
    "mensaje reenviado|inicio del mensaje reenviado|comienzo del mensaje reenviado|mensaje remitido|"
    "messaggio inoltrato|inizio messaggio inoltrato|inizia messaggio inoltrato|inizio del messaggio inoltrato|"
    "doorgestuurd bericht|begin doorgestuurd bericht|doorgestuurde e-mail|doorgezonden bericht|"
    "mensagem encaminhada|mensagem reencaminhada|início da mensagem encaminhada|início da mensagem reencaminhada|"
    "wiadomość przekazana|przekazana wiadomość|wiadomość przekazana dalej|początek przekazanej wiadomości|"
    "początek wiadomości przekazanej|treść przekazanej wiadomości|przesłana wiadomość|"
    "пересылаемое сообщение|переадресованное сообщение|пересланное сообщение|перенаправленное сообщение|"
    "начало переадресованного сообщения|начало пересылаемого сообщения|пересылаемое письмо|"
    "переслане повідомлення|пересилається повідомлення|початок переадресованого повідомлення|"
    "початок листа, що пересилається|переадресоване повідомлення|пересланий лист|"
    "přeposlaná zpráva|předaná zpráva|začátek přeposlané zprávy|začátek přesměrované zprávy|preposlaná správa|"
    "začiatok preposlanej správy|"
    "vidarebefordrat meddelande|vidarebefordrat mejl|vidarebefordrat brev|påbörja vidarebefordrat brev|"
    "början på vidarebefordrat meddelande|vidarebefordrat mail|"
    "videresendt meddelelse|videresendt besked|videresendt mail|start på videresendt besked|"
    "start på videresendt meddelelse|begyndelse på videresendt meddelelse|"
    "videresendt melding|videresendt e-post|start på videresendt melding|begynnelse på videresendt melding|"
    "starten på den videresendte meldingen|"
    "välitetty viesti|edelleenlähetetty viesti|lähetetty edelleen|välitetty viesti alkaa|edelleen lähetetty viesti|"
    "iletilen mesaj|yönlendirilen mesaj|iletilmiş ileti|yönlendirilmiş ileti|yönlendirilen ileti|iletilmiş mesaj|"
    "iletilen ileti|başlangıç: iletilen mesaj|"
    "továbbított üzenet|továbbított levél|mesaj redirecționat|mesaj redirectionat|mesajul redirecționat|"
    "προωθημένο μήνυμα|προωθούμενο μήνυμα|έναρξη προωθημένου μηνύματος|"
    "препратено съобщение|proslijeđena poruka|prosleđena poruka|posredovano sporočilo|edastatud kiri|"
    "edastatud sõnum|pārsūtītais ziņojums|persiųstas laiškas|"
    "persiunčiamas laiškas|הודעה שהועברה|הודעה מועברת|رسالة معاد توجيهها|رسالة تم تحويلها|thư đã chuyển tiếp|"
    "tin nhắn đã chuyển tiếp|forwarded message / pesan terusan|pesan terusan|pesan yang diteruskan|"
    "ข้อความที่ส่งต่อ|転送メッセージ|転送されたメッセージ|転送された メッセージ|転送されたメール|転送元メッセージ|"
    "メッセージを転送|forwarded message / 転送|"
    "转发的邮件|转发邮件|被转发的邮件|转发的邮件信息|轉寄的郵件|轉寄郵件|轉寄郵件內容|转发邮件信息|已转发邮件|"
    "以下是转发的邮件|轉寄訊息|转发信息|"
    "전달된 메시지|전달된 메일|전달한 메시지|전달된 이메일|전달 메시지|전달된 메세지"
)

# Notes puts a name behind: "----- Forwarded by Jane Doe/ACME on 01/02/2024 10:00 -----".
FORWARDED_BY = (
    "forwarded by ", "weitergeleitet von ", "transféré par ", "réacheminé par ", "reenviado por ", "inoltrato da ",
    "doorgestuurd door ", "encaminhado por ",
    "przekazane przez ", "переслано ", "přeposláno ", "vidarebefordrat av ", "videresendt af ", "videresendt av ",
    "välittänyt ", "転送者 ", "转发人 ",
)  # fmt: skip
