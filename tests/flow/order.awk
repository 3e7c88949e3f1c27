# Checks the log of tests/tools/probe against the promise: each update has exactly one successful end, two handlers never hold a key at
# once, and within each key updates start in the order of their ids, the next only when the one before has ended well.
# In: the log; -v want=N: so many updates. Out: what is wrong, at most ten lines, and then the word "right" or "wrong".
BEGIN { FS = "\t" }

function wrong(what) {
	if (++wrongs <= 10)
		print "line " NR ": " what
}

{ count = split($3 == "-" ? "" : $3, keys, " ") }

$1 == "start" {
	if ($2 in done)
		wrong("update " $2 " starts after it had ended well")
	if ($2 in running)
		wrong("update " $2 " starts while it runs")
	running[$2] = $4
	for (i = 1; i <= count; i++) {
		key = keys[i]
		if (key in holder)
			wrong("update " $2 " starts while " holder[key] " holds " key)
		holder[key] = $2
		if (key in newest && $2 + 0 < newest[key])
			wrong("update " $2 " starts after " newest[key] " of " key)
		if (key in newest && $2 + 0 > newest[key] && !(newest[key] in done))
			wrong("update " $2 " of " key " starts before " newest[key] " has ended well")
		newest[key] = $2 + 0
	}
	if (length(running) > most)
		most = length(running)
}

$1 == "end" {
	if (running[$2] != $4)
		wrong("update " $2 " ends in process " $4 " but started in " running[$2])
	delete running[$2]
	for (i = 1; i <= count; i++)
		delete holder[keys[i]]
	if ($7 == 0 && ($2 in done))
		wrong("update " $2 " ends well twice")
	if ($7 == 0 && !($2 in done)) {
		done[$2] = 1
		ends++
	}
}

END {
	if (ends != want)
		wrong(ends + 0 " updates ended well, not " want)
	for (id in running)
		wrong("update " id " has no end")
	print wrongs ? "wrong" : "right"
	print most > "/dev/stderr"
}
