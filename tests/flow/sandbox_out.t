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

# Connections that go before a request is whole.
broken() { # SCRIPT ARGUMENT…: whether curl lost the connection, and what arrived meanwhile
	script "$1"
	shift
	call sendDocument -d chat_id=7 "$@" -o /dev/null 2>/dev/null
	case $? in
	52 | 55 | 56) echo "lost $(($(stats .deliveries) - before))" ;; # before: how many there were
	*) echo "not lost" ;;
	esac
}
head -c 3000000 /dev/zero >"$TMP/upload"
before=$(stats .deliveries)
is "$(broken '{"method":"sendDocument","action":"break"}' -d document=x)" "lost 0" "the connection is closed when the headers are there: it did not arrive"
script '{"method":"sendDocument","action":"break","after":1000000}'
call sendDocument -F chat_id=7 -F "document=@$TMP/upload" -o /dev/null 2>/dev/null
like "$?" '^5[256]$' "… in the middle of a file"
is "$(broken '{"method":"sendDocument","action":"break","after":1000000}' -d document=x)" "lost 0" "… or behind the last byte"
is "$(stats .deliveries) $(calls 'select(.fault == "break") | .method' | wc -l)" "$before 3" "the log tells of each, and none was carried out"
script '{"method":"/file/","action":"cut"}'
curl -sS -m 20 -o /dev/null "$URL/file/bot$TOKEN/files/a" 2>/dev/null
is "$? $(curl -sS -m 20 "$URL/file/bot$TOKEN/files/a")" "18 a file of the sandbox" "a file that is fetched may be cut, too"

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

# Queries are answered once.
over='Bad Request: query is too old and response timeout expired or query ID is invalid'
for query in callback inline shipping pre_checkout; do
	_method=answer$(echo "$query" | sed 's/pre_c/PreC/; s/^./\u&/')Query
	is "$(call "$_method" -d "${query}_query_id=q$query" | jq -c .result), $(call "$_method" -d "${query}_query_id=q$query" | jq -r .description)" "true, $over" "$_method"
done
is "$(call answerCallbackQuery | jq -r .description)" "$over" "… and none without its id"
is "$(call answerGuestQuery -d guest_query_id=g -d 'result={}' | jq -r '.result.inline_message_id | length > 0'), $(call answerGuestQuery -d guest_query_id=g | jq -r .description)" \
	"true, $over" "a guest gets a message, once"

# What is answered has the form of the documentation.
is "$(call sendChatAction -d chat_id=7 -d action=typing | jq .result) $(call sendChatAction -d chat_id=7 -d action=sing | jq -r .description)" \
	"true Bad Request: wrong parameter action in request" "a chat action"
id=$(sends 51 first) next=$(sends 51 second)
is "$(call copyMessage -d chat_id=52 -d from_chat_id=51 -d message_id="$id" | jq -c .result)" '{"message_id":1}' "copyMessage gives an id"
is "$(call forwardMessage -d chat_id=52 -d from_chat_id=51 -d message_id="$id" | jq -c '.result | [.text, .forward_origin.type]')" '["first","user"]' "forwardMessage a message"
is "$(call forwardMessages -d chat_id=52 -d from_chat_id=51 -d "message_ids=[$id,99,$next]" | jq -c .result)" '[{"message_id":3},{"message_id":4}]' "forwardMessages ids, of those that are there"
is "$(call copyMessages -d chat_id=52 -d from_chat_id=51 -d 'message_ids=[98,99]' | jq -r .error_code) $(sends 52 x)" '400 5' "… and nothing if none is"
is "$(call sendInvoice -d chat_id=7 -d title=t -d description=d -d payload=p -d currency=XTR --data-urlencode 'prices=[{"label":"a","amount":3},{"label":"b","amount":4}]' |
	jq -c '.result.invoice | [.title, .currency, .total_amount, .start_parameter]')" '["t","XTR",7,""]' "sendInvoice an invoice with its sum"
is "$(call sendPaidMedia -d chat_id=7 -d star_count=5 --data-urlencode 'media=[{"type":"photo","media":"a"},{"type":"video","media":"b"}]' |
	jq -c '.result.paid_media | [.star_count, (.paid_media | map(.type)), .paid_media[0].photo[0].width, .paid_media[1].video.duration]')" '[5,["photo","video"],1,1]' "sendPaidMedia its media"
is "$(call sendChecklist -d chat_id=7 -d business_connection_id=b --data-urlencode 'checklist={"title":"t","tasks":[{"id":1,"text":"one"}]}' | jq -c .result.checklist)" \
	'{"title":"t","tasks":[{"id":1,"text":"one"}]}' "sendChecklist its tasks"

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

# Files.
stop_sandbox
start_sandbox --no-penalties
fetch() { # FILE-ID: its size, its checksum, and its path; or why not
	_file=$(call getFile -d file_id="$1")
	_path=$(echo "$_file" | jq -r '.result.file_path // .description')
	case $_path in
	'Bad Request'*) echo "$_path" ;;
	*) echo "$(echo "$_file" | jq .result.file_size) $(curl -sS -m 20 "$URL/file/bot$TOKEN/$_path" | cksum | tr ' ' /) $_path" ;;
	esac
}
head -c 300000 /dev/urandom >"$TMP/a.PDF"
sum=$(cksum <"$TMP/a.PDF" | tr ' ' /)
id=$(call sendDocument -F chat_id=7 -F "document=@$TMP/a.PDF" | jq -r .result.document.file_id)
is "$(fetch "$id")" "300000 $sum documents/file_${id##*-}.PDF" "a file that was uploaded is fetched again"
is "$(call sendDocument -d chat_id=7 -d document="$id" | jq -c '.result.document | [.file_name, .file_size]')" '["a.PDF",300000]' "… and sent again by its id"
id=$(call sendPhoto -F chat_id=7 -F photo=attach://x -F "x=@$TMP/a.PDF;filename=cat.jpg" | jq -r '.result.photo[-1] | "\(.file_id) \(.width)"')
is "$(fetch "${id% *}" | cut -d' ' -f1-2) ${id#* }" "300000 $sum 1" "a photo, attached under another name, has a size in pixels"
is "$(deliveries '.files // [] | map("\(.file_name) \(.cksum)/\(.file_size)") | join(",")' | sed '/^$/d')" "a.PDF $sum
cat.jpg $sum" "files and their checksums stand in the list of deliveries"
is "$(call sendDocument -F chat_id=7 -F document=attach://y | jq -r .description) $(call sendDocument -F chat_id=7 -F 'document=@/dev/null' | jq -r .description)" \
	'Bad Request: wrong file identifier/HTTP URL specified Bad Request: file must be non-empty' "a part that is not there, a file without bytes"
is "$(fetch elsewhere)" "22 $(echo "a file of the sandbox" | cksum | tr ' ' /) files/elsewhere" "for a file from elsewhere there is a stand-in"
is "$(for path in "$TOKEN/documents/file_1000" "$TOKEN/../x" 1:x/files/a; do curl -s -o /dev/null -w '%{http_code} ' "$URL/file/bot$path"; done)" "404 404 404 " "… but not for a path"
truncate -s 50000000 "$TMP/large"
before=$(awk '/^VmHWM/ { print $2 }' "/proc/$SANDBOX_PID/status")
id=$(call sendDocument -F "document=@$TMP/large" -F caption=c -F chat_id=7 | jq -r '.result.document.file_id')
after=$(awk '/^VmHWM/ { print $2 }' "/proc/$SANDBOX_PID/status")
is "$(deliveries 'select(.files[0].file_size == 50000000) | .files[0].cksum')" "$(cksum <"$TMP/large" | cut -d' ' -f1)" "fifty megabytes arrive, the chat behind them"
case $BUILD in
*asan*) ;; # which keeps what was freed
*) ok '[ $((after - before)) -lt 48000 ]' "… and are not kept ($((after - before)) KiB more)" ;;
esac
is "$(fetch "$id")" 'Bad Request: file is too big' "… nor handed out"
truncate -s 54000000 "$TMP/large"
is "$(call sendDocument -F "document=@$TMP/large" -F chat_id=7 | jq .error_code)" 413 "more is too large"
for n in 1 2 3 4 5; do
	truncate -s 19000000 "$TMP/large"
	id=$(call sendDocument -F chat_id=7 -F "document=@$TMP/large" | jq -r .result.document.file_id)
	[ $n -gt 1 ] || first=$id
done
is "$(fetch "$first"), $(fetch "$id" | cut -d' ' -f1)" 'Bad Request: wrong file_id or the file is temporarily unavailable, 19000000' "of many the newest are kept"

stop_sandbox
start_sandbox --no-penalties --upload-max 1000000
is "$(call sendDocument -F "document=@$TMP/large" -F chat_id=7 | jq .error_code) $(call sendDocument -F "document=@$TMP/a.PDF" -F chat_id=7 | jq .ok)" "413 true" "how much is taken may be set"

# Albums.
album() { call sendMediaGroup -F chat_id=41 -F media="$1" -F "a=@$TMP/a.PDF" -F "b=@$TMP/a.PDF" | jq -c "$2"; }
is "$(album '[{"type":"photo","media":"attach://a","caption":"one"},{"type":"video","media":"attach://b"}]' \
	'[.ok, (.result | length), .result[0].caption, .result[0].photo[0].file_size, .result[1].video.duration, (.result | map(.media_group_id) | unique | length)]')" \
	'[true,2,"one",300000,1,1]' "an album is messages that belong together"
is "$(deliveries 'select(.chat == 41) | "\(.method) \(.message_id) \(.count) \(.files | length)"')" "sendMediaGroup 1 2 2" "… delivered at once"
is "$(album '[{"type":"photo","media":"attach://a"},{"type":"photo","media":"attach://c"}]' .error_code) $(album '[{"type":"photo","media":"attach://a"},{"type":"gif","media":"attach://b"}]' .error_code) $(sends 41 x)" \
	"400 400 3" "of one that is refused nothing is sent"

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
