from __future__ import annotations

from local_staging.chat_backend.transcript import Entry, TranscriptStore


def test_recent_is_the_end_oldest_first() -> None:
    transcript = TranscriptStore().of_user("alice")
    for text in ("one", "two", "three"):
        transcript.add("user", text)
    assert transcript.recent(2) == (Entry("user", "two"), Entry("user", "three"))


def test_users_do_not_see_each_other() -> None:
    store = TranscriptStore()
    store.of_user("alice").add("user", "secret")
    store.of_user("bob").add("user", "hello")
    assert store.of_user("bob").recent(9) == (Entry("user", "hello"),)
    assert store.of_user("bob").said_by_user() == ("hello",)


def test_transcript_is_there_for_a_later_session() -> None:
    store = TranscriptStore()
    store.of_user("alice").add("user", "before")
    assert store.of_user("alice").said_by_user() == ("before",)


def test_said_by_user_leaves_out_the_agent() -> None:
    transcript = TranscriptStore().of_user("alice")
    transcript.add("user", "question")
    transcript.add("agent", "answer")
    assert transcript.said_by_user() == ("question",)
