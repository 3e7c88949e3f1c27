#!/usr/bin/awk -f
# Counts words. The last stage of a pipeline, where jq takes the text out of the update:
#
#   tgrun … --reply text --handler 'jq -r ".message.text // empty" | share/examples/count.awk'
#
# What the last stage prints is the answer.
{ words += NF }
END {
	if (words)
		print words, words == 1 ? "word" : "words"
}
