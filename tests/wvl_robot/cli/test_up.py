import pytest

from wvl_models.cli.main import main
from wvl_models.contract.errors import ConfigError
from wvl_robot.cli.up import parse_arguments


def test_words_become_arguments() -> None:
    assert parse_arguments(["rig:=virtual", "notes:=a:=b", "host:="]) == {
        "rig": "virtual",
        "notes": "a:=b",
        "host": "",
    }


@pytest.mark.parametrize("word", ["rig=virtual", "virtual", ":=x"])
def test_a_word_that_is_no_argument_shows_how_it_is_written(word: str) -> None:
    with pytest.raises(ConfigError, match="write key:=value"):
        parse_arguments([word])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "unknown graph 'nowhere'. Known graphs: closed_loop, deploy_policy"),
        (["teleop_collect", "speed:=1"], "has no argument 'speed'"),
        (["teleop_collect", "task:=juggle"], "unknown task 'juggle'. Known tasks:"),
        (["teleop_collect", "rig:=moon"], "moon.yaml: No such file"),
    ],
)
def test_wrong_input_is_one_line_and_a_non_zero_exit(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", *words])
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_show_args_lists_every_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", "deploy_policy", "--show-args"])
    assert not ended.value.code
    output = capsys.readouterr().out
    assert all(name in output for name in ("rig", "registry", "swap_to", "num_episodes"))
