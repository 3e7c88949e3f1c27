# Goal: the manual, --help and the program say the same: each option, each default, each exit status; and the pages are well-formed.
. tests/flow/lib.sh

HELP=$TMP/help
"$TGRUN" --help > "$HELP" 2>"$TMP/err"
is "$?" 0 "tgrun --help ends with 0"
is "$(cat "$TMP/err")" "" "and complains of nothing"
is "$("$TGRUN" --version | sed 's/ [0-9][0-9.]*$/ N/')" "tgrun N" "tgrun --version prints the name and a number"

# name, value and default of each option: of --help, whose long texts are broken into lines, and of the page.
of_help() {
	awk '
		function flush() {
			if (name == "") return
			d = "-"
			if (match(text, /\(default: [^)]*\)$/)) d = substr(text, RSTART + 10, RLENGTH - 11)
			print name, (value ~ /^[a-z]+(\|[a-z]+)+$/ ? value : "-"), d
		}
		/^  --/ { flush(); name = substr($1, 3); value = ""; text = $0
			rest = substr($0, length($1) + 3); if (rest ~ /^ [^ ]/) value = $2; next }
		/^ / && name != "" { sub(/^ +/, ""); text = text " " $0; next }
		{ flush(); name = "" }
		END { flush() }' "$HELP" | sort
}
of_page() {
	awk '
		function flush() { if (name != "") print name, value, d }
		/^\.It Fl -/ { flush(); name = substr($3, 2); d = "-"; value = "-"
			if ($4 == "Cm" && NF > 5) {
				value = $5; for (i = 6; i <= NF; i++) value = value $i
				if (value ~ /Ar/) value = "-"
			}
			next }
		/^\.No Default: Cm / { d = $4; next }
		END { flush() }' man/tgrun.1 | sort
}
of_help > "$TMP/of_help"
of_page > "$TMP/of_page"
like "$(wc -l < "$TMP/of_help")" '^([5-9]|1[0-9])[0-9]$' "--help has the options"
is "$(cut -d" " -f1 "$TMP/of_page")" "$(cut -d" " -f1 "$TMP/of_help")" "tgrun.1 describes each option of --help, and no other"
is "$(cut -d" " -f1,2 "$TMP/of_page")" "$(cut -d" " -f1,2 "$TMP/of_help")" "the words that an option takes are the same"
is "$(cut -d" " -f1,3 "$TMP/of_page")" "$(cut -d" " -f1,3 "$TMP/of_help")" "the defaults are the same"

# What the config file does not take is told in its page.
outside=$(awk '/^\t(TEXT|RANGE|WORD|FLAG|SECRET|OUTSIDE|\{ ROW)\(/ { match($0, /"[a-z-]+"/); name = substr($0, RSTART + 1, RLENGTH - 2) }
	/ORIGIN_(ARGUMENT|ENVIRONMENT)/ { print name }' cli/options/options_table.c | sort -u)
for name in $outside; do
	echo "$name = yes" > "$TMP/conf"
	"$TGRUN" --handler x --config "$TMP/conf" 2> "$TMP/err"
	is "$?" 64 "$name is refused in a config file"
	like "$(cat "$TMP/err")" "line 1: '$name' cannot stand in a config file" "with the reason"
done
is "$(sed -n '/^are keys, except/,/^\.It/p' man/tgrun.conf.5 | sed -n 's/^\.Cm //p' | tr -d ',.' | tr ' ' '\n' | grep . | sort)" "$outside" "and tgrun.conf.5 says so"

sed -n 's/^\tERR_[A-Z]* = \([0-9]*\),$/\1/p' lib/base/err.h | sort > "$TMP/codes"
sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/s/^\.It \([0-9]*\)$/\1/p' man/tgrun.1 | grep -v '^[01]$' | sort > "$TMP/told"
like "$(wc -l < "$TMP/codes")" '^[1-9]' "there are exit statuses"
is "$(cat "$TMP/told")" "$(cat "$TMP/codes")" "tgrun.1 tells each exit status of lib/base/err.h, 0 and 1"

is "$(sed -n 's/^\(TG_[A-Z_]*\)	T{$/\1/p' man/tgrun-handler.7 | sort)" "$(grep -rhoE '"TG_[A-Z_]+"' lib | tr -d '"' | sort -u)" \
	"the table in tgrun-handler.7 has each TG_ variable that programs are given, and no other"

# What a reload leaves as it is.
is "$(sed -n '/^What cannot is named in the log and stays:/,/^the routes/p' man/tgrun.1 | grep '^\.Fl' | tr ' ' '\n' | sed -n 's/^-//p' | sort)" \
	"$(awk '/^\t(TEXT|RANGE|WORD|FLAG|SECRET|OUTSIDE|\{ ROW)\(/ { match($0, /"[a-z-]+"/); name = substr($0, RSTART + 1, RLENGTH - 2) }
		/[| ]FIXED/ { print name }' cli/options/options_table.c | sort)" "SIGHUP: the options that cannot change while tgrun runs"

# The index: of each sub-command but run what it takes beside what all take; of try where it differs from run.
takes() { # SUB-COMMAND
	awk -F'|' -v command="$1" '$1 == "option" && index("," $2, "," command ",") { print $3 }' "$BUILD/completions/words.txt" |
		grep -vx -e config -e help -e version -e token -e token-file -e state-dir -e store | sort
}
listed() { # SUB-COMMAND
	awk -v command="$1" '
		/^\.Sh / { inside = $2 == "OPTIONS" && $3 == "BY" }
		inside && /^\.It / { of = 0; for (i = 3; i <= NF; i++) of += $i == command }
		inside && of && /^\.Fl / { for (i = 2; i <= NF; i++) if ($i ~ /^-/) print substr($i, 2) }' man/tgrun.1 | sort
}
for command in $(sed -n 's/^command|\([a-z]*\)|.*/\1/p' "$BUILD/completions/words.txt"); do
	case $command in
	run | check) continue ;; # by the headings above
	try) want=$({ takes run; takes try; } | sort | uniq -u) ;;
	*) want=$(takes "$command") ;;
	esac
	is "$(listed "$command")" "$want" "OPTIONS BY SUB-COMMAND: those of $command"
	like "$(sed -n '/^\.Sh OPTIONS BY/,/^\.Sh THE OUTBOX/p' man/tgrun.1)" "^\.It Cm ([a-z]+ , )*$command( ,|$)" "… which stands there"
done

out=$(python3 tests/flow/diagnostics.py man/tgrun.1)
is "$?" 0 "DIAGNOSTICS has each warning and error of a tgrun that runs, and no other" || diag "$out"

for page in man/*.[1-8]; do
	if command -v mandoc > /dev/null; then
		is "$(mandoc -T lint -W warning "$page" 2>&1)" "" "$page: mandoc finds nothing to warn of"
	else
		ok true "$page: not checked # SKIP no mandoc"
	fi
done

# make docs: each page, whole, and no link of its own that leads nowhere.
env -u MAKEFLAGS -u MFLAGS make -s B="$TMP/build" docs >"$TMP/out" 2>&1
is "$? $(cat "$TMP/out")" "0 $TMP/build/docs/index.html" "make docs"
for page in man/*.[1-8]; do
	like "$(cat "$TMP/build/docs/index.html")" "<a href=\"${page#man/}.html\">${page#man/}</a><dd>[a-z]" "docs: the index names ${page#man/}"
	ok 'grep -q "</html>" "$TMP/build/docs/${page#man/}.html"' "… which is whole"
done
is "$(cd "$TMP/build/docs" && grep -ho 'href="[^"#:]*[".#]' ./*.html | sed 's/^href="//; s/["#]$//' | sort -u | while read -r link; do [ ! -s "$link" ] && echo "$link"; done)" \
	"" "docs: no link leads nowhere"
for name in $(grep -ho 'href="#[^"]*"' "$TMP/build/docs/tgrun.1.html" | sed 's/^href="#//; s/"$//' | sort -u); do
	grep -qF "id=\"$name\"" "$TMP/build/docs/tgrun.1.html" || echo "$name"
done >"$TMP/out"
is "$(cat "$TMP/out")" "" "… nor one within the page"

done_testing
