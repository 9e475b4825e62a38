"""What machines write in subjects and bodies, in their languages. Data of `automatic` and `bounces`.

Everything is compared in the form that `reply_words.fold` gives. Subjects match from their first word, so that a
person's "Re: Undeliverable: ..." or "Out of office hours support?" is not taken for the machine's mail.
"""

from __future__ import annotations

from cases.inbound.analysis.reply_words import fold


def _starts(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fold(part) for part in text.split("|") if part.strip()))


# Subjects that Exchange, Gmail, Notes and vacation programs write; "Automatic reply: Your order".
# A colon, bracket or the end must follow.
OUT_OF_OFFICE_SUBJECTS = _starts(
    "automatic reply|out of office|out of the office|out-of-office|out of office autoreply|out of office auto-reply|out of office reply|out of office automatic reply|ooo|away from office|"
    "auto: out of office|autoreply: out of office|auto reply: out of office|vacation reply|vacation|vacation notice|on vacation|on leave|annual leave|away|away message|i am away|holiday|out of office notification|"
    "automatische antwort|abwesenheitsnotiz|abwesenheit|abwesenheitsbenachrichtigung|abwesenheitsmeldung|abwesenheitsinfo|abwesenheitsinformation|abwesend|nicht im büro|urlaub|außer haus|ich bin abwesend|"
    "abwesenheitsagent|abwesenheitshinweis|automatische abwesenheitsnotiz|auto-antwort: abwesend|"
    "réponse automatique|réponse automatique d'absence|message d'absence|absence du bureau|absent du bureau|absence|absent|absente|absent(e)|notification d'absence|avis d'absence|hors du bureau|en congé|en congés|en vacances|"
    "respuesta automática|fuera de la oficina|fuera de oficina|ausencia|ausente|aviso de ausencia|mensaje de ausencia|de vacaciones|vacaciones|respuesta automatica|"
    "risposta automatica|fuori ufficio|fuori sede|assenza|assente|in ferie|assenza dall'ufficio|avviso di assenza|messaggio di assenza|sono in ferie|notifica di assenza|"
    "automatisch antwoord|afwezigheidsbericht|afwezig|afwezigheid|niet aanwezig|niet op kantoor|buiten kantoor|automatische reactie|afwezigheidsassistent|automatisch afwezigheidsbericht|met vakantie|vakantie|"
    "resposta automática|fora do escritório|ausência|ausência temporária|fora da empresa|em férias|férias|de férias|estou de férias|resposta automatica|ausência do escritório|mensagem de ausência|"
    "odpowiedź automatyczna|automatyczna odpowiedź|autoodpowiedź|nieobecność|nieobecny|nieobecna|poza biurem|poza biurem.|urlop|jestem na urlopie|nieobecność w biurze|wiadomość o nieobecności|"
    "автоматический ответ|автоответ|вне офиса|нет на месте|отсутствие на рабочем месте|в отпуске|отпуск|я в отпуске|отсутствую|уведомление об отсутствии|сообщение об отсутствии|отсутствие|меня нет в офисе|"
    "автоматична відповідь|автовідповідь|поза офісом|у відпустці|відпустка|відсутність|немає на місці|відсутній|відсутня|повідомлення про відсутність|"
    "automatická odpověď|mimo kancelář|nepřítomnost|dovolená|nepřítomen|mimo pracoviště|jsem mimo kancelář|oznámení o nepřítomnosti|na dovolené|automatická odpoveď|mimo kancelárie|neprítomnosť|"
    "autosvar|automatiskt svar|frånvaro|frånvaromeddelande|ej på kontoret|inte på kontoret|semester|på semester|frånvarande|frånvaroassistent|"
    "automatisk svar|fraværsbesked|ikke på kontoret|fravær|ferie|på ferie|ikke til stede|fraværende|fraværsmeddelelse|autosvar - ikke på kontoret|fraværsmelding|ute av kontoret|fraværsassistent|fraværsmelding.|permisjon|"
    "automaattinen vastaus|poissa|poissaoloilmoitus|poissa toimistosta|lomalla|loma|poissaolo|olen lomalla|automaattinen poissaoloviesti|vuosiloma|poissaoloviesti|en ole paikalla|"
    "otomatik yanıt|otomatik cevap|ofis dışında|ofis dışındayım|ofis dışı|izinde|izindeyim|otomatik yanıt: ofis dışında|yıllık izin|tatilde|tatildeyim|"
    "automatikus válasz|házon kívül|szabadság|szabadságon|irodán kívül|távollét|răspuns automat|în afara biroului|absent din birou|absență|concediu|în concediu|mesaj automat|"
    "αυτόματη απάντηση|εκτός γραφείου|απουσία|άδεια|автоматичен отговор|извън офиса|отсъствие|отпуска|automatski odgovor|odsutan|odsutnost|izvan ureda|godišnji odmor|samodejni odgovor|odsoten|odsotnost|"
    "automaatvastus|kontorist väljas|puhkusel|puhkus|automātiska atbilde|automātiskā atbilde|atvaļinājums|ārpus biroja|esmu atvaļinājumā|prombūtne|automatinis atsakymas|ne biure|atostogos|atostogauju|"
    "תשובה אוטומטית|מענה אוטומטי|מחוץ למשרד|חופשה|رد تلقائي|خارج المكتب|الرد التلقائي|إجازة|trả lời tự động|vắng mặt|ngoài văn phòng|balasan otomatis|di luar kantor|cuti|ตอบกลับอัตโนมัติ|ไม่อยู่ที่สำนักงาน|การตอบกลับอัตโนมัติ|"
    "自動応答|自動返信|不在通知|不在のお知らせ|不在|休暇のお知らせ|外出中|【自動返信】不在|【不在】|不在連絡|休暇中|自動応答メール|夏季休業のお知らせ|"
    "自动答复|自動答覆|自动回复|自動回覆|外出|不在办公室|不在辦公室|休假|休假通知|外出通知|自动应答|休假中|假期自动回复|外出自动回复|"
    "자동 회신|자동회신|부재중|부재 중|부재중 알림|휴가|휴가 중|외근|자동 응답|자동응답|부재 알림|부재 중 자동 회신|휴가중"
)

# Subjects of machines that answer with no word about an absence.
AUTO_REPLY_SUBJECTS = _starts(
    "auto reply|auto-reply|autoreply|auto response|auto-response|autoresponse|auto responder|autoresponder|automated reply|automated response|automatic response|automatic answer|auto answer|auto-generated reply|"
    "[auto-reply]|[auto reply]|[autoreply]|(auto-reply)|(autoreply)|[auto]|[auto response]|[auto-response]|*auto-reply*|automatically generated reply|this is an automated reply|automated acknowledgement|automatic acknowledgement|"
    "automatische eingangsbestätigung|automatische empfangsbestätigung|autoantwort|auto-antwort|automatische rückantwort|automatische rückmeldung|automatische bestätigung|"
    "accusé de réception automatique|réponse auto|auto-réponse|autoréponse|message automatique|acuse de recibo automático|autorespuesta|auto-respuesta|mensaje automático|respuesta automatizada|"
    "risposta automatizzata|autorisposta|messaggio automatico|conferma automatica|automatische ontvangstbevestiging|automatisch bericht|automatisch antwoord op|autoantwoord|"
    "auto-resposta|autoresposta|mensagem automática|resposta automatizada|confirmação automática|potwierdzenie automatyczne|wiadomość automatyczna|automatyczne potwierdzenie|"
    "автоматическое уведомление|автоматическое подтверждение|автоответчик|автоматичне повідомлення|автоматичне підтвердження|автовідповідач|automatické potvrzení|automatická zpráva|automatická reakce|"
    "automatiskt meddelande|automatisk bekräftelse|automatisk besked|automatisk kvittering|automatisk bekræftelse|automatisk melding|automatisk bekreftelse|automaattivastaus|automaattinen kuittaus|automaattinen viesti|"
    "otomatik mesaj|otomatik bilgilendirme|【自動返信】|[自動返信]|【自動配信】|[自動配信]|自動返信メール|自動送信メール|（自動返信）|(自動返信)|【自動応答】|[自动回复]|【自动回复】|【自動回覆】|[自動回覆]|自动回复邮件|[자동회신]|[자동응답]|[자동 응답]|자동 발송|자동응답메일"
)

# Absence told in a body; used only beside a header or subject that already says a machine wrote.
OUT_OF_OFFICE_WORDS = _starts(
    "out of the office|out of office|away from the office|away from my desk|on vacation|on annual leave|on holiday|on leave|on maternity leave|limited access to e|i am away|i'm away|i will be away|i am currently away|i will be back|will return on|"
    "return to the office|back in the office|returning on|no access to my email|on parental leave|currently out|i will return|"
    "nicht im büro|nicht im hause|abwesend|im urlaub|urlaub|nicht im haus|wieder erreichbar|wieder im büro|außer haus|in elternzeit|nicht erreichbar|wieder für sie da|ausser haus|"
    "absent|en congé|en vacances|hors du bureau|de retour le|mon retour|mon absence|en déplacement|congé maternité|"
    "fuera de la oficina|fuera de oficina|ausente|de vacaciones|estaré fuera|volveré|regresaré|mi regreso|mi ausencia|sin acceso|"
    "fuori ufficio|assente|in ferie|sarò fuori|rientrerò|al mio rientro|mio ritorno|fuori sede|chiuso per ferie|"
    "afwezig|niet op kantoor|niet aanwezig|vakantie|met verlof|ben ik weer|buiten kantoor|mijn afwezigheid|ouderschapsverlof|zwangerschapsverlof|"
    "fora do escritório|ausente|de férias|em férias|estarei fora|meu regresso|meu retorno|retornarei|regressarei|minha ausência|"
    "nieobecn|na urlopie|poza biurem|urlop|wracam|wrócę|będę dostępn|"
    "в отпуске|отсутству|вне офиса|нет в офисе|вернусь|буду на месте|в командировке|с ограниченным доступом|"
    "у відпустці|відсутн|поза офісом|повернуся|немає в офісі|у відрядженні|"
    "mimo kancelář|na dovolené|dovolen|nepřítom|nejsem v kanceláři|budu zpět|vrátím se|mimo kancelárie|neprítom|"
    "inte på kontoret|semester|frånvarande|är ledig|tillbaka den|inte på plats|föräldraledig|åter på kontoret|tjänstledig|är tillbaka|"
    "ikke på kontoret|ferie|fraværende|tilbage den|ude af kontoret|ikke til stede|tilbake|permisjon|ute av kontoret|barsel|er tilbage|"
    "poissa|lomalla|en ole paikalla|lomalta|palaan|toimistosta|vuosilomalla|tavoitettavissa|"
    "ofis dışında|izinde|tatilde|izinli|ofiste olmayacağım|döneceğim|ofiste değilim|ofise dön|"
    "házon kívül|szabadságon|irodán kívül|în concediu|concediu|nu sunt la birou|în afara biroului|εκτός γραφείου|άδεια|απουσιάζω|отпуска|извън офиса|godišnjem|odsutan|odsutna|dopust|odsoten|puhkusel|atvaļinājum|atostog|"
    "חופשה|מחוץ למשרד|לא במשרד|إجازة|خارج المكتب|nghỉ phép|vắng mặt|cuti|tidak berada di kantor|ลาพักร้อน|ไม่อยู่|"
    "不在|休暇|外出|出張|お休み|休業|夏休み|休みを|休假|出差|度假|不在办公室|不在辦公室|年假|放假|不能及时|無法及時|휴가|부재|출장|자리를 비|외근|연차|휴무"
)

# --- delivery failures ------------------------------------------------------------------------------------------------
BOUNCE_SUBJECTS = _starts(
    "undelivered mail|undeliverable|undelivered|undelivered message|undeliverable mail|undeliverable message|undeliverable email|undeliverable:|returned mail|returned email|returned to sender|return to sender|returned message|"
    "mail delivery failed|mail delivery failure|mail delivery problem|mail delivery error|mail delivery status|mail delivery subsystem|mail delivery notification|mail failure|mail error|mail returned|mail could not be delivered|mail not delivered|mail undeliverable|mail system error|mail status report|"
    "message delivery failure|message delivery failed|message could not be delivered|message not delivered|message undeliverable|message status - undeliverable|message rejected|message not deliverable|message you sent blocked|message blocked|"
    "delivery status notification|delivery failure|delivery failed|delivery has failed|delivery report|delivery notification|delivery problem|delivery error|delivery to the following|delivery unsuccessful|delivery attempt|delivery status|delivery incomplete|delivery delayed|delivery final failure|"
    "failure notice|failure delivery|failed mail|failed delivery|failure sending mail|failed to deliver|failed message|non delivery|non-delivery|nondelivery|nondeliverable mail|non-deliverable|non delivery report|non-delivery report|non-delivery notification|"
    "could not deliver|couldn't deliver|cannot deliver|unable to deliver|unable to send|warning: could not send|warning: message|warning: message delayed|warning - delayed mail|delayed mail|delayed:|delayed delivery|message delayed|mail delayed|email delayed|warning: delayed|"
    "unknown user|user unknown|unknown recipient|recipient unknown|unknown address|address not found|invalid recipient|bounced mail|bounced message|bounce notification|bounce message|bounce:|rejected mail|rejected:|rejected posting|e-mail delivery|email delivery failure|email delivery failed|email could not be delivered|email not delivered|"
    "processing error|problem delivering|problem delivering mail|nachricht unzustellbar|banned file|***failed|postmaster notify|notification of delivery failure|your message to|message to|mailsystem error|smtp mail failed|delivery service notification|***undeliverable|notice: mail delivery status|mdaemon notification|mdaemon warning|"
    "unzustellbar|nicht zustellbar|unzustellbare nachricht|nachricht nicht zustellbar|nachricht konnte nicht zugestellt werden|mail konnte nicht zugestellt werden|zustellung fehlgeschlagen|zustellfehler|zustellung nicht möglich|unzustellbarkeitsbericht|nicht zugestellt|nicht zugestellte mail|zustellungsfehler|verzögert|verzögerte zustellung|zustellung verzögert|übermittlung fehlgeschlagen|fehler bei der zustellung|fehlgeschlagene zustellung|benachrichtigung zum übermittlungsstatus|"
    "non remis|non remis :|non délivré|échec de remise|échec de la remise|échec de livraison|échec d'envoi|échec de distribution|message non remis|message non délivré|non distribuable|courrier non remis|mail non délivré|retour à l'expéditeur|notification d'état de remise|avis de non-remise|notification d'état de la distribution|remise retardée|retardé|message retardé|remise différée|impossible de remettre|"
    "no se puede entregar|no entregado|no se pudo entregar|no entregable|correo no entregado|correo devuelto|error de entrega|fallo de entrega|fallo en la entrega|mensaje no entregado|mensaje devuelto|devuelto al remitente|aviso de no entrega|notificación del estado de entrega|notificación de estado de entrega|entrega retrasada|retrasado|retraso en la entrega|entrega fallida|error en la entrega|"
    "non recapitabile|impossibile recapitare|mancato recapito|mancata consegna|messaggio non recapitabile|messaggio non consegnato|consegna fallita|errore di consegna|mancata consegna:|notifica di mancato recapito|notifica sullo stato del recapito|notifica dello stato di recapito|ritardo di consegna|consegna ritardata|recapito ritardato|consegna non riuscita|posta non recapitata|"
    "onbestelbaar|niet bezorgd|niet afgeleverd|kan niet worden bezorgd|bericht niet bezorgd|bezorging mislukt|aflevering mislukt|afleveringsfout|niet te bezorgen|onbezorgbaar|onbestelbaar bericht|bezorging vertraagd|vertraagd|bericht over de afleveringsstatus|bezorgingsstatus|"
    "não é possível entregar|não entregue|não foi possível entregar|falha na entrega|falha de entrega|mensagem não entregue|e-mail não entregue|mensagem devolvida|devolvido ao remetente|email devolvido|notificação de status de entrega|notificação do estado de entrega|notificação do status da entrega|entrega atrasada|atraso na entrega|atrasado|não entregável|erro de entrega|falha ao entregar|"
    "niedostarczone|nie dostarczono|niedostarczona wiadomość|nie można dostarczyć|niedostarczalne|zwrot wiadomości|zwrot poczty|błąd dostarczania|błąd dostarczenia|dostarczenie nie powiodło się|powiadomienie o stanie dostarczenia|powiadomienie o stanie dostarczania|wiadomość niedostarczona|opóźnienie|opóźnione|opóźniona dostawa|opóźnienie w dostarczeniu|niedoręczone|nie dostarczona|"
    "недоставленное|недоставленное сообщение|не доставлено|не удалось доставить|сообщение не доставлено|письмо не доставлено|недоставлено|ошибка доставки|сбой доставки|невозможно доставить|уведомление о состоянии доставки|уведомление о статусе доставки|отчет о недоставке|отчёт о недоставке|возврат письма|недоставленное письмо|задержка доставки|задержано|доставка отложена|доставка задерживается|доставка не удалась|"
    "не доставлено:|недоставлено:|не вдалося доставити|повідомлення не доставлено|лист не доставлено|помилка доставки|збій доставки|неможливо доставити|сповіщення про стан доставки|сповіщення про статус доставки|недоставлене|повернення листа|затримка доставки|доставку відкладено|"
    "nedoručitelné|nedoručeno|nelze doručit|zpráva nedoručena|doručení se nezdařilo|selhání doručení|chyba doručení|oznámení o stavu doručení|zpožděno|doručení zpožděno|nedoručená zpráva|vrácená zpráva|nedoručiteľné|nedoručené|chyba doručenia|oneskorené|"
    "kan inte levereras|olevererbart|olevererat|ej levererat|leveransfel|leverans misslyckades|meddelande om leveransstatus|misslyckad leverans|ej levererbart|kunde inte levereras|oleverbart|fördröjd|försenad leverans|leveransstatus|leveransmeddelande|meddelandet kunde inte levereras|returnerad post|"
    "kan ikke leveres|ikke leveret|levering mislykkedes|leveringsfejl|meddelelse om leveringsstatus|ikke afleveret|uleveret|kunne ikke leveres|forsinket|forsinket levering|kan ikke leveres:|leveringsstatus|ikke levert|levering mislyktes|leveringsfeil|varsel om leveringsstatus|kan ikke levere|uleverbar|mislykket levering|returnert e-post|"
    "ei voi toimittaa|toimittamaton|toimittamatta|ei toimitettu|toimitus epäonnistui|viestiä ei voitu toimittaa|toimitusvirhe|ilmoitus toimituksen tilasta|toimituksen tila|viesti ei mennyt perille|ei voida toimittaa|viivästynyt|toimitus viivästyi|toimitus viivästynyt|perille toimittamaton|palautettu viesti|"
    "teslim edilemedi|teslim edilemiyor|teslim edilemeyen|iletilemedi|iletilemeyen|gönderilemedi|teslimat hatası|teslim hatası|teslimat durumu bildirimi|teslimat başarısız|iade edilen|gecikti|gecikmeli|teslimat gecikti|teslim durumu bildirimi|ileti teslim edilemedi|"
    "kézbesíthetetlen|nem kézbesíthető|kézbesítési hiba|sikertelen kézbesítés|nelivrabil|nu s-a putut livra|mesaj nelivrat|eșec la livrare|livrare eșuată|notificare privind starea livrării|αδύνατη παράδοση|δεν παραδόθηκε|αποτυχία παράδοσης|μη παραδοτέο|недоставимо|неуспешно доставяне|neisporučeno|nije moguće isporučiti|neuspjela isporuka|ni mogoče dostaviti|nedostavljivo|ei saanud kohale toimetada|nepiegādāts|nevar piegādāt|nepristatyta|"
    "לא ניתן למסירה|לא נמסר|מסירה נכשלה|تعذر التسليم|لم يتم التسليم|غير قابل للتسليم|فشل التسليم|không thể gửi|không gửi được|thư không gửi được|tidak terkirim|gagal terkirim|pengiriman gagal|ส่งไม่สำเร็จ|ไม่สามารถส่ง|"
    "配信不能|配信できません|配信されませんでした|配信エラー|配信失敗|送信エラー|送信失敗|配信不能通知|未配信|メールを配信できません|メール配信エラー|メールが配信できません|配信状況通知|配信遅延|配達不能|配信が遅れています|メッセージを配信できませんでした|返送|エラーメール|"
    "无法送达|无法投递|未送达|投递失败|退信|系统退信|邮件退回|退回邮件|邮件投递失败|发送失败|未能送达|传递失败|送达失败|邮件未送达|邮件发送失败|传递延迟|投递延迟|来自postmaster的退信|未传递|"
    "無法傳遞|無法投遞|無法送達|未傳遞|退信通知|郵件退回|傳送失敗|投遞失敗|寄送失敗|郵件無法投遞|傳遞失敗|未送達|傳遞延遲|"
    "배달되지 않음|배달 못함|배달 실패|전송 실패|배달할 수 없음|전달 실패|발송 실패|반송|반송 메일|수신 실패|메일 전송 실패|배달 지연|메일 발송 실패|반송된 메일|배달 상태 알림|전달되지 않음|[반송]|전송되지 않은|배달되지 않은"
)
# Of those, the ones that say the server still tries; looked for anywhere in the subject or in the report's own words.
DELAYED_WORDS = _starts(
    "(delay)|delayed|warning: could not send|still being retried|will be retried|will continue trying|will keep trying|still trying|has not yet been delivered|not yet been delivered|could not be delivered yet|no action is required on your part|transient|temporarily deferred|you do not need to resend|do not need to resend|will retry for|"
    "message still undelivered|attempts will be made|verzögert|verzögerung|wird weiterhin versucht|weitere zustellversuche|noch nicht zugestellt|retardé|remise différée|n'a pas encore été remis|n'a pas encore été|nouvelles tentatives|entrega retrasada|retrasado|seguirá intentando|todavía no se ha|aún no se ha|ritardata|ritardo|non è stato ancora|"
    "ulteriori tentativi|vertraagd|nog niet bezorgd|nog niet afgeleverd|atrasada|atraso na entrega|ainda não foi|opóźnion|opóźnieni|nie została jeszcze|задерж|отложен|пока не доставлено|ещё не доставлено|затрим|відкладено|ще не доставлено|zpožděn|dosud nebyla doručena|fördröj|försenad|har ännu inte levererats|forsinket|er endnu ikke|er ennå ikke|"
    "viivästy|ei ole vielä toimitettu|gecik|henüz teslim|遅延|遅れています|まだ配信されて|延迟|延遲|尚未送达|尚未傳遞|지연|아직 배달"
)
# Sentences of a failure in a report that has no machine-readable part.
FAILURE_WORDS = _starts(
    "could not be delivered|couldn't be delivered|cannot be delivered|can't be delivered|can not be delivered|was not delivered|wasn't delivered|not been delivered|unable to deliver|undeliverable|undelivered|unable to be delivered|delivery failed|delivery has failed|delivery failure|delivery to the following|failed to deliver|wasn't able to deliver|not able to deliver|failed permanently|permanent failure|permanent error|permanent fatal error|"
    "user unknown|unknown user|unknown recipient|recipient unknown|no such user|no such recipient|no such address|no mailbox here|mailbox unavailable|mailbox not found|mailbox is full|mailbox full|mail box space|over quota|quota exceeded|exceeded storage|invalid recipient|invalid mailbox|invalid address|recipient rejected|address rejected|recipient address|does not exist|doesn't exist|not a valid user|not a valid address|"
    "not listed in|host unknown|host not found|domain not found|unrouteable|unroutable|relaying denied|relay denied|account is disabled|account has been disabled|user not found|address not found|returned to sender|returned because|returning message to sender|message blocked|was rejected|has been rejected|been rejected|been returned|gave up|giving up|retry timeout exceeded|delivery attempts|no longer valid|no longer in use|not recognized|is not known|returned mail follows|unsent message|message you sent to|mail not deliverable|"
    "nicht zugestellt werden|konnte nicht zugestellt|unzustellbar|nicht zustellbar|zustellung ist fehlgeschlagen|fehler bei der zustellung|empfänger unbekannt|unbekannter empfänger|postfach ist voll|existiert nicht|konnten nicht erreicht werden|"
    "n'a pas pu être remis|n'a pas pu être délivré|n'a pas pu être livré|n'a pas pu être distribué|pas été remis|pas été délivré|échec de la remise|destinataire inconnu|n'existe pas|boîte pleine|impossible de remettre|non délivr|"
    "no se ha podido entregar|no se pudo entregar|no pudo ser entregado|no ha podido ser entregado|no ha sido entregado|no se entregó|destinatario desconocido|usuario desconocido|buzón lleno|buzón está lleno|no existe|fallo en la entrega|error en la entrega|"
    "non è stato possibile recapitare|non è stato possibile consegnare|non è stato recapitato|non è stato consegnato|impossibile recapitare|impossibile consegnare|non può essere recapitato|destinatario sconosciuto|utente sconosciuto|casella piena|non esiste|mancato recapito|"
    "kon niet worden bezorgd|kan niet worden bezorgd|kon niet worden afgeleverd|niet worden afgeleverd|niet bezorgd|onbekende gebruiker|bestaat niet|postvak is vol|mailbox vol|bezorgen is mislukt|"
    "não pôde ser entregue|não foi possível entregar|não foi entregue|não pode ser entregue|usuário desconhecido|utilizador desconhecido|destinatário desconhecido|caixa cheia|caixa de correio cheia|não existe|falha na entrega|"
    "nie mogła zostać dostarczona|nie może zostać dostarczona|nie została dostarczona|nie można dostarczyć|nie udało się dostarczyć|nieznany użytkownik|nieznany odbiorca|nie istnieje|skrzynka jest pełna|przepełniona|niedostarczon|"
    "не удалось доставить|не может быть доставлено|не было доставлено|не доставлено|невозможно доставить|пользователь не найден|неизвестный получатель|не существует|ящик переполнен|не удалась|не был доставлен|недоставлен|"
    "не вдалося доставити|не може бути доставлено|не було доставлено|неможливо доставити|користувача не знайдено|не існує|скриньку переповнено|скринька переповнена|"
    "nemohla být doručena|nebylo možné doručit|nelze doručit|nepodařilo se doručit|nebyla doručena|neznámý uživatel|neznámý příjemce|neexistuje|schránka je plná|nebolo možné doručiť|nemohla byť doručená|"
    "kunde inte levereras|kan inte levereras|har inte levererats|gick inte att leverera|inte kunnat levereras|okänd användare|okänd mottagare|finns inte|brevlådan är full|postlådan är full|"
    "kunne ikke leveres|kan ikke leveres|blev ikke leveret|ble ikke levert|kunne ikke levere|ukendt bruger|ukjent bruker|ukendt modtager|ukjent mottaker|findes ikke|finnes ikke|postkassen er fuld|postboksen er full|"
    "ei voitu toimittaa|ei voida toimittaa|ei toimitettu|toimittaminen epäonnistui|tuntematon käyttäjä|tuntematon vastaanottaja|ei ole olemassa|postilaatikko on täynnä|ei voitu välittää|"
    "teslim edilemedi|teslim edilemiyor|iletilemedi|gönderilemedi|ulaştırılamadı|bulunamadı|mevcut değil|kutusu dolu|bilinmeyen kullanıcı|bilinmeyen alıcı|"
    "nem kézbesíthető|nem sikerült kézbesíteni|kézbesítése sikertelen|nu a putut fi livrat|nu a fost livrat|nu există|δεν ήταν δυνατή η παράδοση|δεν παραδόθηκε|δεν υπάρχει|не можа да бъде доставено|nije moguće isporučiti|nije isporučena|ni bilo mogoče dostaviti|"
    "לא ניתן למסור|לא נמסרה|تعذر تسليم|لم يتم تسليم|không thể gửi|không gửi được|tidak dapat dikirim|gagal dikirim|ไม่สามารถส่ง|"
    "配信できません|配信できなかった|配信されませんでした|配信に失敗|配達できません|送信できません|送信できなかった|届けることができません|お届けできません|存在しません|見つかりません|宛先不明|あて先が見つから|メールボックスがいっぱい|"
    "无法送达|无法投递|未能送达|投递失败|未送达|发送失败|不存在|邮箱已满|退回|退信|无法发送|未能投递|被拒绝|拒收|"
    "無法傳遞|無法投遞|無法送達|傳送失敗|投遞失敗|信箱已滿|遭退回|無法傳送|"
    "배달하지 못|배달되지|전달하지 못|전달되지|전송되지|전송하지 못|배달할 수 없|존재하지 않|찾을 수 없|용량 초과|용량이 초과|반송되었|수신자가 없|실패하였|실패했"
)

# Local parts and display names under which mail servers write.
DAEMON_LOCAL_PARTS = frozenset(
    "mailer-daemon mailerdaemon mailer_daemon mail-daemon maildaemon mail.daemon mailer mail-delivery-subsystem maildeliverysubsystem mail-delivery-system mmdf uucp "
    "mdaemon smtp-daemon bounce-daemon double-bounce".split()
)
POSTMASTER_LOCAL_PARTS = frozenset(
    "postmaster postmast postmaster-ndr systemadministrator system-administrator mailadmin mail-admin administrator microsoftexchange microsoftexchange329e71ec88ae4615bbc36ab6ce41109e "
    "bounce bounces bounce-handler mailsystem mail-system no-reply noreply autoreply mailerror errors ndr".split()
)
DAEMON_NAMES = _starts(
    "mail delivery system|mail delivery subsystem|mail delivery service|mailer-daemon|mailer daemon|mail daemon|system administrator|systemadministrator|mail administrator|microsoft outlook|microsoft exchange|mail system|mail router|delivery subsystem|postmaster|internet mail delivery|mail delivery|"
    "mail transport|jetmail system|mail server|message delivery|mailsystem|daemon|system mail|e-mail delivery|email delivery|mail delivery agent|mailenable|mdaemon|administrateur système|administrador del sistema|amministratore di sistema|systeembeheerder|administrador do sistema|administrator systemu|системный администратор|системний адміністратор|"
    "správce systému|systemadministratör|systemadministrator|järjestelmänvalvoja|sistem yöneticisi|システム管理者|系统管理员|系統管理員|시스템 관리자|pmdf e-mail interconnect|mail adminstrator|邮件系统"
)

# --- read receipts ----------------------------------------------------------------------------------------------------
READ_RECEIPT_SUBJECTS = _starts(
    "read|not read|read receipt|return receipt|read notification|gelesen|ungelesen|nicht gelesen|lesebestätigung|empfangsbestätigung|empfangsbestätigung (angezeigt)|lu|non lu|lu :|accusé de lecture|confirmation de lecture|leído|no leído|leido|confirmación de lectura|acuse de recibo|letto|non letto|conferma di lettura|ricevuta di ritorno|"
    "gelezen|niet gelezen|leesbevestiging|ontvangstbevestiging|lida|não lida|lido|confirmação de leitura|recibo de leitura|przeczytane|przeczytano|nieprzeczytane|potwierdzenie przeczytania|potwierdzenie odczytu|прочитано|прочтено|не прочитано|уведомление о прочтении|отчет о прочтении|сповіщення про прочитання|"
    "přečteno|nepřečteno|potvrzení o přečtení|potvrzení o přijetí|läst|ej läst|läskvitto|läskvittens|læst|ikke læst|læsekvittering|kvittering for læsning|kvittering|lest|ulest|lesebekreftelse|luettu|ei luettu|lukukuittaus|okundu|okunmadı|okundu bilgisi|olvasva|citit|αναγνώστηκε|prečítané|prebrané|"
    "開封済み|開封確認|開封通知|已读|已讀|已读回执|已读：|阅读回执|讀取回條|읽음|읽음 확인|수신 확인|수신확인|displayed"
)
READ_RECEIPT_WORDS = _starts(
    "was read on|has been read|was displayed|has been displayed|this is a return receipt|return receipt for the|this is a receipt for the|read receipt|read by the recipient|gelesen am|wurde gelesen|wurde angezeigt|lesebestätigung|a été lu|a été affiché|accusé de réception|se leyó|fue leído|ha sido leído|mostrado en|è stato letto|"
    "è stato visualizzato|is gelezen|werd gelezen|foi lida|foi lido|foi exibida|została przeczytana|przeczytano|było прочитано|было прочитано|прочитано|була прочитана|byla přečtena|byla zobrazena|har lästs|lästes|blev læst|er læst|ble lest|luettiin|on luettu|okundu|開封され|読まれました|已于|已阅读|已讀取|읽었습니다|열람"
)

# --- challenges -------------------------------------------------------------------------------------------------------
CHALLENGE_WORDS = _starts(
    "requires confirmation|confirm this mail server|confirm that you are a|confirm you are not|confirm you are a|confirm that your message|confirm your message|verify that you are|verify you are a|requires verification|sender verification|please verify your|challenge/response|challenge-response|challenge response|guest list|waitlisted|not pre-approved|not yet approved|"
    "prove you are human|prove that you are|are a real person|are a human|approved sender|approved senders list|approve your address|to be delivered, please|click the link below to deliver|release your message|confirmation from you|not recognise your|you are not on my|whitelist.aspx|anti-spam confirmation|this one-time|one time confirmation|"
    "bestätigen sie, dass|absenderbestätigung|freischaltung ihrer e-mail|spamschutz: bitte|authentifier votre|vous authentifier|mailinblack|confirmez que vous|confirmer votre message|confirme que|confirmar que|confirmação do remetente|antispam uol|confermi di|bevestig dat|potwierdź, że|подтвердите, что"
)
CHALLENGE_SUBJECTS = _starts(
    "please confirm your message|please confirm your email to|confirm your email to|please verify your email to|verification required|message verification|sender verification|challenge|[spamarrest]|spam arrest|action required: confirm your message|confirmation required|antispam uol|mailinblack|demande d'authentification|your message requires confirmation|please authenticate|your email requires verification"
)
CHALLENGE_DOMAINS = ("boxbe.com", "spamarrest.com", "mailinblack.com", "antispam.uol.com.br", "bluebottle.com", "knowspam.net", "mailblocks.com", "choicemail.com", "spamlion.com", "0spam.com")
