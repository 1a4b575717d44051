"""Does what README.md tells a client to do: starts the server from its JSON block and looks at what it offers.

Usage: readme_session.py SERVER, where SERVER is the example `stdio`, which stands in for the path in the block.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
CORE_TOOLS = 7
STANDARD_TOOLS = 12


def entry() -> dict:
    """The server's entry in the block that people copy."""
    blocks = re.findall(r"```json\n(.*?)```", README.read_text(), re.DOTALL)
    servers = [block["mcpServers"] for block in map(json.loads, blocks) if "mcpServers" in block]
    assert len(servers) == 1 and list(servers[0]) == ["mcs"], servers
    found = servers[0]["mcs"]
    # Clients know these keys and no others.
    assert set(found) <= {"command", "args", "env"}, found
    assert found["command"].endswith("/target/release/examples/stdio"), found
    return found


def talk(server: str, found: dict, extra: list[str]) -> tuple[list[dict], dict]:
    """The tools and the models of a server that was started as the entry says, with more arguments."""
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    clean["MCS_DATABASE"] = ":memory:"
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "readme", "version": "1"}}
    requests = [
        ("initialize", hello),
        ("tools/list", {}),
        ("resources/read", {"uri": "data://models/available"}),
    ]
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        for number, (method, params) in enumerate(requests)
    ]
    ran = subprocess.run(
        [server, *found.get("args", []), *extra],
        env=clean | found.get("env", {}),
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran
    answers = {answer["id"]: answer["result"] for answer in map(json.loads, ran.stdout.splitlines())}
    return answers[1]["tools"], json.loads(answers[2]["contents"][0]["text"])


def main() -> None:
    found, server = entry(), sys.argv[1]
    tools, models = talk(server, found, [])
    assert len(tools) == STANDARD_TOOLS, [tool["name"] for tool in tools]
    # A key of the block is one that the server reads.
    for name in found.get("env", {}):
        provider = name.removesuffix("_API_KEY").lower()
        assert provider in models["providers"], (name, models["providers"])
    tools, _ = talk(server, found, ["--tools", "core"])
    assert len(tools) == CORE_TOOLS, [tool["name"] for tool in tools]
    print("the session of README.md: ok")


main()
