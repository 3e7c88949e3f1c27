/* sandbox/sandbox_uploads: files while they arrive, and for a while afterwards. Pieces come in; a
 * parameter that says name, size and checksum goes out, and the file under its number.
 *
 * The newest are kept, KEPT_BYTES of them at most; of one larger than the server hands out
 * (UPLOAD_KEPT_MAX) no bytes are. */
#include "sandbox/sandbox_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_BYTES = 64 << 20 };

/* The CRC of POSIX cksum(1), four bits at a time. */
static uint32_t crc_add(uint32_t crc, unsigned char byte)
{
	static const uint32_t table[16] = {
		0x00000000, 0x04c11db7, 0x09823b6e, 0x0d4326d9, 0x130476dc, 0x17c56b6b,
		0x1a864db2, 0x1e475005, 0x2608edb8, 0x22c9f00f, 0x2f8ad6d6, 0x2b4bcb61,
		0x350c9b64, 0x31cd86d3, 0x3c8ea00a, 0x384fbdbd,
	};
	crc = (crc << 4) ^ table[(crc >> 28) ^ (byte >> 4)];
	return (crc << 4) ^ table[(crc >> 28) ^ (byte & 15)];
}

void sandbox_upload_begin(struct sandbox_upload *u)
{
	buf_release(&u->bytes);
	*u = (struct sandbox_upload){ 0 };
	buf_init(&u->bytes, UPLOAD_KEPT_MAX);
}

void sandbox_upload_add(struct sandbox_upload *u, const char *bytes, size_t n)
{
	u->size += n;
	for (size_t i = 0; i < n; i++)
		u->crc = crc_add(u->crc, (unsigned char)bytes[i]);
	u->lost = u->lost || u->size > UPLOAD_KEPT_MAX || buf_add(&u->bytes, bytes, n);
	if (u->lost)
		buf_release(&u->bytes);
}

struct file *sandbox_upload_new(struct sandbox *s)
{
	uint64_t id = ++s->files;
	struct file *f = &s->kept[id % FILES_KEPT];
	s->kept_bytes -= f->bytes ? f->length : 0;
	free(f->bytes);
	*f = (struct file){ .id = id };
	return f;
}

struct file *sandbox_upload_find(struct sandbox *s, const char *id)
{
	uint64_t number = strncmp(id, UPLOAD_ID, strlen(UPLOAD_ID)) == 0
				  ? strtoull(id + strlen(UPLOAD_ID), NULL, 10)
				  : 0;
	struct file *f = &s->kept[number % FILES_KEPT];
	return number && f->id == number ? f : NULL;
}

/* Drops the oldest bytes until there is room for `n` more. */
static void make_room(struct sandbox *s, size_t n)
{
	for (uint64_t id = s->files > FILES_KEPT ? s->files - FILES_KEPT : 0;
	     id <= s->files && s->kept_bytes + n > KEPT_BYTES; id++) {
		struct file *f = &s->kept[id % FILES_KEPT];
		if (f->id != id || !f->bytes)
			continue;
		s->kept_bytes -= f->length;
		free(f->bytes);
		f->bytes = NULL;
	}
}

struct file *sandbox_upload_keep(struct sandbox *s, char *bytes, size_t length, uint64_t size,
				 const char *name)
{
	make_room(s, length);
	struct file *f = sandbox_upload_new(s);
	f->uploaded = true;
	f->size = size;
	f->bytes = bytes;
	f->length = length;
	s->kept_bytes += length;
	snprintf(f->name, sizeof f->name, "%s", name);
	return f;
}

void sandbox_upload_end(struct sandbox_request *r, struct sandbox_upload *u, const char *param,
			const char *name)
{
	struct sandbox *s = r->sandbox;
	uint32_t crc = u->crc;
	char id[40];
	for (uint64_t n = u->size; n; n >>= 8)
		crc = crc_add(crc, n & 255);
	cJSON *file = cJSON_AddObjectToObject(r->params, param);
	cJSON_AddStringToObject(file, "file_name", name);
	cJSON_AddNumberToObject(file, "file_size", (double)u->size);
	cJSON_AddNumberToObject(file, "cksum", ~crc);
	const struct file *f = sandbox_upload_keep(s, u->bytes.data, u->bytes.len, u->size, name);
	buf_init(&u->bytes, UPLOAD_KEPT_MAX);
	snprintf(id, sizeof id, UPLOAD_ID "%llu", (unsigned long long)f->id);
	if (!r->uploads)
		r->uploads = cJSON_CreateObject();
	cJSON_AddStringToObject(r->uploads, param, id);
}

void sandbox_uploads_free(struct sandbox *s)
{
	for (size_t i = 0; i < FILES_KEPT; i++)
		free(s->kept[i].bytes);
}
