import time

import pytest

from routing.merge_fields import FIELDS, fill_in, marks_in, unknown_fields

VALUES = {"case.number": "00001042", "customer.first_name": "Ann", "customer.name": 'Ann "&" <b>Lee</b>'}


def test_each_field_is_replaced_by_its_value():
    filled = fill_in("Dear {{ customer.first_name }}, case {{case.number}}.", VALUES, html=False)

    assert filled.text == "Dear Ann, case 00001042."
    assert filled.is_complete


def test_an_empty_field_takes_its_default():
    filled = fill_in("Hello {{ customer.first_name|there }}, {{ rep.name| your team }}", {}, html=False)

    assert filled.text == "Hello there, your team"
    assert filled.is_complete


def test_a_value_is_stronger_than_the_default():
    assert fill_in("{{ customer.first_name|there }}", VALUES, html=False).text == "Ann"


def test_an_empty_field_without_a_default_is_reported_and_leaves_nothing():
    filled = fill_in("Yours, {{ rep.name }}", {"rep.name": "  "}, html=False)

    assert filled.text == "Yours, "
    assert filled.empty == ("rep.name",)


def test_a_field_without_a_value_stays_as_a_mark_for_a_person():
    filled = fill_in("Dear {{ customer.first_name }},", {}, html=False, keeps_empty=True)

    assert filled.text == "Dear {{ customer.first_name }},"
    assert filled.empty == ("customer.first_name",)
    assert fill_in("Dear {{ customer.first_name|you }},", {}, html=False, keeps_empty=True).text == "Dear you,"


def test_marks_are_told_once_each_as_they_stand():
    text = "{{ a }} and {{a}}, {{\u00a0b\u00a0}}, {{ a }}; {c} {{d\ne}} " + "{{ " + "x" * 90 + " }}"

    assert marks_in(text) == ("{{ a }}", "{{a}}", "{{ b }}")


def test_an_unknown_field_stays_as_typed_and_is_reported_once():
    filled = fill_in("{{ customer.password }} {{customer.password}}", VALUES, html=False)

    assert filled.text == "{{ customer.password }} {{customer.password}}"
    assert filled.unknown == ("customer.password",)


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("{{ case.number", "{{ case.number"),
        ("case.number }} is it", "}} is it"),
        ("{% if customer %}", "{% if customer %}"),
        ("{{ customer.name|upper|safe }}", None),
        ("{{ case.__class__ }}", "case.__class__"),
        ("{{}}", "{{}}"),
    ],
)
def test_what_only_looks_like_a_field_is_reported(text, reported):
    assert unknown_fields(text, html=False) == ((reported,) if reported else ())


def test_a_filter_of_the_template_language_is_only_a_default():
    assert fill_in("{{ customer.name|upper|safe }}", {}, html=False).text == "upper|safe"


def test_upper_case_and_blanks_of_an_editor_are_understood():
    assert fill_in("{{&nbsp;Customer.First_Name&nbsp;}}", VALUES, html=True).text == "Ann"
    assert fill_in("{{\u00a0customer.first_name }}", VALUES, html=True).text == "Ann"


def test_values_are_escaped_for_html_and_only_there():
    assert fill_in("<p>{{ customer.name }}</p>", VALUES, html=True).text == (
        "<p>Ann &quot;&amp;&quot; &lt;b&gt;Lee&lt;/b&gt;</p>"
    )
    assert fill_in("{{ customer.name }}", VALUES, html=False).text == 'Ann "&" <b>Lee</b>'


def test_a_value_that_looks_like_a_field_is_never_expanded():
    filled = fill_in(
        "{{ customer.name }}", {"customer.name": "{{ rep.email }}{{ case.number }}", "case.number": "1"}, html=False
    )

    assert filled.text == "{{ rep.email }}{{ case.number }}"
    assert filled.unknown == ()


def test_a_field_inside_a_tag_is_no_place_for_a_value():
    filled = fill_in('<a href="{{ customer.name }}">x</a>', {"customer.name": "javascript:alert(1)"}, html=True)

    assert filled.text == '<a href="{{ customer.name }}">x</a>'
    assert len(filled.unknown) == 1


def test_a_field_torn_apart_by_tags_is_reported():
    assert unknown_fields("<p>{{ customer.<b>name</b> }}</p>", html=True) == ("{{ customer.", "}}")


def test_every_field_of_the_list_can_be_filled():
    text = " ".join(f"{{{{ {name} }}}}" for name in FIELDS)

    assert fill_in(text, dict.fromkeys(FIELDS, "x"), html=True).text == " ".join("x" for _ in FIELDS)


@pytest.mark.parametrize("text", ["{{" * 50_000, "{{ " + " " * 200_000, "<" * 100_000, "{{ a|" * 40_000])
def test_no_text_takes_long(text):
    started = time.process_time()

    fill_in(text, VALUES, html=True)

    assert time.process_time() - started < 2
