"""Names and passwords: wrong ones wait for each other, right ones for nobody."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time

import pytest

from album.ui.server.login import MOST_WAITING, Login, sender_address
from tests.support.event_loop import run


def test_only_the_right_pair_enters():
    login = Login("me", "a password", delay_s=0)

    async def tried(name: str, password: str) -> bool:
        return await login.check(name, password)

    assert inspect.iscoroutinefunction(login.check)  # or Gradio would not await it
    assert run(tried("me", "a password"))
    for pair in (("me", "wrong"), ("", ""), ("me\na password", ""), ("ME", "a password")):
        assert not run(tried(*pair))
    assert not run(tried("me", "\ud800"))
    assert login.wrong == 5


def test_only_wrong_passwords_wait_in_one_lane():
    login = Login("me", "right", delay_s=0.02)

    async def all_at_once() -> list[str]:
        ended: list[str] = []

        async def guess(password: str) -> None:
            assert await login.check("me", password) is (password == "right")
            ended.append(password)

        began = time.monotonic()
        await asyncio.gather(*(guess("wrong") for _ in range(20)), guess("right"))
        assert time.monotonic() - began > 19 * 0.02
        return ended

    assert run(all_at_once())[0] == "right"


def test_dropped_guesses_keep_their_turns():
    """Who hangs up at once guesses no faster, and holds up no other address."""
    login = Login("me", "right", delay_s=60)

    async def hang_up(guesses: int) -> None:
        for _ in range(guesses):
            guess = asyncio.create_task(login.check("me", "wrong"))
            await asyncio.sleep(0)
            guess.cancel()

    async def attack() -> None:
        sender_address.set("192.0.2.1")
        await hang_up(MOST_WAITING - 1)
        assert await login.check("me", "right")
        await hang_up(1)
        assert not await login.check("me", "right")  # no guess is looked at before its turn
        assert login.wrong == MOST_WAITING + 1
        sender_address.set("192.0.2.2")
        assert await login.check("me", "right")

    run(attack())


def test_guesses_are_counted_and_told_in_few_lines(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)
    login = Login("me", "right", delay_s=0.001)

    async def flood() -> None:
        await asyncio.gather(*(login.check("me", "wrong") for _ in range(3 * MOST_WAITING)))

    run(flood())

    assert login.wrong == 3 * MOST_WAITING
    assert 1 <= len(caplog.records) <= 3
    assert f"{3 * MOST_WAITING} since the start" in caplog.records[-1].getMessage()
    assert "wrong guess" not in caplog.text
