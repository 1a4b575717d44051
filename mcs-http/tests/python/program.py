"""What the workers of the tests run: does what the payload says."""
import json, os, sys, time

task = json.load(sys.stdin)
print("50% half way", file=sys.stderr, flush=True)
# Ends with an error once nobody listens any more.
while "until" in task and not os.path.exists(task["until"]):
    time.sleep(0.02)
    print("still here", file=sys.stderr, flush=True)
if "exit" in task:
    print("it broke", file=sys.stderr)
    sys.exit(task["exit"])
if "note" in task:
    with open(task["note"], "a") as file:
        file.write(f"{task['n']}\n")
if "print" in task:
    print(task["print"][0] * task["print"][1], end="")
    sys.exit(0)
if "environment" in task:
    print(os.environ.get(task["environment"]))
    sys.exit(0)
print("did", task.get("n"))
