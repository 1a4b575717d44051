"""Drives the example coordinator as its users do: curl-like requests, keys from a second process, and a signal to end.

usage: coordinator_session.py PROGRAM
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PROGRAM = os.path.abspath(sys.argv[1])
PATIENCE = 20


def ask(method, url, key=None, body=None):
    """The status of an answer and its JSON."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def until(status, *request):
    """Asks until the answer has this status. Another process changed something, which is noticed within a second."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found, answer = ask(*request)
        if found == status:
            return answer
        assert time.monotonic() < deadline, (status, found, answer)
        time.sleep(0.05)


def session(directory):
    database = ["--db", os.path.join(directory, "coordinator.db")]

    def keys(*words):
        done = subprocess.run([PROGRAM, *database, "keys", *words], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return done.stdout.split("\n")[:-1]

    everywhere = [PROGRAM, *database, "--listen", "0.0.0.0:0"]
    refused = subprocess.run(everywhere, capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 1 and "MCS_HTTP_ADMIN_KEY" in refused.stderr, refused

    serving = [PROGRAM, *database, "--listen", "127.0.0.1:0"]
    coordinator = subprocess.Popen(serving, stdout=subprocess.PIPE, text=True)
    try:
        url = coordinator.stdout.readline().strip()
        event = {
            "action": "interaction_start",
            "interaction_id": "int_1700000000_0a1b2c3d",
            "mcp_id": "weather",
            "timestamp": 1700000000.25,
            "request_data": {"user_id": "ann", "request_type": "tools/call"},
        }
        assert ask("GET", f"{url}/health") == (200, {"status": "ok"})
        status, answer = ask("POST", f"{url}/interactions", body=event)
        assert (status, answer["status"]) == (200, "stored"), answer

        [key] = keys("create", "weather")
        until(401, "GET", f"{url}/interactions", None)
        status, answer = ask("POST", f"{url}/interactions", key, event)
        assert (status, answer["status"]) == (200, "duplicate"), answer
        [reader] = keys("create", "ops", "--scope", "admin")
        found = until(200, "GET", f"{url}/interactions?user=ann", reader)
        assert [one["mcp_id"] for one in found["interactions"]] == ["weather"], found

        listed = [json.loads(line) for line in keys("list")]
        assert sorted(one["name"] for one in listed) == ["ops", "weather"], listed
        assert key not in str(listed) and reader not in str(listed)
        [revoked] = keys("revoke", key.split("_")[1])
        assert json.loads(revoked)["revoked_at"], revoked
        until(401, "POST", f"{url}/validate", key)

        coordinator.send_signal(signal.SIGTERM)
        assert coordinator.wait(PATIENCE) == 0, coordinator.returncode
    finally:
        coordinator.kill()
        coordinator.wait()


with tempfile.TemporaryDirectory() as scratch:
    session(scratch)
print("the coordinator answers as its page says")
