# Goal: the sandbox reads what bots send as Telegram's server reads it, and refuses what that refuses, in its words, and nothing else.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh

start_sandbox --no-penalties
call() { # METHOD [CURL-ARGUMENT…]
	_method=$1
	shift
	curl -sS -m 20 "$@" "$API/$_method"
}
# The text of the message that a call sends, or why it is refused.
sends() { call sendMessage -d chat_id=7 "$@" | jq -r '.result.text // .description'; }
json() { call sendMessage -H 'Content-Type: application/json' --data-binary "$1" | jq -r '.result.text // .description'; }

# Forms: cut at & and =, and nothing else means anything.
is "$(sends -d text=100%)" '100%' "a % that escapes nothing"
is "$(sends -d text='50%-%zz-%4-%41')" '50%-%zz-%4-A' "… wherever it stands"
is "$(sends -d "text=$(printf 'Filesystem  Use%%\n/dev/sda1  42%%\n')")" "$(printf 'Filesystem  Use%%\n/dev/sda1  42%%')" "the raw lines of df -h"
is "$(sends -d text=a=b=c)" 'a=b=c' "an = in a value"
is "$(sends -d 'text=a&b=c')" 'a' "an & ends a value"
is "$(sends -d 'text=a+b&text=second&&=x&flag')" 'a b' "a + is a space, the first of two counts, and what has no name is passed over"
is "$(sends -d text=ä✓)" 'ä✓' "letters that are not escaped"
is "$(call sendMessage -F chat_id=7 -F 'text=100% & a=b' | jq -r .result.text)" '100% & a=b' "multipart"
is "$(call 'sendMessage?chat_id=7&text=100%' | jq -r .result.text)" '100%' "a query"

# JSON.
is "$(json '{"chat_id":7,"text":"1\.5\, \-x\!"}')" '1.5, -x!' "escapes that JSON does not know"
is "$(json "$(printf '{"chat_id":7,"text":"two\nlines\tand a tab"}')")" "$(printf 'two\nlines\tand a tab')" "raw line feeds in a string"
is "$(json ' { "chat_id" : "7" , "text" : "a" , } ')" 'a' "a number as a string, and a comma at the end"
is "$(json '{"chat_id":7,"text":"before","oops')" 'before' "what stands before a mistake counts"
is "$(json '[1]') $(json 'chat_id=7&text=x')" 'Bad Request: message text is empty Bad Request: message text is empty' "what is no object has no parameters"
is "$(json '{"chat_id":7,"text":"k","reply_markup":{"inline_keyboard":[[{"text":"1\.","callback_data":"a\!"}]]}}')" k "an unknown escape further inside"
is "$(call sendMessage -d chat_id=7 -d text=k --data-urlencode 'reply_markup={"inline_keyboard":[[{"text":"1\.","callback_data":"a"}]]}' |
	jq -r '.result.reply_markup.inline_keyboard[0][0].text')" '1.' "… and in a parameter that is JSON itself"
is "$(sends -H 'Content-Type: text/plain' -d text=x)" 'Bad Request: message text is empty' "a body of another type is not looked at"

# Texts.
is "$(sends)" 'Bad Request: message text is empty' "no text"
is "$(sends -d text=)" 'Bad Request: message text is empty' "an empty one"
is "$(sends -d "$(printf 'text= \n ')")" 'Bad Request: text must be non-empty' "a blank one"
is "$(sends -d "$(printf 'text=a\377b')")" 'Bad Request: strings must be encoded in UTF-8' "one that is no UTF-8"
long=$(printf '%4096s' '' | tr ' ' x)
is "$(sends -d "text=${long}y")" 'Bad Request: message is too long' "one that is too long"
is "$(sends -d parse_mode=HTML -d "text=<b>$long</b>" | wc -c)" 4097 "… counted without its formatting"
is "$(call sendPhoto -d chat_id=7 -d photo=x -d "caption=$(printf '%1025s' '' | tr ' ' x)" | jq -r .description)" \
	'Bad Request: message caption is too long' "a caption that is too long"
is "$(call sendMessage -d text=x | jq -r .description)" 'Bad Request: chat_id is empty' "no chat"
is "$(call sendMessage -d chat_id=nobody -d text=x | jq -r .description)" 'Bad Request: chat not found' "a chat that is none"

# Formatting.
is "$(call sendMessage -d chat_id=7 -d parse_mode=MarkdownV2 -d 'text=*b* 1\.5' | jq -c '[.result.text, .result.entities]')" \
	'["b 1.5",[{"type":"bold","offset":0,"length":1}]]' "MarkdownV2 becomes a text and entities"
is "$(sends -d parse_mode=MarkdownV2 -d text=1.5)" \
	"Bad Request: can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'" "… bad MarkdownV2 is refused"
is "$(sends -d parse_mode=HTML -d 'text=<b>x')" "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"" "bad HTML is refused"
is "$(sends -d parse_mode=HTM -d 'text=x')" "Bad Request: unsupported parse_mode" "and an unknown mode"
is "$(sends -d 'text=*a_ <b> 1.5')" '*a_ <b> 1.5' "without a mode nothing is formatting"
is "$(call sendDocument -F chat_id=7 -F document=@tests/tap.h -F parse_mode=HTML --form-string 'caption=<i>c</i>' | jq -c '.result | [.caption, .caption_entities[0].type]')" \
	'["c","italic"]' "captions have formatting, too"
is "$(call sendMediaGroup -d chat_id=7 --data-urlencode 'media=[{"type":"photo","media":"x","caption":"<b>c","parse_mode":"HTML"}]' | jq -r .description)" \
	"Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"" "and those of an album"
id=$(call sendMessage -d chat_id=7 -d text=first | jq .result.message_id)
is "$(call editMessageText -d chat_id=7 -d message_id="$id" -d text='<b>' -d parse_mode=HTML | jq -r .description | cut -c 1-40)" \
	"Bad Request: can't parse entities: Can't" "an edit with bad formatting is refused"
is "$(call editMessageText -d chat_id=7 -d message_id="$id" -d text=first | jq -r .description | cut -c 1-40)" \
	'Bad Request: message is not modified: sp' "… and one that changes nothing"
is "$(call editMessageText -d chat_id=7 -d message_id="$id" -d text='<b>first</b>' -d parse_mode=HTML | jq -r .result.entities[0].type)" bold \
	"… but another formatting is a change"

# Topics.
push '{"message":{"message_id":5,"date":0,"text":"x","chat":{"id":-1001,"type":"supergroup","title":"forum","is_forum":true},"message_thread_id":77,"is_topic_message":true}}
{"message":{"message_id":6,"date":0,"text":"x","chat":{"id":-1002,"type":"supergroup","title":"plain"},"message_thread_id":5}}
{"message":{"message_id":7,"date":0,"text":"x","chat":{"id":9,"type":"private","first_name":"u"},"message_thread_id":33}}'
topic() { call sendMessage -d chat_id="$1" -d text=x -d message_thread_id="$2" | jq -r '.result.message_thread_id // .description // "none"'; }
is "$(topic -1001 77) $(topic 9 33)" "77 33" "a topic that was seen, of a forum and of a private chat"
none='Bad Request: message thread not found'
is "$(topic -1001 78), $(topic -1001 1), $(topic 9 34), $(topic -1003 2)" "$none, $none, $none, $none" \
	"one that was not; the general one, which has no number; one of another chat"
is "$(topic -1002 5)" none "a group without topics takes no notice of a thread"
made=$(call createForumTopic -d chat_id=-1001 -d name=new | jq .result.message_thread_id)
is "$(topic -1001 "$made")" "$made" "one that the bot made"
is "$(call deleteForumTopic -d chat_id=-1001 -d message_thread_id="$made" | jq .result) $(topic -1001 "$made")" "true $none" "… until it deletes it"

# Methods.
is "$(call sendMesage -d chat_id=7 -d text=x -w ' %{http_code}')" '{"ok":false,"error_code":404,"description":"Not Found: method not found"} 404' "a method that there is not"
is "$(call SENDMESSAGE -d chat_id=7 -d text=loud | jq -r .result.text)" loud "one in another case"
is "$(call getChatAdministrators -d chat_id=7 | jq -c .result) $(call setChatTitle -d chat_id=7 -d title=x | jq -c .result)" '[] true' \
	"one that is not played: the least that its answer holds"
is "$(call getChatMemberCount -d chat_id=7 | jq -r '.result | type') $(call createInvoiceLink | jq -r '.result | type') $(call sendInvoice -d chat_id=7 -d title=t | jq -r .result.invoice.title)" \
	"number string t" "… of the right type"
done_testing
