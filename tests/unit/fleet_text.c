/* tests/unit/fleet_text: what goes to PostgreSQL as text, and what of its URL may be shown. */
#include "queue/shared/fleet_text.h"
#include "queue/shared/fleet_url.h"
#include "tests/tap.h"

static void lists(void)
{
	struct fleet_list l;
	const char *at;
	int64_t n;
	fleet_list_init(&l);
	is_str(fleet_list_end(&l), "{}", "a list without members");
	fleet_list_number(&l, -7), fleet_list_number(&l, INT64_MAX);
	is_str(fleet_list_end(&l), "{-7,9223372036854775807}", "numbers");
	at = buf_str(&l.text);
	ok(fleet_list_next(&at, &n) && n == -7 && fleet_list_next(&at, &n) && n == INT64_MAX &&
		   !fleet_list_next(&at, &n),
	   "which are read again");
	fleet_list_clear(&l);
	fleet_list_bool(&l, true), fleet_list_bool(&l, false);
	is_str(fleet_list_end(&l), "{t,f}", "truths");
	fleet_list_clear(&l);
	fleet_list_text(&l, "a \"b\" \\c, {d}"), fleet_list_text(&l, NULL), fleet_list_text(&l, "");
	fleet_list_text(&l, "\xc3\xa4\xff");
	is_str(fleet_list_end(&l),
	       "{\"a \\\"b\\\" \\\\c, {d}\",NULL,\"\",\"\xc3\xa4\xef\xbf\xbd\"}",
	       "texts are quoted, and what is no UTF-8 is replaced");
	fleet_list_release(&l);
}

static void keys(void)
{
	struct buf out, back;
	buf_init(&out, 100), buf_init(&back, 100);
	ok(fleet_keys_add(&out, "chat:1 100%25 \xff\xc3\xa4") == 0, "keys of any bytes");
	is_str(buf_str(&out), "chat:1 100%2525 %FF\xc3\xa4", "are valid text");
	ok(fleet_keys_read(&back, buf_str(&out)) == 0, "from which");
	is_str(buf_str(&back), "chat:1 100%25 \xff\xc3\xa4", "they come back");
	buf_release(&out), buf_release(&back);
}

static const char *shown(const char *url)
{
	static struct buf out;
	buf_release(&out);
	buf_init(&out, 200);
	return fleet_url_show(url, &out) ? "!" : buf_str(&out);
}

static void urls(void)
{
	ok(fleet_url_is("postgresql://h/d") && fleet_url_is("postgres://h/d"),
	   "both spellings are URLs of it");
	ok(!fleet_url_is("sqlite") && !fleet_url_is("http://h/d"), "others are not");
	is_str(shown("postgresql://u:p%40@h,i:5/d?sslmode=y"), "postgresql://u@h,i:5/d?sslmode=y",
	       "a password before the host is not shown");
	is_str(shown("postgresql://h/d?user=u&pasword=x&dbname=y&rest"),
	       "postgresql://h/d?user=u&dbname=y", "nor is what may be one, or a part of it");
	char url[] = "postgresql://u:secret@h/d?user=x&pass&word=y";
	fleet_url_mask(url);
	is_str(url, "postgresql://u:******@h/d?user=*&****&word=*",
	       "what may be secret is masked, and names are not");
	ok(!fleet_url_reads("postgresql://u:a@b@h/d") && fleet_url_reads("postgresql://u:a%40b@h/d"),
	   "a sign that ends a login is not part of it");
	is_str(shown("postgresql://h:5/d"), "postgresql://h:5/d", "a port is");
	is_str(shown("postgresql://u:a/b@h/d"), "postgresql://u@h/d",
	       "a password that is written wrong is not");
	is_str(shown("postgresql://u:a:b@c@h/d"), "postgresql://u@h/d",
	       "also where it has the marks of a URL in it");
	is_str(shown("postgresql:///d?host=/x&password=p&user=u"), "postgresql:///d?host=/x&user=u",
	       "nor is one among the parameters");
	is_str(shown("postgresql:///d?password=p"), "postgresql:///d", "were it the only one");
	is_str(shown("postgresql:///d?password=p&user=u"), "postgresql:///d?user=u",
	       "or the first one");
}

int main(void)
{
	lists();
	keys();
	urls();
	return done_testing();
}
