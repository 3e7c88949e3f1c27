/* tests/fuzz/keys: a value of --key, a JSON Pointer and an update, a line each, as keys and
 * variables. Whatever an update holds, a key is one word of at most 200 bytes and a variable is one
 * variable. */
#include <ctype.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "update/update.h"

const char fuzz_name[] = "keys";

static void check_keys(const char *keys, size_t n)
{
	const char *seen[16];
	size_t length[16], count = 0;
	HOLDS(strlen(keys) == n, "no NUL");
	for (const char *p = keys; *p; count++) {
		size_t k = strcspn(p, " ");
		HOLDS(k > 0 && k <= 200 && count < 16, "key %zu has %zu bytes", count, k);
		for (size_t i = 0; i < k; i++)
			HOLDS((unsigned char)p[i] > ' ' && p[i] != 0x7f, "key %zu, byte %zu", count,
			      i);
		for (size_t i = 0; i < count; i++)
			HOLDS(length[i] != k || memcmp(seen[i], p, k) != 0,
			      "key %zu is there twice", count);
		seen[count] = p;
		length[count] = k;
		p += k;
		if (*p == ' ')
			HOLDS(*++p, "a space at the end");
	}
}

static void check_vars(const struct update *u, const char *key)
{
	struct vars_context context = { .bot_username = "some_bot", .key = key };
	struct buf out;
	buf_init(&out, 1 << 20);
	HOLDS(update_vars(u, &context, &out) == 0, "memory");
	HOLDS(out.len <= 32 * 1024, "%zu bytes", out.len);
	HOLDS(out.len == 0 || out.data[out.len - 1] == '\0', "the last one ends");
	for (size_t at = 0; at < out.len; at += strlen(out.data + at) + 1) {
		const char *p = out.data + at;
		HOLDS(strncmp(p, "TG_", 3) == 0, "%s", p);
		while (isupper((unsigned char)*p) || *p == '_')
			p++;
		HOLDS(*p == '=', "%s", out.data + at);
	}
	buf_release(&out);
}

static void check_update(const struct update *u, const struct key_spec *spec, const char *pointer)
{
	struct buf keys, again, value;
	buf_init(&keys, 1 << 20);
	buf_init(&again, 1 << 20);
	buf_init(&value, 1 << 20);
	for (const char *p = update_kind(u); *p; p++)
		HOLDS(islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '_',
		      "the kind '%s'", update_kind(u));
	int found = update_pointer(u, pointer, &value);
	HOLDS(found == 0 || (found == 1 && update_pointer_is_valid(pointer)), "found %d", found);
	HOLDS(found || value.len == 0, "nothing found, nothing added");
	if (spec) {
		HOLDS(update_keys(u, spec, &keys) == 0 && update_keys(u, spec, &again) == 0,
		      "memory");
		HOLDS(strcmp(buf_str(&keys), buf_str(&again)) == 0,
		      "the same update has the same keys");
		check_keys(buf_str(&keys), keys.len);
	}
	check_vars(u, buf_str(&keys));
	size_t length = 0;
	const char *args = NULL, *text = update_text(u),
		   *command = update_command(u, "some_bot", &length, &args);
	if (command) {
		HOLDS(text && command >= text && length > 1 &&
			      command + length <= text + strlen(text),
		      "a command in the text");
		HOLDS(!args || (args >= command + length && args <= text + strlen(text)),
		      "its arguments behind it");
	}
	buf_release(&keys);
	buf_release(&again);
	buf_release(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = { 0 };
	size_t k = fuzz_line(data, n);
	char *names = fuzz_string(data, k);
	data += k < n ? k + 1 : k, n -= k < n ? k + 1 : k;
	k = fuzz_line(data, n);
	char *pointer = fuzz_string(data, k);
	data += k < n ? k + 1 : k, n -= k < n ? k + 1 : k;
	struct key_spec *spec = key_spec_new((const char *const[]){ names }, 1, &err);
	if (spec) {
		struct key_spec *again = key_spec_new((const char *const[]){ key_spec_text(spec) },
						      1, &err);
		HOLDS(again && strcmp(key_spec_text(spec), key_spec_text(again)) == 0,
		      "the text of keys gives those keys");
		key_spec_free(again);
	} else {
		HOLDS(err.status == ERR_USAGE && err.text[0], "a refusal has its words");
	}
	char *json = fuzz_copy(data, n);
	struct update *u = update_parse(json, n, &err);
	if (u)
		check_update(u, spec, pointer);
	else
		HOLDS(err.status == ERR_IO || err.status == ERR_USAGE, "a refusal has its words");
	update_free(u);
	key_spec_free(spec);
	free(json);
	free(pointer);
	free(names);
	return 0;
}
