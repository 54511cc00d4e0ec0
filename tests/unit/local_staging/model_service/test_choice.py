import pytest

from local_staging.model_service.choice import ToolCall, chosen_tool, expression_in


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("What is 6 * 7?", "6 * 7"),
        ("(1 + 2) * 3.", "(1 + 2) * 3"),
        ("please halve: last / 2", "last / 2"),
        ("it is 3 - I think", None),
        ("the last train at 10.30", None),
        ("hello there", None),
        ("1 +", None),
        ("+".join(["1"] * 80), None),
        ("(" * 60 + "1+1" + ")" * 30, None),
    ],
)
def test_finds_the_expression(text: str, expression: str | None) -> None:
    assert expression_in(text) == expression


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("and 6 * 7?", ToolCall("calculator", {"expression": "6 * 7"})),
        ("Remind me in 2.5 seconds", ToolCall("timer", {"seconds": 2.5})),
        ("How many words so far?", ToolCall("conversation_counter", {})),
        ("in time", ToolCall("word_counter", {"text": "in time"})),
    ],
)
def test_which_tool(text: str, call: ToolCall) -> None:
    assert chosen_tool(text) == call
