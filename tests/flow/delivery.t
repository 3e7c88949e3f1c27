# Goal: a handler gets each update byte for byte as the server sent it, on one line, and its small values in the environment, for every kind.
# shellcheck shell=sh disable=SC2016,SC2034,SC2317
. tests/flow/lib.sh

handler keep <<'EOT'
#!/bin/sh
cat >"$OUT/$TG_UPDATE_ID.got"
env | grep '^TG_' | sort >"$OUT/$TG_UPDATE_ID.env"
EOT
export OUT="$TMP"
start_sandbox --no-penalties

# Updates as they are, one for each call: raw ID <BYTES. They are kept to be compared.
raw() {
	cat >"$TMP/$1.sent"
	curl -sSf -m 20 -o /dev/null --data-binary "@$TMP/$1.sent" "$URL/sandbox/push?raw=1"
}
is_exact() { # ID WHAT: the handler of update ID got what was sent, and a line feed
	if { cat "$TMP/$1.sent"; echo; } | cmp - "$TMP/$1.got" >"$TMP/cmp" 2>&1; then
		is same same "$2"
	else
		is "$(cat "$TMP/cmp"; tail -c +1 "$TMP/$1.got" | head -c 400)" "$(head -c 400 "$TMP/$1.sent")" "$2"
	fi
}
var() { # ID NAME: the value of TG_NAME, or - where there is none
	sed -n "s/^TG_$2=//p; " "$TMP/$1.env" | grep . || echo -
}

printf '%s' '{"update_id":1,"message":{"message_id":9007199254740993,"date":0,"chat":{"id":-9007199254740993,"type":"supergroup"},"from":{"id":9223372036854775807},"text":"x","n":[18446744073709551616,1e400,-0,0.10,1E+2,123456789012345678901234567890]}}' | raw 1
printf '%s' '{"update_id":2,"message":{"chat":{"id":2,"type":"private"},"text":"a\u0000b","also":"\u00e4\/\ud83d\ude00"}}' | raw 2
printf '%s' '{"update_id":3,"message":{"chat":{"id":3,"type":"private"},"text":"👩‍👩‍👧‍👦 ‮ﷺ ä"}}' | raw 3
printf ' \t{ "update_id"\t: 4 ,\r "message" :{"chat":{ "id":4 , "type":"private" } ,  "text" : "  two  spaces\\n" } }  ' | raw 4
printf '{\n\t"update_id": 5,\r\n\t"message": {\n\t\t"chat": {"id": 5, "type": "private"},\n\t\t"text": "a\\nb"\n\t}\n}\n' | raw 5
printf '%s' '{"update_id":6,"message":{"chat":{"id":6,"type":"private"},"text":"a\,b\-c"}}' | raw 6
printf '%s' '{"update_id":7,"hologram":{"chat":{"id":-77,"type":"galaxy"},"from":{"id":78},"beam":[{}]}}' | raw 7
{
	printf '%s' '{"update_id":8,"message":{"message_id":1,"chat":{"id":8,"type":"private"},"text":"'
	awk 'BEGIN { for (i = 0; i < 512000 / 20; i++) printf "%019d ", i }'
	printf '%s' '"}}'
} | raw 8
printf '%s' '{"message":{"chat":{"id":9,"type":"private","id":10},"text":"one","text":"two"},"update_id":9}' | raw 9
printf '%s' '{"update_id":10}' | raw 10
printf '%s' '{"update_id":11,"message":{"chat":{"id":11,"type":"private"},"text":"\ud83d alone","k\u0065y":{"":null}}}' | raw 11
run_tgrun --once --handler "$TMP/keep"
is "$STATUS" 0 "a run over odd updates ends well"
is_exact 1 "integers of 64 bits and more, and odd floats, stay as they are"
is "$(var 1 CHAT_ID) $(var 1 USER_ID) $(var 1 MESSAGE_ID) $(var 1 KEY)" \
	"-9007199254740993 9223372036854775807 9007199254740993 chat:-9007199254740993" "also in the environment"
is_exact 2 "U+0000 and other escapes stay as they are"
is "$(var 2 TEXT) $(var 2 CHAT_ID)" "- 2" "a text with U+0000 gives no TG_TEXT, and the rest of the environment is there"
is_exact 3 "characters of four bytes, joiners and marks of direction stay as they are"
is "$(var 3 TEXT)" "👩‍👩‍👧‍👦 ‮ﷺ ä" "also in TG_TEXT"
is "$(cat "$TMP/4.got")" "$(printf '{ "update_id"\t: 4 ,  "message" :{"chat":{ "id":4 , "type":"private" } ,  "text" : "  two  spaces\\n" } }')" \
	"white space between tokens stays as it is, from the first brace to the last, but for a carriage return"
is "$(cat "$TMP/5.got")" "$(tr '\r\n' '  ' <"$TMP/5.sent" | sed 's/ $//')" "line ends between tokens become spaces, nothing else changes"
is "$(wc -l <"$TMP/5.got")" 1 "so an update is one line"
is_exact 6 "escapes that JSON does not know stay as they are"
is_exact 7 "an unknown kind is delivered"
is "$(var 7 UPDATE_KIND) $(var 7 CHAT_ID) $(var 7 CHAT_TYPE) $(var 7 USER_ID) $(var 7 KEY)" "hologram -77 galaxy 78 chat:-77" \
	"with what the general rule finds in it"
is_exact 8 "500 KiB of text are delivered"
is "$(var 8 TEXT | wc -c) $(var 8 TEXT_TRUNCATED)" "8193 1" "TG_TEXT holds 8 KiB of it, and says that it was cut"
is_exact 9 "names that come twice, and an id behind, are delivered"
is_exact 10 "an update without anything is delivered"
is "$(var 10 UPDATE_ID) $(var 10 UPDATE_KIND) $(var 10 KEY)" "10 - -" "without a kind and without a key"
is_exact 11 "half a surrogate pair and escapes in names stay as they are"
is "$(dead list --json)" "" "none became a dead letter"

# Reading is the handler's own affair.
anew --no-penalties
handler reader <<'EOT'
#!/bin/sh
case $TG_UPDATE_ID in
1) : ;;
2) head -c 5 >"$OUT/2.got" ;;
3) exec <&- ;;
4) cat >/dev/null; wc -c >"$OUT/4.got" ;;
5) cat <&0 | wc -c >"$OUT/5.got" ;;
esac
EOT
generate 5 5 pad=400000
run_tgrun --once --handler "$TMP/reader"
is "$STATUS $(dead list --json)" "0 " "handlers that do not read 400 KB, read half, or close stdin, are as good as others"
is "$(cat "$TMP/2.got") $(cat "$TMP/4.got")" '{"upd 0' "half of it can be read, and after the line the file ends"
ok '[ "$(cat "$TMP/5.got")" -gt 400000 ]' "and it can be read through a pipe"

# Every kind: what the environment holds. By hand, from the types of the Bot API and tests/data/update-samples.jsonl.
anew --no-penalties
push - <tests/data/update-samples.jsonl
run_tgrun --once --allowed-updates all --concurrency 4 --max-age none --handler "$TMP/keep"
is "$STATUS" 0 "a run over all kinds ends well"
while read -r update; do
	id=$(printf '%s' "$update" | jq .update_id)
	printf '%s' "$update" >"$TMP/$id.sent"
	is_exact "$id" "$(printf '%s' "$update" | jq -r 'keys_unsorted[1]') is delivered as it is"
done <tests/data/update-samples.jsonl

# id kind chat type thread user message query text key ('' is an empty text, - is no variable)
G=-1001234567890
U=5000000001
while read -r id want; do
	is "$(for name in UPDATE_KIND CHAT_ID CHAT_TYPE THREAD_ID USER_ID MESSAGE_ID QUERY_ID TEXT KEY; do
		if grep -q "^TG_$name=\$" "$TMP/$id.env"; then echo "''"; else var "$id" "$name"; fi
	done | tr '\n' ' ' | sed 's/ $//')" "$(echo "$want" | tr -s ' ')" "the environment of $(echo "$want" | cut -d ' ' -f 1)"
done <<EOT
100 message                    $G supergroup - $U 7 - hi chat:$G
101 edited_message             $G supergroup - $U 7 - hi chat:$G
102 channel_post               $G channel    - -  7 - x  chat:$G
103 edited_channel_post        $G channel    - -  7 - x  chat:$G
104 business_connection        $U -          - $U - - -  chat:$U
105 business_message           $U private    - $U 7 - hi business:bc:$U
106 edited_business_message    $U private    - $U 7 - hi business:bc:$U
107 deleted_business_messages  $U private    - -  - - -  business:bc:$U
108 guest_message              $G supergroup - $U 7 - hi guest:$G
109 stopped_message_generation $U private    4 $U - - -  chat:$U
110 message_reaction           $G supergroup - $U 7 - -  chat:$G
111 message_reaction_count     $G supergroup - -  7 - -  chat:$G
112 inline_query               -  -          - $U - q '' user:$U
113 chosen_inline_result       -  -          - $U - - '' user:$U
114 callback_query             $G supergroup - $U 7 q d  chat:$G
115 shipping_query             -  -          - $U - q -  user:$U
116 pre_checkout_query         -  -          - $U - q -  user:$U
117 purchased_paid_media       -  -          - $U - - -  user:$U
118 poll                       -  -          - -  - - -  poll:pl
119 poll_answer                -  -          - $U - - -  user:$U
120 my_chat_member             $G supergroup - $U - - -  chat:$G
121 chat_member                $G supergroup - $U - - -  chat:$G
122 chat_join_request          $G supergroup - $U - - -  chat:$G
123 chat_boost                 $G supergroup - $U - - -  chat:$G
124 removed_chat_boost         $G supergroup - $U - - -  chat:$G
125 managed_bot                -  -          - $U - - -  user:$U
126 subscription               -  -          - $U - - -  user:$U
EOT
is "$(wc -l <tests/data/update-samples.jsonl) $(cat "$TMP"/1[0-2][0-9].env | grep -c '^TG_UPDATE_ID')" "27 27" "27 kinds were seen"

done_testing
