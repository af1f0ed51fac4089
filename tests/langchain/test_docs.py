"""The page for LangChain's users runs from top to bottom against the sandbox."""

from pathlib import Path

from tests.support.doc_blocks import python_blocks, run_block

PAGE = Path(__file__).parents[2] / "docs" / "langchain.md"


def test_every_block_of_the_page(sandbox_env, capsys):
    blocks = python_blocks(PAGE)
    assert len(blocks) > 15
    namespace = {}
    for block in blocks:
        run_block(block, PAGE, namespace)
    printed = capsys.readouterr().out
    assert "sunny" not in printed  # the tool's result is not printed, the calls are
    assert "get_weather" in printed
    assert "model_not_found" in printed
    assert namespace["message"].response_metadata["cost"] > 0
    assert namespace["whole"].response_metadata["cost"] > 0
    assert namespace["costs"].calls == 3
