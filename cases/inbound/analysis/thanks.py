"""Whether a mail says nothing but thanks, so that it need not open a closed case again. Pure.

Every word must be one of thanks, greeting or farewell; one other word ("thanks, but it still fails") and it is news.
Names are allowed only where a greeting or a farewell has them: behind "Hi" and on lines below the thanks.
"""

from __future__ import annotations

import re

from cases.inbound.analysis.reply_words import fold

_MAX_LENGTH = 300
_MAX_LINES = 12
_NOT_WORDS = re.compile(r"[^\w' ]+|_")


def _phrases(text: str) -> frozenset[str]:
    return frozenset(" ".join(_NOT_WORDS.sub(" ", fold(part)).split()) for part in text.split("|") if part.strip())


_THANKS = _phrases(
    "thanks|thank you|many thanks|thanks a lot|thanks so much|thank you so much|thank you very much|thanks very much|thx|ty|thanks again|thank you again|thanks a million|cheers|much appreciated|appreciated|thank you kindly|thanks for your help|"
    "thank you for your help|thanks for the help|thank you for the help|thanks for your quick reply|thank you for your quick reply|thanks for the quick reply|thanks for your support|thank you for your support|thanks for the quick response|thank you for the quick response|thank you for your quick response|thanks for your reply|thank you for your reply|thanks for the info|"
    "thank you for the information|thanks for the information|great thanks|great thank you|perfect thanks|perfect thank you|ok thanks|okay thanks|ok thank you|okay thank you|awesome thanks|excellent thank you|wonderful thank you|it works now|it works|works now|that worked|problem solved|all good|all good now|great|perfect|super|excellent|wonderful|awesome|ok|okay|noted|got it|great help|"
    "danke|danke schön|dankeschön|vielen dank|herzlichen dank|besten dank|danke sehr|vielen lieben dank|tausend dank|danke dir|danke ihnen|ich danke ihnen|ich bedanke mich|vielen dank für ihre hilfe|danke für ihre hilfe|danke für die hilfe|vielen dank für die schnelle antwort|danke für die schnelle antwort|vielen dank für die schnelle hilfe|danke für die schnelle hilfe|"
    "vielen dank für die rückmeldung|danke für die rückmeldung|vielen dank für ihre rückmeldung|danke für die info|vielen dank für die info|vielen dank für die information|vielen dank im voraus|alles klar|alles klar danke|alles bestens|hat geklappt|jetzt klappt es|perfekt|super danke|perfekt danke|prima|toll|ok danke|passt danke|passt|"
    "merci|merci beaucoup|merci bien|un grand merci|mille mercis|merci à vous|merci à toi|merci d'avance|je vous remercie|je te remercie|merci pour votre aide|merci de votre aide|merci pour votre réponse|merci pour votre réponse rapide|merci pour votre retour|merci pour l'information|parfait|parfait merci|super merci|très bien merci|très bien|c'est parfait|"
    "gracias|muchas gracias|mil gracias|muchísimas gracias|gracias por su ayuda|gracias por tu ayuda|muchas gracias por su ayuda|muchas gracias por la ayuda|gracias por todo|gracias por la respuesta|gracias por su respuesta|muchas gracias por su respuesta|ok gracias|perfecto|perfecto gracias|genial|genial gracias|excelente|le agradezco|te lo agradezco|se lo agradezco|vale gracias|estupendo|"
    "grazie|grazie mille|molte grazie|tante grazie|mille grazie|grazie tante|grazie infinite|la ringrazio|ti ringrazio|vi ringrazio|grazie per l'aiuto|grazie per il supporto|grazie per la risposta|grazie per la rapida risposta|grazie a voi|grazie ancora|perfetto|perfetto grazie|ottimo|ottimo grazie|ok grazie|va bene grazie|"
    "bedankt|dank u|dank je|dank u wel|dankjewel|dank je wel|dankuwel|hartelijk dank|heel erg bedankt|bedankt voor de hulp|bedankt voor uw hulp|bedankt voor je hulp|veel dank|bedankt voor de snelle reactie|bedankt voor uw reactie|alvast bedankt|ok bedankt|oké bedankt|top|top bedankt|prima bedankt|prima dank u|super bedankt|"
    "obrigado|obrigada|muito obrigado|muito obrigada|obrigado pela ajuda|obrigada pela ajuda|muito obrigado pela ajuda|muito obrigada pela ajuda|obrigado pela resposta|obrigada pela resposta|agradeço|agradecido|agradecida|agradeço a ajuda|valeu|perfeito|perfeito obrigado|perfeito obrigada|ótimo|ótimo obrigado|ok obrigado|ok obrigada|grato|grata|desde já agradeço|"
    "dziękuję|dziękuje|dzięki|bardzo dziękuję|dziękuję bardzo|dziękuję za pomoc|bardzo dziękuję za pomoc|dzięki za pomoc|dziękuję za odpowiedź|dziękuję za szybką odpowiedź|wielkie dzięki|serdecznie dziękuję|dziękujemy|ok dziękuję|super dziękuję|świetnie|super|"
    "спасибо|большое спасибо|спасибо большое|спасибо вам|благодарю|благодарю вас|спасибо за помощь|большое спасибо за помощь|спасибо за ответ|спасибо за быстрый ответ|спасибо за информацию|огромное спасибо|спс|отлично|отлично спасибо|хорошо спасибо|всё работает|все работает|всё хорошо спасибо|ок спасибо|"
    "дякую|дуже дякую|щиро дякую|дякую за допомогу|дякую вам|велике дякую|дякуємо|дякую за відповідь|дуже дякую за допомогу|все працює|чудово|чудово дякую|спасибі|добре дякую|"
    "děkuji|děkuju|děkujeme|díky|mockrát děkuji|moc děkuji|děkuji moc|děkuji mnohokrát|mnohokrát děkuji|velmi děkuji|děkuji za pomoc|moc děkuji za pomoc|děkuji za odpověď|děkuji za rychlou odpověď|díky moc|super díky|výborně|perfektní|ďakujem|ďakujem pekne|veľmi pekne ďakujem|vďaka|"
    "tack|tack så mycket|stort tack|tackar|tusen tack|tack för hjälpen|tack för din hjälp|tack för er hjälp|tack för svaret|tack för snabbt svar|tack igen|perfekt tack|toppen|toppen tack|bra tack|okej tack|"
    "tak|mange tak|tusind tak|tak for hjælpen|mange tak for hjælpen|tak for din hjælp|tak for svaret|mange tak for svaret|tak skal du have|fantastisk|perfekt tak|super tak|det virker nu|fedt|"
    "takk|tusen takk|mange takk|takk for hjelpen|tusen takk for hjelpen|takk for svar|takk for svaret|takk skal du ha|supert|supert takk|flott|flott takk|takk for rask respons|"
    "kiitos|paljon kiitoksia|kiitoksia|kiitos paljon|suuri kiitos|kiitti|kiitos avusta|kiitos vastauksesta|kiitos nopeasta vastauksesta|suuret kiitokset|hienoa|hienoa kiitos|ok kiitos|selvä kiitos|"
    "teşekkürler|teşekkür ederim|çok teşekkürler|çok teşekkür ederim|teşekkür ederiz|sağ olun|sağolun|sağ ol|yardımınız için teşekkürler|yardımınız için teşekkür ederim|yardımlarınız için teşekkür ederim|cevabınız için teşekkürler|tamam teşekkürler|çok sağ olun|harika|süper|mükemmel|tamam|"
    "köszönöm|köszönöm szépen|nagyon köszönöm|köszi|köszönjük|köszönöm a segítséget|mulțumesc|multumesc|mulțumesc mult|vă mulțumesc|mulțumim|mersi|ευχαριστώ|ευχαριστώ πολύ|σας ευχαριστώ|благодаря|много благодаря|мерси|hvala|hvala lijepa|puno hvala|hvala lepa|najlepša hvala|hvala vam|aitäh|suur aitäh|tänan|paldies|liels paldies|ačiū|labai ačiū|dėkoju|"
    "תודה|תודה רבה|המון תודה|شكرا|شكراً|شكرا جزيلا|شكراً جزيلاً|شكرا لكم|cảm ơn|cám ơn|cảm ơn bạn|cảm ơn nhiều|xin cảm ơn|terima kasih|terima kasih banyak|makasih|ขอบคุณ|ขอบคุณมาก|ขอบคุณครับ|ขอบคุณค่ะ|ขอบคุณมากครับ|ขอบคุณมากค่ะ|"
    "ありがとう|ありがとうございます|ありがとうございました|どうもありがとうございます|どうもありがとうございました|誠にありがとうございます|誠にありがとうございました|ご対応ありがとうございます|ご対応ありがとうございました|ご対応いただきありがとうございます|ご対応いただきありがとうございました|ご連絡ありがとうございます|ご連絡ありがとうございました|ご回答ありがとうございます|ご回答ありがとうございました|"
    "早速のご対応ありがとうございます|早速のご対応ありがとうございました|早速のご返信ありがとうございます|大変助かりました|助かりました|感謝します|感謝いたします|了解です|了解しました|承知しました|承知いたしました|かしこまりました|解決しました|お世話になりました|"
    "谢谢|多谢|非常感谢|感谢|谢谢您|谢谢你|十分感谢|谢谢您的帮助|谢谢你的帮助|感谢您的帮助|谢谢帮助|谢谢回复|感谢您的回复|谢谢您的回复|好的谢谢|好的|收到|收到谢谢|明白了|已解决|谢谢啦|万分感谢|太好了|謝謝|多謝|非常感謝|感謝|謝謝您|謝謝你|感謝您的協助|謝謝您的協助|謝謝您的幫忙|謝謝您的回覆|好的謝謝|收到謝謝|感謝您的回覆|"
    "감사합니다|고맙습니다|감사드립니다|정말 감사합니다|대단히 감사합니다|도움 감사합니다|답변 감사합니다|답변 감사드립니다|빠른 답변 감사합니다|네 감사합니다|감사해요|고마워요|도와주셔서 감사합니다|도움 주셔서 감사합니다|알겠습니다|네 알겠습니다|네|감사|확인했습니다|잘 해결되었습니다"
)
# Thanks itself must be said: "ok" alone is an answer to a question.
_REAL_THANKS = (
    "thank", "thx", "cheers", "appreciat", "dank", "bedank", "merci", "remerci", "gracias", "agrade", "grazie", "ringrazi", "obrigad", "valeu", "grat", "dzięk", "dziek", "спасиб", "спс", "благодар", "дяку",
    "děku", "dík", "ďaku", "vďaka", "tack", "tak", "takk", "kiit", "teşekkür", "sağ ol", "sağol", "köszö", "köszi", "mulțum", "multum", "mersi", "ευχαριστ", "мерси", "hvala", "aitäh", "tänan", "paldies", "ačiū", "dėkoju",
    "תודה", "شكر", "cảm ơn", "cám ơn", "terima kasih", "makasih", "ขอบคุณ", "ありがとう", "感謝", "助かりました", "谢", "感谢", "謝", "감사", "고맙", "고마", "ty",
)  # fmt: skip
_GREETINGS = _phrases(
    "hi|hello|hey|dear|good morning|good afternoon|good evening|hi there|hello there|dear all|dear team|dear support|dear support team|hi team|hello team|hallo|guten tag|guten morgen|guten abend|liebe|lieber|liebes team|sehr geehrte damen und herren|sehr geehrte|sehr geehrter|moin|servus|grüezi|bonjour|bonsoir|salut|cher|chère|madame monsieur|madame|monsieur|"
    "hola|buenos días|buenas tardes|buenas noches|buenas|buen día|estimado|estimada|estimados|ciao|buongiorno|buonasera|gentile|salve|spettabile|beste|geachte|goedemorgen|goedemiddag|goedenavond|dag|hoi|olá|ola|bom dia|boa tarde|boa noite|prezado|prezada|prezados|caro|cara|oi|dzień dobry|witam|cześć|szanowni państwo|szanowny panie|szanowna pani|"
    "здравствуйте|добрый день|доброе утро|добрый вечер|уважаемый|уважаемая|уважаемые|привет|доброго дня|добрий день|добрий ранок|добрий вечір|вітаю|шановний|шановна|dobrý den|dobré ráno|dobrý večer|ahoj|vážený pane|vážená paní|vážení|hej|hejsan|god morgon|god dag|goddag|bästa|kære|hei|god morgen|god ettermiddag|kjære|moi|hyvää päivää|hyvää huomenta|terve|"
    "merhaba|merhabalar|selam|iyi günler|sayın|günaydın|iyi akşamlar|jó napot|üdvözlöm|kedves|tisztelt|bună ziua|bună|stimate|καλημέρα|καλησπέρα|γεια σας|здравей|здравейте|dobar dan|pozdrav|שלום|היי|مرحبا|السلام عليكم|xin chào|chào|halo|selamat pagi|สวัสดี|こんにちは|お世話になっております|お世話になります|いつもお世話になっております|お疲れ様です|您好|你好|早上好|下午好|尊敬的|안녕하세요|안녕하십니까"
)
_FAREWELLS = _phrases(
    "regards|best regards|kind regards|best|all the best|best wishes|yours sincerely|sincerely|yours|have a nice day|have a great day|have a good day|have a nice weekend|have a great weekend|have a good weekend|have a good one|bye|take care|warm regards|br|rgds|"
    "mit freundlichen grüßen|mit freundlichen grüssen|freundliche grüße|freundliche grüsse|viele grüße|liebe grüße|beste grüße|schöne grüße|mfg|lg|vg|gruß|grüße|schönen tag|schönen tag noch|einen schönen tag|ihnen einen schönen tag|schönes wochenende|schönen abend|ein schönes wochenende|"
    "cordialement|bien cordialement|très cordialement|bonne journée|bonne soirée|bon week end|bonne fin de journée|salutations|sincères salutations|cdlt|à bientôt|excellente journée|saludos|un saludo|saludos cordiales|un cordial saludo|atentamente|que tenga un buen día|buen fin de semana|que tengas un buen día|"
    "cordiali saluti|saluti|distinti saluti|buona giornata|buona serata|un saluto|buon weekend|buon lavoro|a presto|met vriendelijke groet|met vriendelijke groeten|vriendelijke groet|groet|groeten|groetjes|mvg|fijne dag|fijne dag verder|prettige dag|fijn weekend|atenciosamente|att|abraços|cumprimentos|com os melhores cumprimentos|melhores cumprimentos|um abraço|tenha um bom dia|bom fim de semana|"
    "pozdrawiam|z poważaniem|pozdrawiam serdecznie|serdecznie pozdrawiam|miłego dnia|miłego weekendu|z wyrazami szacunku|с уважением|всего доброго|всего хорошего|хорошего дня|хороших выходных|до свидания|з повагою|гарного дня|до побачення|всього найкращого|s pozdravem|hezký den|přeji hezký den|pěkný den|s úctou|mějte se|hezký víkend|"
    "med vänlig hälsning|med vänliga hälsningar|vänliga hälsningar|hälsningar|mvh|ha en bra dag|trevlig helg|ha det bra|med venlig hilsen|venlig hilsen|hilsen|de bedste hilsner|god dag|god weekend|ha en god dag|hav en god dag|med vennlig hilsen|vennlig hilsen|hilsen fra|ha en fin dag|god helg|ystävällisin terveisin|terveisin|t|yt|hyvää päivänjatkoa|mukavaa päivää|hyvää viikonloppua|"
    "saygılarımla|iyi günler|iyi çalışmalar|saygılar|sevgiler|iyi haftalar|kolay gelsin|üdvözlettel|tisztelettel|cu stima|cu stimă|o zi bună|με εκτίμηση|поздрави|lijep pozdrav|srdačan pozdrav|lep pozdrav|בברכה|יום טוב|مع التحية|تحياتي|trân trọng|salam|hormat saya|よろしくお願いします|よろしくお願いいたします|宜しくお願いします|宜しくお願い致します|よろしくお願い致します|引き続きよろしくお願いいたします|今後ともよろしくお願いいたします|失礼します|失礼いたします|"
    "此致|此致敬礼|敬礼|祝好|祝您愉快|祝您工作愉快|祝工作顺利|顺祝商祺|再见|수고하세요|좋은 하루 되세요|좋은 하루 보내세요|수고하십시오|안녕히 계세요"
)


# What people add to thanks.
_TAILS = _phrases(
    "for your help|for the help|for all your help|for your support|for the support|for your quick reply|for the quick reply|for your reply|for the reply|for your quick response|for the quick response|for your response|for the fast reply|for your fast reply|for the fast response|for the information|for the info|for your time|for your patience|for everything|"
    "for your assistance|for the assistance|for your prompt reply|for your prompt response|for the update|for your kind help|in advance|again|indeed|so much|very much|a lot|to you|for letting me know|for getting back to me|for sorting this out|for the clarification|for clarifying|for the explanation|for the great support|for your great support|and|for helping|for helping me|"
    "für ihre hilfe|für deine hilfe|für die hilfe|für ihre unterstützung|für die unterstützung|für die schnelle antwort|für die schnelle hilfe|für die rasche antwort|für ihre schnelle antwort|für ihre antwort|für die antwort|für die rückmeldung|für ihre rückmeldung|für die schnelle rückmeldung|für die info|für die information|für ihre mühe|für die mühe|für die schnelle bearbeitung|für alles|im voraus|nochmals|noch mal|und|"
    "pour votre aide|pour ton aide|pour votre réponse|pour votre réponse rapide|pour votre retour|pour votre retour rapide|pour l'information|pour les informations|pour votre rapidité|pour votre réactivité|pour votre soutien|pour tout|d'avance|encore|et|à vous|de votre aide|de votre réponse|"
    "por su ayuda|por tu ayuda|por la ayuda|por su respuesta|por la respuesta|por la rápida respuesta|por su rápida respuesta|por todo|por la información|por su apoyo|por su tiempo|de antemano|y|"
    "per l'aiuto|per il vostro aiuto|per il suo aiuto|per la risposta|per la rapida risposta|per la vostra risposta|per le informazioni|per il supporto|per la disponibilità|per tutto|in anticipo|ancora|e|"
    "voor de hulp|voor uw hulp|voor je hulp|voor uw reactie|voor de snelle reactie|voor uw snelle reactie|voor de informatie|voor alles|voor je reactie|alvast|en|"
    "pela ajuda|pela sua ajuda|pela resposta|pela rápida resposta|pela sua resposta|pela atenção|pela informação|por tudo|desde já|mais uma vez|"
    "za pomoc|za odpowiedź|za szybką odpowiedź|za informację|za informacje|za wszystko|z góry|i|za wsparcie|"
    "за помощь|за ответ|за быстрый ответ|за информацию|за оперативность|за оперативный ответ|за поддержку|за всё|за все|заранее|и|вам|"
    "за допомогу|за відповідь|за швидку відповідь|за інформацію|за підтримку|за все|вам|і|та|"
    "za odpověď|za rychlou odpověď|za informaci|za informace|za vše|předem|za rychlé vyřízení|a|vám|za ochotu|"
    "för hjälpen|för din hjälp|för er hjälp|för svaret|för snabbt svar|för det snabba svaret|för informationen|för allt|på förhand|igen|och|"
    "for hjælpen|for din hjælp|for jeres hjælp|for svaret|for det hurtige svar|for hurtigt svar|for informationen|på forhånd|igen|og|for det|"
    "for hjelpen|for hjelpa|for din hjelp|for svar|for raskt svar|for rask respons|for informasjonen|"
    "avusta|avustasi|avustanne|vastauksesta|nopeasta vastauksesta|tiedosta|kaikesta|etukäteen|ja|"
    "yardımınız için|yardımlarınız için|cevabınız için|hızlı cevabınız için|bilgi için|ilginiz için|desteğiniz için|her şey için|şimdiden|tekrar|ve|"
    "a segítséget|a gyors választ|a választ|előre is|pentru ajutor|pentru răspuns|pentru răspunsul rapid|anticipat|για τη βοήθεια|за помощта|na pomoći|za pomoć"
)
_KNOWN = _THANKS | _FAREWELLS | _GREETINGS
_COVERING = _KNOWN | _TAILS


def is_thanks(reply_text: str, *, has_attachments: bool = False) -> bool:
    """Whether the new text of a mail is nothing but thanks. False for an empty text, a question or a file sent along."""
    if has_attachments or not reply_text or len(reply_text) > _MAX_LENGTH or "?" in reply_text or "？" in reply_text:
        return False
    lines = [line for line in reply_text.split("\n") if line.strip()]
    if not lines or len(lines) > _MAX_LINES:
        return False
    thanked = farewell = False
    for index, line in enumerate(lines):
        words = " ".join(_NOT_WORDS.sub(" ", fold(line)).split())
        if not words:
            continue  # an emoji or "---"
        if not thanked and index == 0 and _is_greeting(words):
            continue
        if _all_known(line):
            thanked = thanked or any(sign in words for sign in _REAL_THANKS)
            farewell = farewell or words in _FAREWELLS
            continue
        # Below the thanks stands a name, a company, a telephone number at most.
        if not thanked or not (farewell or index == len(lines) - 1) or len(words.split()) > 5 or _is_sentence(line):
            return False
    return thanked


def _is_greeting(words: str) -> bool:
    """"Hi", "Dear Ms Doe", "Hallo zusammen": a greeting and at most three words of a name."""
    if words in _GREETINGS:
        return True
    parts = words.split()
    return any(" ".join(parts[:size]) in _GREETINGS for size in range(1, min(len(parts), 5) + 1) if len(parts) - size <= 3)


def _all_known(line: str) -> bool:
    """Whether a line is made of nothing but phrases of thanks, greeting and farewell, and at most one name at its end."""
    whole = _bare(line)
    if whole in _KNOWN:
        return True
    phrases = [phrase for part in _PHRASE_ENDS.split(fold(line)) if (phrase := _bare(part))]
    if all(_is_made_of_phrases(phrase) for phrase in phrases):
        return True
    # "Thanks, Jane" and "Thank you Jane".
    head, _, _name = whole.rpartition(" ")
    written = line.rstrip(" .!,").rpartition(" ")[2]
    return bool(head) and written[:1].isupper() and _is_made_of_phrases(head) and any(sign in head for sign in _REAL_THANKS)


def _bare(text: str) -> str:
    return " ".join(_NOT_WORDS.sub(" ", fold(text)).split())


def _is_made_of_phrases(text: str) -> bool:
    """Whether known phrases, longest first, cover all words: "thank you very much" + "for your help"."""
    words = text.split()[:30]
    position = 0
    while position < len(words):
        for end in range(min(len(words), position + 9), position, -1):
            if " ".join(words[position:end]) in _COVERING:
                position = end
                break
        else:
            return False
    return True


_PHRASE_ENDS = re.compile(r"[.!,;:…。！，、~–—()]+|\s-\s")


def _is_sentence(line: str) -> bool:
    """Whether a line under the thanks is more than a name: it ends like a sentence or begins in lower case."""
    stripped = line.strip()
    return stripped.endswith((".", "!", "。", "！", ":")) or stripped[:1].islower()
