"""A strict reader of Prometheus' text format 0.0.4, for tests of `tgrun status --prometheus`.

  metrics.py check FILE [BOTS]      complains of what the format, Prometheus' naming or the manual does not allow; status 1 then
  metrics.py value FILE NAME{L=V}   the value of a sample: tgrun_calls_total{outcome=sent}; the label `bot` may be left out
  metrics.py names FILE             `NAME` of each metric, and `LABEL VALUE` of each label but those of numbers, one a line
  metrics.py series FILE FILE       two readings as input series of `promtool test rules`, for an hour
"""
import re
import sys

TYPES = {
    "updates_received_total": "counter", "updates_settled_total": "counter", "attempts_failed_total": "counter",
    "updates_waiting": "gauge", "oldest_waiting_seconds": "gauge", "handlers_running": "gauge", "handler_slots": "gauge",
    "handler_duration_seconds": "histogram", "queue_delay_seconds": "histogram", "dead_letters": "gauge", "polls_total": "counter",
    "poll_failures_total": "counter", "last_poll_timestamp_seconds": "gauge", "outbox_waiting": "gauge", "outbox_oldest_seconds": "gauge",
    "calls_total": "counter", "breaker_open": "gauge", "paused": "gauge", "disk_low": "gauge",
    "fleet_role": "gauge", "fleet_updates_held": "gauge", "fleet_beat_age_seconds": "gauge", "fleet_cut_offs_total": "counter",
    "fleet_takeovers_total": "counter", "fleet_refusals_total": "counter", "build_info": "gauge",
}
LABELS = {
    "updates_settled_total": "outcome", "attempts_failed_total": "reason", "poll_failures_total": "class", "calls_total": "outcome",
    "breaker_open": "route", "build_info": "version", "fleet_role": "role",
}
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\} (NaN|[+-]?Inf|-?[0-9]+(?:\.[0-9]+)?)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
faults = []


def fault(line, what):
    faults.append(f"{what}: {line}")


def labels_of(text, line):
    labels, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        if not m or m.group(1) in labels:
            fault(line, "labels that cannot be read, or one twice")
            return labels
        labels[m.group(1)] = m.group(2)
        at = m.end()
    if text.endswith(","):
        fault(line, "a comma after the last label")
    return labels


def read(path):
    """[(family, type, [(name, labels, value, line)])], in order"""
    with open(path, "rb") as f:
        text = f.read().decode("utf-8")
    if not text.endswith("\n"):
        faults.append("the last line has no end")
    families = []
    helped = None
    for line in text.split("\n")[:-1]:
        words = line.split(" ", 3)
        if line.startswith("# HELP "):
            helped = words[2]
            if len(words) < 4 or not words[3]:
                fault(line, "a HELP without a text")
            if helped in [f[0] for f in families]:
                fault(line, "a second HELP")
        elif line.startswith("# TYPE "):
            if helped != words[2] or words[3] not in ("counter", "gauge", "histogram"):
                fault(line, "a TYPE that does not follow its HELP, or is none")
            families.append((words[2], words[3], []))
            helped = None
        else:
            m = SAMPLE.fullmatch(line)
            if not m or not families or helped:
                fault(line, "a line that is no sample, or one in the wrong place")
                continue
            name, kind, samples = families[-1]
            base = re.sub(r"_(bucket|sum|count)$", "", m.group(1)) if kind == "histogram" else m.group(1)
            if base != name:
                fault(line, f"a sample of another metric than {name}")
            samples.append((m.group(1), labels_of(m.group(2), line), m.group(3), line))
    return families


def check_histogram(name, samples):
    bounds = [s for s in samples if s[0].endswith("_bucket")]
    les = [float(s[1].get("le", "nan")) for s in bounds]
    counts = [int(s[2]) for s in bounds]
    rest = {s[0]: float(s[2]) for s in samples[len(bounds):]}
    if les != sorted(les) or len(set(les)) != len(les) or les[-1] != float("inf"):
        fault(name, "bounds that do not rise to +Inf")
    if counts != sorted(counts):
        fault(name, "buckets that fall")
    if set(rest) != {name + "_sum", name + "_count"} or rest[name + "_count"] != counts[-1]:
        fault(name, "no sum, or a count that is not that of +Inf")


def check(families, many):
    names = [f[0] for f in families]
    if names != ["tgrun_" + n for n in TYPES]:
        fault(" ".join(names), "not the metrics of the manual, in its order")
    bots = set()
    for name, kind, samples in families:
        short = name.removeprefix("tgrun_")
        if TYPES.get(short) != kind or (kind == "counter") != name.endswith("_total"):
            fault(name, "not of its type, or named like another")
        if not samples:
            fault(name, "no sample")
        if len({(s[0], tuple(s[1].items())) for s in samples}) != len(samples):
            fault(name, "a sample twice")
        for sample, labels, value, line in samples:
            want = ["bot"] + ([LABELS[short]] if short in LABELS else ["le"] if sample.endswith("_bucket") else [])
            if list(labels) != want:
                fault(line, f"labels that are not {want}")
            bots.add(labels.get("bot"))
            if value == "NaN" or float(value) < 0:
                fault(line, "a value that is no number, or below 0")
        for bot in bots if kind == "histogram" else ():
            check_histogram(name, [s for s in samples if s[1].get("bot") == bot])
    if len(bots) != many:
        fault(str(bots), f"not as many bots as {many}")


def answered(samples):
    """How many polls did not fail; one may be under way."""
    return sum(float(s[2]) * (-1 if "failures" in s[0] else 1) for s in samples
               if s[0] in ("tgrun_polls_total", "tgrun_poll_failures_total"))


def series(samples_then, samples_now):
    """A minute apart; from then on nothing is counted, ages grow, and a source that did not answer between the two never does."""
    then = {(s[0], tuple(s[1].items())): float(s[2]) for s in samples_then}
    polls = answered(samples_now) - answered(samples_then) >= 2
    for name, labels, value, _ in samples_now:
        first, last = then.get((name, tuple(labels.items())), 0.0), float(value)
        text = ",".join(f'{k}="{v}"' for k, v in labels.items())
        if name == "tgrun_last_poll_timestamp_seconds":
            values = "0+60x61" if polls else "0x61"
        elif name.endswith("_waiting_seconds") or name.endswith("_oldest_seconds"):
            values = f"{first:.10g} {last:.10g}+{60 if last else 0}x60"
        else:
            values = f"{first:.10g} {last:.10g}x60"
        print(f"      - series: '{name}{{{text}}}'")
        print(f"        values: '{values}'")


def main():
    command, *args = sys.argv[1:]
    families = read(args[0])
    samples = [s for f in families for s in f[2]]
    if command == "check":
        check(families, int(args[1]) if len(args) > 1 else 1)
    elif command == "value":
        name, _, wanted = args[1].rstrip("}").partition("{")
        pairs = dict(p.split("=", 1) for p in wanted.split(",") if p)
        found = [s[2] for s in samples if s[0] == name and pairs.items() <= s[1].items()]
        print(" ".join(found))
    elif command == "names":
        for name, _, its in families:
            print(name.removeprefix("tgrun_"))
            for value in [(k, v) for s in its for k, v in s[1].items() if k not in ("bot", "le", "route", "version")]:
                print(*value)
    elif command == "series":
        series(samples, [s for f in read(args[1]) for s in f[2]])
    for f in faults:
        print(f)
    return 1 if faults else 0


sys.exit(main())
