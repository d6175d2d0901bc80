-- Views of records end their time too; whoever carries an approved list out says which one in this very transaction.
create function refuse_change_but_retention() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_user = (select pg_get_userbyid(relowner) from pg_class where oid = tg_relid)
            and exists (select from retention_run where status = 'APPROVED'
                and id::text = current_setting('handrail.retaining', true)
                and tenant_id::text = to_jsonb(old) ->> 'tenant_id') then
        return old;
    end if;
    if tg_op = 'DELETE' and tenant_is_going(tg_relid, to_jsonb(old) ->> 'tenant_id') then
        return old;
    end if;
    if tg_op = 'UPDATE' and current_user = (select pg_get_userbyid(relowner) from pg_class where oid = tg_relid)
            and (to_jsonb(new) - 'actor_display') = (to_jsonb(old) - 'actor_display')
            and current_setting('handrail.erasing', true) = to_jsonb(old) ->> 'student_id' then
        return new;
    end if;
    raise exception 'row of % is append-only or frozen: % refused', tg_table_name, tg_op using errcode = '42501';
end $$;
drop trigger append_only on student_view;
create trigger append_only before update or delete on student_view
    for each row execute function refuse_change_but_retention();

-- Whom nothing may be destroyed about now: a legal hold, an open amendment request, an open incident.
create function under_hold() returns uuid[] language sql stable as $$
    select coalesce(array_agg(distinct s.id), '{}') from student s, (
        select student_id from legal_hold where lifted_at is null
        union all select student_id from amendment_request where status = 'OPEN'
        union all select student_id from incident where status = 'OPEN'
    ) held where s.id = held.student_id or s.merged_into_id = held.student_id
$$;

-- How many rows of a class have ended their time; with a run that two people approved and whose list holds this very
-- line, they are deleted. The application role may call it and has no right to delete them otherwise.
create function retention_rows(wanted text, ends_before date, of_schools uuid[], known timestamptz, carried uuid)
returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
    held uuid[] := under_hold();
    named text[] := array(select source_id from student where id = any(held));
    theirs constant text := 'student_id <> all($3)';
    deleted bigint := 0;
    found bigint;
    part record;
begin
    if carried is not null then
        if not exists (
            select from retention_run, jsonb_array_elements(lines) line
            where id = carried and status = 'APPROVED' and approved_by <> listed_by and known_at = known
                and line ->> 'class' = wanted and (line ->> 'before')::date = ends_before
                and coalesce(line -> 'schools', 'null') = coalesce(to_jsonb(of_schools), 'null')) then
            raise exception 'no two people have approved to delete % before %', wanted, ends_before
                using errcode = '42501';
        end if;
        perform set_config('handrail.retaining', carried::text, true);
    end if;
    for part in
        select * from (values
            ('REGISTER', 'session_fact', 'date < $1 and school_id = any($2) and ' || theirs),
            ('REGISTER', 'summary', 'date < $1 and school_id = any($2) and ' || theirs),
            ('REGISTER', 'mark', 'date < $1 and school_id = any($2) and ' || theirs),
            ('BEHAVIOUR', 'behaviour_event',
                'occurred_at < $1 and created_at <= $5 and school_id = any($2) and ' || theirs),
            ('PREDICTION', 'prediction', 'predicted_at < $1 and created_at <= $5 and ' || theirs),
            ('VIEW_LOG', 'student_view', 'at < $1 and at <= $5 and ' || theirs),
            ('STAFF_PLANNING', 'staff_absence', 'last_day < $1 and created_at <= $5'),
            ('STAFF_PLANNING', 'staff_hours', 'valid_to < $1 and created_at <= $5 and school_id = any($2)'),
            ('INBOUND_EVENT', 'inbound_event', 'received_at < $1 and created_at <= $5 and not exists ('
                'select from unnest($4) n where position(n in concat(entity, '' '', problem)) > 0)'),
            ('QUARANTINE', 'quarantine_row', 'created_at < $1 and created_at <= $5 and status <> ''OPEN'' and not exists ('
                'select from jsonb_each_text("row") cell where cell.value = any($4))'),
            ('WEBHOOK_DELIVERY', 'webhook_delivery', 'since < $1 and created_at <= $5 and status <> ''PENDING'' '
                'and not exists (select from outbox o, unnest($3) h where o.id = event_id '
                'and position(h::text in concat(o.subject, '' '', o.payload)) > 0)')
        ) known_parts (class, relation, condition) where class = wanted
    loop
        if carried is null then
            execute format('select count(*) from %I where %s', part.relation, part.condition)
                into found using ends_before, of_schools, held, named, known;
        else
            execute format('delete from %I where %s', part.relation, part.condition)
                using ends_before, of_schools, held, named, known;
            get diagnostics found = row_count;
        end if;
        deleted := deleted + found;
    end loop;
    perform set_config('handrail.retaining', '', true);
    return deleted;
end $$;
revoke all on function retention_rows(text, date, uuid[], timestamptz, uuid) from public;
revoke all on function under_hold() from public;
