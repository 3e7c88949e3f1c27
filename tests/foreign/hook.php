<?php // The same bot as a webhook, that looks at nothing.
$message = json_decode(file_get_contents('php://input'), true)['message'];
file_get_contents(getenv('TG_API_URL') . '/sendMessage?' . http_build_query(['chat_id' => $message['chat']['id'], 'text' => $message['text']]));
