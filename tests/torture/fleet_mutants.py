"""Faults of lib/queue/shared/fleet.sql, each a text that is replaced by another.

  fleet_mutants.py SQL           the names, a line each
  fleet_mutants.py SQL NAME      the text with that fault

Those whose names begin with at-once are for fleet_storm.py to find. A text that is not there, or there twice, is an error: the fault would be none."""
import sys

MUTANTS = {
    # ---- the way in ----
    'heads-of-other-keys': ("WHERE n.seq <> w.head GROUP BY", "GROUP BY"),
    'a-repeat-inside-a-batch': ("AND (row_number() OVER (PARTITION BY has, id, hash ORDER BY o) > 1\n                      OR (SELECT",
                                "AND ((SELECT"),
    'forgets-what-is-unfinished': ("          AND NOT EXISTS (SELECT 1 FROM item i WHERE i.seq = seen.seq);", "          ;"),
    'joins-behind-others': ("WHERE h.other OR h.held >= p_run", "WHERE h.held >= p_run"),
    'joins-too-many': ("WHERE h.other OR h.held >= p_run", "WHERE h.other"),
    'leaves-out-who-follows': ("FROM item i, unnest(i.keys) k WHERE i.state = 'h' AND i.node = p_node;",
                               "FROM item i, unnest(i.keys) k WHERE i.seq = ANY (o_given);"),
    'charges-what-never-began': ("WHERE state = 'h' AND node = ANY (p_node) AND started AND p_charge;",
                                 "WHERE state = 'h' AND node = ANY (p_node) AND p_charge;"),
    'charges-a-stop': ("AND started AND p_charge;", "AND started;"),
    'charges-who-came-back': ("charged = NULL WHERE charged = p_node;", "charged = NULL WHERE false;"),
    'reaps-who-has-beaten': ("WHERE node.id = x.i AND node.beat_no = x.b AND", "WHERE node.id = x.i AND"),
    'keeps-what-stands-behind': ("WHERE e.node IS DISTINCT FROM p_node));\n    EXIT", "WHERE false));\n    EXIT"),
    'gives-back-a-predecessor': ("WHERE x.t = 'b' AND n.node = p_node) THEN", "WHERE false) THEN"),
    'out-of-turn': ("(SELECT seq FROM c ORDER BY turn LIMIT p_want)", "(SELECT seq FROM c ORDER BY seq DESC LIMIT p_want)"),
    'puts-by-an-old-poller': ("IF NOT EXISTS (SELECT 1 FROM meta WHERE epoch = p_epoch AND poller = p_node) THEN",
                              "IF NOT EXISTS (SELECT 1 FROM meta WHERE poller = p_node) THEN"),
    'attaches-late': ("WHERE ident = p_ident AND sent_at >= p_at) THEN", "WHERE false) THEN"),
    'another-session': ("ELSIF v.session <> p_session THEN", "ELSIF false THEN"),
    'delays-that-are-forgotten': ("state = CASE WHEN item.state <> 'w' OR item.nwait > f.c THEN item.state\n"
                                  "                     WHEN item.due > clock_timestamp() THEN 'd' ELSE 'r' END,",
                                  "state = CASE WHEN item.state <> 'w' OR item.nwait > f.c THEN item.state ELSE 'r' END,"),
    'outcomes-of-others': ("WHERE x.t IN ('r', 'b') AND item.seq = x.s AND (item.node = p_node) IS TRUE\n        AND item.state = 'h';",
                           "WHERE x.t IN ('r', 'b') AND item.seq = x.s AND item.state = 'h';"),
    'sleeps-through-work': ("    PERFORM setval('hungry', 1);\n", ""),
    'pushes-in-silence': ("    PERFORM pg_notify('@S@', 'p');\n", "    NULL;\n"),
    'leaves-the-rest-asleep': ("(SELECT count(*) > p_want FROM c)\n", "false\n"),
    'forgets-other-lanes': ("OR EXISTS (SELECT 1 FROM l WHERE p_lanes >> l.lane & 1 = 0)", "OR false"),
    'begins-behind-the-first': ("lane = l.lane AND turn >= l.turn", "lane = l.lane AND turn > l.turn"),
    'at-once-nobody-waits': ("  PERFORM pg_advisory_xact_lock(('@S@'::regnamespace::oid::bigint << 8) | 1);\n", ""),
    'at-once-a-lock-for-each': ("PERFORM pg_advisory_xact_lock(('@S@'", "PERFORM pg_advisory_xact_lock_shared(('@S@'"),
    'nobody-asks-for-long': ("  IF FOUND THEN\n    PERFORM pg_notify('@S@', 'w');\n  END IF;\n", ""),
    # ---- who sends ----
    'two-senders': ("WHERE n.id = sender AND n.resigned < sent));", "WHERE false));"),
    'a-sender-for-ever': ("WHERE n.id = sender AND n.resigned < sent));", "WHERE n.id = sender));"),
    'resigns-for-a-later-epoch': ("resigned = greatest(resigned, p_resigned)", "resigned = CASE WHEN p_resigned > 0 THEN 1000000 ELSE resigned END"),
    'sends-after-it-resigned': ("WHERE id = p_node AND resigned >= p_epoch) THEN", "WHERE false) THEN"),
    'takes-a-resignation-back': ("resigned = greatest(resigned, p_resigned)", "resigned = p_resigned"),
    'sends-by-an-old-epoch': ("WHERE sent = p_epoch AND sender = p_node) THEN", "WHERE sender = p_node) THEN"),
    'sends-without-being-asked': ("IF p_epoch = 0 AND (v_op IN ('begin', 'again', 'done', 'replace',", "IF p_epoch = 0 AND (v_op IN ('again', 'replace',"),
    # ---- the way out ----
    'a-turn-twice': ("WHERE node = p_node AND turn < p_turn;", "WHERE node = p_node;"),
    'begins-what-failed': ("          unsures = (v->>'unsures')::int\n        WHERE id = v_id AND failed IS NULL;\n      v_begun",
                           "          unsures = (v->>'unsures')::int\n        WHERE id = v_id;\n      v_begun"),
    'drops-what-is-sent': ("IF EXISTS (SELECT 1 FROM call WHERE id = v_id AND NOT begun) THEN", "IF true THEN"),
    'a-tool-drops-what-is-sent': ("ELSIF c.begun THEN\n      o_fate := 'runs';", "ELSIF false THEN\n      o_fate := 'runs';"),
    'a-message-too-early': ("     AND NOT EXISTS (SELECT 1 FROM call WHERE message = v_message AND message <> 0) THEN", "     THEN"),
    'a-message-for-ever': ("    DELETE FROM message WHERE id = v_message;\n", ""),
    'nobody-tells-the-sender': ("  IF cardinality(v_added) > 0 THEN\n    PERFORM wake_sender_();\n  END IF;\n", ""),
    'tells-the-sender-once': ("    PERFORM setval('told', 0);\n", "    NULL;\n"),
    'retries-one-of-a-reply': ("          FROM (SELECT *, row_number() OVER (ORDER BY id) AS nth FROM call\n                 WHERE grp = v_group AND failed",
                               "          FROM (SELECT *, row_number() OVER (ORDER BY id) AS nth FROM call\n                 WHERE id = o_number AND failed"),
    'retries-what-waits': ("SELECT grp INTO v_group FROM call WHERE id = o_number AND failed IS NOT NULL;",
                           "SELECT grp INTO v_group FROM call WHERE id = o_number;"),
    # ---- cancel and push ----
    'cancels-what-only-waits': ("WHERE i.state = 'h' AND i.started AND NOT i.seq = ANY (p_not)", "WHERE i.state = 'h' AND NOT i.seq = ANY (p_not)"),
    'cancels-the-next-attempt': ("WHERE cancel.seq = x.s AND cancel.node = p_node AND x.t <> 's';", "WHERE cancel.seq = x.s AND cancel.node = p_node AND x.t = 'd';"),
    'cancels-who-asks': ("AND i.started AND NOT i.seq = ANY (p_not)", "AND i.started"),
    'skips-what-runs': ("WHERE seq = ANY (p_numbers) AND state = 'h' AND NOT started;", "WHERE seq = ANY (p_numbers) AND state = 'h';"),
    'skips-what-is-held': ("WHERE i.node IS NULL AND is_asked_(s));", "WHERE is_asked_(s));"),
    'skips-for-who-is-gone': ("SELECT NOT p.done AND p.at > from_now_(-10000);", "SELECT NOT p.done;"),
    'skips-without-a-word': ("    UPDATE skipping SET done = true WHERE seq = ANY (v_skipped);\n", ""),
    'asks-nobody-to-give-back': ("      PERFORM pg_notify('@S@', 's');\n", "      NULL;\n"),
    'pushes-too-soon': ("WHERE l.due <= clock_timestamp() AND l.rule_no", "WHERE l.rule_no"),
    'pushes-twice': ("    DELETE FROM later WHERE number = ANY (v_numbers);\n", ""),
    'pushes-out-of-order': ("ORDER BY l.due, l.number LIMIT p_most);", "ORDER BY l.number DESC LIMIT p_most);"),
    'pushes-by-an-old-poller': ("PERFORM lock_(), check_(p_node, p_session), poller_(p_node, p_epoch);\n  v_numbers", "PERFORM lock_(), check_(p_node, p_session);\n  v_numbers"),
}


def main():
    with open(sys.argv[1], encoding='utf-8') as f:
        sql = f.read()
    for name, (old, new) in MUTANTS.items():
        if sql.count(old) != 1:
            sys.exit('the text of %s is there %d times' % (name, sql.count(old)))
        if sys.argv[2:] == [name]:
            print(sql.replace(old, new))
    if len(sys.argv) == 2:
        print('\n'.join(MUTANTS))


main()
