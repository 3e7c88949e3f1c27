# Goal: a certificate that is not what it should be is refused, again and again and never otherwise, and the log names what is wrong; neither
# that server, nor a proxy, nor the target of a redirect sees a byte of the token.
# shellcheck shell=sh disable=SC2016,SC2034
. tests/flow/lib.sh
command -v openssl >/dev/null || skip_all "no openssl to make certificates"
command -v python3 >/dev/null || skip_all "no python3 to be the server"
note_handler
SECRET=${TOKEN#*:}

# Two authorities, of which this machine trusts the first, and what they signed.
authority() { # NAME
	mkdir "$TMP/$1" && : >"$TMP/$1/index" && echo 01 >"$TMP/$1/serial"
	cat >"$TMP/$1/conf" <<-EOT
		[ca]
		default_ca = one
		[one]
		database = $TMP/$1/index
		serial = $TMP/$1/serial
		new_certs_dir = $TMP/$1
		certificate = $TMP/$1/cert
		private_key = $TMP/$1/key
		default_md = sha256
		policy = any
		copy_extensions = copy
		[any]
		commonName = supplied
	EOT
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=authority $1" -keyout "$TMP/$1/key" -out "$TMP/$1/cert" 2>"$TMP/$1/log"
}
certificate() { # NAME AUTHORITY SUBJECT-ALTERNATIVE-NAMES [FROM TO]
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -addext "subjectAltName=$3" -keyout "$TMP/$1.key" -out "$TMP/$1.csr" 2>"$TMP/$1.log" &&
		openssl ca -batch -notext -config "$TMP/$2/conf" -in "$TMP/$1.csr" -out "$TMP/$1.cert" \
			-startdate "${4:-20200101000000Z}" -enddate "${5:-20991231235959Z}" >>"$TMP/$1.log" 2>&1 || diag "$(cat "$TMP/$1.log")"
}
authority trusted
authority strange
here=IP:127.0.0.1,DNS:api.test.invalid
certificate good trusted "$here"
certificate expired trusted "$here" 20200101000000Z 20200201000000Z
certificate future trusted "$here" 20980101000000Z
certificate elsewhere trusted "DNS:other.test.invalid,IP:127.0.0.2"
certificate stranger strange "$here"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=127.0.0.1" -addext "subjectAltName=$here" -keyout "$TMP/self.key" -out "$TMP/self.cert" 2>/dev/null

# A server of tests/flow/tls.py: serve NAME WORD…; $SERVED is its port, NAME.got and others what it heard.
serve() {
	rm -f "$TMP/served"
	name=$1
	shift
	start python3 tests/flow/tls.py "$TMP" "$name" "$TMP/served" "$@"
	wait_for '[ -s "$TMP/served" ]'
	SERVED=$(cat "$TMP/served")
}
heard() { # NAME KIND: so many bytes
	cat "$TMP/$1.$2" 2>/dev/null | wc -c
}
told_token() { # FILE…: whether the token is in it, as it is or encoded
	cat "$@" 2>/dev/null | grep -aqF -e "$SECRET" -e "$(printf %s "$TOKEN" | sed 's/:/%3A/')"
}
machine MACHINE_SPEED=20 MACHINE_CA="$TMP/trusted/cert"
start_sandbox --no-penalties
message 7 hello
run() { # URL OPTION…
	forget
	URL_BEFORE=$URL URL=$1
	shift
	run_tgrun --handler "$TMP/note" --log-level debug --once "$@"
	URL=$URL_BEFORE
}

# What is as it should be: else nothing below would prove anything.
serve good tls "$TMP/good.cert" "$TMP/good.key" "$PORT"
good=$SERVED
run "https://127.0.0.1:$good"
is "$STATUS $(sed 's/.* //' "$TMP/seen" | tr '\n' ' ')" "0 hello hello " "a server whose certificate is right is spoken to"
ok 'told_token "$TMP/good.got" && ! told_token "$TMP/good.raw"' "it gets the token, the wire does not"

refused() { # NAME WHAT WORDS
	name=$1
	run "https://127.0.0.1:$SERVED" --give-up-after 20s
	is "$STATUS $(seen .)" "69 0" "$2: refused"
	like "$(cat "$TGRUN_LOG")" "the server's certificate is not trusted: .*($3)" "… the log says which"
	ok '[ "$(heard "$name" count)" -ge 2 ]' "… each of $(heard "$name" count) times"
	is "$(heard "$name" got)" 0 "… and the server heard nothing"
	ok '[ "$(heard "$name" raw)" -gt 0 ] && ! told_token "$TMP/$name.raw"' "… but the handshake, without the token"
}
bad() { # CERTIFICATE WHAT WORDS
	serve "$1" tls "$TMP/$1.cert" "$TMP/$1.key" "$PORT"
	refused "$@"
}
bad expired "an expired certificate" "expired"
bad future "one that is not valid yet" "not yet valid"
bad elsewhere "one for another host" "127\.0\.0\.1"
bad stranger "one of an unknown authority" "local issuer"
bad self "one that signed itself" "self.signed"

# Nothing in the surroundings changes that.
mkdir "$TMP/home"
printf 'insecure\nlocation\ncacert = "%s"\n' "$TMP/self.cert" | tee "$TMP/home/.curlrc" >"$TMP/home/.netrc"
(
	HOME=$TMP/home XDG_CONFIG_HOME=$TMP/home CURL_HOME=$TMP/home CURL_CA_BUNDLE=$TMP/self.cert CURL_INSECURE=1
	export HOME XDG_CONFIG_HOME CURL_HOME CURL_CA_BUNDLE CURL_INSECURE
	run "https://127.0.0.1:$SERVED" --give-up-after 3s
	echo "$STATUS $(seen .)" >"$TMP/verdict"
)
is "$(cat "$TMP/verdict") $(heard self got)" "69 0 0" "no .curlrc and no variable of curl makes tgrun trust it"

# Other authorities than the machine's.
trusting() { # STATUS WHAT SERVER [VARIABLE=VALUE…] -- OPTION…
	want=$1 what=$2 server=$3
	shift 3
	(
		while [ "$1" != -- ]; do
			export "${1?}" # a name and its value
			shift
		done
		shift
		case $server in *@*) ;; *) server=127.0.0.1:$server ;; esac
		run "https://$server" --give-up-after 5s "$@"
		echo "$STATUS" >"$TMP/verdict"
	)
	is "$(cat "$TMP/verdict")" "$want" "$what"
}
serve stranger tls "$TMP/stranger.cert" "$TMP/stranger.key" "$PORT"
strange=$SERVED CA=$TMP/strange/cert
mkdir "$TMP/dir" && cp "$CA" "$TMP/dir/ca.pem" && openssl rehash "$TMP/dir"
trusting 0 "--ca-file: its authority is trusted" "$strange" -- --ca-file "$CA"
trusting 69 "… and no other" "$good" -- --ca-file "$CA"
trusting 0 "SSL_CERT_FILE: its authority is trusted" "$strange" SSL_CERT_FILE="$CA" --
trusting 0 "SSL_CERT_DIR: those in it are trusted" "$strange" SSL_CERT_DIR="/nonexistent:$TMP/dir" --
trusting 0 "… beside the machine's file" "$good" SSL_CERT_DIR="$TMP/dir" --
trusting 69 "--ca-file beats both" "$strange" SSL_CERT_FILE="$CA" SSL_CERT_DIR="$TMP/dir" -- --ca-file "$TMP/trusted/cert"
trusting 0 "an empty variable is none" "$good" SSL_CERT_FILE= SSL_CERT_DIR= --
trusting 78 "a file that is missing" "$strange" -- --ca-file "$TMP/missing"
like "$(cat "$TGRUN_LOG")" "cannot read the certificates in '$TMP/missing' \(--ca-file\): No such file" "… is named"
trusting 78 "… by the variable, too" "$strange" SSL_CERT_FILE="$TMP/missing" --
trusting 69 "one that holds no certificate" "$strange" -- --ca-file "$TMP/strange/conf"
like "$(cat "$TGRUN_LOG")" "asking again.*getMe.*$TMP/strange/conf" "… is named, too"

# A user and a password for the server.
: >"$TMP/stranger.got"
trusting 0 "a password in the URL is taken" "me:p%40ss%3Aword@127.0.0.1:$strange" -- --ca-file "$CA"
is "$(tr -d '\r' <"$TMP/stranger.got" | sed -n 's/^Authorization: Basic //p' | sort -u | base64 -d)" "me:p@ss:word" "… and sent as HTTP wants it, to the server"

# A handshake that breaks.
for how in fin reset garbage stall; do
	serve "$how" "$how"
	run "https://127.0.0.1:$SERVED" --give-up-after 30s
	is "$STATUS" 69 "a handshake that ends in '$how' is tried again"
	ok '[ "$(heard "$how" count)" -ge 2 ] && [ "$(heard "$how" count)" -le 8 ] && ! told_token "$TMP/$how.raw"' "… $(heard "$how" count) times, without the token"
done

# Proxies. They are not for this machine itself, so the server has a name, which only the proxy would look up.
proxied() { # NAME ANSWER WHAT WORDS
	name=$1
	serve "$1" proxy "$2"
	https_proxy=http://127.0.0.1:$SERVED run "https://api.test.invalid" --give-up-after 20s
	is "$STATUS" 69 "$3 is tried again"
	like "$(cat "$TGRUN_LOG")" "$4" "… the log says which"
	ok '[ "$(heard "$name" count)" -ge 2 ] && grep -aq "^CONNECT api.test.invalid:443 " "$TMP/$name.raw" && ! told_token "$TMP/$name.raw"' \
		"… $(heard "$name" count) times; the proxy hears the name, not the token"
}
proxied auth 'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n' \
	"a proxy that wants a login" "the proxy answers with HTTP status 407"
proxied away "HTTP/1.1 302 Found\\r\\nLocation: http://127.0.0.1:$good/\\r\\nContent-Length: 0\\r\\n\\r\\n" "a proxy that sends elsewhere" "the proxy answers with HTTP status 302"
proxied mute '' "a proxy that cuts" "asking again.*(roxy|mpty reply|eceived|CONNECT)"
proxied tunnel 'HTTP/1.1 200 Fine\r\n\r\n' "a proxy that cuts the tunnel" "asking again.*(SSL|TLS|onnection|Broken pipe)"
serve through proxy 'HTTP/1.1 200 Fine\r\n\r\n' "$good"
https_proxy=http://127.0.0.1:$SERVED run "https://api.test.invalid"
is "$STATUS" 0 "a proxy that passes on is used"
ok '! told_token "$TMP/through.raw"' "… without hearing the token"
serve spy tls "$TMP/self.cert" "$TMP/self.key" "$PORT"
serve between proxy 'HTTP/1.1 200 Fine\r\n\r\n' "$SERVED"
https_proxy=http://127.0.0.1:$SERVED run "https://api.test.invalid" --give-up-after 5s
is "$STATUS $(heard spy got)" "69 0" "one that answers in the server's place, with a certificate of its own, hears nothing"
like "$(cat "$TGRUN_LOG")" "the server's certificate is not trusted: .*self.signed" "… and is named"

# A redirect, by a server that is trusted, to one that is not, or is no longer encrypted.
serve target fin
: >"$TMP/good.got"
for location in "https://127.0.0.1:$SERVED/bot$TOKEN/getMe" "http://127.0.0.1:$SERVED/bot$TOKEN/getMe" "//127.0.0.1:$SERVED/bot$TOKEN/getMe"; do
	anew --no-penalties --port "$PORT"
	script "{\"action\":\"redirect\",\"location\":\"$location\",\"times\":-1}"
	run "https://127.0.0.1:$good" --give-up-after 5s
	is "$STATUS $(heard target count)" "69 0" "a redirect to ${location%%127*}… is not followed"
done
ok 'told_token "$TMP/good.got"' "… though the server itself was asked"
done_testing
