# shellcheck shell=sh
# K3s has its own role in Postgres, which owns only its own database.
# inputs: DB_NAME DB_USER DB_PORT   secret: DB_VERIFIER

refuses() {
    learn <<SQL || return 2
SELECT 'standby=' || pg_is_in_recovery();
SELECT 'owner=' || pg_get_userbyid(datdba) FROM pg_database WHERE datname = '$DB_NAME';
SELECT 'others=' || string_agg(datname, ', ') FROM pg_database
WHERE pg_get_userbyid(datdba) = '$DB_USER' AND datname <> '$DB_NAME';
SELECT 'role=' || coalesce(rolcanlogin AND NOT rolsuper AND NOT rolcreatedb AND NOT rolcreaterole
    AND NOT rolreplication AND NOT rolbypassrls AND coalesce(rolvaliduntil, 'infinity') = 'infinity'
    AND rolpassword = '$DB_VERIFIER', false) FROM pg_authid WHERE rolname = '$DB_USER';
SELECT 'groups=' || string_agg(pg_get_userbyid(roleid), ', ') FROM pg_auth_members
WHERE pg_get_userbyid(member) = '$DB_USER';
SELECT 'public=' || count(*)
FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS acl
WHERE datname = '$DB_NAME' AND acl.grantee = 0;
SQL
    owner=$(of owner)
    if [ -n "$owner" ] && [ "$owner" != "$DB_USER" ]; then
        say "the database $DB_NAME already exists and belongs to $owner." \
            "Set another postgres.database in the answers"
        return 3
    fi
    if [ -z "$owner" ] && [ -n "$(of groups)" ]; then
        say "the role $DB_USER already exists and has the rights of $(of groups)." \
            "Set another postgres.user in the answers, or revoke them"
        return 3
    fi
    if [ -n "$(of others)" ]; then
        say "the role $DB_USER already exists and owns other databases: $(of others)." \
            "Set another postgres.user in the answers"
        return 3
    fi
}

satisfied() {
    case $(of role) in
    true) ;;
    '') say "the role $DB_USER does not exist"; return 1 ;;
    *) say "the role $DB_USER has another password or other rights"; return 1 ;;
    esac
    [ -n "$owner" ] || { say "the database $DB_NAME does not exist"; return 1; }
    [ "$(of public)" = 0 ] || { say "every role may connect to the database $DB_NAME"; return 1; }
}

apply() {
    refuses
    if [ "$(of standby)" = true ]; then
        # The primary has it from its own step.
        wait_for 60
        return
    fi
    # The verifier is what Postgres stores of a password; the password itself never reaches this host.
    sql <<SQL
SELECT 'CREATE ROLE $DB_USER' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$DB_USER') \gexec
ALTER ROLE $DB_USER LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    VALID UNTIL 'infinity' PASSWORD '$DB_VERIFIER';
SQL
    say "role $DB_USER"
    # CREATE DATABASE cannot run inside a transaction; template0, because template1 may have
    # another encoding. With the collation C an upgrade of the C library breaks no index.
    sql <<SQL
SELECT 'CREATE DATABASE $DB_NAME OWNER $DB_USER TEMPLATE template0 ENCODING ''UTF8''
    LC_COLLATE ''C'' LC_CTYPE ''C'''
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$DB_NAME') \gexec
REVOKE ALL ON DATABASE $DB_NAME FROM PUBLIC;
SQL
    say "database $DB_NAME, owned by $DB_USER"
}
