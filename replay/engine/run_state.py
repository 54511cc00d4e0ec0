"""What a run knows, whichever shell carries it out: what is due, what is filled in, what came.

Times are nanoseconds since the run began. It acts on nothing and reads no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from capture.format.model import HeaderPairs
from capture.message_kind import kind_of
from capture.recorder import Recorder
from capture.redaction import PLACEHOLDER
from replay.auth import Wallet
from replay.correlation import CORRELATED, Substitutions
from replay.engine.core import EngineCore, GaveUp
from replay.engine.forecast import check_plan
from replay.engine.remarks import AS_RECORDED, CUT_SHORT, IN_VAIN
from replay.errors import LimitExceeded
from replay.limits import STOPPED, UNLIMITED, LimitGuard, Limits
from replay.plan import After, Kind, Open, Plan, Send, Step
from replay.target import Target

# How every placeholder begins.
MARK = b"{{deadheat:"
LACKS = "it echoes a secret that the server did not issue"


class RunState:
    """The state of one run of a plan.

    `patience_ns` is how much longer than recorded the client waits for the server.
    """

    def __init__(
        self,
        plan: Plan,
        target: Target,
        limits: Limits,
        patience_ns: int,
        wallet: Wallet,
        recorder: Recorder,
    ) -> None:
        self.plan = plan
        self.target = target
        self.patience_ns = patience_ns
        self.recorder = recorder
        self.core = EngineCore(plan, patience_ns)
        self.is_stopped = False
        self._limits = limits
        self._guard = LimitGuard(limits) if limits != UNLIMITED else None
        self._wallet = wallet
        self._issued = plan.correlation.issued()
        self._substitutions = Substitutions(plan.correlation, _learner(plan, recorder))
        self._counts: dict[tuple[str, str], int] = {}

    def check_limits(self, at_ns: int) -> None:
        """Stop before the first send when the plan itself exceeds the limits."""
        try:
            check_plan(self.plan, self._limits)
        except LimitExceeded as error:
            self._stop(error, at_ns)

    def may_take(self, step: Step, at_ns: int) -> bool:
        """Count a step that is about to be taken; stop the run if it exceeds the limits."""
        if self._guard is not None:
            try:
                self._guard.take(step, at_ns)
            except LimitExceeded as error:
                # Sent later it would be another timing than the one that was asked for.
                self._stop(error, at_ns)
        return not self.is_stopped

    def filled_request(self, connection: str, action: Open) -> tuple[str, HeaderPairs] | None:
        """Return the URL and headers of a handshake with live values and fresh secrets.

        None where one is lacking. Raises NoToken.
        """
        live = self._substitutions
        url = self._wallet.fill(live.fill_url(connection, self.target.address(action.url)))
        headers = self._wallet.fill_headers(live.fill_headers(connection, action.headers))
        lacks = self._lacks_issued(url, *(value for _, value in headers))
        return None if lacks else (url, headers)

    def filled_payloads(self, step: Step, action: Send) -> list[bytes] | None:
        """Return the fragments of a message with live values and fresh secrets.

        None where one is lacking. Raises NoToken.
        """
        recorded = [fragment.payload for fragment in action.fragments]
        if not self.plan.correlation.links and MARK not in b"".join(recorded):
            return recorded
        live = self._substitutions.fill_payload(step.connection, step.index, recorded)
        filled = [self._wallet.fill_payload(payload) for payload in live]
        lacks = self._issued and self._lacks_issued(
            "".join(payload.decode("utf-8", "replace") for payload in filled)
        )
        return None if lacks else filled

    def answered(self, connection: str, headers: HeaderPairs) -> None:
        """Take what the answer to a handshake says."""
        self._substitutions.heard_headers(connection, headers)

    def heard(self, connection: str, payload: bytes, is_text: bool, at_ns: int) -> None:
        """Take a message: as one of its kind, and as one of all."""
        called = kind_of(payload, is_text=is_text)
        event = After(Kind.MESSAGE, connection, self._count(connection, called), called)
        self._substitutions.heard(event, payload)
        self.core.happened(event, at_ns)
        if self.plan.numbers_all:
            self.core.happened(After(Kind.MESSAGE, connection, self._count(connection, "")), at_ns)

    def over(self, connection: str, at_ns: int) -> None:
        """Take the end of a connection, and note what was not done on it."""
        if self._guard is not None:
            self._guard.ended(connection)
        left = self.core.over(connection, at_ns)
        if left:
            names = ", ".join(str(step.index) for step in left)
            self.recorder.note(at_ns, f"{CUT_SHORT} {names}", connection)

    def note_given_up(self, given_up: GaveUp, at_ns: int) -> None:
        """Note that a step waited in vain."""
        step, what = given_up.step, "was dropped" if given_up.dropped else "went on"
        waited = f"{step.name} {IN_VAIN} {given_up.waited_for}, and {what}"
        self.recorder.note(at_ns, waited, step.connection)

    def note_values(self, at_ns: int) -> None:
        """Note at the end which values were the server's, and which were not to be had."""
        for substitution in self._substitutions.made.values():
            self.recorder.note(at_ns, f"{CORRELATED}{substitution}")
        for sink, source in self._substitutions.missing.items():
            what = f"{sink} {AS_RECORDED}: no live value came from {source}"
            self.recorder.note(at_ns, what)

    def note_served(self, at_ns: int, texts: Iterable[str]) -> None:
        """Note at the end what is known of the server."""
        for text in texts:
            self.recorder.note(at_ns, text)

    def _count(self, connection: str, called: str) -> int:
        """Return the number of a message of that name."""
        number = self._counts.get((connection, called), 0) + 1
        self._counts[connection, called] = number
        return number

    def _stop(self, error: LimitExceeded, at_ns: int) -> None:
        self.is_stopped = True
        self.recorder.note(at_ns, f"{STOPPED}{error}")

    def _lacks_issued(self, *texts: str) -> bool:
        """Whether a secret that the server issues anew did not come, so that its place is empty."""
        if not self._issued:
            return False
        found = {match["id"] for text in texts for match in PLACEHOLDER.finditer(text)}
        return not found.isdisjoint(self._issued)


def _learner(plan: Plan, recorder: Recorder) -> Callable[[str, str], None]:
    """Return what keeps a secret that the server issued out of the record."""

    def learn(secret_id: str, value: str) -> None:
        secret, redactor = plan.secrets.get(secret_id), recorder.redactor
        if secret is not None and redactor is not None:
            redactor.remember(value, secret)

    return learn
