"""What mail programs write above the mail they quote or forward, in their languages. Data of `replies` and `forwards`.

Everything is compared in the form that `fold` gives: case-folded, one space between words.
Collected from the programs' own interface languages: Gmail, Outlook, Apple Mail, Thunderbird, Yahoo, Notes, Proton, Zoho.
"""

from __future__ import annotations

import re

_SPACES = re.compile(r"[\s\u00a0\u202f\u3000]+")


def fold(text: str) -> str:
    """Text as the tables here are written: case-folded (Turkish dotted I too), runs of white space as one space."""
    return _SPACES.sub(" ", text.casefold().replace("i\u0307", "i")).strip()


def _words(text: str) -> frozenset[str]:
    return frozenset(fold(word) for word in text.split("|") if word.strip())


# --- header labels ----------------------------------------------------------------------------------------------------
# kind -> labels in en de fr es it nl pt pl ru uk cs sk sv da nb fi tr hu ro el bg hr sl et lv lt he ar vi id th ja zh ko
HEADER_LABELS: dict[str, frozenset[str]] = {
    "from": _words(
        "from|von|de|expéditeur|expediteur|remitente|da|mittente|van|afzender|remetente|od|nadawca|от|от кого|отправитель|від|від кого|"
        "відправник|odesílatel|odosielateľ|från|avsändare|fra|afsender|avsender|lähettäjä|keneltä|kimden|gönderen|feladó|de la|από|"
        "подател|pošiljatelj|pošiljatelj od|saatja|no|nuo|מאת|من|từ|người gửi|dari|จาก|差出人|送信者|发件人|寄件者|寄件人|보낸 사람|보낸사람|발신자|발신"
    ),
    "date": _words(
        "date|sent|sent at|date sent|received|datum|gesendet|gesendet am|gesendet um|datum/uhrzeit|envoyé|envoyé le|envoye|date d'envoi|"
        "message du|fecha|enviado|enviado el|enviada el|fecha de envío|data|inviato|inviato il|data invio|verzonden|verzonden op|"
        "enviada|enviada em|enviado em|data de envio|wysłano|wysłane|data wysłania|дата|отправлено|дата отправки|надіслано|відправлено|"
        "odesláno|dátum|odoslané|skickat|skickades|sendt|dato|lähetetty|päivämäärä|päiväys|pvm|tarih|gönderme tarihi|gönderilme tarihi|gönderildi|"
        "küldve|elküldve|trimis|trimis la|dată|στάλθηκε|ημερομηνία|изпратено|poslano|datum slanja|saadetud|kuupäev|nosūtīts|datums|išsiųsta|תאריך|נשלח|"
        "التاريخ|تاريخ الإرسال|تم الإرسال|ngày|đã gửi|tanggal|terkirim|dikirim|วันที่|ส่ง|日時|送信日時|送信|送信日|日付|发送时间|发送日期|日期|寄件日期|"
        "傳送時間|寄送時間|传送时间|时间|보낸 날짜|보낸날짜|날짜|보낸 시간|발신일|일시"
    ),
    "to": _words(
        "to|sent to|pour|an|empfänger|à|a|destinataire|para|destinatario|aan|geadresseerde|destinatário|do|adresat|кому|получатель|одержувач|komu|příjemce|"
        "príjemca|till|til|mottaker|vastaanottaja|kenelle|kime|alıcı|címzett|către|catre|προς|до|za|prima|prejemnik|saaja|adresaat|kam|kam adresēts|"
        "adresatas|אל|נמען|إلى|đến|người nhận|tới|kepada|ke|ถึง|宛先|收件人|收件者|받는 사람|받는사람|수신자|수신"
    ),
    "cc": _words(
        "cc|kopie|copie|copie à|copia|cópia|kopia|dw|do wiadomości|копия|копія|kopie (cc)|kópia|kopi|kopio|bilgi|másolat|másolatot kap|κοινοποίηση|κοιν.|kp|"
        "naudojama kopija|עותק|نسخة|tembusan|สำเนา|ccへ|抄送|副本|참조"
    ),
    "bcc": _words("bcc|bcc:|blindkopie|cci|cco|ccn|udw|скрытая копия|прихована копія|skrytá kopie|hemlig kopia|密件抄送|密送|密件副本|숨은 참조"),
    "reply_to": _words(
        "reply-to|reply to|antwort an|répondre à|responder a|rispondi a|antwoord aan|responder para|odpowiedz do|ответить|svara till|svar til|回复|返信先"
    ),
    "subject": _words(
        "subject|betreff|betrifft|objet|sujet|asunto|oggetto|onderwerp|assunto|temat|тема|předmět|predmet|ämne|emne|aihe|otsikko|konu|tárgy|subiect|θέμα|"
        "относно|zadeva|teema|temats|tēma|tema|נושא|الموضوع|chủ đề|tiêu đề|subjek|perihal|เรื่อง|หัวเรื่อง|件名|主题|主題|主旨|标题|제목"
    ),
    "other": _words(
        "importance|priority|attachments|attachment|wichtigkeit|priorität|anlagen|anhang|anlage|importance du message|pièces jointes|importancia|"
        "datos adjuntos|adjuntos|priorità|allegati|urgentie|bijlagen|anexos|importância|prioridade|ważność|załączniki|важность|вложения|"
        "bifogade filer|prioritet|vedlegg|vedhæftede filer|liitteet|ekler|přílohy|重要度|添付ファイル|附件|重要性|중요도|첨부|첨부 파일|organization|organisation|"
        "signed by|mailed by|list|mailing list|categories|kategorien"
    ),
}
LABEL_KIND: dict[str, str] = {label: kind for kind, labels in HEADER_LABELS.items() for label in labels}
MAX_LABEL = max(len(label) for label in LABEL_KIND) + 6

# --- lines that announce the earlier mail -----------------------------------------------------------------------------
ORIGINAL_MESSAGE = _words(
    "original message|original mail|original email|original e-mail|reply message|replied message|message d'origine|message original|message initial|"
    "mensaje original|mensaje de origen|mensagem original|messaggio originale|messaggio original|ursprüngliche nachricht|ursprüngliche mail|"
    "ursprüngliche e-mail|originalnachricht|original-nachricht|original nachricht|originalmail|oorspronkelijk bericht|oorspronkelijke bericht|"
    "origineel bericht|wiadomość oryginalna|oryginalna wiadomość|wiadomość pierwotna|исходное сообщение|исходное письмо|исходное cообщение|"
    "оригинальное сообщение|оригінальне повідомлення|вихідне повідомлення|початкове повідомлення|původní zpráva|původní e-mail|pôvodná správa|"
    "ursprungligt meddelande|originalmeddelande|ursprungligt e-postmeddelande|oprindelig meddelelse|original meddelelse|original besked|"
    "opprinnelig melding|original melding|opprinnelig e-post|alkuperäinen viesti|alkuperäinen sähköposti|orijinal mesaj|özgün ileti|asıl ileti|"
    "orjinal mesaj|özgün mesaj|ileti özgün|eredeti üzenet|mesaj original|mesajul original|mesaj inițial|αρχικό μήνυμα|първоначално съобщение|izvorna poruka|"
    "originalna poruka|izvirno sporočilo|algne kiri|algne sõnum|sākotnējais ziņojums|pradinis pranešimas|הודעה מקורית|ההודעה המקורית|الرسالة الأصلية|"
    "thư gốc|tin nhắn gốc|pesan asli|ข้อความต้นฉบับ|元のメッセージ|オリジナルメッセージ|オリジナル メッセージ|original message / 元のメッセージ|原始邮件|原始郵件|原邮件|"
    "邮件原件|回复的原邮件|原始信件|원본 메시지|원본 메세지|원본 메일|original message 원본 메시지|원본메시지"
)
FORWARDED_MESSAGE = _words(
    "forwarded message|forwarded mail|forwarded email|forwarded by|begin forwarded message|start of forwarded message|forwarding message|"
    "weitergeleitete nachricht|weitergeleitete mail|weitergeleitete e-mail|anfang der weitergeleiteten nachricht|anfang der weitergeleiteten e-mail|"
    "message transféré|message réexpédié|début du message réexpédié|début du message transféré|message transmis|courriel transféré|mail transféré|"
    "mensaje reenviado|inicio del mensaje reenviado|comienzo del mensaje reenviado|mensaje remitido|"
    "messaggio inoltrato|inizio messaggio inoltrato|inizia messaggio inoltrato|inizio del messaggio inoltrato|"
    "doorgestuurd bericht|begin doorgestuurd bericht|doorgestuurde e-mail|doorgezonden bericht|"
    "mensagem encaminhada|mensagem reencaminhada|início da mensagem encaminhada|início da mensagem reencaminhada|"
    "wiadomość przekazana|przekazana wiadomość|wiadomość przekazana dalej|początek przekazanej wiadomości|początek wiadomości przekazanej|treść przekazanej wiadomości|przesłana wiadomość|"
    "пересылаемое сообщение|переадресованное сообщение|пересланное сообщение|перенаправленное сообщение|начало переадресованного сообщения|начало пересылаемого сообщения|пересылаемое письмо|"
    "переслане повідомлення|пересилається повідомлення|початок переадресованого повідомлення|початок листа, що пересилається|переадресоване повідомлення|пересланий лист|"
    "přeposlaná zpráva|předaná zpráva|začátek přeposlané zprávy|začátek přesměrované zprávy|preposlaná správa|začiatok preposlanej správy|"
    "vidarebefordrat meddelande|vidarebefordrat mejl|vidarebefordrat brev|påbörja vidarebefordrat brev|början på vidarebefordrat meddelande|vidarebefordrat mail|"
    "videresendt meddelelse|videresendt besked|videresendt mail|start på videresendt besked|start på videresendt meddelelse|begyndelse på videresendt meddelelse|"
    "videresendt melding|videresendt e-post|start på videresendt melding|begynnelse på videresendt melding|starten på den videresendte meldingen|"
    "välitetty viesti|edelleenlähetetty viesti|lähetetty edelleen|välitetty viesti alkaa|edelleen lähetetty viesti|"
    "iletilen mesaj|yönlendirilen mesaj|iletilmiş ileti|yönlendirilmiş ileti|yönlendirilen ileti|iletilmiş mesaj|iletilen ileti|başlangıç: iletilen mesaj|"
    "továbbított üzenet|továbbított levél|mesaj redirecționat|mesaj redirectionat|mesajul redirecționat|προωθημένο μήνυμα|προωθούμενο μήνυμα|έναρξη προωθημένου μηνύματος|"
    "препратено съобщение|proslijeđena poruka|prosleđena poruka|posredovano sporočilo|edastatud kiri|edastatud sõnum|pārsūtītais ziņojums|persiųstas laiškas|"
    "persiunčiamas laiškas|הודעה שהועברה|הודעה מועברת|رسالة معاد توجيهها|رسالة تم تحويلها|thư đã chuyển tiếp|tin nhắn đã chuyển tiếp|forwarded message / pesan terusan|pesan terusan|pesan yang diteruskan|"
    "ข้อความที่ส่งต่อ|転送メッセージ|転送されたメッセージ|転送された メッセージ|転送されたメール|転送元メッセージ|メッセージを転送|forwarded message / 転送|"
    "转发的邮件|转发邮件|被转发的邮件|转发的邮件信息|轉寄的郵件|轉寄郵件|轉寄郵件內容|转发邮件信息|已转发邮件|以下是转发的邮件|轉寄訊息|转发信息|"
    "전달된 메시지|전달된 메일|전달한 메시지|전달된 이메일|전달 메시지|전달된 메세지"
)

# Notes puts a name behind: "----- Forwarded by Jane Doe/ACME on 01/02/2024 10:00 -----".
FORWARDED_BY = (
    "forwarded by ", "weitergeleitet von ", "transféré par ", "réacheminé par ", "reenviado por ", "inoltrato da ", "doorgestuurd door ", "encaminhado por ",
    "przekazane przez ", "переслано ", "přeposláno ", "vidarebefordrat av ", "videresendt af ", "videresendt av ", "välittänyt ", "転送者 ", "转发人 ",
)  # fmt: skip

# Subject prefixes of a forward, before a colon.
FORWARD_PREFIXES = _words(
    "fw|fwd|forward|wg|weitergeleitet|tr|rv|rm|reenv|i|inoltro|doorst|doorgestuurd|fwd.|enc|res enc|pd|przek|пер|пересл|переслано|fwd: re|předat|předáno|fs|vb|vl|ilt|továbbítás|"
    "továbbított|prosl|πρθ|препр|edasi|הועבר|إعادة توجيه|转发|轉寄|轉|转|転送|전달|fyi"
)
REPLY_PREFIXES = _words("re|aw|antw|antwort|sv|vs|odp|ref|rif|r|res|rép|ynt|yan|απ|отв|ответ|vá|回复|回覆|答复|返信|답장|회신|תגובה|رد|bls|trả lời|на|atb|ats")

# --- "On ..., X wrote:" -------------------------------------------------------------------------------------------------
# A word (or ending) that says "wrote"; looked for anywhere in the folded line.
WROTE = (
    " wrote", " writes", " schrieb", " geschrieben", " a écrit", " a ecrit", " écrit ", " écrivait", " écrivit", " escribió", " escribio", " escribía", " ha escrito", " ha scritto", " scrisse", " scritto",
    " schreef", " geschreven", " escreveu", " escreveu-nos", " napisał", " napisała", " napisał(a)", " napisal(a)", " pisze", " написал", " написала", " написал(а)", " пишет", " писал", " написав", " написала", " пише", " написав(-ла)", " писав",
    " napsal", " napsal(a)", " napsala", " napísal", " napísal(a)", " píše", " skrev", " kirjoitti", " kirjoittaa", " yazdı", " şunu yazdı", " şunları yazdı", " yazmış",
    " írta", " ezt írta", " a scris", " έγραψε", " написа", " je napisao", " je napisala", " je napisao/la", " napisao", " je pisal", " je napisal", " kirjutas", " rakstīja", " rašė", " parašė",
    "כתב", "كتب", "تمت كتابة", " đã viết", " viết", " menulis", "เขียนว่า", "書きました", "のメッセージ", "さんの発言", "さんは", "写道", "寫道", "写到", "编写", "님이 작성", "작성:", "작성 :", "썼습니다", "쓰기", "님이", "wrote", " napisana przez", "quoting ", "zitat von ", "citando ", "citeren ", "のメール",
)  # fmt: skip
# How such a line begins. Folded; a digit, a weekday or a name in quotes may begin it as well.
ATTRIBUTION_OPENERS = (
    "on ", "am ", "um ", "le ", "el ", "il ", "il giorno ", "in data ", "op ", "em ", "no dia ", "a ", "às ", "dnia ", "w dniu ", "dne ", "dňa ", "den ", "på ", "pe ", "la ", "în ", "in ", "στις ", "на ", "dana ",
    "dne: ", "vào ", "pada ", "ในวันที่", "בתאריך", "في ", "---- on ", "-----on ", "- on ", "---- ", "quoting ", "zitat von ", "citando ", "citeren ", "citando a ", "quando ", "el día ", "em qua", "ngày ", "at ",
)  # fmt: skip
WEEKDAYS = (
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "mo.", "di.", "mi.", "do.", "fr.", "sa.", "so.", "lun", "mar", "mer", "jeu", "ven", "sam", "dim", "mié", "jue", "vie", "sáb", "dom", "gio",
    "ma ", "di ", "wo ", "do ", "vr ", "za ", "zo ", "seg", "ter", "qua", "qui", "sex", "pon", "wt", "śr", "czw", "pt", "sob", "niedz", "пн", "вт", "ср", "чт", "пт", "сб", "вс", "нд", "po ", "út", "st ", "čt", "pá", "so ", "ne ",
    "mån", "tis", "ons", "tor", "fre", "lör", "sön", "man", "tir", "lør", "søn", "ke ", "to ", "pe ", "la ", "su ", "ti ", "понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье", "понеділок", "вівторок", "середа", "четвер", "п'ятниця", "п’ятниця", "субота", "неділя", "pzt", "sal", "çar", "per", "cum", "cmt", "paz",
)  # fmt: skip

# --- "Sent from my phone" ---------------------------------------------------------------------------------------------
SENT_FROM = (
    "sent from ", "sent with ", "sent via ", "sent using ", "get outlook for ", "get outlook", "sent through ", "download outlook", "yahoo mail: search, organize", "sent by ",
    "gesendet von ", "gesendet mit ", "gesendet via ", "gesendet aus ", "von meinem ", "von outlook gesendet", "outlook für ", "holen sie sich outlook", "diese nachricht wurde von meinem ", "diese nachricht wurde mit ",
    "envoyé de ", "envoyé depuis ", "envoyé à partir ", "envoyé avec ", "envoyé par ", "télécharger outlook", "obtenir outlook", "provenance : courrier", "envoyé d'",
    "enviado desde ", "enviado con ", "obtener outlook", "enviado a través ", "descarga outlook", "enviado mediante ", "enviado por ",
    "inviato da ", "inviato dal ", "inviato con ", "ottieni outlook", "scarica outlook", "da iphone", "inviata da ", "inviato tramite ",
    "verzonden vanaf ", "verstuurd vanaf ", "verzonden met ", "verstuurd met ", "download outlook voor", "outlook voor ", "verzonden via ", "verstuurd via ", "verzonden van ",
    "enviado do ", "enviado da ", "enviado de ", "enviado através ", "enviado pelo ", "enviado a partir ", "enviado via ", "obter o outlook", "obter outlook", "baixar o outlook",
    "wysłane z ", "wysłano z ", "wysłane przez ", "pobierz program outlook", "pobierz aplikację outlook", "wysłano za pomocą ",
    "отправлено с ", "отправлено из ", "отправлено с помощью ", "отправлено через ", "скачать outlook", "получить outlook", "отправлено от ",
    "надіслано з ", "надіслано із ", "відправлено з ", "надіслано через ", "отримати outlook", "завантажити outlook",
    "odesláno z ", "odesláno ze ", "odesláno pomocí ", "získat outlook", "stáhnout outlook", "odoslané z ", "odoslané zo ",
    "skickat från ", "skickades från ", "skickat med ", "hämta outlook", "skickat via ", "skaffa outlook",
    "sendt fra ", "sendt med ", "hent outlook", "få outlook", "sendt via ", "last ned outlook",
    "lähetetty ", "hanki outlook", "lataa outlook",
    "gönderildi", "outlook'u edinin", "outlook edinin", "iphone'umdan gönderildi", "iphone'dan gönderildi",
    "az iphone-omról küldve", "küldve ", "trimis de pe ", "trimis din ", "στάλθηκε από ", "изпратено от ", "poslano s ", "poslano sa ", "poslano z ", "saadetud ", "נשלח מ", "أرسلت من ", "تم الإرسال من ", "đã gửi từ ", "dikirim dari ", "ส่งจาก",
    "iphoneから送信", "ipadから送信", "androidから送信", "私のiphoneから送信", "outlook for ios を入手", "outlook を入手",
    "发自我的", "來自我的", "从我的", "從我的", "發自我的", "获取outlook", "获取 outlook", "取得 outlook", "取得outlook", "发自", "寄自", "傳送自",
    "나의 iphone에서 보냄", "내 iphone에서 보냄", "나의 ipad에서 보냄", "outlook 가져오기", "ios용 outlook", "android용 outlook", "내 갤럭시",
)  # fmt: skip
SENT_FROM_ENDINGS = (
    "から送信", "에서 보냄", "에서 보냈습니다", "gönderildi", "'dan gönderildi", "cihazımdan gönderildi", "küldve", "gesendet", "发送", "發送", "傳送", "を入手", "を入手してください", "가져오기", "다운로드", "から送信されました", "edinin", "からの送信",
)  # fmt: skip

# Words of the footer that a mailing list or a company's server adds below everything.
FOOTER_WORDS = (
    "mailing list", "unsubscribe", "list archives", "you received this message because", "to unsubscribe", "confidential", "disclaimer", "intended recipient",
    "virus", "vertraulich", "abmelden", "mailingliste", "confidentiel", "désabonner", "liste de diffusion", "confidencial", "riservat", "confidenzial", "vertrouwelijk",
    "poufn", "конфиденц", "конфіденц", "důvěrn", "konfidenti", "fortrolig", "luottamuksel", "gizli", "機密", "メーリングリスト", "保密", "기밀", "reply to this email directly", "view it on github",
)  # fmt: skip
