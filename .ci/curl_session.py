"""Does what README.md tells a user of the service to do: runs the lines of its section "Over HTTP" against a started one.

usage: curl_session.py SERVE STAND_IN, where SERVE is the example `serve` and STAND_IN speaks as Claude Code does

Twice: on a machine without Claude Code, and on one with it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVE, STAND_IN = map(os.path.abspath, sys.argv[1:3])
PATIENCE = 60
ADDRESS = "http://127.0.0.1:8080"
# What stands for programs of the lines: each curl is told on its own, cargo is the program that it would build, and the
# worker and the stream of events end by themselves.
WORDS = r"""
curl() {
    local ended=0
    printf '\036%s\037' "$*" >>"$TOLD"
    command curl -sS --max-time 5 "$@" | tee -a "$TOLD" || ended=$?
    [[ $ended == 0 || $ended == 28 ]]
}
cargo() {
    while [[ $# -gt 0 && $1 != -- ]]; do shift; done
    [[ $# == 0 ]] || "$SERVE" "${@:2}"
}
python3() { timeout --preserve-status 8 python3 "$1" --url "$URL" "${@:2}"; }
set -eu -o pipefail
"""


def lines() -> str:
    """The blocks of the section, one after the other."""
    [section] = re.findall(r"^## Over HTTP\n(.*?)^## ", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert len(blocks) >= 4, blocks
    return "\n".join(blocks)


def told(scratch: Path, more: str) -> list[tuple[str, str]]:
    """What each curl was asked and answered."""
    config, log = scratch / "mcs.toml", scratch / "told"
    config.write_text(more)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MCS_", "CLAUDE"))}
    # No directory with a Claude Code of the machine.
    paths = [path for path in os.environ["PATH"].split(":") if not (Path(path) / "claude").exists()]
    # The lines work in /tmp, which is allowed as the directory of temporary files.
    clean |= {"TMPDIR": "/tmp", "MCS_DATABASE": str(scratch / "mcs.db"), "MCS_CONFIG": str(config), "PATH": ":".join(paths)}
    serving = subprocess.Popen([SERVE, "--listen", "127.0.0.1:0"], env=clean, cwd=scratch, stdout=subprocess.PIPE, text=True)
    try:
        url = next(line.split()[1].removesuffix("/api/v1") for line in serving.stdout if line.startswith("API"))
        script = WORDS + lines().replace(ADDRESS, url)
        clean |= {"SERVE": SERVE, "URL": url, "TOLD": str(log)}
        ran = subprocess.run(["bash", "-c", script], env=clean, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
        assert ran.returncode == 0, ran
    finally:
        serving.terminate()
        assert serving.wait(PATIENCE) == 0, serving.returncode
    return [tuple(record.split("\037")) for record in log.read_text().split("\036")[1:]]


def answers(all_told: list[tuple[str, str]], part: str) -> list[dict]:
    """The answers to the curls that name `part`."""
    found = [json.loads(answer) for asked, answer in all_told if part in asked]
    assert found, (part, all_told)
    return found


def check(all_told: list[tuple[str, str]], with_claude: bool) -> None:
    created = [json.loads(answer) for asked, answer in all_told if re.search(r"POST \S+/api/v1/tasks ", asked)]
    assert len(created) >= 3 and all(one["created"] and one["status"] == "PENDING" for one in created), created
    taken = answers(all_told, "/next?")
    assert taken[0]["id"] == created[0]["id"] and taken[0]["priority"] == 8, taken
    assert taken[0]["kind"] == "claude_code" and taken[0]["tags"] == ["auth", "backend"], taken
    [executed] = answers(all_told, "/execute")
    if with_claude:
        assert executed["status"] == "PROCESSING", executed
    else:
        assert executed["status"] == 409 and "npm install -g @anthropic-ai/claude-code" in executed["detail"], executed
    [read] = answers(all_told, "?fields=")
    assert read["status"] in (("PROCESSING", "COMPLETED") if with_claude else ("PROCESSING",)), read
    [beat] = answers(all_told, "/heartbeat")
    assert beat["cancel_requested"] is False and beat["lease_expires_at"], beat
    [done] = answers(all_told, "/complete")
    assert done["status"] == "COMPLETED", done
    results = answers(all_told, "/result")
    assert [one["status"] for one in results] == ["COMPLETED"] * len(results), results
    [events] = [answer for asked, answer in all_told if "/api/v1/events" in asked]
    for name in ("created", "started", "progress", "completed"):
        assert f'"event":"{name}"' in events, (name, events)
    listed = [answer for asked, answer in all_told if "Authorization: Bearer" in asked]
    assert listed and "tasks" in json.loads(listed[-1]), listed


for with_claude in (False, True):
    # Somebody may work in the directory that the lines make.
    made = not os.path.exists("/tmp/my-project")
    with tempfile.TemporaryDirectory() as scratch:
        claude = f'[claude_code]\npath = "{STAND_IN}"\n' if with_claude else ""
        check(told(Path(scratch), claude), with_claude)
    if made:
        shutil.rmtree("/tmp/my-project")
print("the lines of the README do what it says")
