import pytest

from local_staging.chat_backend.tools import (
    CALCULATOR,
    CONVERSATION_COUNTER,
    TIMER,
    TOOLS,
    BadToolCall,
    ToolUse,
    use_of,
)


@pytest.mark.parametrize(
    ("name", "arguments", "use"),
    [
        ("calculator", '{"expression": "1 + 1"}', ToolUse(CALCULATOR, "1 + 1")),
        ("timer", '{"seconds": 2.50}', ToolUse(TIMER, "2.5")),
        ("timer", '{"seconds": 99999}', ToolUse(TIMER, "600")),
        ("conversation_counter", "", ToolUse(CONVERSATION_COUNTER, "all you said")),
    ],
)
def test_what_a_model_may_ask(name: str, arguments: str, use: ToolUse) -> None:
    assert use_of(name, arguments) == use


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("dice", "{}", "no tool 'dice'"),
        ("calculator", "not JSON", "calculator needs expression, a string"),
        ("calculator", '{"expression": 2}', "calculator needs expression, a string"),
        ("word_counter", '["text"]', "word counter needs text, a string"),
        ("timer", '{"seconds": -1}', "timer needs seconds, a number"),
        ("timer", '{"seconds": true}', "timer needs seconds, a number"),
        ("timer", '{"seconds": NaN}', "timer needs seconds, a number"),
    ],
)
def test_what_it_may_not(name: str, arguments: str, reason: str) -> None:
    with pytest.raises(BadToolCall, match=reason):
        use_of(name, arguments)


def test_as_a_model_is_told_of_them() -> None:
    for tool in TOOLS:
        function = tool.to_json()["function"]
        assert function["name"].isidentifier()
        parameters = function["parameters"]
        assert parameters["required"] == list(parameters["properties"])
    assert TIMER.to_json()["function"]["parameters"]["properties"]["seconds"]["type"] == "number"
