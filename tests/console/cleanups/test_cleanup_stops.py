"""A cleanup that somebody stops, and how it goes on."""

from tests.console.cleanups.club import Club, applied, post, words_of
from workspace_operator.cleanups.model import CleanupState
from workspace_operator.migrations.state_machine import Stage


def test_cleanup_is_stopped(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    path = club.apply(browser).headers["location"]

    post(club, f"{path}/stop")
    club.work()

    assert club.cleanup.state is CleanupState.APPLIED
    assert club.cleanup.applied == 0
    assert browser.post(f"{path}/stop", {"form_token": browser.form_token(club.path)}).status_code == 409
    said = words_of(browser.get(path))
    assert "Cleanup 1 was stopped after 0 of 8 decisions. 0 of 8 decisions were applied." in said
    assert "Continue with the 8 decisions that are left" in said


def test_stopped_cleanup_is_continued(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    path = club.apply(browser).headers["location"]
    post(club, f"{path}/stop")
    club.work()
    form = {"form_token": browser.form_token(club.path), "version": str(club.cleanup.version)}

    post(club, f"{path}/continue", version=str(club.cleanup.version))

    assert club.cleanup.state is CleanupState.APPLYING
    assert browser.post(f"{path}/continue", form).status_code == 409
    club.work()
    said = words_of(browser.get(path))
    assert "Cleanup 1 is done. 8 of 8 decisions were applied." in said
    assert "Continue" not in said
    assert browser.post(f"{path}/continue", {**form, "version": str(club.cleanup.version)}).status_code == 409


def test_draft_is_not_applied_without_its_confirmation(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    form = {"form_token": browser.form_token(club.path), "version": str(club.cleanup.version)}

    assert browser.post(f"{club.path}/1/continue", form).status_code == 409
    assert club.cleanup.state is CleanupState.DRAFT


def test_nothing_is_continued_after_the_change_went_through(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    path = club.apply(browser).headers["location"]
    post(club, f"{path}/stop")
    for id_ in ("m-1017", "m-1040", "m-1003", "m-1004", "m-1005", "dan@club.example"):
        club.workspace.delete(id=id_)
    club.work()

    assert club.workspace.stage is Stage.COMPLETED
    assert "Continue" not in words_of(browser.get(path))


def test_stopped_undo_says_so(club: Club) -> None:
    path = applied(club)
    post(club, f"{path}/undo", all="1")
    post(club, f"{path}/stop")
    club.work()

    said = words_of(club.console.installation().get(path))

    assert "The undo of cleanup 1 was stopped after 0 of 8 decisions." in said
