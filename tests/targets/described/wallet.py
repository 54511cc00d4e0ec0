"""Two payments into one wallet at the same time, and one is lost."""

from __future__ import annotations

from tests.targets.client import connect, expect, pause, say
from tests.targets.target import KnownWindow, Target

BANK_MS, PAYS_MS = 60, 50


async def session(url: str) -> None:
    async with connect(f"{url}/wallet") as one, connect(f"{url}/wallet") as other:
        await expect(one, "ready")
        await expect(other, "ready")
        await say(one, type="create")
        wallet = (await expect(one, "created"))["wallet"]
        await pause(PAYS_MS)
        await say(one, type="pay_in", wallet=wallet, cents=500)
        await expect(one, "paid")
        await pause(200)
        await say(other, type="pay_in", wallet=wallet, cents=70)
        await expect(other, "paid")
        await pause(200)
        await say(one, type="balance", wallet=wallet)
        await expect(one, "balance")


TARGET = Target(
    name="wallet",
    make="Starlette on uvicorn",
    protocol="Two devices pay into one wallet, and one asks for the balance.",
    race="The balance is read, the bank is asked for 60 ms, and the sum is written.",
    server="wallet.py",
    needs=("starlette", "uvicorn"),
    session=session,
    windows=(
        KnownWindow("c2", 1, "c1 step 2", 0, BANK_MS),
        KnownWindow("c1", 2, "c2 step 1", 0, BANK_MS),
        # The first payment comes a pause after the wallet was made, and this one near it.
        KnownWindow("c2", 1, "c1 message 1: type=created", 0, PAYS_MS + BANK_MS),
        KnownWindow("c2", 1, "c1 step 1", 0, PAYS_MS + BANK_MS),
    ),
    symptoms=frozenset({"changed"}),
)
