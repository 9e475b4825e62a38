""" "Sent from my phone", and the footers of lists and companies. Data; all folded."""

from __future__ import annotations

SENT_FROM = (
    "sent from ", "sent with ", "sent via ", "sent using ", "get outlook for ", "get outlook", "sent through ",
    "download outlook", "yahoo mail: search, organize", "sent by ",
    "gesendet von ", "gesendet mit ", "gesendet via ", "gesendet aus ", "von meinem ", "von outlook gesendet",
    "outlook für ", "holen sie sich outlook", "diese nachricht wurde von meinem ", "diese nachricht wurde mit ",
    "envoyé de ", "envoyé depuis ", "envoyé à partir ", "envoyé avec ", "envoyé par ", "télécharger outlook",
    "obtenir outlook", "provenance : courrier", "envoyé d'",
    "enviado desde ", "enviado con ", "obtener outlook", "enviado a través ", "descarga outlook",
    "enviado mediante ", "enviado por ",
    "inviato da ", "inviato dal ", "inviato con ", "ottieni outlook", "scarica outlook", "da iphone", "inviata da ",
    "inviato tramite ",
    "verzonden vanaf ", "verstuurd vanaf ", "verzonden met ", "verstuurd met ", "download outlook voor",
    "outlook voor ", "verzonden via ", "verstuurd via ", "verzonden van ",
    "enviado do ", "enviado da ", "enviado de ", "enviado através ", "enviado pelo ", "enviado a partir ",
    "enviado via ", "obter o outlook", "obter outlook", "baixar o outlook",
    "wysłane z ", "wysłano z ", "wysłane przez ", "pobierz program outlook", "pobierz aplikację outlook",
    "wysłano za pomocą ",
    "отправлено с ", "отправлено из ", "отправлено с помощью ", "отправлено через ", "скачать outlook",
    "получить outlook", "отправлено от ",
    "надіслано з ", "надіслано із ", "відправлено з ", "надіслано через ", "отримати outlook",
    "завантажити outlook",
    "odesláno z ", "odesláno ze ", "odesláno pomocí ", "získat outlook", "stáhnout outlook", "odoslané z ",
    "odoslané zo ",
    "skickat från ", "skickades från ", "skickat med ", "hämta outlook", "skickat via ", "skaffa outlook",
    "sendt fra ", "sendt med ", "hent outlook", "få outlook", "sendt via ", "last ned outlook",
    "lähetetty ", "hanki outlook", "lataa outlook",
    "gönderildi", "outlook'u edinin", "outlook edinin", "iphone'umdan gönderildi", "iphone'dan gönderildi",
    "az iphone-omról küldve", "küldve ", "trimis de pe ", "trimis din ", "στάλθηκε από ", "изпратено от ",
    "poslano s ", "poslano sa ", "poslano z ", "saadetud ", "נשלח מ", "أرسلت من ", "تم الإرسال من ", "đã gửi từ ",
    "dikirim dari ", "ส่งจาก",
    "iphoneから送信", "ipadから送信", "androidから送信", "私のiphoneから送信", "outlook for ios を入手",
    "outlook を入手",
    "发自我的", "來自我的", "从我的", "從我的", "發自我的", "获取outlook", "获取 outlook", "取得 outlook",
    "取得outlook", "发自", "寄自", "傳送自",
    "나의 iphone에서 보냄", "내 iphone에서 보냄", "나의 ipad에서 보냄", "outlook 가져오기", "ios용 outlook",
    "android용 outlook", "내 갤럭시",
)  # fmt: skip

SENT_FROM_ENDINGS = (
    "から送信", "에서 보냄", "에서 보냈습니다", "gönderildi", "'dan gönderildi", "cihazımdan gönderildi", "küldve",
    "gesendet", "发送", "發送", "傳送", "を入手", "を入手してください", "가져오기", "다운로드",
    "から送信されました", "edinin", "からの送信",
)  # fmt: skip

# Words of the footer that a mailing list or a company's server adds below everything.
FOOTER_WORDS = (
    "mailing list", "unsubscribe", "list archives", "you received this message because", "to unsubscribe",
    "confidential", "disclaimer", "intended recipient",
    "virus", "vertraulich", "abmelden", "mailingliste", "confidentiel", "désabonner", "liste de diffusion",
    "confidencial", "riservat", "confidenzial", "vertrouwelijk",
    "poufn", "конфиденц", "конфіденц", "důvěrn", "konfidenti", "fortrolig", "luottamuksel", "gizli", "機密",
    "メーリングリスト", "保密", "기밀", "reply to this email directly", "view it on github",
)  # fmt: skip

# Names of devices and programs in such lines.
DEVICES = (
    "iphone", "ipad", "outlook", "android", "galaxy", "samsung", "huawei", "xiaomi", "blackberry",
    "smartphone", "mobile", "handy", "mail", "yahoo", "gmx", "proton", "windows", "nokia", "手机", "手機",
    "갤럭시", "スマート", "cihaz", "telefon", "téléphone", "teléfono", "telefone", "телефон", "device",
    "gerät",
)  # fmt: skip
