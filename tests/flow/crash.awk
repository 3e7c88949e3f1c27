# Checks the log of tests/tools/probe over runs that were killed: each update has a successful end, or is a dead letter; nothing of a key starts
# before what came earlier has ended well; who was replaced never speaks again; and nothing of an old run lives when a new one hands out.
# In: lines of the probe with the run's number before them, in order of time; -v want=N -v dead=" ID ID ". Out: what is wrong, then right or wrong.
BEGIN { FS = "\t" }

function wrong(what) {
	if (++wrongs <= 10)
		print "line " NR " (run " $1 "): " what
}

{ run = $1; what = $2; id = $3; key = $4; pid = $5; status = $8 }
run + 0 < last { wrong("process " pid " of an old run speaks when run " last " has begun to hand out") }
what == "start" {
	last = run + 0 > last ? run + 0 : last
	if (id in running && running[id] != run " " pid)
		replaced[running[id] " " id] = 1
	if (key in newest && id + 0 < newest[key])
		wrong("update " id " starts after " newest[key] " of " key)
	if (key in newest && id + 0 > newest[key] && !(newest[key] in done) && index(dead, " " newest[key] " ") == 0)
		wrong("update " id " of " key " starts before " newest[key] " has ended well")
	newest[key] = id + 0
	running[id] = run " " pid
	starts++
}
what == "end" {
	if ((run " " pid " " id) in replaced)
		wrong("update " id " ends in process " pid ", which was replaced")
	if (status == 0)
		done[id] = 1
	ends++
}
END {
	for (id = 1; id <= want; id++)
		if (!(id in done) && index(dead, " " id " ") == 0)
			wrong("update " id " was never handled to its end")
	print wrongs ? "wrong" : "right"
	print starts " starts, " ends " ends" > "/dev/stderr"
}
