""" "On Monday, Jane wrote:" in many languages. Data; all folded."""

from __future__ import annotations

# A word (or ending) that says "wrote"; looked for anywhere in the folded line.
WROTE = (
    " wrote", " writes", " schrieb", " geschrieben", " a écrit", " a ecrit", " écrit ", " écrivait", " écrivit",
    " escribió", " escribio", " escribía", " ha escrito", " ha scritto", " scrisse", " scritto",
    " schreef", " geschreven", " escreveu", " escreveu-nos", " napisał", " napisała", " napisał(a)", " napisal(a)",
    " pisze", " написал", " написала", " написал(а)", " пишет", " писал", " написав", " написала", " пише",
    " написав(-ла)", " писав",
    " napsal", " napsal(a)", " napsala", " napísal", " napísal(a)", " píše", " skrev", " kirjoitti", " kirjoittaa",
    " yazdı", " şunu yazdı", " şunları yazdı", " yazmış",
    " írta", " ezt írta", " a scris", " έγραψε", " написа", " je napisao", " je napisala", " je napisao/la",
    " napisao", " je pisal", " je napisal", " kirjutas", " rakstīja", " rašė", " parašė",
    "כתב", "كتب", "تمت كتابة", " đã viết", " viết", " menulis", "เขียนว่า", "書きました", "のメッセージ",
    "さんの発言", "さんは", "写道", "寫道", "写到", "编写", "님이 작성", "작성:", "작성 :", "썼습니다", "쓰기",
    "님이", "wrote", " napisana przez", "quoting ", "zitat von ", "citando ", "citeren ", "のメール",
)  # fmt: skip

# How such a line begins. Folded; a digit, a weekday or a name in quotes may begin it as well.
ATTRIBUTION_OPENERS = (
    "on ", "am ", "um ", "le ", "el ", "il ", "il giorno ", "in data ", "op ", "em ", "no dia ", "a ", "às ",
    "dnia ", "w dniu ", "dne ", "dňa ", "den ", "på ", "pe ", "la ", "în ", "in ", "στις ", "на ", "dana ",
    "dne: ", "vào ", "pada ", "ในวันที่", "בתאריך", "في ", "---- on ", "-----on ", "- on ", "---- ", "quoting ",
    "zitat von ", "citando ", "citeren ", "citando a ", "quando ", "el día ", "em qua", "ngày ", "at ",
)  # fmt: skip

WEEKDAYS = (
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "mo.", "di.", "mi.", "do.", "fr.", "sa.", "so.", "lun", "mar",
    "mer", "jeu", "ven", "sam", "dim", "mié", "jue", "vie", "sáb", "dom", "gio",
    "ma ", "di ", "wo ", "do ", "vr ", "za ", "zo ", "seg", "ter", "qua", "qui", "sex", "pon", "wt", "śr", "czw",
    "pt", "sob", "niedz", "пн", "вт", "ср", "чт", "пт", "сб", "вс", "нд", "po ", "út", "st ", "čt", "pá", "so ",
    "ne ",
    "mån", "tis", "ons", "tor", "fre", "lör", "sön", "man", "tir", "lør", "søn", "ke ", "to ", "pe ", "la ", "su ",
    "ti ", "понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье", "понеділок",
    "вівторок", "середа", "четвер", "п'ятниця", "п’ятниця", "субота", "неділя", "pzt", "sal", "çar", "per", "cum",
    "cmt", "paz",
)  # fmt: skip
