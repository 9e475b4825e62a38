import pytest

from cases.outbound.merge_values import first_name_in, merge_values
from routing.addresses import MailAddress
from routing.merge_fields import FIELDS, fill_in
from tests.factories import CaseFactory, ContactFactory, RoutingAddressFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def address():
    return RoutingAddressFactory(email_address="gold@company.example", display_name="Gold Support", language="de")


@pytest.fixture
def author():
    return UserFactory(username="ben", first_name="Ben", last_name="Hall")


def test_every_field_has_a_value(address, author):
    case = CaseFactory(subject="Broken", supplied_name="Ann Lee", supplied_email="ann@customer.example")

    values = merge_values(case, author=author, send_from=address)

    assert values.keys() == FIELDS.keys()
    assert values | {"today": ""} == {
        "case.number": case.number_text,
        "case.subject": "Broken",
        "customer.name": "Ann Lee",
        "customer.first_name": "Ann",
        "customer.email": "ann@customer.example",
        "rep.name": "Ben Hall",
        "rep.first_name": "Ben",
        "address.name": "Gold Support",
        "address.email": "gold@company.example",
        "today": "",
        "satisfaction.link": "",  # only in the question after closing
    }


def test_the_contact_knows_the_name_better_than_the_mail(address, author):
    contact = ContactFactory(name="Ann Marie Lee", email="ann@customer.example")
    case = CaseFactory(supplied_name="alee", supplied_email="ann@customer.example", contact=contact)

    assert merge_values(case, author=author, send_from=address)["customer.name"] == "Ann Marie Lee"


def test_a_mail_to_somebody_else_names_that_person(address):
    case = CaseFactory(supplied_name="Ann Lee", supplied_email="ann@customer.example")

    values = merge_values(case, author=None, send_from=address, customer=MailAddress("Bo Ek", "bo@other.example"))

    assert (values["customer.name"], values["customer.email"]) == ("Bo Ek", "bo@other.example")


def test_without_an_author_the_fields_of_the_rep_are_empty(address):
    values = merge_values(CaseFactory(), author=None, send_from=address)

    assert (values["rep.name"], values["rep.first_name"]) == ("", "")


def test_without_a_case_there_is_still_the_rep(address, author):
    values = merge_values(None, author=author, send_from=address)

    assert (values["case.number"], values["customer.name"], values["rep.first_name"]) == ("", "", "Ben")


def test_words_of_strangers_stay_one_line_and_are_never_fields(address, author):
    case = CaseFactory(
        subject="x\r\nBcc: evil@example.net\u2028{{ rep.name }}",
        supplied_name="{{{ case.number }}",
        supplied_email="a@b.example",
    )

    values = merge_values(case, author=author, send_from=address)
    twice = fill_in(fill_in("{{ case.subject }}|{{ customer.name }}", values, html=False).text, values, html=False)

    assert values["case.subject"] == "x Bcc: evil@example.net { { rep.name }}"
    assert "Ben" not in twice.text
    assert case.number_text not in twice.text


def test_a_name_that_is_an_address_is_nobodys_name(address, author):
    case = CaseFactory(supplied_name="billing@bank.example", supplied_email="ann@customer.example")

    assert merge_values(case, author=author, send_from=address)["customer.name"] == ""


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ann Lee", "Ann"),
        ("Lee, Ann Marie", "Ann"),
        ("Dr. Ann Lee", "Ann"),
        ("Herr Prof. Bo Ek", "Bo"),
        ("Lee,", "Lee"),
        ("", ""),
        ("山田太郎", "山田太郎"),
    ],
)
def test_the_first_name_is_found(name, first):
    assert first_name_in(name) == first
