/* base/json: the members of one JSON object: written one after the other to a buffer, or read from
 * a tree of cJSON by name.
 *
 * Reading never fails: a member that is not there, or is of another type, reads as nothing ("", 0,
 * false). */
#ifndef TGRUN_BASE_JSON_H
#define TGRUN_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"

/* Append a member, after a comma unless the buffer ends in `{`. `name` is written as it is: it may
 * hold nothing that JSON escapes. All or nothing: 0, or -1 with errno as buf_reserve(). */

/* The name and its colon; the caller appends the value. */
int json_add_name(struct buf *out, const char *name);

/* `value`: a string of UTF-8, escaped here (buf_add_json()). */
int json_add_text(struct buf *out, const char *name, const char *value);
int json_add_number(struct buf *out, const char *name, int64_t value);
int json_add_null(struct buf *out, const char *name);

/* `wall`: milliseconds since 1970; written as a string of RFC 3339 in UTC, to the second:
 * "2026-11-23T21:04:05Z". */
int json_add_time(struct buf *out, const char *name, int64_t wall);

/* The member of that name, upper and lower case told apart; NULL: none. It belongs to `object`,
 * which may be NULL. */
const cJSON *json_member(const cJSON *object, const char *name);

/* Of the member of that name: its text, which belongs to `object` ("" unless it is a string); its
 * number (0 unless it is one); whether it is `true`; whether it is there and a number. */
const char *json_text(const cJSON *object, const char *name);
double json_number(const cJSON *object, const char *name);
bool json_true(const cJSON *object, const char *name);
bool json_has_number(const cJSON *object, const char *name);

#endif
