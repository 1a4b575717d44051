"""Does what README.md tells people who want their MCP server to report: a coordinator, a key, and a server beside it.

Usage: report_session.py COORDINATOR REPORTER, the examples of these names.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PATIENCE = 30
CALLS = [
    ("fahrenheit", {"celsius": 20}, "COMPLETED"),
    ("fahrenheit", {"celsius": -300}, "FAILED"),
    ("celsius", {}, "FAILED"),
]


def lines() -> str:
    """What a client writes."""
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "session", "version": "1"}}
    messages = [{"id": 0, "method": "initialize", "params": hello}, {"method": "notifications/initialized"}]
    for number, (tool, arguments, _) in enumerate(CALLS, start=1):
        messages.append({"id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
    return "".join(json.dumps({"jsonrpc": "2.0"} | message) + "\n" for message in messages)


def serve(reporter: str, environment: dict[str, str]) -> None:
    """One session with the server that reports. Its input is closed once every call is answered."""
    server = subprocess.Popen(
        [reporter], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    server.stdin.write(lines())
    server.stdin.flush()
    for _ in range(len(CALLS) + 1):
        answer = json.loads(server.stdout.readline())
        assert "result" in answer or answer["id"] == len(CALLS), answer
    server.stdin.close()
    assert server.wait(PATIENCE) == 0


def get(url: str, key: str) -> dict:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def key(coordinator: list[str], *arguments: str) -> str:
    made = subprocess.run([*coordinator, "keys", "create", *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert made.returncode == 0, made
    return made.stdout.strip()


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    coordinator = [sys.argv[1], "--db", str(folder / "coordinator.db")]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COORDINATOR_")}
    environment = clean | {"TMPDIR": str(folder), "COORDINATOR_URL": "http://127.0.0.1:9"}
    own, reader = key(coordinator, "thermometer"), key(coordinator, "me", "--scope", "read", "--scope", "admin")
    environment["COORDINATOR_API_KEY"] = own
    # The first session finds no coordinator. What it reports waits on the disk for the second.
    serve(sys.argv[2], environment)
    running = subprocess.Popen([*coordinator, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        url = running.stdout.readline().strip()
        environment["COORDINATOR_URL"] = url.removesuffix("/api/v2")
        serve(sys.argv[2], environment)
        until = time.monotonic() + PATIENCE
        while True:
            found = get(f"{url}/interactions?mcp_id=thermometer", reader)["interactions"]
            ended = [(each.get("tool"), each["status"]) for each in found if each["status"] != "STARTED"]
            if len(ended) == 2 * len(CALLS) or time.monotonic() > until:
                break
            time.sleep(0.1)
        expected = 2 * [(tool, status) for tool, _, status in CALLS]
        assert sorted(ended) == sorted(expected), found
    finally:
        running.send_signal(signal.SIGTERM)
    assert running.wait(PATIENCE) == 0, running.returncode
    print("a server that reports, and a coordinator: ok")


main()
