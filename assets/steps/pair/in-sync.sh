# shellcheck shell=sh
# This member is one of a pair in sync: the primary waits for its standby with every commit, or the
# standby follows its primary.
# inputs: DB_PORT

satisfied() {
    learn <<SQL || return 1
SELECT 'standby=' || pg_is_in_recovery();
SELECT 'names=' || current_setting('synchronous_standby_names');
SELECT 'followers=' || count(*) FROM pg_stat_replication
WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum');
SELECT 'receives=' || count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming';
SQL
    if [ "$(of standby)" = true ]; then
        [ "$(of receives)" = 1 ] || { say 'this standby does not follow its primary'; return 1; }
        return 0
    fi
    [ -n "$(of names)" ] || { say 'the primary waits for no standby: a commit is on one host only'; return 1; }
    [ "$(of followers)" -ge 1 ] || { say 'the standby does not follow'; return 1; }
}

apply() {
    wait_for 120
    if [ "$(of standby)" = true ]; then say 'the standby'; else say 'the primary'; fi
}
