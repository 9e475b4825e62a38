"""Merge, split, move, link: what goes where, who may, and where later mail lands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.acting import CannotChange, NotAllowed
from cases.comments import add_note
from cases.linking import link_cases, unlink_cases
from cases.merging import CannotMerge, merge_case, unmerge_case
from cases.models import Approval, Case, CaseLink, Draft, EmailMessage, Mention, Outbox, Participant
from cases.moving import move_messages, split_messages
from cases.tags import add_tag
from tests.cases.acting.people import case_of, rep
from tests.factories import CaseFactory, CaseTaskFactory, EmailMessageFactory, ParticipantFactory
from tests.mails import ingest_mail, mint_message_id, mint_reply_address, mint_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture
def kim() -> Any:
    return rep("kim")


def fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


class TestMerge:
    def test_everything_goes_along(self, kim: Any) -> None:
        lee = rep("lee")
        case, target = case_of(kim), case_of(kim)
        message = EmailMessageFactory(case=case)
        sent = EmailMessageFactory(case=case, outgoing=True)
        outbox = Outbox.objects.create(key="k", kind="reply", case=case, email_message=sent, recipient="a@b.example")
        notice = Outbox.objects.create(key="n", kind="notice", case=case, recipient="a@b.example")
        approval = Approval.objects.create(outbox=outbox, case=case, requested_by=lee, required_because="New here")
        task, draft = CaseTaskFactory(case=case), Draft.objects.create(case=case, author=lee, key="d")
        ParticipantFactory(case=case, address="casey@example.net")
        ParticipantFactory(case=target, address="dana@example.net")
        note = add_note(case=case, author=kim, body="@lee see this")
        add_tag(case=case, name="warranty", by=kim)
        other = CaseFactory()
        CaseLink.objects.create(first=case, second=other)

        merge_case(case=case, into=target, by=kim)

        for row in (message, sent, outbox, approval, task, draft, note):
            row.refresh_from_db()
            assert getattr(row, "case") == target  # noqa: B009 - rows of seven models
        notice.refresh_from_db()
        assert notice.case == case
        assert Mention.objects.get().case == target
        assert sorted(target.participants.values_list("address", flat=True)) == [
            "casey@example.net",
            "dana@example.net",
        ]
        assert [tag.name for tag in target.tags.all()] == ["warranty"]
        assert (CaseLink.objects.get().first, CaseLink.objects.get().second) == (target, other)
        merged = fresh(case)
        assert (merged.merged_into, merged.is_closed) == (target, True)
        assert case.events.last().kind == "merged"  # type: ignore[union-attr]
        assert target.events.last().kind == "joined"  # type: ignore[union-attr]

    def test_mail_to_a_merged_case_lands_at_the_end_of_the_chain(self, kim: Any) -> None:
        first, second, third = case_of(kim), case_of(kim), case_of(kim)
        ParticipantFactory(case=first)
        merge_case(case=first, into=second, by=kim)
        merge_case(case=second, into=third, by=kim)

        settled = ingest_mail(subject=mint_token(first.pk))

        assert (settled.case, settled.thread_basis) == (third, "merged")

    def test_merging_into_a_merged_case_goes_to_its_end(self, kim: Any) -> None:
        first, second, third = case_of(kim), case_of(kim), case_of(kim)
        merge_case(case=second, into=third, by=kim)

        assert merge_case(case=first, into=second, by=kim) == third

    def test_no_circle_and_no_case_into_itself(self, kim: Any) -> None:
        first, second = case_of(kim), case_of(kim)
        merge_case(case=first, into=second, by=kim)

        with pytest.raises(CannotMerge, match="joined to this one already"):
            merge_case(case=second, into=first, by=kim)
        with pytest.raises(CannotMerge, match="into itself"):
            merge_case(case=second, into=second, by=kim)
        with pytest.raises(CannotChange, match="joined to"):
            merge_case(case=first, into=case_of(kim), by=kim)

    @pytest.mark.parametrize("hidden", ["case", "into"])
    def test_both_cases_must_be_visible(self, kim: Any, hidden: str) -> None:
        seen, unseen = case_of(kim), CaseFactory()
        message = EmailMessageFactory(case=unseen)
        pair = {"case": seen, "into": unseen} if hidden == "into" else {"case": unseen, "into": seen}

        with pytest.raises(NotAllowed, match="no such case"):
            merge_case(**pair, by=kim)

        message.refresh_from_db()
        assert message.case == unseen
        assert not seen.events.exists()

    def test_open_work_does_not_end_in_a_closed_case(self, kim: Any) -> None:
        case, target = case_of(kim), case_of(kim, closed=True)

        merge_case(case=case, into=target, by=kim)

        assert not fresh(target).is_closed

    def test_a_snoozed_target_comes_back_when_what_joins_awaits_us(self, kim: Any) -> None:
        case, target = case_of(kim), case_of(kim, snoozed_until=timezone.now() + timedelta(days=1))

        merge_case(case=case, into=target, by=kim)

        assert fresh(target).snoozed_until is None

    def test_a_merge_can_be_split_again_and_later_mail_stays(self, kim: Any) -> None:
        case, target = case_of(kim), case_of(kim)
        ParticipantFactory(case=case)
        message, task = EmailMessageFactory(case=case), CaseTaskFactory(case=case)
        kept = EmailMessageFactory(case=target)
        draft = Draft.objects.create(case=case, author=kim, key="d", answers=message)
        stays = Draft.objects.create(case=target, author=kim, key="e", answers=kept)
        merge_case(case=case, into=target, by=kim)
        later = ingest_mail(subject=mint_token(case.pk)).message

        unmerge_case(case=case, by=kim)

        assert set(EmailMessage.objects.filter(case=case)) == {message}
        assert set(EmailMessage.objects.filter(case=target)) == {kept, later}
        for row in (task, draft):
            row.refresh_from_db()
            assert getattr(row, "case") == case  # noqa: B009 - rows of two models
        stays.refresh_from_db()
        assert stays.case == target
        assert (fresh(case).merged_into, fresh(case).is_closed) == (None, False)
        assert ingest_mail(subject=mint_token(case.pk)).case == case


class TestMove:
    def test_a_mail_becomes_a_case_of_its_own_with_owner_and_decision(self, kim: Any) -> None:
        case = case_of(kim, priority="High")
        EmailMessageFactory(case=case)
        message = EmailMessageFactory(
            case=case, subject="Another matter", from_address="dana@example.net", from_name="Dana"
        )
        ParticipantFactory(case=case, address="dana@example.net", role=Participant.Role.COPIED)

        new = split_messages(case=case, message_ids=[message.pk], by=kim)

        message.refresh_from_db()
        assert (message.case, message.moved_from, message.approved_by) == (new, case, kim)
        assert (new.subject, new.priority, new.supplied_email) == ("Another matter", "High", "dana@example.net")
        assert new.owner_queue == case.owner_queue
        assert new.decisions.get().kind == "initial"
        assert [(each.address, each.role) for each in new.participants.all()] == [("dana@example.net", "customer")]
        assert new.source == message
        assert CaseLink.objects.get() == CaseLink.objects.get(first=case, second=new)
        assert [event.kind for event in new.events.all()] == ["case_opened", "mail_moved"]
        assert case.events.last().kind == "mail_moved"  # type: ignore[union-attr]

    def test_the_mail_that_opened_a_case_stays_its_source_when_it_moves(self, kim: Any) -> None:
        case = case_of(kim)
        message = EmailMessageFactory(case=case)
        EmailMessageFactory(case=case)
        Case.objects.filter(pk=case.pk).update(source=message)

        new = split_messages(case=case, message_ids=[message.pk], by=kim)

        assert (fresh(case).source, fresh(new).source) == (message, None)

    @pytest.mark.parametrize("sign", ["reply address", "our id", "token", "their id"])
    def test_an_answer_to_a_moved_mail_follows_it(self, kim: Any, sign: str) -> None:
        case, other = case_of(kim), case_of(kim)
        EmailMessageFactory(case=case)
        ours = mint_message_id(case.pk).strip("<>")
        moved = EmailMessageFactory(case=case, outgoing=sign != "their id", message_identifier=ours)
        for each in (case, other):
            ParticipantFactory(case=each)
        move_messages(case=case, message_ids=[moved.pk], into=other, by=kim)
        parts: dict[str, Any] = {"headers": [f"In-Reply-To: <{ours}>"]}
        if sign == "reply address":
            parts["to"] = mint_reply_address(case.pk)
        if sign == "token":
            parts["subject"] = f"Re: lamp {mint_token(case.pk)}"

        settled = ingest_mail(**parts)

        assert settled.case == other

    def test_an_answer_to_a_mail_that_stayed_stays(self, kim: Any) -> None:
        case, other = case_of(kim), case_of(kim)
        stayed = EmailMessageFactory(case=case)
        moved = EmailMessageFactory(case=case)
        for each in (case, other):
            ParticipantFactory(case=each)
        move_messages(case=case, message_ids=[moved.pk], into=other, by=kim)

        settled = ingest_mail(subject=mint_token(case.pk), headers=[f"In-Reply-To: <{stayed.message_identifier}>"])

        assert settled.case == case

    def test_an_answer_follows_the_mail_through_merges_before_and_after(self, kim: Any) -> None:
        origin, case, other, end = (case_of(kim) for _ in range(4))
        for each in (origin, case, other, end):
            ParticipantFactory(case=each)
        ours = mint_message_id(origin.pk).strip("<>")
        mail = EmailMessageFactory(case=origin, outgoing=True, message_identifier=ours)
        EmailMessageFactory(case=case)
        merge_case(case=origin, into=case, by=kim)
        move_messages(case=case, message_ids=[mail.pk], into=other, by=kim)
        merge_case(case=other, into=end, by=kim)

        settled = ingest_mail(to=mint_reply_address(origin.pk), headers=[f"In-Reply-To: <{ours}>"])

        assert settled.case == end

    def test_naming_a_moved_mail_opens_no_case_of_strangers(self, kim: Any) -> None:
        """Whoever holds a valid reply address of one case must not reach another by quoting one of its ids."""
        own, case, other = (case_of(kim) for _ in range(3))
        EmailMessageFactory(case=case)
        moved = EmailMessageFactory(case=case, message_identifier="known@mail.example.net")
        ParticipantFactory(case=own, address="mallory@example.net")
        move_messages(case=case, message_ids=[moved.pk], into=other, by=kim)

        settled = ingest_mail(
            sender="mallory@example.net",
            to=mint_reply_address(own.pk),
            headers=["In-Reply-To: <known@mail.example.net>"],
        )

        assert settled.case == own

    def test_moving_back_forgets_the_move(self, kim: Any) -> None:
        case, other = case_of(kim), case_of(kim)
        messages = [EmailMessageFactory(case=each) for each in (case, case, other)]
        move_messages(case=case, message_ids=[messages[0].pk], into=other, by=kim)

        move_messages(case=other, message_ids=[messages[0].pk], into=case, by=kim)

        messages[0].refresh_from_db()
        assert (messages[0].case, messages[0].moved_from) == (case, None)

    def test_what_cannot_be_moved_says_why(self, kim: Any) -> None:
        case, other = case_of(kim), case_of(kim)
        only = EmailMessageFactory(case=case)

        with pytest.raises(CannotChange, match="every mail"):
            split_messages(case=case, message_ids=[only.pk], by=kim)
        queued = EmailMessageFactory(case=case, outgoing=True)
        Outbox.objects.create(key="k", kind="reply", case=case, email_message=queued, recipient="a@b.example")
        with pytest.raises(CannotChange, match="still being sent"):
            split_messages(case=case, message_ids=[queued.pk], by=kim)
        with pytest.raises(CannotChange, match="not on this case"):
            move_messages(case=case, message_ids=[EmailMessageFactory(case=other).pk], into=other, by=kim)
        with pytest.raises(CannotChange, match="Choose"):
            move_messages(case=case, message_ids=[], into=other, by=kim)

    def test_nothing_moves_into_a_case_that_one_does_not_see(self, kim: Any) -> None:
        case = case_of(kim)
        messages = EmailMessageFactory.create_batch(2, case=case)

        with pytest.raises(NotAllowed):
            move_messages(case=case, message_ids=[messages[0].pk], into=CaseFactory(), by=kim)

        assert EmailMessage.objects.filter(case=case).count() == 2


class TestLinks:
    def test_a_link_is_made_once_and_told_on_both(self, kim: Any) -> None:
        case, other = case_of(kim), case_of(kim)

        link_cases(case=other, other=case, by=kim)
        again = link_cases(case=case, other=other, by=kim)

        assert CaseLink.objects.count() == 1
        assert again is None
        assert [event.kind for event in (*case.events.all(), *other.events.all())] == ["linked", "linked"]

    def test_a_link_is_removed_from_either_side(self, kim: Any) -> None:
        case, other = case_of(kim), case_of(kim)
        link_cases(case=case, other=other, by=kim)

        unlink_cases(case=other, other=case, by=kim)

        assert not CaseLink.objects.exists()

    def test_a_hidden_case_cannot_be_linked(self, kim: Any) -> None:
        with pytest.raises(NotAllowed, match="no such case"):
            link_cases(case=case_of(kim), other=CaseFactory(), by=kim)
