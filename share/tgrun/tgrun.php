<?php // A webhook script, unchanged, as a handler: php tgrun.php hook.php, with --workers (a fork each) or without; see tgrun-handler(7), FRAMEWORKS.
class Tgrun { // php://input is the update; what else begins with php:// stays what it is
	public $context, $file; static $update, $refused = 0, $said = STDOUT;
	function stream_open($path, $mode) {
		if (stream_wrapper_restore('php')) $this->file = fopen($path === 'php://input' ? 'data:,' . rawurlencode(self::$update) : $path, $mode);
		return stream_wrapper_unregister('php') && stream_wrapper_register('php', 'Tgrun') && $this->file;
	}
	function stream_seek($to, $from) { return fseek($this->file, $to, $from) === 0; }
	function __call($name, $args) { return function_exists($f = 'f' . substr($name, 7)) ? $f($this->file, ...$args) : false; } // stream_read: fread
	static function end() { // a call that was printed is the answer, the rest is logged; the worst of what was set, refused and broken counts
		for ($text = ''; ob_get_level(); ) $text = ob_get_clean() . $text;
		$code = max((int) http_response_code(), (int) self::$refused, (error_get_last()['type'] ?? 0) & 4181 ? 400 : 0);
		fwrite($code < 400 && isset(json_decode($text)->method) ? self::$said : STDERR, rtrim($text) . "\n");
		if ($code >= 400) exit($code == 429 || $code >= 500 ? 75 : 65);
	}
}
for ($line = fgets(STDIN); getenv('TG_WORKER'); $line = fgets(STDIN) ?: exit) { // the child goes on; its parent answers when it has ended
	if ((Tgrun::$said = tmpfile()) && pcntl_fork() === 0) break;
	$told = pcntl_wait($status) && !$status && rewind(Tgrun::$said) ? ['ok' => true, 'reply' => json_decode(stream_get_contents(Tgrun::$said))]
		: ['ok' => false, 'retry' => $status === 75 << 8, 'error' => basename($argv[1]) . ' ended with status ' . ($status >> 8)];
	file_put_contents('php://fd/3', json_encode($told + ['id' => json_decode($line)->id]) . "\n");
}
Tgrun::$update = getenv('TG_WORKER') ? substr($line, strpos($line, '"update":') + 9, -2) : $line;
set_error_handler(function ($type, $text) { return error_reporting() & $type && preg_match('~/bot\d+:.*! HTTP/\S+ ([45]\d\d)~', $text, $m) && !(Tgrun::$refused = $m[1]); }, E_WARNING);
register_shutdown_function('Tgrun::end') ?? ob_start() && stream_wrapper_unregister('php') && stream_wrapper_register('php', 'Tgrun') && include $argv[1];
