# Goal: the sandbox is what tests of sending need: it counts what arrived, refuses as the server does, and loses answers, not deliveries.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

start_sandbox --no-penalties
call() { # METHOD [CURL-ARGUMENT…]
	_method=$1
	shift
	curl -sS -m 20 "$@" "$API/$_method"
}
sends() { # CHAT TEXT: the message's id, or why there is none
	call sendMessage -d chat_id="$1" --data-urlencode "text=$2" | jq -r '.result.message_id // "\(.error_code) \(.description)"'
}

# Deliveries.
sends 7 one >/dev/null
sends 7 two >/dev/null
sends 8 "$(printf 'three "3"')" >/dev/null
call editMessageText -d chat_id=7 -d message_id=1 -d text=uno >/dev/null
call answerCallbackQuery -d callback_query_id=q1 -d text=ok >/dev/null
call getMe >/dev/null
sends 7 '' >/dev/null
is "$(deliveries '[.n, .method, .chat, .message_id, .text, .query] | map(. // "-" | tostring) | join(" ")')" '1 sendMessage 7 1 one -
2 sendMessage 7 2 two -
3 sendMessage 8 1 three "3" -
4 editMessageText 7 1 uno -
5 answerCallbackQuery - - ok q1' "what was carried out stands in a list, in its order; questions and refused calls do not"
ok '[ "$(deliveries .ms | sort -n -c && deliveries .ms | wc -l)" = 5 ]' "… each with its time"
sends 7 two >/dev/null
is "$(deliveries 'select(.text == "two") | .hash' | uniq -c | awk '{ print $1 }')" 2 "… and a hash of its parameters, by which a repeat is found"
is "$(stats .deliveries)" 6 "… and they are counted"

# Answers that get lost on their way; what was sent before them arrived.
lost() { # TEXT SCRIPT: curl's status, and how often it arrived
	script "$2"
	call sendMessage -m 1 -d chat_id=7 -d text="$1" -o /dev/null 2>/dev/null
	echo "$? $(deliveries 'select(.text == "'"$1"'") | .n' | wc -l)"
}
is "$(lost reset '{"method":"sendMessage","action":"reset","apply":true,"after":0}')" "56 1" "the connection is reset after the delivery: it arrived"
is "$(lost stall '{"method":"sendMessage","action":"stall","apply":true}')" "28 1" "no answer comes after the delivery: it arrived"
is "$(lost cut '{"method":"sendMessage","action":"cut"}')" "18 1" "half an answer comes: it arrived"
is "$(lost restart '{"method":"sendMessage","status":500,"description":"Internal Server Error: restart","apply":true}')" "0 1" "the server restarts after the delivery: it arrived"
is "$(lost early '{"method":"sendMessage","status":500,"description":"Internal Server Error: restart"}')" "0 0" "… before it: it did not"
is "$(lost gone '{"method":"sendMessage","action":"hang_up","count":0}' | sed 's/^5[26]/5x/')" "5x 0" "the connection is reset before: it did not"

# Whom a line of the script speaks of.
script '{"chat":9,"status":400,"description":"Bad Request: can'"'"'t parse entities: byte 5"}
{"method":"sendmessage","where":{"text":"five","chat_id":7},"status":429,"description":"Too Many Requests: retry after 5","retry_after":5}
{"chat":-5,"status":400,"description":"moved","migrate_to_chat_id":-1005}'
is "$(sends 7 four | tr -d 0-9)$(sends 9 x)" "400 Bad Request: can't parse entities: byte 5" "a fault of one chat"
is "$(call sendMessage -d chat_id=7 -d text=five | jq -c .parameters)$(sends 7 five | tr -d 0-9)" '{"retry_after":5}' "a fault of one text, once, with its parameters"
is "$(call sendMessage -H 'Content-Type: application/json' -d '{"chat_id":-5,"text":"x"}' | jq -c '[.error_code, .parameters]')" '[400,{"migrate_to_chat_id":-1005}]' "… a call in JSON is known, too"
is "$(stats .script_left)" 0 "… and each was used"
struck() { # CHAT SEED: which of 20 calls a fault struck
	curl -sS -o /dev/null --data '{"chat":'"$1"',"chance":300,"times":-1,"status":500}' "$URL/sandbox/script?seed=$2"
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sends "$1" "$n"; done | grep -n '^500' | cut -d: -f1 | tr '\n' ' '
}
first=$(struck 11 1) again=$(struck 12 1) other=$(struck 13 2)
ok '[ -n "$first" ] && [ "$first" = "$again" ] && [ "$first" != "$other" ]' "a fault by chance strikes the same calls after the same seed ($first; $other)"

# Chats that take nothing.
chats '{"chat":21,"state":"blocked"}
{"chat":-22,"state":"kicked"}
{"chat":-1001000000022,"state":"kicked"}
{"chat":23,"state":"unknown"}
{"chat":-24,"state":"moved","to":-1001000000024}'
is "$(sends 21 x)" '403 Forbidden: bot was blocked by the user' "a user who blocked the bot"
is "$(sends -22 x), $(sends -1001000000022 x)" '403 Forbidden: bot was kicked from the group chat, 403 Forbidden: bot was kicked from the supergroup chat' "a group that threw it out"
is "$(sends 23 x), $(call setChatTitle -d chat_id=23 -d title=x | jq -r .description)" '400 Bad Request: chat not found, Bad Request: chat not found' "a chat that is not there, of any method"
for time in first second; do
	is "$(call sendMessage -d chat_id=-24 -d text=x | jq -c '[.error_code, .description, .parameters]')" \
		'[400,"Bad Request: group chat was upgraded to a supergroup chat",{"migrate_to_chat_id":-1001000000024}]' "a group that is a supergroup now, the $time time"
done
is "$(sends -1001000000024 x)" 1 "… which takes it under its new id"
chats '{"chat":21,"state":"open"}'
is "$(sends 21 x) $(deliveries .chat | tail -n 2 | tr '\n' ' ')" '1 -1001000000024 21 ' "a user who lets it in again; nothing was delivered to the others"

# Limits, and being told to wait. A long time is long on every machine.
is "$(sends 31 a; sends 31 b; sends 31 c)" "$(printf '1\n2\n3')" "without limits all is sent"
limits '{"chat":{"count":1,"ms":100000,"burst":2},"bulk":{"count":0}}'
is "$(sends 31 a; sends 31 b; sends 31 c)" "$(printf '4\n5\n429 Too Many Requests: retry after 100')" "with limits what is beyond the burst is told to wait"
is "$(stats '"\(.limited) \(.violations)"') $(sends 32 a)" "1 0 1" "… in its chat"
script '{"method":"sendMessage","chat":32,"action":"flood","retry_after":70}'
is "$(sends 32 b | tr -d 0-9) $(sends 32 b | cut -c 1-3) $(sends 33 b) $(stats '"\(.limited) \(.violations)"')" " Too Many Requests: retry after  429 1 3 1" \
	"a chat may be told to wait at any time; who does not is counted"
script '{"chat":34,"action":"flood","all":true,"retry_after":1000}'
is "$(sends 34 a | cut -c 1-3) $(sends 35 a | cut -c 1-3) $(call getMe | jq .ok) $(deliveries 'select(.chat == 34 or .chat == 35) | .n')" "429 429 true " "… and so may the whole bot"
curl -sS -o /dev/null -X POST "$URL/sandbox/limits?off=1"
is "$(sends 35 a | cut -c 1-3)" 429 "… whatever the limits are"

# On a fast machine time passes for the sandbox, too.
stop_sandbox
machine MACHINE_SPEED=50
start_sandbox --no-penalties
limits '{"chat":{"count":1,"ms":150000,"burst":1}}'
is "$(sends 7 a) $(sends 7 b | cut -c 1-3)" "1 429" "two and a half minutes"
wait_for '[ "$(sends 7 c)" = 2 ]'
is "$(deliveries .text | tr '\n' ' ')" "a c " "… are over sooner"
ok '[ "$(deliveries .ms | tr "\n" " " | awk "{ print (\$2 - \$1 >= 150000) }")" = 1 ]' "… and the times in the list are those of its clock"
machine
done_testing
