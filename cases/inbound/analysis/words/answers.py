"""Subjects and sentences of automatic replies, read receipts and challenges. Data."""

from __future__ import annotations

from cases.inbound.analysis.words.folding import phrases

# Subjects of machines that answer with no word about an absence.
AUTO_REPLY_SUBJECTS = phrases(
    "auto reply|auto-reply|autoreply|auto response|auto-response|autoresponse|auto responder|autoresponder|"
    "automated reply|automated response|automatic response|automatic answer|auto answer|auto-generated reply|"
    "[auto-reply]|[auto reply]|[autoreply]|(auto-reply)|(autoreply)|[auto response]|[auto-response]|*auto-reply*|"
    "automatically generated reply|this is an automated reply|automated acknowledgement|automatic acknowledgement|"
    "automatische eingangsbestätigung|automatische empfangsbestätigung|autoantwort|auto-antwort|"
    "automatische rückantwort|automatische rückmeldung|automatische bestätigung|"
    "accusé de réception automatique|réponse auto|auto-réponse|autoréponse|message automatique|"
    "acuse de recibo automático|autorespuesta|auto-respuesta|mensaje automático|respuesta automatizada|"
    "risposta automatizzata|autorisposta|messaggio automatico|conferma automatica|"
    "automatische ontvangstbevestiging|automatisch bericht|automatisch antwoord op|autoantwoord|"
    "auto-resposta|autoresposta|mensagem automática|resposta automatizada|confirmação automática|"
    "potwierdzenie automatyczne|wiadomość automatyczna|automatyczne potwierdzenie|"
    "автоматическое уведомление|автоматическое подтверждение|автоответчик|автоматичне повідомлення|"
    "автоматичне підтвердження|автовідповідач|automatické potvrzení|automatická zpráva|automatická reakce|"
    "automatiskt meddelande|automatisk bekräftelse|automatisk besked|automatisk kvittering|automatisk bekræftelse|"
    "automatisk melding|automatisk bekreftelse|automaattivastaus|automaattinen kuittaus|automaattinen viesti|"
    "otomatik mesaj|otomatik bilgilendirme|【自動返信】|[自動返信]|【自動配信】|[自動配信]|自動返信メール|"
    "自動送信メール|（自動返信）|(自動返信)|【自動応答】|[自动回复]|【自动回复】|【自動回覆】|[自動回覆]|"
    "自动回复邮件|[자동회신]|[자동응답]|[자동 응답]|자동 발송|자동응답메일"
)

READ_RECEIPT_SUBJECTS = phrases(
    "read|not read|read receipt|return receipt|read notification|gelesen|ungelesen|nicht gelesen|lesebestätigung|"
    "empfangsbestätigung|empfangsbestätigung (angezeigt)|lu|non lu|lu :|accusé de lecture|confirmation de lecture|"
    "leído|no leído|leido|confirmación de lectura|acuse de recibo|letto|non letto|conferma di lettura|"
    "ricevuta di ritorno|"
    "gelezen|niet gelezen|leesbevestiging|ontvangstbevestiging|lida|não lida|lido|confirmação de leitura|"
    "recibo de leitura|przeczytane|przeczytano|nieprzeczytane|potwierdzenie przeczytania|potwierdzenie odczytu|"
    "прочитано|прочтено|не прочитано|уведомление о прочтении|отчет о прочтении|сповіщення про прочитання|"
    "přečteno|nepřečteno|potvrzení o přečtení|potvrzení o přijetí|läst|ej läst|läskvitto|läskvittens|læst|"
    "ikke læst|læsekvittering|kvittering for læsning|kvittering|lest|ulest|lesebekreftelse|luettu|ei luettu|"
    "lukukuittaus|okundu|okunmadı|okundu bilgisi|olvasva|citit|αναγνώστηκε|prečítané|prebrané|"
    "開封済み|開封確認|開封通知|已读|已讀|已读回执|已读：|阅读回执|讀取回條|읽음|읽음 확인|수신 확인|수신확인|"
    "displayed"
)

READ_RECEIPT_WORDS = phrases(
    "was read on|has been read|was displayed|has been displayed|this is a return receipt|return receipt for the|"
    "this is a receipt for the|read receipt|read by the recipient|gelesen am|wurde gelesen|wurde angezeigt|"
    "lesebestätigung|a été lu|a été affiché|accusé de réception|se leyó|fue leído|ha sido leído|mostrado en|"
    "è stato letto|"
    "è stato visualizzato|is gelezen|werd gelezen|foi lida|foi lido|foi exibida|została przeczytana|przeczytano|"
    "było прочитано|было прочитано|прочитано|була прочитана|byla přečtena|byla zobrazena|har lästs|lästes|"
    "blev læst|er læst|ble lest|luettiin|on luettu|okundu|開封され|読まれました|已于|已阅读|已讀取|읽었습니다|열람"
)

CHALLENGE_SUBJECTS = phrases(
    "please confirm your message|please confirm your email to|confirm your email to|please verify your email to|"
    "verification required|message verification|sender verification|challenge|[spamarrest]|spam arrest|"
    "action required: confirm your message|confirmation required|antispam uol|mailinblack|"
    "demande d'authentification|your message requires confirmation|please authenticate|"
    "your email requires verification"
)

CHALLENGE_WORDS = phrases(
    "requires confirmation|confirm this mail server|confirm that you are a|confirm you are not|confirm you are a|"
    "confirm that your message|confirm your message|verify that you are|verify you are a|requires verification|"
    "sender verification|please verify your|challenge/response|challenge-response|challenge response|guest list|"
    "waitlisted|not pre-approved|not yet approved|"
    "prove you are human|prove that you are|are a real person|are a human|approved sender|approved senders list|"
    "approve your address|to be delivered, please|click the link below to deliver|release your message|"
    "confirmation from you|not recognise your|you are not on my|whitelist.aspx|anti-spam confirmation|"
    "this one-time|one time confirmation|"
    "bestätigen sie, dass|absenderbestätigung|freischaltung ihrer e-mail|spamschutz: bitte|authentifier votre|"
    "vous authentifier|mailinblack|confirmez que vous|confirmer votre message|confirme que|confirmar que|"
    "confirmação do remetente|antispam uol|confermi di|bevestig dat|potwierdź, że|подтвердите, что"
)

CHALLENGE_DOMAINS = (
    "boxbe.com",
    "spamarrest.com",
    "mailinblack.com",
    "antispam.uol.com.br",
    "bluebottle.com",
    "knowspam.net",
    "mailblocks.com",
    "choicemail.com",
    "spamlion.com",
    "0spam.com",
)
