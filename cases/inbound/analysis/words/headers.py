"""Labels of the header blocks that programs write above an earlier mail, and prefixes of subjects. Data."""

from __future__ import annotations

from cases.inbound.analysis.words.folding import phrase_set

# Kind of header -> its labels, languages one after another.
HEADER_LABELS: dict[str, frozenset[str]] = {
    "from": phrase_set(
        "from|von|de|expéditeur|expediteur|remitente|da|mittente|van|afzender|remetente|od|nadawca|от|от кого|"
        "отправитель|від|від кого|"
        "відправник|odesílatel|odosielateľ|från|avsändare|fra|afsender|avsender|lähettäjä|keneltä|kimden|gönderen|"
        "feladó|de la|από|"
        "подател|pošiljatelj|pošiljatelj od|saatja|no|nuo|מאת|من|từ|người gửi|dari|จาก|差出人|送信者|发件人|寄件者|"
        "寄件人|보낸 사람|보낸사람|발신자|발신"
    ),
    "date": phrase_set(
        "date|sent|sent at|date sent|received|datum|gesendet|gesendet am|gesendet um|datum/uhrzeit|envoyé|"
        "envoyé le|envoye|date d'envoi|"
        "message du|fecha|enviado|enviado el|enviada el|fecha de envío|data|inviato|inviato il|data invio|"
        "verzonden|verzonden op|"
        "enviada|enviada em|enviado em|data de envio|wysłano|wysłane|data wysłania|дата|отправлено|дата отправки|"
        "надіслано|відправлено|"
        "odesláno|dátum|odoslané|skickat|skickades|sendt|dato|lähetetty|päivämäärä|päiväys|pvm|tarih|"
        "gönderme tarihi|gönderilme tarihi|gönderildi|"
        "küldve|elküldve|trimis|trimis la|dată|στάλθηκε|ημερομηνία|изпратено|poslano|datum slanja|saadetud|kuupäev|"
        "nosūtīts|datums|išsiųsta|תאריך|נשלח|"
        "التاريخ|تاريخ الإرسال|تم الإرسال|ngày|đã gửi|tanggal|terkirim|dikirim|วันที่|ส่ง|日時|送信日時|送信|"
        "送信日|日付|发送时间|发送日期|日期|寄件日期|"
        "傳送時間|寄送時間|传送时间|时间|보낸 날짜|보낸날짜|날짜|보낸 시간|발신일|일시"
    ),
    "to": phrase_set(
        "to|sent to|pour|an|empfänger|à|a|destinataire|para|destinatario|aan|geadresseerde|destinatário|do|adresat|"
        "кому|получатель|одержувач|komu|příjemce|"
        "príjemca|till|til|mottaker|vastaanottaja|kenelle|kime|alıcı|címzett|către|catre|προς|до|za|prima|"
        "prejemnik|saaja|adresaat|kam|kam adresēts|"
        "adresatas|אל|נמען|إلى|đến|người nhận|tới|kepada|ke|ถึง|宛先|收件人|收件者|받는 사람|받는사람|수신자|수신"
    ),
    "cc": phrase_set(
        "cc|kopie|copie|copie à|copia|cópia|kopia|dw|do wiadomości|копия|копія|kopie (cc)|kópia|kopi|kopio|bilgi|"
        "másolat|másolatot kap|κοινοποίηση|κοιν.|kp|"
        "naudojama kopija|עותק|نسخة|tembusan|สำเนา|ccへ|抄送|副本|참조"
    ),
    "bcc": phrase_set(
        "bcc|bcc:|blindkopie|cci|cco|ccn|udw|скрытая копия|прихована копія|skrytá kopie|hemlig kopia|密件抄送|密送|"
        "密件副本|숨은 참조"
    ),
    "reply_to": phrase_set(
        "reply-to|reply to|antwort an|répondre à|responder a|rispondi a|antwoord aan|responder para|odpowiedz do|"
        "ответить|svara till|svar til|回复|返信先"
    ),
    "subject": phrase_set(
        "subject|betreff|betrifft|objet|sujet|asunto|oggetto|onderwerp|assunto|temat|тема|předmět|predmet|ämne|"
        "emne|aihe|otsikko|konu|tárgy|subiect|θέμα|"
        "относно|zadeva|teema|temats|tēma|tema|נושא|الموضوع|chủ đề|tiêu đề|subjek|perihal|เรื่อง|หัวเรื่อง|件名|"
        "主题|主題|主旨|标题|제목"
    ),
    "other": phrase_set(
        "importance|priority|attachments|attachment|wichtigkeit|priorität|anlagen|anhang|anlage|"
        "importance du message|pièces jointes|importancia|"
        "datos adjuntos|adjuntos|priorità|allegati|urgentie|bijlagen|anexos|importância|prioridade|ważność|"
        "załączniki|важность|вложения|"
        "bifogade filer|prioritet|vedlegg|vedhæftede filer|liitteet|ekler|přílohy|重要度|添付ファイル|附件|重要性|"
        "중요도|첨부|첨부 파일|organization|organisation|"
        "signed by|mailed by|list|mailing list|categories|kategorien"
    ),
}

LABEL_KIND: dict[str, str] = {label: kind for kind, labels in HEADER_LABELS.items() for label in labels}

MAX_LABEL = max(len(label) for label in LABEL_KIND) + 6

# Subject prefixes of a forward, before a colon.
FORWARD_PREFIXES = phrase_set(
    "fw|fwd|forward|wg|weitergeleitet|tr|rv|rm|reenv|i|inoltro|doorst|doorgestuurd|fwd.|enc|res enc|pd|przek|пер|"
    "пересл|переслано|fwd: re|předat|předáno|fs|vb|vl|ilt|továbbítás|"
    "továbbított|prosl|πρθ|препр|edasi|הועבר|إعادة توجيه|转发|轉寄|轉|转|転送|전달|fyi"
)
REPLY_PREFIXES = phrase_set(
    "re|aw|antw|antwort|sv|vs|odp|ref|rif|r|res|rép|ynt|yan|απ|отв|ответ|vá|回复|回覆|答复|返信|답장|회신|תגובה|رد|"
    "bls|trả lời|на|atb|ats"
)
