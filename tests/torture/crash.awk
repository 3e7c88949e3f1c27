# Checks the log of tests/tools/probe over runs that were killed, in any mode: each update has a successful end, or is a dead letter; within
# a key no update starts for the first time before all earlier ones ended well or died (or stand in the same batch); never two of a key
# at once: who was replaced, and what is of an old run, never speaks again; and what ended well comes again only if its run was killed.
# In: lines of the probe with the run's number before them, in order of time; -v want=N, -v dead=" ID ID ", -v clean=" RUN RUN " (runs in
# which nothing was killed). Out: what is wrong, at most ten lines, then right or wrong; figures on stderr.
BEGIN { FS = "\t" }

function wrong(what) {
	if (++wrongs <= 10)
		print "line " NR " (run " $1 "): " what
}
function dead_letter(id) { return index(dead, " " id " ") > 0 }

# Whether all that started of the key before this has an end; forgets those that have.
function earlier_ended(id, key, who,    n, i, list, left, fine) {
	fine = 1
	n = split(open[key], list, " ")
	for (i = 1; i <= n; i++) {
		if ((list[i] in done) || dead_letter(list[i]))
			continue
		left = left " " list[i]
		if (running[list[i]] != who) {
			wrong("update " id " of " key " starts before " list[i] " has ended well")
			fine = 0
		}
	}
	open[key] = left
	return fine
}

{ run = $1; what = $2; id = $3; key = $4; pid = $5; status = $8; who = run " " pid }
run + 0 < last { wrong("process " pid " of an old run speaks when run " last " has begun to hand out") }
(who " " key) in replaced { wrong("process " pid " speaks of " key ", which another has") }
what == "start" {
	last = run + 0 > last ? run + 0 : last
	if (!(id in running)) {
		earlier_ended(id, key, who)
		if (key in newest && id + 0 < newest[key])
			wrong("update " id " starts after " newest[key] " of " key)
		open[key] = open[key] " " id
		newest[key] = id + 0
	} else {
		again++
		if ((id in done) && index(clean, " " done[id] " "))
			wrong("update " id " comes again, but ended well in run " done[id] ", where nothing was killed")
	}
	if ((key in holder) && holder[key] != who) {
		replaced[holder[key] " " key] = 1
		busy[key] = 0
	}
	holder[key] = running[id] = who
	busy[key]++
	starts++
}
what == "end" {
	if (status == 0)
		done[id] = run
	if (--busy[key] <= 0) {
		delete busy[key]
		delete holder[key]
	}
	ends++
}
END {
	for (id = 1; id <= want; id++)
		if (!(id in done) && !dead_letter(id))
			wrong("update " id " was never handled to its end")
	print wrongs ? "wrong" : "right"
	print starts + 0 " starts, " ends + 0 " ends, " again + 0 " of them again" > "/dev/stderr"
}
